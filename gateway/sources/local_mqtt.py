"""The broker on the gateway itself (Zigbee2MQTT, Bluetooth bridges): messages to a driver.

With MQTT 5 the session is kept at the broker, so that what bridges publish with QoS 1 while this
process restarts is not lost. A retained message tells an old state, not that somebody lives: only
what carries a time of its own is believed.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.driver import Decoded, MessageDriver, Outcome, RetainedDriver
from gateway.sources.intake import Intake

RECONNECT_FIRST_S: Final = 0.5
RECONNECT_MAX_S: Final = 10.0
# Larger messages are no device's: bridge lists of a hundred devices have about 100 KiB.
PAYLOAD_MAX: Final = 1 << 20
KEEPALIVE_S: Final = 20
# A restart or an update is over by then.
SESSION_EXPIRY_S: Final = 3_600

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


# Called with topic, payload, and whether it was retained.
Heard = Callable[[str, bytes, bool], None]
# From this reason code on a subscription was refused (MQTT 5, section 3.9.3; 128 in 3.1.1).
_REFUSED_FROM: Final = 0x80


async def hear(settings: LocalMqttSettings, filters: Sequence[str], take: Heard) -> None:
    """Everything a broker publishes, without leaving a session behind; until cancelled.

    A broker that does not give all topics is asked for `filters`. ConnectionError
    when the line is lost.
    """
    try:
        async with _without_session(settings) as client:
            granted = await client.subscribe("#", qos=0)
            if any(_code(granted_qos) >= _REFUSED_FROM for granted_qos in granted):
                for topic_filter in filters:
                    await client.subscribe(topic_filter, qos=0)
            async for message in client.messages:
                take(str(message.topic), _bytes(message.payload), message.retain)
    except aiomqtt.MqttError as error:
        raise ConnectionError(str(error)) from error


async def publish(settings: LocalMqttSettings, topic: str, payload: bytes) -> None:
    """One message of QoS 1, on a connection of its own; ConnectionError when it can't be given."""
    try:
        async with _without_session(settings) as client:
            await client.publish(topic, payload, qos=1)
    except aiomqtt.MqttError as error:
        raise ConnectionError(str(error)) from error


def _without_session(settings: LocalMqttSettings) -> aiomqtt.Client:
    five = settings.protocol == "5"
    return aiomqtt.Client(
        settings.host,
        settings.port,
        username=settings.username,
        password=settings.password,
        keepalive=KEEPALIVE_S,
        protocol=aiomqtt.ProtocolVersion.V5 if five else aiomqtt.ProtocolVersion.V311,
    )


def _code(granted: object) -> int:
    """paho gives a number in 3.1.1 and a ReasonCode in 5."""
    code = getattr(granted, "value", granted)
    return code if isinstance(code, int) else 0


def _bytes(payload: object) -> bytes:
    data = payload if isinstance(payload, bytes) else bytes(str(payload or ""), "utf-8")
    return data[:PAYLOAD_MAX]


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
                        self._take(str(message.topic), message.payload, message.retain)
            except (aiomqtt.MqttError, OSError) as error:
                self._log("local_mqtt_lost", f"{self._settings.name}: {error}")
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, RECONNECT_MAX_S)

    def _client(self) -> aiomqtt.Client:
        s = self._settings
        session: dict[str, Any] = {"protocol": aiomqtt.ProtocolVersion.V311}
        if s.protocol == "5":
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's
            properties.SessionExpiryInterval = SESSION_EXPIRY_S
            session = {
                "protocol": aiomqtt.ProtocolVersion.V5,
                "clean_start": False,
                "properties": properties,
            }
        return aiomqtt.Client(
            s.host,
            s.port,
            username=s.username,
            password=s.password,
            identifier=self._client_id,
            keepalive=KEEPALIVE_S,
            **session,
        )

    def _take(self, topic: str, payload: object, retained: bool) -> None:
        data = _bytes(payload)
        now_ms = self._now_ms()
        try:
            outcomes = self._decode(topic, data, now_ms, retained)
            self._intake.take(self._settings.name, outcomes)
        except Exception as error:  # noqa: BLE001 - a driver's mistake must not end the source
            self._intake.failed(self._settings.name, error, data)

    def _decode(self, topic: str, data: bytes, now_ms: int, retained: bool) -> list[Outcome]:
        if not retained:
            return self._driver.decode(topic, data, now_ms)
        if isinstance(self._driver, RetainedDriver):
            return self._driver.decode_retained(topic, data, now_ms)
        return [_timed(outcome, now_ms) for outcome in self._driver.decode(topic, data, now_ms)]


def _timed(outcome: Outcome, now_ms: int) -> Outcome:
    """Without the measurements that say "now" of a message that may be weeks old."""
    if not isinstance(outcome, Decoded):
        return outcome
    timed = [m for m in outcome.measurements if m.measured_at_ms != now_ms]
    return Decoded(fields=outcome.fields, measurements=timed)
