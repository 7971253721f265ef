"""Blood pressure readings: which can be true, which belong together, and what they mean.

Figures and sources: docs/rules.md. Everything here is a pure function of readings.
"""

from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from contract.config import ConfigError
from rules.params import number

MINUTE_MS: Final = 60_000
DAY_MS: Final = 86_400_000

# Eight readings a day for a week; a cuff that sends more fills the mean with its newest ones.
HISTORY_MAX: Final = 64

# What a cuff on a living arm can show; anything else is kept, marked, and never alarmed on.
_SYSTOLIC_RANGE: Final = (40.0, 300.0)
_DIASTOLIC_RANGE: Final = (20.0, 200.0)
_PULSE_PRESSURE_MIN: Final = 10.0
_PULSE_RANGE: Final = (20.0, 250.0)
# 5.3-40 kPa is 40-300 mmHg: both values in this range say that the unit was lost.
_KPA_SYSTOLIC: Final = (5.3, 40.0)
_KPA_DIASTOLIC: Final = (2.6, 27.0)


class PressureReason(StrEnum):
    # Urgent.
    CRISIS = "crisis"
    HIGH_CONFIRMED = "high_confirmed"
    HIGH_UNCONFIRMED = "high_unconfirmed"
    LOW_CONFIRMED = "low_confirmed"
    PULSE_LOW = "pulse_low"
    PULSE_HIGH = "pulse_high"
    # Watch.
    LOW_UNCONFIRMED = "low_unconfirmed"
    LOW_WATCH = "low_watch"
    PULSE_LOW_WATCH = "pulse_low_watch"
    PULSE_HIGH_WATCH = "pulse_high_watch"
    MEAN_HIGH = "mean_high"
    # The end, and words for the screen.
    BACK_TO_USUAL = "back_to_usual"
    USUAL = "usual"
    AWAITING_REPEAT = "awaiting_repeat"
    NO_MEASUREMENT = "no_measurement"


