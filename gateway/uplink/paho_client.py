"""The adapter to paho-mqtt, driven by the asyncio event loop through its socket callbacks."""

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

# A dead line is noticed within one and a half of these.
KEEPALIVE_S: Final = 15
RECONNECT_FIRST_S: Final = 0.5
RECONNECT_MAX_S: Final = 15.0
CONNECT_TIMEOUT_S: Final = 10.0
# Commands wait at the broker for a gateway that was away for up to a day.
SESSION_EXPIRY_S: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    host: str
    port: int
    client_id: str
    protocol: Literal["5", "3.1.1"] = "5"
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
    """One connection, kept up. `on_connected` and `on_message` run on the event loop."""

    def __init__(
        self,
        settings: BrokerSettings,
        *,
        on_connected: Callable[[], None],
        on_message: Callable[[str, bytes], None],
        log: Callable[[str, str], None],
        spread: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._on_connected = on_connected
        self._on_message = on_message
        self._log = log
        self._spread = spread
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lost = asyncio.Event()
        self.connected = False
        self._client = self._make()

    def _make(self) -> mqtt.Client:
        s = self._settings
        five = s.protocol == "5"
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=s.client_id,
            protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
            clean_session=None if five else False,
            reconnect_on_failure=False,
        )
        if s.username is not None:
            client.username_pw_set(s.username, s.password)
        if s.tls:
            client.tls_set(
                ca_certs=None if s.ca_file is None else str(s.ca_file),
                certfile=None if s.cert_file is None else str(s.cert_file),
                keyfile=None if s.key_file is None else str(s.key_file),
                tls_version=ssl.PROTOCOL_TLS_CLIENT,
            )
        if s.will_topic is not None:
            client.will_set(s.will_topic, s.will_payload, qos=1, retain=True)
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.on_socket_open = self._socket_open
        client.on_socket_close = self._socket_close
        client.on_socket_register_write = self._want_write
        client.on_socket_unregister_write = self._no_write
        client.on_connect = self._connect_answer
        client.on_disconnect = self._disconnected
        client.on_message = self._message
        return client

    async def run(self) -> None:
        """Connect and stay connected until cancelled."""
        self._loop = asyncio.get_running_loop()
        delay_s = RECONNECT_FIRST_S
        try:
            while True:
                self._lost.clear()
                try:
                    await self._loop.run_in_executor(None, self._connect)
                    delay_s = await self._serve(delay_s)
                except (OSError, ValueError, ssl.SSLError) as error:
                    self._log("uplink_unreachable", f"{type(error).__name__}: {error}")
                self.connected = False
                await asyncio.sleep(delay_s * (1 + 0.2 * self._spread()))
                delay_s = min(delay_s * 2, RECONNECT_MAX_S)
        finally:
            self._close()

    def _connect(self) -> None:
        s = self._settings
        if s.protocol == "5":
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's
            properties.SessionExpiryInterval = SESSION_EXPIRY_S
            self._client.connect(
                s.host, s.port, KEEPALIVE_S, clean_start=False, properties=properties
            )
        else:
            self._client.connect(s.host, s.port, KEEPALIVE_S)

    async def _serve(self, delay_s: float) -> float:
        """Until the connection is lost: paho's housekeeping once a second."""
        while not self._lost.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._lost.wait(), 1.0)
            if self.connected:
                delay_s = RECONNECT_FIRST_S
            if self._client.loop_misc() != mqtt.MQTT_ERR_SUCCESS:
                break
        return delay_s

    def _close(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._client.disconnect()
            self._client.loop_write()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """QoS 1; True when it was handed to the connection (which promises nothing)."""
        if not self.connected:
            return False
        return self._client.publish(topic, payload, qos=1, retain=retain).rc == 0

    # paho's callbacks; `connect` runs in a worker thread, so they come by way of the loop.

    def _soon(self, callback: Callable[..., object], *arguments: Any) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(callback, *arguments)

    def _socket_open(self, _client: mqtt.Client, _data: Any, sock: Any) -> None:
        raw: socket.socket = sock
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._soon(self._watch, raw)

    def _watch(self, raw: socket.socket) -> None:
        if self._loop is not None and raw.fileno() >= 0:
            self._loop.add_reader(raw, self._client.loop_read)

    def _socket_close(self, _client: mqtt.Client, _data: Any, sock: Any) -> None:
        if self._loop is not None and sock.fileno() >= 0:
            self._loop.remove_reader(sock)
            self._loop.remove_writer(sock)

    def _want_write(self, _client: mqtt.Client, _data: Any, sock: Any) -> None:
        self._soon(self._watch_write, sock)

    def _watch_write(self, sock: Any) -> None:
        if self._loop is not None and sock.fileno() >= 0 and self._client.want_write():
            self._loop.add_writer(sock, self._client.loop_write)

    def _no_write(self, _client: mqtt.Client, _data: Any, sock: Any) -> None:
        self._soon(self._unwatch_write, sock)

    def _unwatch_write(self, sock: Any) -> None:
        if self._loop is not None and sock.fileno() >= 0:
            self._loop.remove_writer(sock)

    def _connect_answer(
        self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        if reason.is_failure:
            self._log("uplink_refused", str(reason))
            self._lost.set()
            return
        self.connected = True
        for topic in self._settings.subscriptions:
            client.subscribe(topic, qos=1)
        self._on_connected()

    def _disconnected(
        self, _client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        self.connected = False
        self._log("uplink_lost", str(reason))
        self._soon(self._lost.set)

    def _message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        self._on_message(message.topic, bytes(message.payload))
