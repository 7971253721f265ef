"""The poor days of a silence, until it is known whether they were lived. Pure.

Those before it was found and those since; when it is over they are kept as those of the last
silence, for a human may say later what it was.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rules.lived_days import Day, checked_day, day_row

# Days of one silence that are kept while it lasts.
AWAY_MAX: Final = 3

_NO_DAYS: Final[tuple[Day, ...]] = ()


class PoorDays:
    """last: of the silence that ended last."""

    __slots__ = ("_before", "_since", "last")

    def __init__(self) -> None:
        self._before = self._since = self.last = _NO_DAYS

    def begin(self, day: Day | None) -> None:
        """A home counts as silent; `day`: the last that isn't known to be lived."""
        self._before = _NO_DAYS if day is None else (day,)
        self._since = _NO_DAYS

    def add(self, day: Day | None) -> None:
        self._since = (*self._since, *(_NO_DAYS if day is None else (day,)))[-AWAY_MAX:]

    def end(self) -> Sequence[Day]:
        self.last = (*self._before, *self._since)
        self._before = self._since = _NO_DAYS
        return self.last

    def dump(self) -> dict[str, Any]:
        last = {"poor": [day_row(day) for day in self.last]} if self.last else {}
        return {
            "doubt": [day_row(day) for day in self._before],
            "away": [day_row(day) for day in self._since],
            **last,
        }

    @classmethod
    def load(cls, document: Mapping[str, Any]) -> "PoorDays":
        poor = cls()
        poor._before = tuple(checked_day(row) for row in document["doubt"])
        poor._since = tuple(checked_day(row) for row in document["away"])[-AWAY_MAX:]
        # Not known to states of before, nor to homes that were never silent.
        poor.last = tuple(checked_day(row) for row in document.get("poor", ()))
        return poor
