"""What both oximeter characteristics say of their own quality (Pulse Oximeter Service 1.0.1).

Measurement Status has 16 bits, Device and Sensor Status 24.
"""

from dataclasses import dataclass
from typing import Any, Final

from contract.item import Scalar
from gateway.drivers.ble_health.value import bits

MEASUREMENT_STATUS: Final = {
    5: "ongoing",
    6: "early_estimate",
    7: "validated",
    8: "fully_qualified",
    9: "from_storage",
    10: "demonstration",
    11: "testing",
    12: "calibrating",
    13: "unavailable",
    14: "questionable",
    15: "invalid",
}
SENSOR_STATUS: Final = {
    0: "extended_display_update",
    1: "equipment_malfunction",
    2: "signal_irregular",
    3: "signal_inadequate",
    4: "signal_poor",
    5: "low_perfusion",
    6: "signal_erratic",
    7: "nonpulsatile",
    8: "questionable_pulse",
    9: "analysing",
    10: "interference",
    11: "off_finger",
    12: "sensor_unknown",
    13: "sensor_displaced",
    14: "sensor_malfunction",
    15: "sensor_disconnected",
}
# Demonstration, testing, calibrating, unavailable, invalid: numbers that are nobody's.
_NO_MEASUREMENT: Final = 0b1011_1100_0000_0000
# Inadequate signal, off the finger, unknown, displaced or disconnected sensor.
_NO_SENSOR: Final = 0b1011_1000_0000_1000
_EQUIPMENT: Final = 1 << 1
_SENSOR_BROKEN: Final = 1 << 14
_FROM_STORAGE: Final = 1 << 9
_DOUBTFUL_MEASUREMENT: Final = 1 << 6 | 1 << 14
# Irregular, poor, weak, erratic or no pulse signal, interference.
_DOUBTFUL_SENSOR: Final = 0b0000_0101_1111_0100


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """`usable` False: no reading. `fault`: the device itself says it is broken."""

    usable: bool
    fault: str | None
    attrs: dict[str, Scalar]
    fields: dict[str, Any]


def quality(measurement: int | None, sensor: int | None) -> Quality:
    m, s = measurement or 0, sensor or 0
    fields: dict[str, Any] = {}
    attrs: dict[str, Scalar] = {}
    if measurement is not None:
        fields["measurement_status"] = m
    if sensor is not None:
        fields["sensor_status"] = s
    if m & _FROM_STORAGE:
        attrs["replayed"] = True
    if m & _DOUBTFUL_MEASUREMENT or s & _DOUBTFUL_SENSOR:
        attrs["quality"] = bits(m & _DOUBTFUL_MEASUREMENT, MEASUREMENT_STATUS) or "poor_signal"
        if s & _DOUBTFUL_SENSOR:
            attrs["signal"] = bits(s & _DOUBTFUL_SENSOR, SENSOR_STATUS)
    broken = s & (_EQUIPMENT | _SENSOR_BROKEN)
    return Quality(
        usable=not (m & _NO_MEASUREMENT or s & _NO_SENSOR or broken),
        fault=bits(broken, SENSOR_STATUS) or None,
        attrs=attrs,
        fields=fields,
    )
