"""The session on an asyncio event loop: connects, reconnects, hands messages to a callback."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ingest.mqtt import packets
from ingest.mqtt.packets import MqttError
from ingest.mqtt.session import Message, Received, Session, SessionConfig

# First retry at once-and-a-bit, then doubling: a restarted broker is found within a second, a
# dead one is asked every ten.
RECONNECT_FIRST_S: Final = 0.2
RECONNECT_MAX_S: Final = 10.0
CONNECT_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAddress:
    host: str
    port: int
    tls: ssl.SSLContext | None = None


class Link:
    """One connection, seen by the callback that got messages from it.

    `ack` after the connection was lost does nothing: the ids are void.
    """

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self._transport = transport

    def ack(self, packet_ids: Sequence[int]) -> None:
        if packet_ids and not self._transport.is_closing():
            self._transport.write(packets.pubacks(packet_ids))


OnMessages = Callable[[list[Message], Link], None]


class AsyncioClient:
    """Keeps one session alive. Callbacks run on the event loop and must not block."""

    def __init__(
        self,
        address: BrokerAddress,
        config: SessionConfig,
        on_messages: OnMessages,
        log: Callable[[str, str], None],
    ) -> None:
        self._address = address
        self._config = config
        self._on_messages = on_messages
        self._log = log
        self._connection: _Connection | None = None
        self._waiting: dict[int, asyncio.Future[int]] = {}
        self.connected = asyncio.Event()
        self.connections = 0

    async def run(self) -> None:
        """Connect and stay connected until cancelled."""
        delay_s = RECONNECT_FIRST_S
        loop = asyncio.get_running_loop()
        while True:
            lost: asyncio.Future[str] = loop.create_future()
            try:
                await self._open(loop, lost)
                await asyncio.wait_for(self._subscribed(lost), CONNECT_TIMEOUT_S)
                delay_s = RECONNECT_FIRST_S
                self.connections += 1
                self.connected.set()
                self._log("broker_connected", self._config.client_id)
                reason = await lost
            except (OSError, MqttError, TimeoutError) as error:
                reason = str(error) or type(error).__name__
            finally:
                self._drop()
            self._log("broker_lost", reason)
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, RECONNECT_MAX_S)

    async def _open(self, loop: asyncio.AbstractEventLoop, lost: asyncio.Future[str]) -> None:
        session = Session(self._config)
        connection = _Connection(session, self._on_messages, self._published, lost, self._config)
        await asyncio.wait_for(
            loop.create_connection(
                lambda: connection, self._address.host, self._address.port, ssl=self._address.tls
            ),
            CONNECT_TIMEOUT_S,
        )
        self._connection = connection

    async def _subscribed(self, lost: asyncio.Future[str]) -> None:
        connection = self._connection
        if connection is None:
            raise MqttError("no connection")
        ready = asyncio.ensure_future(connection.ready.wait())
        either: set[asyncio.Future[Any]] = {ready, lost}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if lost.done():
            raise MqttError(lost.result())

    def _drop(self) -> None:
        self.connected.clear()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        for waiter in self._waiting.values():
            if not waiter.done():
                waiter.set_exception(MqttError("connection lost before the broker answered"))
        self._waiting.clear()

    def publish_soon(self, topic: str, payload: bytes) -> bool:
        """QoS 1 without waiting for the answer; False when there is no connection."""
        connection = self._connection
        if connection is None or not connection.ready.is_set():
            return False
        connection.send(connection.session.publish_bytes(topic, payload)[1])
        return True

    async def publish(self, topic: str, payload: bytes) -> int:
        """QoS 1; the broker's reason code, or MqttError when there is no answer to be had."""
        connection = self._connection
        if connection is None or not connection.ready.is_set():
            raise MqttError("not connected")
        packet_id, data = connection.session.publish_bytes(topic, payload)
        waiter: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting[packet_id] = waiter
        connection.send(data)
        return await asyncio.wait_for(waiter, CONNECT_TIMEOUT_S)

    def _published(self, answers: Sequence[tuple[int, int]]) -> None:
        for packet_id, reason in answers:
            waiter = self._waiting.pop(packet_id, None)
            if waiter is not None and not waiter.done():
                waiter.set_result(reason)


class _Connection(asyncio.Protocol):
    """The transport's side of one session."""

    def __init__(
        self,
        session: Session,
        on_messages: OnMessages,
        on_published: Callable[[Sequence[tuple[int, int]]], None],
        lost: "asyncio.Future[str]",
        config: SessionConfig,
    ) -> None:
        self.session = session
        self.ready = asyncio.Event()
        self._on_messages = on_messages
        self._on_published = on_published
        self._lost = lost
        self._keepalive_s = config.keepalive_s
        self._transport: asyncio.Transport | None = None
        self._link: Link | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._heard = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("a stream transport is needed")
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._transport = transport
        self._link = Link(transport)
        transport.write(self.session.connect_bytes())
        self._arm()

    def data_received(self, data: bytes) -> None:
        self._heard = True
        try:
            received = self.session.feed(data)
        except (MqttError, IndexError) as error:
            self._fail(str(error) or "malformed packet")
            return
        if received.messages and self._link is not None:
            self._on_messages(received.messages, self._link)
        if received.connected or received.subscribed or received.published:
            self._answer(received)

    def _answer(self, received: Received) -> None:
        if received.connected:
            self.send(self.session.subscribe_bytes())
        if received.subscribed:
            self.ready.set()
        if received.published:
            self._on_published(received.published)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(str(exc) if exc else "closed by the broker")

    def send(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(packets.DISCONNECT_BYTES)
            self._transport.close()

    def _arm(self) -> None:
        """Twice per keep-alive: ping, and give up a broker that answered nothing since."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._keepalive_s / 2, self._beat)

    def _beat(self) -> None:
        if not self._heard:
            self._fail(f"no answer for {self._keepalive_s} s")
            return
        self._heard = False
        self.send(packets.PINGREQ_BYTES)
        self._arm()

    def _fail(self, reason: str) -> None:
        if not self._lost.done():
            self._lost.set_result(reason)
        if self._transport is not None:
            self._transport.abort()
