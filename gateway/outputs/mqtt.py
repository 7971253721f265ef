"""A siren or lamp of the home's own network, by the local broker (Zigbee2MQTT, Tasmota …)."""

import asyncio
from asyncio import sleep as wait
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from contract.config import ConfigError, bounded, check_keys, get, one_of
from gateway import secret_file
from gateway.output import Occasion, OccasionName, Output, OutputFailed, OutputSpec
from gateway.sources.local_mqtt import LocalMqttSettings, publish

SECONDS_DEFAULT: Final = 5
SECONDS_MAX: Final = 15
# A siren's warning as Zigbee2MQTT wants it has a hundred bytes.
PAYLOAD_MAX: Final = 1024
TOPIC_MAX: Final = 256
SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "host": "default 127.0.0.1",
        "port": "default 1883",
        "username": "and password_file, where the broker wants them",
        "password_file": "a file with the password alone",
        "protocol": "5 or 3.1.1, default 5",
        "topic": "such as zigbee2mqtt/siren/set",
        "payload": "what switches it on",
        "end_payload": "what is published after `seconds`; without it nothing is",
        "seconds": f"default {SECONDS_DEFAULT}",
    }
)


class MqttSwitch:
    """Two presses share the time: the last one's end switches it off."""

    def __init__(
        self, settings: LocalMqttSettings, topic: str, payload: str, end: str, seconds: int
    ) -> None:
        self._settings, self._topic = settings, topic
        self._payload, self._end, self._seconds = payload, end, seconds
        self._playing = 0
        self._on = False
        # One message at a time: a switching off that is under way must not overtake the next
        # press's switching on.
        self._order = asyncio.Lock()

    async def play(self, _occasion: Occasion) -> None:
        self._playing += 1
        try:
            async with self._order:
                self._on = True
                await self._publish(self._payload)
            if self._end:
                await wait(self._seconds)
        finally:
            self._playing -= 1
            if self._end:
                async with self._order:
                    if self._on and not self._playing:
                        await self._publish(self._end)
                        self._on = False

    async def _publish(self, payload: str) -> None:
        try:
            await publish(self._settings, self._topic, payload.encode())
        except ConnectionError as error:
            raise OutputFailed(f"{self._topic}: {error}") from error

    def plays(self, _name: OccasionName) -> bool:
        return True

    def trouble(self) -> str:
        return ""


def _build(table: Mapping[str, Any], where: str, base: Path) -> Output:
    check_keys(table, SETTINGS, where)
    topic = get(table, "topic", str, where)
    if not 0 < len(topic) <= TOPIC_MAX or any(char in topic for char in "+#\0"):
        raise ConfigError(f"{where}.topic", f"{topic[:60]!r} can't be published to")
    payloads = [
        get(table, key, str, where, default)
        for key, default in (("payload", None), ("end_payload", ""))
    ]
    if max(map(len, payloads)) > PAYLOAD_MAX:
        raise ConfigError(f"{where}.payload", f"at most {PAYLOAD_MAX} characters")
    file = get(table, "password_file", str, where, "")
    try:
        password = secret_file.read(base / file, base) if file else None
    except OSError as error:
        raise ConfigError(f"{where}.password_file", f"{base / file}: {error.strerror}") from error
    protocol = one_of(get(table, "protocol", str, where, "5"), ("5", "3.1.1"), f"{where}.protocol")
    settings = LocalMqttSettings(
        name=where,
        host=get(table, "host", str, where, "127.0.0.1"),
        port=bounded(table, "port", 1883, (1, 65_535), where),
        username=get(table, "username", str, where, "") or None,
        password=password,
        protocol=protocol,
    )
    seconds = bounded(table, "seconds", SECONDS_DEFAULT, (1, SECONDS_MAX), where)
    return MqttSwitch(settings, topic, payloads[0], payloads[1], seconds)


SPEC: Final = OutputSpec(name="mqtt", settings=SETTINGS, build=_build)
