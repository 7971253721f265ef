"""What a living person at home can have; anything else is a fault of the device or its decoding.

Blood pressure as the rules judge it (mmHg sent where kPa was meant has both values far below).
The other limits are wider than any person measured at home and narrower than a wrong unit.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

SYSTOLIC_MMHG: Final = (40.0, 300.0)
DIASTOLIC_MMHG: Final = (20.0, 200.0)
PULSE_PRESSURE_MIN_MMHG: Final = 10.0
PULSE_BPM: Final = (20.0, 250.0)

# The value that a kind cannot do without, and its limits.
MAIN: Final[Mapping[str, tuple[str, float, float]]] = MappingProxyType(
    {
        # Calibrated from 70 (ISO 80601-2-61); below 35 no oximeter shows a number.
        "oximetry": ("spo2_pct", 35.0, 100.0),
        "heart_rate": ("pulse_bpm", *PULSE_BPM),
        # A chilled survivor, and the highest fever; degrees Fahrenheit sent as Celsius are above.
        "temperature": ("temperature_c", 25.0, 45.0),
        # Meters show 0.6-33.3 mmol/L; mg/dL sent as mmol/L is above.
        "glucose": ("glucose_mmol_l", 0.3, 60.0),
        "weight": ("weight_kg", 2.0, 400.0),
        "device_health": ("battery_pct", 0.0, 100.0),
    }
)
# Beside a good main value these are left out and told.
EXTRA: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {"pulse_bpm": PULSE_BPM, "mean_mmhg": (DIASTOLIC_MMHG[0], SYSTOLIC_MMHG[1])}
)


def implausible(kind: str, values: Mapping[str, float]) -> str | None:
    """Why these values can't be a reading, or None when they can."""
    if kind == "blood_pressure":
        return _blood_pressure(values)
    name, low, high = MAIN[kind]
    value = values.get(name)
    if value is None:
        return "incomplete"
    return None if low <= value <= high else "out_of_range"


def impossible_extras(values: Mapping[str, float]) -> list[str]:
    """Names of the secondary values that are out of their limits."""
    limits = EXTRA.items()
    return [n for n, (low, high) in limits if n in values and not low <= values[n] <= high]


def _blood_pressure(values: Mapping[str, float]) -> str | None:
    systolic, diastolic = values.get("systolic_mmhg"), values.get("diastolic_mmhg")
    if systolic is None or diastolic is None:
        return "incomplete"
    if not SYSTOLIC_MMHG[0] <= systolic <= SYSTOLIC_MMHG[1]:
        return "out_of_range"
    if not DIASTOLIC_MMHG[0] <= diastolic <= DIASTOLIC_MMHG[1]:
        return "out_of_range"
    if diastolic >= systolic:
        return "diastolic_not_below_systolic"
    return "pulse_pressure" if systolic - diastolic < PULSE_PRESSURE_MIN_MMHG else None
