"""One MQTT session without I/O: bytes in, messages out, acknowledgements when the caller says so.

The caller acknowledges a message only after its commit, in the order of receipt. On a lost
connection pending acknowledgements are void (the broker reuses packet ids); the messages come
again and are absorbed by their ids.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ingest.mqtt import packets
from ingest.mqtt.packets import MqttError, Protocol

# An envelope is at most 256 KiB; the rest is topic and headers.
PACKET_BYTES_MAX: Final = 300 * 1024
# A session outlives any outage a county has had; the broker keeps what came meanwhile.
SESSION_EXPIRY_S: Final = 30 * 86_400
_PACKET_ID_MAX: Final = 65_535
# Reason of MQTT 5 for "taken, but nobody is subscribed": nothing was delivered.
NO_MATCHING_SUBSCRIBERS: Final = 0x10


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionConfig:
    client_id: str
    subscriptions: Sequence[str]
    protocol: Protocol = "5"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    keepalive_s: int = 15
    # Messages the broker may send ahead of our acknowledgements.
    receive_maximum: int = 1000


# (topic, payload, packet id or 0 for QoS 0)
Message = tuple[bytes, bytes, int]


@dataclass(slots=True)
class Received:
    """What one call of `feed` brought."""

    messages: list[Message] = field(default_factory=list)
    connected: bool = False
    session_present: bool = False
    subscribed: bool = False
    published: list[tuple[int, int]] = field(default_factory=list)  # (packet id, reason code)
    pong: bool = False


class Session:
    """The protocol state of one connection; make a new one for each."""

    def __init__(self, config: SessionConfig) -> None:
        self._config = config
        self._five = config.protocol == "5"
        self._rest = b""
        self._last_id = 0

    def connect_bytes(self) -> bytes:
        c = self._config
        return packets.connect(
            protocol=c.protocol,
            client_id=c.client_id,
            username=c.username,
            password=c.password,
            keepalive_s=c.keepalive_s,
            session_expiry_s=SESSION_EXPIRY_S,
            receive_maximum=c.receive_maximum,
            packet_bytes_max=PACKET_BYTES_MAX,
        )

    def subscribe_bytes(self) -> bytes:
        return packets.subscribe(self._config.protocol, self._next_id(), self._config.subscriptions)

    def publish_bytes(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> tuple[int, bytes]:
        """(packet id, bytes); the id comes back in `Received.published`."""
        packet_id = self._next_id() if qos else 0
        data = packets.publish(self._config.protocol, topic, payload, packet_id, retain=retain)
        return packet_id, data

    def _next_id(self) -> int:
        self._last_id = self._last_id % _PACKET_ID_MAX + 1
        return self._last_id

    def feed(self, data: bytes) -> Received:
        """Take bytes from the broker; MqttError when the connection must be given up."""
        buffer = self._rest + data if self._rest else data
        received = Received()
        append = received.messages.append
        five = self._five
        at = 0
        size = len(buffer)
        while at + 2 <= size:
            # One-byte and two-byte lengths are nearly all there are; the rest goes the long way.
            first = buffer[at]
            length = buffer[at + 1]
            start = at + 2
            if length >= 0x80:
                found = packets.split(buffer, at, PACKET_BYTES_MAX)
                if found is None:
                    break
                first, start, end = found
            else:
                end = start + length
                if end > size:
                    break
            at = end
            if first & 0xF0 == 0x30:
                append(self._message(buffer, first, start, end, five))
            else:
                self._control(first >> 4, buffer[start:end], received)
        self._rest = buffer[at:]
        return received

    @staticmethod
    def _message(buffer: bytes, first: int, start: int, end: int, five: bool) -> Message:
        at = start + 2 + (buffer[start] << 8 | buffer[start + 1])
        topic = buffer[start + 2 : at]
        packet_id = 0
        if first & 0x06:
            packet_id = buffer[at] << 8 | buffer[at + 1]
            at += 2
        if five:
            at = at + 1 if buffer[at] == 0 else packets.skip_properties(buffer, at)
        if at > end:
            raise MqttError("PUBLISH shorter than its own header")
        return topic, buffer[at:end], packet_id

    def _control(self, kind: int, body: bytes, received: Received) -> None:
        if kind == packets.PUBACK:
            reason = body[2] if len(body) > 2 else 0
            received.published.append((struct.unpack(">H", body[:2])[0], reason))
        elif kind == packets.CONNACK:
            if body[1] != 0:
                raise MqttError(f"broker refused the connection, reason {body[1]:#04x}")
            received.connected = True
            received.session_present = bool(body[0] & 1)
        elif kind == packets.SUBACK:
            codes = body[packets.skip_properties(body, 2) if self._five else 2 :]
            if any(code >= 0x80 for code in codes):
                raise MqttError(f"broker refused a subscription, reasons {codes.hex()}")
            received.subscribed = True
        elif kind == packets.PINGRESP:
            received.pong = True
        elif kind == packets.DISCONNECT:
            raise MqttError(f"broker disconnected us, reason {body[:1].hex() or '00'}")
