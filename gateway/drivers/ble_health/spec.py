"""The driver's entry in the registry: its settings, and decoding by hand."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, cast

from contract.config import ConfigError, check_keys, get, one_of
from gateway.driver import Decoder, DecodeRequest, DriverSpec, Outcome
from gateway.drivers.ble_health.driver import HealthDriver
from gateway.drivers.ble_health.payload import FORMS, PayloadForm

# The county's clock, which cuffs are set to; configurable.
UTC_OFFSET_MINUTES: Final = 480
# The zones of the world lie between.
UTC_OFFSET_MIN: Final = -720
UTC_OFFSET_MAX: Final = 840


def build(config: Mapping[str, Any]) -> HealthDriver:
    where = "ble-health"
    check_keys(config, ("base_topic", "utc_offset_minutes", "payload"), where)
    minutes = get(config, "utc_offset_minutes", int, where, UTC_OFFSET_MINUTES)
    if not UTC_OFFSET_MIN <= minutes <= UTC_OFFSET_MAX:
        raise ConfigError(
            f"{where}.utc_offset_minutes", f"between {UTC_OFFSET_MIN} and {UTC_OFFSET_MAX}"
        )
    form = one_of(get(config, "payload", str, where, "auto"), FORMS, f"{where}.payload")
    return HealthDriver(
        get(config, "base_topic", str, where, "ble"),
        timedelta(minutes=minutes),
        cast("PayloadForm", form),
    )


def decoder() -> Decoder:
    drivers: dict[str, HealthDriver] = {}

    def decode(request: DecodeRequest) -> list[Outcome]:
        """A topic's payload as a bridge sends it; without a topic the bytes are the value."""
        base = "ble" if request.topic is None else request.topic.rsplit("/", 2)[0]
        driver = drivers.setdefault(base, HealthDriver(base, timedelta(minutes=UTC_OFFSET_MINUTES)))
        if request.topic is not None:
            return driver.decode(request.topic, request.data, request.now_ms)
        characteristic = request.characteristic or "2A35"
        return driver.value("device", characteristic, request.data, request.now_ms)

    return decode


SPEC = DriverSpec(
    name="ble-health",
    title=(
        "Bluetooth blood pressure, oximeter, glucose, thermometer, heart rate, weight, "
        "battery: by an adapter of the gateway's own or over MQTT"
    ),
    title_zh="蓝牙血压、血氧、血糖、体温、心率、体重、电量：网关自带蓝牙适配器，或经 MQTT 转发",
    transport="mqtt",
    line=None,
    settings={
        "base_topic": "topics are <base_topic>/<device>/<characteristic>",
        "utc_offset_minutes": "the zone the devices' clocks are set to (480: China)",
        "payload": "what a bridge sends: hex (text), bytes, or auto (told apart)",
    },
    build=build,
    decoder=decoder,
)
