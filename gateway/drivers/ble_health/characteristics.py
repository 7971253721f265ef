"""Every characteristic that is understood, by its assigned number: one line each."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from gateway.drivers.ble_health import (
    battery,
    blood_pressure,
    cuff_pressure,
    glucose,
    glucose_context,
    heart_rate,
    oximetry_continuous,
    oximetry_spot,
    temperature,
    weight,
)
from gateway.drivers.ble_health.value import Cursor, Explained, float32, sfloat, shown

# The end of every UUID made from an assigned number (Core Specification, volume 3 part B, 2.5.1).
BASE_UUID_END: Final = "-0000-1000-8000-00805F9B34FB"
# Sent about once a second for as long as the sensor is worn.
STREAMED: Final = frozenset({"2A37", "2A5F"})

CHARACTERISTICS: Final[Mapping[str, Callable[[bytes], Explained]]] = MappingProxyType(
    {
        "2A18": glucose.explain,
        "2A19": battery.explain,
        "2A1C": temperature.explain,
        "2A34": glucose_context.explain,
        "2A35": blood_pressure.explain,
        "2A36": cuff_pressure.explain,
        "2A37": heart_rate.explain,
        "2A5E": oximetry_spot.explain,
        "2A5F": oximetry_continuous.explain,
        "2A9D": weight.explain,
    }
)
# Services that hold them: glucose, thermometer, heart rate, blood pressure, weight, oximeter.
SERVICES: Final = ("1808", "1809", "180D", "1810", "181D", "1822")


def _number(read: Callable[[bytes], float | None], size: int) -> Callable[[bytes], Explained]:
    def explain(data: bytes) -> Explained:
        return Explained(fields={"value": shown(read(Cursor(data).take(size)))})

    return explain


# Bare numbers, for people who look at a value by hand (`hearthwatch decode`).
NUMBERS: Final[Mapping[str, Callable[[bytes], Explained]]] = MappingProxyType(
    {"SFLOAT": _number(sfloat, 2), "FLOAT": _number(float32, 4)}
)


def assigned_number(name: str) -> str:
    """`2A35` for `2a35`, `0x2A35` and the whole UUID; any other name in capitals."""
    capital = name.strip().upper().removeprefix("0X").removesuffix(BASE_UUID_END)
    return capital[4:] if len(capital) == 8 and capital.startswith("0000") else capital
