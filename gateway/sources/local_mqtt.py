"""The broker on the gateway itself (Zigbee2MQTT, Bluetooth bridges): messages to a driver."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import aiomqtt

from gateway.driver import MessageDriver
from gateway.sources.intake import Intake

RECONNECT_FIRST_S: Final = 0.5
RECONNECT_MAX_S: Final = 10.0
# Larger messages are no device's: bridge lists of a hundred devices have about 100 KiB.
PAYLOAD_MAX: Final = 1 << 20

# aiomqtt warns of every publish past ten pending; we only subscribe.
logging.getLogger("mqtt").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalMqttSettings:
    name: str
    host: str = "127.0.0.1"
    port: int = 1883
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    protocol: str = "5"


class LocalMqttSource:
    """One subscription with one driver."""

    def __init__(
        self,
        settings: LocalMqttSettings,
        driver: MessageDriver,
        intake: Intake,
        *,
        client_id: str,
        now_ms: Callable[[], int],
        log: Callable[[str, str], None],
    ) -> None:
        self._settings = settings
        self._driver = driver
        self._intake = intake
        self._client_id = client_id
        self._now_ms = now_ms
        self._log = log

    async def run(self) -> None:
        delay_s = RECONNECT_FIRST_S
        while True:
            try:
                async with self._client() as client:
                    for topic_filter in self._driver.subscriptions():
                        await client.subscribe(topic_filter, qos=1)
                    self._log("local_mqtt_open", self._settings.name)
                    delay_s = RECONNECT_FIRST_S
                    async for message in client.messages:
                        self._take(str(message.topic), message.payload)
            except (aiomqtt.MqttError, OSError) as error:
                self._log("local_mqtt_lost", f"{self._settings.name}: {error}")
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, RECONNECT_MAX_S)

    def _client(self) -> aiomqtt.Client:
        s = self._settings
        version = aiomqtt.ProtocolVersion.V5 if s.protocol == "5" else aiomqtt.ProtocolVersion.V311
        return aiomqtt.Client(
            s.host,
            s.port,
            username=s.username,
            password=s.password,
            identifier=self._client_id,
            protocol=version,
            keepalive=20,
        )

    def _take(self, topic: str, payload: object) -> None:
        data = payload if isinstance(payload, bytes) else bytes(str(payload or ""), "utf-8")
        try:
            outcomes = self._driver.decode(topic, data[:PAYLOAD_MAX], self._now_ms())
            self._intake.take(self._settings.name, outcomes)
        except Exception as error:  # noqa: BLE001 - a driver's mistake must not end the source
            self._intake.failed(self._settings.name, error, data)
