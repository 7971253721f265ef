"""One person's measurements day by day: means, the usual interval, the trend.

A trend is Theil-Sen's: the median slope of all pairs of days. A day of nonsense, or four of
fourteen, doesn't move it, as a mean or a least-squares line would be moved. It is solid when the
days are in order as well (Mann-Kendall), which a single step or a wild scatter is not.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import Any, Final, NamedTuple

from rules.vitals.params import DAY_MS, HOUR_MS, HabitParams

# A habit of four weeks; also the longest trend.
DAYS_MAX: Final = 28
# A day begins at four in the morning in China: who measures at seven or at nine does so on one day,
# and who can't sleep measures for the day before.
_DAY_BEGINS_MS: Final = 4 * HOUR_MS
# Mann-Kendall's z: three chances in a thousand, for it is asked anew every day.
_SOLID_Z: Final = 3.0


class Trend(NamedTuple):
    """change: by how much the value rose over the days of the trend, if solid."""

    change: float
    solid: bool
    days: int


def day_of(at_ms: int) -> int:
    return (at_ms + _DAY_BEGINS_MS) // DAY_MS


class Days:
    """Day → [count, sum], the newest four weeks."""

    __slots__ = ("_days",)

    def __init__(self) -> None:
        self._days: dict[int, list[float]] = {}

    def add(self, at_ms: int, value: float) -> None:
        day = day_of(at_ms)
        entry = self._days.get(day)
        if entry is None:
            self._days[day] = [1.0, value]
            oldest = max(self._days) - DAYS_MAX
            if min(self._days) <= oldest:
                self._days = {d: v for d, v in self._days.items() if d > oldest}
            return
        entry[0] += 1
        entry[1] += value

    def means(self, first: int, last: int) -> list[tuple[int, float]]:
        """(day, mean) of the measured days between both, in order."""
        days = sorted(day for day in self._days if first <= day <= last)
        return [(day, self._days[day][1] / self._days[day][0]) for day in days]

    def trend(self, today: int, span: int, days_min: int) -> Trend | None:
        """The trend of the `span` days before today, None when too few were measured."""
        days = self.means(today - span, today - 1)
        if len(days) < days_min:
            return None
        slopes = [
            (later[1] - earlier[1]) / (later[0] - earlier[0])
            for number, earlier in enumerate(days)
            for later in days[number + 1 :]
        ]
        up = sum(1 if slope > 0 else -1 for slope in slopes if slope)
        n = len(days)
        spread = (n * (n - 1) * (2 * n + 5) / 18) ** 0.5
        change = median(slopes) * (days[-1][0] - days[0][0])
        return Trend(change, (abs(up) - 1) / spread >= _SOLID_Z, n)

    def overdue_after_ms(self, p: HabitParams) -> int | None:
        """For how long nothing may come, None for who has no habit (yet).

        The usual interval is the upper quartile of those between measured days, so that a habit
        with gaps of its own is given them. The days' limit never cuts below two intervals.
        """
        days = sorted(self._days)
        if len(days) < p.missing_learn_days:
            return None
        gaps = sorted(later - earlier for earlier, later in pairwise(days))
        usual = gaps[len(gaps) * 3 // 4]
        return int(min(p.missing_times * usual, max(p.missing_days, 2 * usual)) * DAY_MS)

    def dump(self) -> list[list[float]]:
        return [[day, *self._days[day]] for day in sorted(self._days)]

    @classmethod
    def load(cls, rows: Sequence[Sequence[Any]]) -> "Days":
        days = cls()
        days._days = {int(day): [float(count), float(total)] for day, count, total in rows}
        return days


def change_words(trend: Trend) -> Mapping[str, float | int]:
    return {"change": round(trend.change, 1), "trend_days": trend.days}
