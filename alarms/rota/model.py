"""What a rota is made of: desks, patterns, changes of one shift, leaves; and the shifts that they
add up to. Pure values; `alarms.rota.plan` adds them up.

    desk        a place that is watched: the duty desk of a county or town, visitors on call
    pattern     what repeats: a cycle of days, in each its shifts with their people
    change      one shift by other people, at other hours, or not at all
    leave       a person who is not there, whatever the rota says
    shift       one desk's hours on one day with its people, first and second
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from alarms.rota.days import day_number, iso_day

DeskKind = Literal["duty", "visit"]
# `working` and `rest` follow the calendar, make-up days included.
On = Literal["every", "working", "rest"]

# A cycle of a year: longer is a list of shifts, which an import is for.
CYCLE_DAYS_MAX: Final = 366
# A shift of more than a day and a half is a mistake of a date.
SHIFT_MINUTES_MAX: Final = 36 * 60
SHIFT_MINUTES_MIN: Final = 15
# Who is first, who second, and a few more on a holiday.
PEOPLE_MAX: Final = 8
DAY_MINUTES: Final = 24 * 60
# Shifts that reach into a day begin at most this many days before it.
REACH_DAYS: Final = 2

# What names a desk, pattern or shift: it stands in addresses and in keys.
NAME: Final = re.compile(r"[\w.-]{1,40}\Z")


class RotaError(ValueError):
    """Something of a rota makes no sense; `field` is to blame."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}")
        self.field = field
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """`always`: somebody has to be there at every instant; otherwise only in its shifts. `seats`:
    so many people make a shift complete; one is enough for it not to be empty."""

    id: str
    name: str
    region: str
    kind: DeskKind = "duty"
    seats: int = 1
    always: bool = True
    closed: bool = False

    def __post_init__(self) -> None:
        if not NAME.match(self.id):
            raise RotaError("id", "1 to 40 letters, digits, - _ .")
        if not self.name.strip():
            raise RotaError("name", "a desk has a name")
        if not 1 <= self.seats <= PEOPLE_MAX:
            raise RotaError("seats", f"1 to {PEOPLE_MAX}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """A shift's name and hours by the local clock; `length_min` beyond midnight is the next day."""

    name: str
    start_min: int
    length_min: int

    def __post_init__(self) -> None:
        if not NAME.match(self.name):
            raise RotaError("shifts.name", "1 to 40 letters, digits, - _ .")
        if not 0 <= self.start_min < DAY_MINUTES:
            raise RotaError("shifts.start", "a time of the day, 00:00 to 23:59")
        if not SHIFT_MINUTES_MIN <= self.length_min <= SHIFT_MINUTES_MAX:
            raise RotaError("shifts.end", "a shift lasts from a quarter of an hour to 36 hours")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """In the cycle's day `day` (0 is its first), the shift of this name has these people, the first
    one first. `on`: on these days only."""

    day: int
    shift: str
    people: tuple[str, ...]
    on: On = "every"

    def __post_init__(self) -> None:
        check_people(self.people)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One revision of a desk's repeating shifts, from a day on (`until_day` is its last, or None).

    `anchor_day` is a first day of the cycle. A later revision of the same `id` takes over from its
    own `from_day` on, and leaves what was before.
    """

    id: str
    desk: str
    from_day: int
    until_day: int | None
    anchor_day: int
    cycle_days: int
    hours: tuple[Hours, ...]
    turns: tuple[Turn, ...]
    # The turns of each day of the cycle; looked up far more often than made.
    by_day: Mapping[int, tuple[tuple[Hours, Turn], ...]] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if not NAME.match(self.id):
            raise RotaError("id", "1 to 40 letters, digits, - _ .")
        if not 1 <= self.cycle_days <= CYCLE_DAYS_MAX:
            raise RotaError("cycle_days", f"1 to {CYCLE_DAYS_MAX}")
        if self.until_day is not None and self.until_day < self.from_day:
            raise RotaError("until", "it ends after it begins")
        names = [hours.name for hours in self.hours]
        if len(set(names)) != len(names):
            raise RotaError("shifts", "two shifts have the same name")
        seen: set[tuple[int, str, str]] = set()
        for turn in self.turns:
            if turn.shift not in names:
                raise RotaError("turns.shift", f"no shift of this pattern is named {turn.shift!r}")
            if not 0 <= turn.day < self.cycle_days:
                raise RotaError("turns.day", f"0 to {self.cycle_days - 1}, the days of the cycle")
            ons = ("working", "rest") if turn.on == "every" else (turn.on,)
            for on in ons:
                if (turn.day, turn.shift, on) in seen:
                    raise RotaError("turns", f"day {turn.day} has {turn.shift!r} twice")
                seen.add((turn.day, turn.shift, on))
        by_name = {hours.name: hours for hours in self.hours}
        by_day: dict[int, tuple[tuple[Hours, Turn], ...]] = {}
        for turn in self.turns:
            by_day[turn.day] = (*by_day.get(turn.day, ()), (by_name[turn.shift], turn))
        object.__setattr__(self, "by_day", by_day)

    def covers(self, day: int) -> bool:
        return self.from_day <= day and (self.until_day is None or day <= self.until_day)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ShiftKey:
    """Names a shift for ever: its desk, the local day it begins, its name."""

    desk: str
    day: int
    name: str

    def __str__(self) -> str:
        return f"{self.desk}/{iso_day(self.day)}/{self.name}"


def parse_key(text: str) -> ShiftKey:
    """The key of a text as `str` gives it; RotaError when it is none."""
    desk, _, rest = text.partition("/")
    date, _, name = rest.partition("/")
    if not NAME.match(desk) or not NAME.match(name):
        raise RotaError("shift", "a shift is named <desk>/<date>/<name>")
    return ShiftKey(desk=desk, day=parse_day(date, "shift"), name=name)


def parse_day(text: str, field: str) -> int:
    try:
        return day_number(text)
    except ValueError:
        raise RotaError(field, "a date as 2026-11-28") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What was said of one shift, before any pattern: its people, or None for no shift at all.
    Without `start_min` it keeps the pattern's hours."""

    key: ShiftKey
    people: tuple[str, ...] | None
    start_min: int | None = None
    length_min: int | None = None

    def __post_init__(self) -> None:
        check_people(self.people or ())
        if (self.start_min is None) != (self.length_min is None):
            raise RotaError("start", "start and end come together")
        if self.start_min is not None and self.length_min is not None:
            Hours(name=self.key.name, start_min=self.start_min, length_min=self.length_min)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    id: str
    person: str
    from_ms: int
    until_ms: int

    def covers(self, at_ms: int) -> bool:
        return self.from_ms <= at_ms < self.until_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """[start, end). `changed`: not as its pattern has it. `people` may be on leave for a part."""

    key: ShiftKey
    start_ms: int
    end_ms: int
    people: tuple[str, ...]
    changed: bool = False


def check_people(people: tuple[str, ...]) -> None:
    if len(people) > PEOPLE_MAX:
        raise RotaError("people", f"at most {PEOPLE_MAX} in a shift")
    if len(set(people)) != len(people):
        raise RotaError("people", "somebody is named twice")
    if not all(people):
        raise RotaError("people", "a name is empty")


def clock_minutes(text: str, field: str) -> int:
    """Minutes since midnight of a text as 07:30."""
    match = re.fullmatch(r"([01]?\d|2[0-3])[:：]([0-5]\d)", text.strip())
    if match is None:
        raise RotaError(field, "a time as 07:30")
    return int(match[1]) * 60 + int(match[2])


def clock_text(minutes: int) -> str:
    minutes %= DAY_MINUTES
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def length_between(start_min: int, end_min: int) -> int:
    """From start to end; an end at or before the start is the next day's."""
    length = (end_min - start_min) % DAY_MINUTES
    return length or DAY_MINUTES
