"""What a cuff on a living arm can show; anything else is marked and never alarmed on. Pure."""

from collections.abc import Mapping
from typing import Final

_SYSTOLIC_RANGE: Final = (40.0, 300.0)
_DIASTOLIC_RANGE: Final = (20.0, 200.0)
_PULSE_PRESSURE_MIN: Final = 10.0
_PULSE_RANGE: Final = (20.0, 250.0)
# 5.3-40 kPa is 40-300 mmHg: both values in this range say that the unit was lost.
_KPA_SYSTOLIC: Final = (5.3, 40.0)
_KPA_DIASTOLIC: Final = (2.6, 27.0)


def implausible(values: Mapping[str, float]) -> str | None:
    """Why these values can't be a blood pressure, or None when they can."""
    systolic, diastolic = values.get("systolic_mmhg"), values.get("diastolic_mmhg")
    if systolic is None or diastolic is None:
        return "incomplete"
    if _within(systolic, _KPA_SYSTOLIC) and _within(diastolic, _KPA_DIASTOLIC):
        return "kpa_as_mmhg"
    if not _within(systolic, _SYSTOLIC_RANGE) or not _within(diastolic, _DIASTOLIC_RANGE):
        return "out_of_range"
    if diastolic >= systolic:
        return "diastolic_not_below_systolic"
    if systolic - diastolic < _PULSE_PRESSURE_MIN:
        return "pulse_pressure"
    return None


def plausible_pulse(values: Mapping[str, float]) -> float:
    """The pulse beside a pressure, 0 when there is none to believe."""
    pulse = values.get("pulse_bpm", 0.0)
    return float(pulse) if _within(pulse, _PULSE_RANGE) else 0.0


def _within(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value <= bounds[1]