URGENT: Final = frozenset(
    {
        PressureReason.CRISIS,
        PressureReason.HIGH_CONFIRMED,
        PressureReason.HIGH_UNCONFIRMED,
        PressureReason.LOW_CONFIRMED,
        PressureReason.PULSE_LOW,
        PressureReason.PULSE_HIGH,
    }
)
# Reasons about the same trouble and their level: in one sitting only a worse one is news.
TROUBLE: Final[Mapping[PressureReason, tuple[str, int]]] = MappingProxyType(
    {
        PressureReason.CRISIS: ("high", 2),
        PressureReason.HIGH_CONFIRMED: ("high", 1),
        PressureReason.HIGH_UNCONFIRMED: ("high", 1),
        PressureReason.LOW_CONFIRMED: ("low", 2),
        PressureReason.LOW_UNCONFIRMED: ("low", 1),
        PressureReason.LOW_WATCH: ("low", 1),
        PressureReason.PULSE_LOW: ("pulse_low", 2),
        PressureReason.PULSE_LOW_WATCH: ("pulse_low", 1),
        PressureReason.PULSE_HIGH: ("pulse_high", 2),
        PressureReason.PULSE_HIGH_WATCH: ("pulse_high", 1),
        PressureReason.MEAN_HIGH: ("mean", 1),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PressureParams:
    """Limits in mmHg and beats a minute; each is reached by a value equal to it."""

    urgent_systolic_mmhg: float = number(180.0, 120, 260)
    urgent_diastolic_mmhg: float = number(110.0, 70, 160)
    crisis_systolic_mmhg: float = number(200.0, 140, 280)
    crisis_diastolic_mmhg: float = number(120.0, 80, 180)
    low_systolic_mmhg: float = number(90.0, 50, 120)
    low_watch_systolic_mmhg: float = number(100.0, 50, 130)
    mean_systolic_mmhg: float = number(135.0, 100, 200)
    mean_diastolic_mmhg: float = number(85.0, 60, 130)
    mean_days: int = number(7, 1, 30)
    mean_readings_min: int = number(6, 2, HISTORY_MAX)
    mean_days_min: int = number(3, 1, 30)
    mean_release_mmhg: float = number(5.0, 0, 30)
    pulse_low_bpm: float = number(40.0, 20, 60)
    pulse_high_bpm: float = number(131.0, 90, 220)
    pulse_low_watch_bpm: float = number(50.0, 20, 70)
    pulse_high_watch_bpm: float = number(111.0, 80, 220)
    release_mmhg: float = number(10.0, 0, 40)
    release_bpm: float = number(5.0, 0, 30)
    confirm_min: int = number(30, 1, 240)
    late_after_min: int = number(120, 5, 1440)

    def check(self, where: str) -> None:
        """Bands must lie in order, or a reading would be two things at once."""
        for low, high in (
            ("urgent_systolic_mmhg", "crisis_systolic_mmhg"),
            ("urgent_diastolic_mmhg", "crisis_diastolic_mmhg"),
            ("low_systolic_mmhg", "low_watch_systolic_mmhg"),
            ("low_watch_systolic_mmhg", "urgent_systolic_mmhg"),
            ("pulse_low_bpm", "pulse_low_watch_bpm"),
            ("pulse_low_watch_bpm", "pulse_high_watch_bpm"),
            ("pulse_high_watch_bpm", "pulse_high_bpm"),
            ("mean_days_min", "mean_days"),
        ):
            if getattr(self, low) > getattr(self, high):
                raise ConfigError(f"{where}.{low}", f"must not be above {high}")


class Reading(NamedTuple):
    """One measurement; the pulse is 0 when the cuff gave none or an impossible one."""

    measured_ms: int
    systolic: float
    diastolic: float
    pulse: float


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
    pulse = values.get("pulse_bpm", 0.0)
    return float(pulse) if _within(pulse, _PULSE_RANGE) else 0.0


def insert(history: list[Reading], reading: Reading, now_ms: int, days: int) -> bool:
    """Put a reading in its place in the week; False when it is in already or too old."""
    if reading in history:
        return False
    oldest_ms = now_ms - days * DAY_MS
    if reading.measured_ms < oldest_ms:
        return False
    insort(history, reading)
    while history[0].measured_ms < oldest_ms or len(history) > HISTORY_MAX:
        del history[0]
    return True


def occasion(history: Sequence[Reading], at_ms: int, within_ms: int) -> list[Reading]:
    """The readings of one sitting: all within the time allowed for a repeat."""
    return [r for r in history if abs(r.measured_ms - at_ms) <= within_ms]


def mean(readings: Sequence[Reading]) -> tuple[float, float]:
    count = len(readings)
    return (
        sum(r.systolic for r in readings) / count,
        sum(r.diastolic for r in readings) / count,
    )


def week_mean(history: Sequence[Reading], params: PressureParams) -> tuple[float, float] | None:
    """The home mean, once there are enough readings on enough days to call it one."""
    if len(history) < params.mean_readings_min:
        return None
    if len({r.measured_ms // DAY_MS for r in history}) < params.mean_days_min:
        return None
    return mean(history)


def judge(
    reading: Reading,
    sitting: Sequence[Reading],
    history: Sequence[Reading],
    p: PressureParams,
) -> list[PressureReason]:
    """What a reading says, the urgent first. A lone high or low one says nothing yet."""
    urgent: list[PressureReason] = []
    watch: list[PressureReason] = []
    systolic, diastolic = mean(sitting)
    confirmed = len(sitting) > 1
    if reaches(reading, p.crisis_systolic_mmhg, p.crisis_diastolic_mmhg):
        urgent.append(PressureReason.CRISIS)
    high = systolic >= p.urgent_systolic_mmhg or diastolic >= p.urgent_diastolic_mmhg
    if high and confirmed:
        urgent.append(PressureReason.HIGH_CONFIRMED)
    if systolic <= p.low_systolic_mmhg and confirmed:
        urgent.append(PressureReason.LOW_CONFIRMED)
    if p.low_systolic_mmhg < systolic <= p.low_watch_systolic_mmhg:
        watch.append(PressureReason.LOW_WATCH)
    if 0 < reading.pulse <= p.pulse_low_bpm:
        urgent.append(PressureReason.PULSE_LOW)
    elif reading.pulse >= p.pulse_high_bpm:
        urgent.append(PressureReason.PULSE_HIGH)
    elif 0 < reading.pulse <= p.pulse_low_watch_bpm:
        watch.append(PressureReason.PULSE_LOW_WATCH)
    elif reading.pulse >= p.pulse_high_watch_bpm:
        watch.append(PressureReason.PULSE_HIGH_WATCH)
    week = week_mean(history, p)
    if week is not None and (week[0] >= p.mean_systolic_mmhg or week[1] >= p.mean_diastolic_mmhg):
        watch.append(PressureReason.MEAN_HIGH)
    return urgent + watch


def gone(
    trouble: str, sitting: Sequence[Reading], history: Sequence[Reading], p: PressureParams
) -> bool:
    """Whether a trouble is over, by a margin so that it doesn't come and go with each reading."""
    systolic, diastolic = mean(sitting)
    pulse = sitting[-1].pulse
    if trouble == "high":
        return (
            systolic < p.urgent_systolic_mmhg - p.release_mmhg
            and diastolic < p.urgent_diastolic_mmhg - p.release_mmhg
        )
    if trouble == "low":
        return systolic > p.low_watch_systolic_mmhg + p.mean_release_mmhg
    if trouble == "pulse_low":
        return pulse > p.pulse_low_watch_bpm + p.release_bpm
    if trouble == "pulse_high":
        return 0 < pulse < p.pulse_high_watch_bpm - p.release_bpm
    week = week_mean(history, p)
    return week is not None and (
        week[0] < p.mean_systolic_mmhg - p.mean_release_mmhg
        and week[1] < p.mean_diastolic_mmhg - p.mean_release_mmhg
    )


def reaches(reading: Reading, systolic_mmhg: float, diastolic_mmhg: float) -> bool:
    return reading.systolic >= systolic_mmhg or reading.diastolic >= diastolic_mmhg


def _within(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value <= bounds[1]
