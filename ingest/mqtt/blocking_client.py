"""The session on a blocking socket, for the one thread of the readings lane.

One `receive` takes whatever the kernel holds (up to RECEIVE_BYTES), so load makes batches larger
and commits fewer: group commit without a timer.
"""

import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Final

from ingest.mqtt import packets
from ingest.mqtt.asyncio_client import CONNECT_TIMEOUT_S, BrokerAddress
from ingest.mqtt.packets import MqttError
from ingest.mqtt.session import Received, Session, SessionConfig
from ingest.readable import readable

# One read: a few thousand single readings, a batch that commits in tens of milliseconds.
RECEIVE_BYTES: Final = 1 << 20


class BlockingClient:
    """One connection at a time; every method raises OSError or MqttError when it is gone."""

    def __init__(
        self, address: BrokerAddress, config: SessionConfig, monotonic: Callable[[], float]
    ) -> None:
        self._address = address
        self._config = config
        self._monotonic = monotonic
        self._socket: socket.socket | None = None
        self._session = Session(config)
        self._last_sent_s = 0.0
        self._last_heard_s = 0.0
        self.connected = False

    def connect(self) -> Received:
        """Open, sign in and subscribe; what arrived along with the answers is returned."""
        raw = socket.create_connection((self._address.host, self._address.port), CONNECT_TIMEOUT_S)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._address.tls is not None:
            raw = self._address.tls.wrap_socket(raw, server_hostname=self._address.host)
        self._socket = raw
        self._session = Session(self._config)
        self._last_heard_s = self._monotonic()
        self._send(self._session.connect_bytes())
        early = Received()
        while not early.subscribed:
            received = self._session.feed(self._read(raw))
            if received.connected:
                self._send(self._session.subscribe_bytes())
            early.subscribed |= received.subscribed
            early.messages += received.messages
        self.connected = True
        return early

    def receive(self, timeout_s: float) -> Received:
        """Wait at most `timeout_s` for bytes; keeps the connection alive on the way."""
        raw = self._need()
        self._beat()
        pending = isinstance(raw, ssl.SSLSocket) and raw.pending() > 0
        if not pending and not readable([raw], timeout_s):
            return Received()
        return self._session.feed(self._read(raw))

    def ack(self, packet_ids: Sequence[int]) -> None:
        if packet_ids:
            self._send(packets.pubacks(packet_ids))

    def publish(self, topic: str, payload: bytes) -> None:
        """QoS 1 without waiting: what is lost here is asked for again by the other side."""
        self._send(self._session.publish_bytes(topic, payload)[1])

    def close(self) -> None:
        self.connected = False
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def fileno(self) -> int:
        return self._need().fileno()

    def _need(self) -> socket.socket:
        if self._socket is None:
            raise MqttError("not connected")
        return self._socket

    def _read(self, raw: socket.socket) -> bytes:
        data = raw.recv(RECEIVE_BYTES)
        if not data:
            raise MqttError("closed by the broker")
        self._last_heard_s = self._monotonic()
        return data

    def _send(self, data: bytes) -> None:
        self._need().sendall(data)
        self._last_sent_s = self._monotonic()

    def _beat(self) -> None:
        now_s = self._monotonic()
        half_s = self._config.keepalive_s / 2
        if now_s - self._last_sent_s >= half_s or now_s - self._last_heard_s >= half_s:
            if now_s - self._last_heard_s >= 2 * self._config.keepalive_s:
                raise MqttError(f"no answer for {2 * self._config.keepalive_s} s")
            self._send(packets.PINGREQ_BYTES)
