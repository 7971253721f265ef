"""Parameters that every vital sign has, and those of signs that a person measures by habit."""

from dataclasses import dataclass
from typing import Final

from rules.params import number

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SignParams:
    """Time for a repeat, age at which a reading wakes nobody, and what a trend is made of."""

    confirm_min: int = number(30, 1, 240)
    late_after_min: int = number(120, 5, 1440)
    trend_days: int = number(14, 7, 28)
    trend_days_min: int = number(8, 5, 28)


@dataclass(frozen=True, slots=True, kw_only=True)
class HabitParams(SignParams):
    """When a measurement is missing: after `missing_times` usual intervals, or `missing_days`."""

    missing_times: float = number(3.0, 1.5, 30)
    missing_days: int = number(7, 1, 60)
    missing_learn_days: int = number(6, 3, 20)
