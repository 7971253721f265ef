"""The adapter to paho-mqtt: one connection, kept up, on the asyncio event loop.

Every connection is a new paho client: paho's own queue of unconfirmed messages dies with it, and
the spool is the only place that remembers. Connecting (name look-up, TCP, TLS) happens in a
worker thread; from then on everything is on the event loop, without timers between a commit and
its bytes on the wire.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

# A dead line is noticed within two of these even if nothing is to be sent.
KEEPALIVE_S: Final = 15
RECONNECT_FIRST_S: Final = 0.5
RECONNECT_MAX_S: Final = 15.0
CONNECT_TIMEOUT_S: Final = 10.0
# A fifth of jitter: a village's gateways don't come back in one instant.
JITTER: Final = 0.2
# paho's housekeeping (keep-alive) needs no finer clock.
HOUSEKEEPING_S: Final = 1.0
# Commands wait at the broker for a gateway that was away for up to a day.
SESSION_EXPIRY_S: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    host: str
    port: int
    client_id: str
    protocol: Literal["5", "3.1.1"] = "5"
    keep_session: bool = True
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    subscriptions: Sequence[str] = ()
    will_topic: str | None = None
    will_payload: bytes = b""


class PahoClient:
    """All callbacks run on the event loop.

    on_connected: the broker has accepted us. on_confirmed(mid, reason): a PUBACK; the reason is
    MQTT 5's number, 0 in 3.1.1. on_message(topic, payload).
    """

    def __init__(
        self,
        settings: BrokerSettings,
        *,
        on_connected: Callable[[], None],
        on_confirmed: Callable[[int, int], None],
        on_message: Callable[[str, bytes], None],
        log: Callable[[str, str], None],
        spread: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._on_connected = on_connected
        self._on_confirmed = on_confirmed
        self._on_message = on_message
        self._log = log
        self._spread = spread
        self._loop = asyncio.get_running_loop()
        self._lost = asyncio.Event()
        self._client: mqtt.Client | None = None
        self._socket: Any = None
        self._fd: int | None = None
        self.connected = False

    async def run(self) -> None:
        """Connect and stay connected until cancelled."""
        delay_s = RECONNECT_FIRST_S
        try:
            while True:
                self._lost.clear()
                client = self._make()
                try:
                    await self._loop.run_in_executor(None, self._connect, client)
                    self._adopt(client)
                    if await self._serve(client):
                        delay_s = RECONNECT_FIRST_S
                except (OSError, ValueError) as error:
                    self._log("uplink_unreachable", f"{self._where}: {error}")
                finally:
                    self._let_go(client)
                await asyncio.sleep(delay_s * (1 + JITTER * self._spread()))
                delay_s = min(delay_s * 2, RECONNECT_MAX_S)
        finally:
            self.connected = False

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        """QoS 1; the message's number once it was handed to the connection, which promises
        nothing, or None."""
        client = self._client
        if client is None or not self.connected:
            return None
        try:
            info = client.publish(topic, payload, qos=1, retain=retain)
        except ValueError as error:  # paho refuses the topic or a payload beyond MQTT's limit
            self._log("uplink_publish_refused", str(error))
            return None
        self._flush()
        return info.mid if info.rc == mqtt.MQTT_ERR_SUCCESS else None

    def drop(self, reason: str) -> None:
        """Give this connection up and make another: it looks open and is dead."""
        if self.connected:
            self._log("uplink_dropped", f"{self._where}: {reason}")
            self._lost.set()

    @property
    def _where(self) -> str:
        return f"{self._settings.client_id} to {self._settings.host}:{self._settings.port}"

    # Making a connection.

    def _make(self) -> mqtt.Client:
        s = self._settings
        five = s.protocol == "5"
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=s.client_id,
            protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
            clean_session=None if five else not s.keep_session,
            reconnect_on_failure=False,
        )
        if s.username is not None:
            client.username_pw_set(s.username, s.password)
        if s.will_topic is not None:
            client.will_set(s.will_topic, s.will_payload, qos=1, retain=True)
        client.connect_timeout = CONNECT_TIMEOUT_S
        return client

    def _connect(self, client: mqtt.Client) -> None:
        """In a worker thread: files, names, TCP and TLS may block."""
        s = self._settings
        if s.tls:
            client.tls_set(
                ca_certs=None if s.ca_file is None else str(s.ca_file),
                certfile=None if s.cert_file is None else str(s.cert_file),
                keyfile=None if s.key_file is None else str(s.key_file),
                tls_version=ssl.PROTOCOL_TLS_CLIENT,
            )
        if s.protocol == "5":
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's
            properties.SessionExpiryInterval = SESSION_EXPIRY_S if s.keep_session else 0
            client.connect(
                s.host,
                s.port,
                KEEPALIVE_S,
                clean_start=not s.keep_session,
                properties=properties,
            )
        else:
            client.connect(s.host, s.port, KEEPALIVE_S)

    def _adopt(self, client: mqtt.Client) -> None:
        """From the worker thread to the event loop: only now may callbacks come."""
        sock: Any = client.socket()
        if sock is None:
            raise OSError("closed while connecting")
        client.on_connect = self._connect_answer
        client.on_disconnect = self._disconnected
        client.on_publish = self._published
        client.on_subscribe = self._subscribed
        client.on_message = self._message
        client.on_socket_close = self._socket_closing
        self._client, self._socket, self._fd = client, sock, sock.fileno()
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop.add_reader(self._fd, self._readable)
        self._flush()

    async def _serve(self, client: mqtt.Client) -> bool:
        """Until the connection is lost; True when the broker had accepted us."""
        accepted = False
        while not self._lost.is_set():
            # Not wait_for: before Python 3.12 it loses a cancellation that comes with the event.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HOUSEKEEPING_S):
                    await self._lost.wait()
            accepted = accepted or self.connected
            if client.loop_misc() != mqtt.MQTT_ERR_SUCCESS:
                break
            self._flush()
        return accepted

    def _let_go(self, client: mqtt.Client) -> None:
        """Say goodbye if there is anybody, and forget paho's queue with the client."""
        self.connected = False
        sock, self._socket, self._client = self._socket, None, None
        if sock is not None:
            with contextlib.suppress(OSError, ValueError):
                client.disconnect()
            self._unwatch()
            sock.close()

    def _unwatch(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            self._loop.remove_reader(fd)
            self._loop.remove_writer(fd)

    # The socket.

    def _readable(self) -> None:
        client, sock = self._client, self._socket
        if client is None:
            return
        # TLS may hold whole messages that the descriptor no longer announces.
        while client.loop_read() == mqtt.MQTT_ERR_SUCCESS and self._fd is not None:
            if not isinstance(sock, ssl.SSLSocket) or not sock.pending():
                break
        self._flush()

    def _flush(self) -> None:
        """Write what is queued now; what the socket doesn't take, as soon as it does."""
        client = self._client
        if client is None or not client.want_write():
            return
        client.loop_write()
        if self._fd is not None and client.want_write():
            self._loop.add_writer(self._fd, self._writable)

    def _writable(self) -> None:
        self._flush()
        if self._fd is not None and self._client is not None and not self._client.want_write():
            self._loop.remove_writer(self._fd)

    # paho's callbacks. What follows from them runs in a turn of its own: paho must not be called
    # from its own callbacks, and would lose its place in the stream if one of them raised.

    def _connect_answer(
        self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        if reason.is_failure:
            self._log("uplink_refused", f"{self._where}: {reason}")
            self._lost.set()
            return
        self.connected = True
        # Nothing is kept for us: so nothing need be. RabbitMQ keeps what is heard at QoS 1 on one
        # node even then, and whoever is named so hears nothing anywhere while that one is down.
        qos = 1 if self._settings.keep_session else 0
        for topic in self._settings.subscriptions:
            client.subscribe(topic, qos=qos)
        self._log("uplink_connected", self._where)
        self._loop.call_soon(self._on_connected)

    def _disconnected(
        self, _client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        if self._client is not None:
            self._log("uplink_lost", f"{self._where}: {reason}")
        self.connected = False
        self._lost.set()

    def _socket_closing(self, _client: mqtt.Client, _data: Any, _socket: Any) -> None:
        self._unwatch()

    def _subscribed(
        self, _client: mqtt.Client, _data: Any, _mid: int, reasons: Any, _properties: Any
    ) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if refused:
            self._log("uplink_subscription_refused", f"{self._where}: {', '.join(refused)}")

    def _published(
        self, _client: mqtt.Client, _data: Any, mid: int, reason: Any, _properties: Any
    ) -> None:
        self._loop.call_soon(self._on_confirmed, mid, int(reason.value))

    def _message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        self._loop.call_soon(self._on_message, message.topic, bytes(message.payload))
