"""The message driver of both generations, its configuration and the registry entry."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from contract.config import ConfigError, check_keys, get
from gateway.driver import Decoded, Decoder, DecodeRequest, Driver, DriverSpec, Outcome
from gateway.drivers.shelly.gen1 import Gen1
from gateway.drivers.shelly.gen2 import Gen2
from gateway.messages import BadMessage, Devices, Said, clean, refuse
from gateway.well import WellButtons, read_well_buttons

GEN1_BASE: Final = "shellies"
_WHERE: Final = "shelly"


class Shelly:
    """Tells the generations apart by their topics, whatever prefix the second was given."""

    def __init__(
        self, prefix: str, call_buttons: frozenset[str], well: WellButtons | None = None
    ) -> None:
        self._prefix = prefix
        devices = Devices()
        self._gen1 = Gen1(devices, call_buttons, well or WellButtons())
        self._gen2 = Gen2(devices, call_buttons, well or WellButtons())

    def subscriptions(self) -> Sequence[str]:
        above = f"{self._prefix}/" if self._prefix else ""
        gen2 = [f"{above}+/{end}" for end in ("events/rpc", "online", "status/+")]
        return [f"{GEN1_BASE}/#", *gen2]

    def decode(self, topic: str, payload: bytes, now_ms: int) -> list[Outcome]:
        return self._decode(topic, payload, now_ms, retained=False)

    def decode_retained(self, topic: str, payload: bytes, now_ms: int) -> list[Outcome]:
        return self._decode(topic, payload, now_ms, retained=True)

    def _decode(self, topic: str, payload: bytes, now_ms: int, *, retained: bool) -> list[Outcome]:
        try:
            name, path = self._place(topic)
            said = Said(name=name, now_ms=now_ms, at_ms=now_ms, retained=retained)
            if not payload or path.endswith("command") or path in {"rpc", "command"}:
                return [Decoded(fields={"kind": "ignored", "device": clean(name)})]
            if path == "events/rpc":
                return [self._gen2.notification(said, payload)]
            if path.startswith("status/"):
                return [self._gen2.status(said, path.removeprefix("status/"), payload)]
            return [self._gen1.decode(said, path, payload)]
        except BadMessage as error:
            return [refuse(error, payload)]

    def _place(self, topic: str) -> tuple[str, str]:
        """Whose topic it is, and what stands below."""
        if topic in {f"{GEN1_BASE}/announce", f"{GEN1_BASE}/command"}:
            return GEN1_BASE, topic.rpartition("/")[2]
        for base in (GEN1_BASE, self._prefix):
            if base and topic.startswith(f"{base}/"):
                topic = topic[len(base) + 1 :]
                break
        name, _, path = topic.partition("/")
        if not name or not path:
            raise BadMessage("bad_topic", f"{topic[:80]!r} names no device")
        return name, path


def build(config: Mapping[str, Any]) -> Driver:
    check_keys(config, ("topic_prefix", "call_buttons", "well_buttons"), _WHERE)
    prefix = get(config, "topic_prefix", str, _WHERE, "").strip("/")
    if "+" in prefix or "#" in prefix:
        raise ConfigError(f"{_WHERE}.topic_prefix", f"{prefix[:60]!r} is no topic")
    calls = get(config, "call_buttons", list, _WHERE, [])
    if not all(isinstance(name, str) for name in calls):
        raise ConfigError(f"{_WHERE}.call_buttons", "is a list of ids")
    return Shelly(prefix, frozenset(calls), read_well_buttons(config, _WHERE, calls=calls))


def _decoder() -> Decoder:
    driver = Shelly("", frozenset())

    def decode(request: DecodeRequest) -> list[Outcome]:
        return driver.decode(request.topic or "shellies/device", request.data, request.now_ms)

    return decode


SPEC = DriverSpec(
    name="shelly",
    title="Shelly of all generations: meters, plugs, buttons, climate, flood, smoke, gas, doors",
    title_zh="Shelly 各代设备：电表、插座、按钮、温湿度、漏水、烟雾、燃气、门磁",
    transport="mqtt",
    line=None,
    settings={
        "topic_prefix": "levels above the ids of Gen2 devices, none unless changed",
        "call_buttons": "ids whose every button press is a call; <id>/<component> for one alone",
        "well_buttons": "list of {name, action}: what says I'm well; without action every press",
    },
    build=build,
    decoder=_decoder,
)
