"""MQTT control packets the hub needs, encoded and decoded without I/O.

Layout (MQTT 5.0 and 3.1.1, section 2.1): one byte type and flags, remaining length as a variable
byte integer, then the packet's own header and payload. Only what a subscriber that also publishes
needs is here: no QoS 2, no will, no topic aliases.
"""

import struct
from collections.abc import Sequence
from typing import Final, Literal

Protocol = Literal["5", "3.1.1"]

CONNACK: Final = 2
PUBLISH: Final = 3
PUBACK: Final = 4
SUBACK: Final = 9
PINGRESP: Final = 13
DISCONNECT: Final = 14

PINGREQ_BYTES: Final = b"\xc0\x00"
DISCONNECT_BYTES: Final = b"\xe0\x00"

# Four bytes of remaining length at the most (2.1.4).
_LENGTH_BYTES_MAX: Final = 4

_PROP_SESSION_EXPIRY: Final = 0x11
_PROP_RECEIVE_MAXIMUM: Final = 0x21
_PROP_MAXIMUM_PACKET: Final = 0x27


class MqttError(Exception):
    """The broker broke the protocol or refused us; the connection is of no more use."""


def _varint(value: int) -> bytes:
    out = bytearray()
    while True:
        value, digit = divmod(value, 128)
        out.append(digit | 0x80 if value else digit)
        if not value:
            return bytes(out)


def _string(text: str) -> bytes:
    raw = text.encode()
    return struct.pack(">H", len(raw)) + raw


def _packet(first: int, body: bytes) -> bytes:
    return bytes((first,)) + _varint(len(body)) + body


def connect(
    *,
    protocol: Protocol,
    client_id: str,
    username: str | None,
    password: str | None,
    keepalive_s: int,
    session_expiry_s: int,
    receive_maximum: int,
    packet_bytes_max: int,
) -> bytes:
    """CONNECT that resumes the session of this client id (3.1): clean start is off."""
    flags = 0
    tail = _string(client_id)
    if username is not None:
        flags |= 0x80
        tail += _string(username)
    if password is not None:
        flags |= 0x40
        tail += _string(password)
    version = 5 if protocol == "5" else 4
    head = _string("MQTT") + bytes((version, flags)) + struct.pack(">H", keepalive_s)
    if protocol == "5":
        properties = (
            struct.pack(">BI", _PROP_SESSION_EXPIRY, session_expiry_s)
            + struct.pack(">BH", _PROP_RECEIVE_MAXIMUM, receive_maximum)
            + struct.pack(">BI", _PROP_MAXIMUM_PACKET, packet_bytes_max)
        )
        head += _varint(len(properties)) + properties
    return _packet(0x10, head + tail)


def subscribe(protocol: Protocol, packet_id: int, filters: Sequence[str]) -> bytes:
    """SUBSCRIBE at QoS 1 (3.8)."""
    body = struct.pack(">H", packet_id)
    if protocol == "5":
        body += b"\x00"
    for topic_filter in filters:
        body += _string(topic_filter) + b"\x01"
    return _packet(0x82, body)


def publish(
    protocol: Protocol, topic: str, payload: bytes, packet_id: int, *, retain: bool = False
) -> bytes:
    """PUBLISH at QoS 1, or at QoS 0 when `packet_id` is 0 (3.3)."""
    body = _string(topic)
    if packet_id:
        body += struct.pack(">H", packet_id)
    if protocol == "5":
        body += b"\x00"
    return _packet(0x30 | (0x02 if packet_id else 0) | retain, body + payload)


def pubacks(packet_ids: Sequence[int]) -> bytes:
    """PUBACKs in the order of receipt, which MQTT-4.6.0-2 demands."""
    return b"".join([b"\x40\x02" + i.to_bytes(2, "big") for i in packet_ids])


def split(buffer: bytes, start: int, packet_bytes_max: int) -> tuple[int, int, int] | None:
    """(first byte, body start, body end) of the packet at `start`, or None if incomplete."""
    size = len(buffer)
    if start + 2 > size:
        return None
    length = 0
    at = start + 1
    for digit in range(_LENGTH_BYTES_MAX):
        if at >= size:
            return None
        byte = buffer[at]
        at += 1
        length |= (byte & 0x7F) << (7 * digit)
        if byte < 0x80:
            break
    else:
        raise MqttError("remaining length longer than four bytes")
    if length > packet_bytes_max:
        raise MqttError(f"packet of {length} bytes, at most {packet_bytes_max} were agreed")
    return (buffer[start], at, at + length) if at + length <= size else None


def skip_properties(body: bytes, at: int) -> int:
    """The offset behind a property block of MQTT 5 (2.2.2)."""
    length = 0
    for digit in range(_LENGTH_BYTES_MAX):
        byte = body[at]
        at += 1
        length |= (byte & 0x7F) << (7 * digit)
        if byte < 0x80:
            return at + length
    raise MqttError("property length longer than four bytes")
