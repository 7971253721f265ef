"""What people said about visits to come, added up. Pure.

Rows of `visit_plan` in the order in which they were said. A raise is never taken back, it ends on
its day. Of moves of one person's day the last counts, and a move to the day itself takes the ones
before it back. A region's bad weather holds for all below it, until somebody says it is open again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ledger.visiting.plan import Adjustments
from ledger.visiting.tiers import Raise, Tier

RAISE: Final = "raise"
MOVE: Final = "move"
CLOSED: Final = "closed"
OPEN: Final = "open"
BAD_WEATHER: Final = "bad_weather"

# The plan of a quarter can be arranged ahead.
AHEAD_DAYS_MAX: Final = 92
# A landslide closes a road for weeks; what lasts longer is said again.
CLOSED_DAYS_MAX: Final = 31

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Something that is to be written down."""

    kind: str
    from_day: int
    until_day: int
    reason: str
    service_user: str | None = None
    region: str | None = None
    to_day: int | None = None
    tier: Tier | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A person's visit of a day goes to another; `to_day` None: to whichever is best."""

    day: int
    to_day: int | None
    reason: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """`moves`: by person and the day that was meant. `closed`: by region, the days and why."""

    raises: Mapping[str, tuple[Raise, ...]]
    moves: Mapping[str, Mapping[int, Move]]
    closed: Mapping[str, Mapping[int, str]]

    def adjustments(self) -> Adjustments:
        fixed: dict[str, set[int]] = {}
        barred: dict[str, set[int]] = {}
        for person, moves in self.moves.items():
            for move in moves.values():
                barred.setdefault(person, set()).add(move.day)
                if move.to_day is not None:
                    fixed.setdefault(person, set()).add(move.to_day)
            # Moved on from where it had been moved to.
            fixed[person] = fixed.get(person, set()) - set(moves)
        return Adjustments(fixed=fixed, barred=barred, closed=self.weather)

    def weather(self, day: int, region: str) -> str:
        return BAD_WEATHER if self.why_closed(day, region) is not None else ""

    def why_closed(self, day: int, region: str) -> str | None:
        for code, days in self.closed.items():
            if day in days and region.startswith(code):
                return days[day]
        return None


def words_of(rows: Iterable[Row]) -> Words:
    raises: dict[str, tuple[Raise, ...]] = {}
    moves: dict[str, dict[int, Move]] = {}
    closed: dict[str, dict[int, str]] = {}
    for row in rows:
        person, region = row["service_user"], row["region"] or ""
        first, last = row["from_day"], row["until_day"]
        if row["kind"] == RAISE:
            raises[person] = (*raises.get(person, ()), raise_of(row))
        elif row["kind"] == MOVE:
            days = moves.setdefault(person, {})
            if row["to_day"] == first:
                days.pop(first, None)
            else:
                days[first] = Move(
                    day=first, to_day=row["to_day"], reason=row["reason"], by=row["actor"]
                )
        elif row["kind"] == CLOSED:
            shut = closed.setdefault(region, {})
            shut.update((day, row["reason"]) for day in range(first, last + 1))
        elif row["kind"] == OPEN:
            for day in range(first, last + 1):
                closed.get(region, {}).pop(day, None)
    return Words(raises=raises, moves=moves, closed=closed)


def raise_of(row: Row) -> Raise:
    return Raise(
        tier=Tier(row["tier"]),
        from_day=row["from_day"],
        until_day=row["until_day"],
        reason=row["reason"],
        by=row["actor"],
    )
