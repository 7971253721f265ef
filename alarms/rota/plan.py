"""The rota added up: the shifts of a time, and who is on duty at an instant. Pure.

Of a day, the pattern's newest revision that has begun counts; what was said of the one shift
counts before it; who is on leave is not there. At the end of a shift its people are off duty, at
its start they are on, to the millisecond.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from alarms.rota.days import Calendar
from alarms.rota.model import (
    REACH_DAYS,
    Change,
    Desk,
    Hours,
    Leave,
    Pattern,
    RotaError,
    Shift,
    ShiftKey,
    Turn,
)
from rules.local_time import MINUTE_MS, at_minute_ms, day_of


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDuty:
    """Somebody who is there at an instant, and by which shift."""

    person: str
    shift: ShiftKey
    until_ms: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole rota at one moment of its history; never changed, only replaced.

    patterns: every revision by pattern, oldest first, at least one. changes: by desk and day, then
    by the shift's name, the one that counts.
    """

    desks: Mapping[str, Desk] = field(default_factory=dict)
    patterns: Mapping[str, Sequence[Pattern]] = field(default_factory=dict)
    changes: Mapping[tuple[str, int], Mapping[str, Change]] = field(default_factory=dict)
    leaves: Mapping[str, Leave] = field(default_factory=dict)
    calendar: Calendar = field(default_factory=Calendar)
    # Looked up far more often than made.
    _patterns_of: Mapping[str, Sequence[Sequence[Pattern]]] = field(init=False, repr=False)
    _leaves_of: Mapping[str, Sequence[Leave]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        patterns: dict[str, list[Sequence[Pattern]]] = {}
        for revisions in self.patterns.values():
            patterns.setdefault(revisions[-1].desk, []).append(revisions)
        leaves: dict[str, list[Leave]] = {}
        for leave in self.leaves.values():
            leaves.setdefault(leave.person, []).append(leave)
        object.__setattr__(self, "_patterns_of", patterns)
        object.__setattr__(self, "_leaves_of", leaves)

    def shifts(self, desk: str, from_ms: int, to_ms: int) -> list[Shift]:
        """All that touch [from, to), by their beginning."""
        found = [
            shift
            for day in range(day_of(from_ms) - REACH_DAYS, day_of(to_ms - 1) + 1)
            for shift in self.of_day(desk, day)
            if shift.start_ms < to_ms and shift.end_ms > from_ms
        ]
        return sorted(found, key=_by_start)

    def of_day(self, desk: str, day: int) -> list[Shift]:
        """Those that begin on a local day."""
        planned: dict[ShiftKey, tuple[Hours, tuple[str, ...]]] = {}
        for pattern in self._in_force(desk, day):
            for hours, turn in self._turns(pattern, day):
                key = ShiftKey(desk=desk, day=day, name=hours.name)
                planned.setdefault(key, (hours, turn.people))
        changes = self.changes.get((desk, day), {})
        found = []
        for key, (hours, people) in planned.items():
            change = changes.get(key.name)
            if change is None:
                found.append(_shift(key, hours, people, changed=False))
            elif change.people is not None:
                found.append(_shift(key, _hours(change) or hours, change.people, changed=True))
        for change in changes.values():
            own = _hours(change)
            if change.key not in planned and change.people is not None and own is not None:
                found.append(_shift(change.key, own, change.people, changed=True))
        return sorted(found, key=_by_start)

    def find(self, key: ShiftKey) -> Shift | None:
        return next((s for s in self.of_day(key.desk, key.day) if s.key == key), None)

    def is_planned(self, key: ShiftKey) -> bool:
        """A pattern has it, whatever was said of it since."""
        return any(
            hours.name == key.name
            for pattern in self._in_force(key.desk, key.day)
            for hours, _turn in self._turns(pattern, key.day)
        )

    def on_duty(self, desk: str, at_ms: int) -> list[OnDuty]:
        """In order: of the shift that began last its first and second, then of those before it."""
        found: list[OnDuty] = []
        for shift in reversed(self.shifts(desk, at_ms, at_ms + 1)):
            for person in shift.people:
                if not self.absent(person, at_ms) and person not in {o.person for o in found}:
                    found.append(OnDuty(person=person, shift=shift.key, until_ms=shift.end_ms))
        return found

    def absent(self, person: str, at_ms: int) -> bool:
        return any(leave.covers(at_ms) for leave in self._leaves_of.get(person, ()))

    def leaves_of(self, person: str) -> Sequence[Leave]:
        return self._leaves_of.get(person, ())

    def moments(self, desk: str, from_ms: int, to_ms: int) -> list[int]:
        """When who is on duty may change, in (from, to)."""
        return self._edges(self.shifts(desk, from_ms, to_ms), from_ms, to_ms)

    def _edges(self, shifts: Sequence[Shift], from_ms: int, to_ms: int) -> list[int]:
        people = {person for shift in shifts for person in shift.people}
        edges = {at for shift in shifts for at in (shift.start_ms, shift.end_ms)}
        for person in people:
            for leave in self.leaves_of(person):
                edges |= {leave.from_ms, leave.until_ms}
        return sorted(at for at in edges if from_ms < at < to_ms)

    def next_change_ms(self, desk: str, at_ms: int, within_ms: int) -> int | None:
        """When the people on duty are next others than now; None: not in that time."""
        now = [on.person for on in self.on_duty(desk, at_ms)]
        for moment in self.moments(desk, at_ms, at_ms + within_ms):
            if [on.person for on in self.on_duty(desk, moment)] != now:
                return moment
        return None

    def stretches(self, desk: str, from_ms: int, to_ms: int) -> Iterator[tuple[int, int, int]]:
        """[from, to) cut where it may change: (start, end, how many are there)."""
        shifts = self.shifts(desk, from_ms, to_ms)
        edges = [from_ms, *self._edges(shifts, from_ms, to_ms), to_ms]
        for start, end in pairwise(edges):
            there = (s for s in shifts if s.start_ms <= start < s.end_ms)
            people = {p for shift in there for p in shift.people if not self.absent(p, start)}
            yield start, end, len(people)

    def check_names(self, new: Pattern) -> None:
        """A desk's patterns may overlap, but not with shifts of one name: their keys are one."""
        for pattern_id, revisions in self.patterns.items():
            if pattern_id == new.id or revisions[-1].desk != new.desk:
                continue
            other = revisions[-1]
            apart = (new.until_day is not None and new.until_day < other.from_day) or (
                other.until_day is not None and other.until_day < new.from_day
            )
            names = {turn.shift for turn in other.turns} & {turn.shift for turn in new.turns}
            if names and not apart:
                raise RotaError("shifts.name", f"{sorted(names)[0]!r} is in {pattern_id!r} already")

    def _in_force(self, desk: str, day: int) -> Iterator[Pattern]:
        for revisions in self._patterns_of.get(desk, ()):
            begun = [p for p in revisions if p.from_day <= day]
            if begun and begun[-1].covers(day):
                yield begun[-1]

    def _turns(self, pattern: Pattern, day: int) -> Iterator[tuple[Hours, Turn]]:
        position = (day - pattern.anchor_day) % pattern.cycle_days
        for hours, turn in pattern.by_day.get(position, ()):
            if turn.on == "every" or self.calendar.kind(day).working == (turn.on == "working"):
                yield hours, turn


def weekly(
    *,
    id: str,
    desk: str,
    from_day: int,
    hours: Sequence[Hours],
    teams: Mapping[str, Sequence[Sequence[str]]],
) -> Pattern:
    """Each shift's people by weekday, Monday first; a list shorter than a week repeats in it."""
    turns = [
        Turn(day=day, shift=name, people=tuple(people[day % len(people)]))
        for name, people in teams.items()
        for day in range(7)
    ]
    monday = from_day - (from_day + 3) % 7
    return Pattern(
        id=id,
        desk=desk,
        from_day=from_day,
        until_day=None,
        anchor_day=monday,
        cycle_days=7,
        hours=tuple(hours),
        turns=tuple(turns),
    )


def rotating(
    *, id: str, desk: str, from_day: int, hours: Sequence[Hours], teams: Sequence[Sequence[str]]
) -> Pattern:
    """Teams take turns forward by the clock: who has a shift today has the following one tomorrow,
    and after the last one rests as many days as there are more teams than shifts (four teams with
    three shifts: 四班三运转)."""
    hours = sorted(hours, key=lambda one: one.start_min)
    count = len(teams)
    if count < len(hours):
        raise RotaError("teams", "at least as many teams as shifts")
    turns = [
        Turn(day=day, shift=one.name, people=tuple(teams[(place - day) % count]))
        for day in range(count)
        for place, one in enumerate(hours)
    ]
    return Pattern(
        id=id,
        desk=desk,
        from_day=from_day,
        until_day=None,
        anchor_day=from_day,
        cycle_days=count,
        hours=tuple(hours),
        turns=tuple(turns),
    )


def _hours(change: Change) -> Hours | None:
    if change.start_min is None or change.length_min is None:
        return None
    return Hours(name=change.key.name, start_min=change.start_min, length_min=change.length_min)


def _shift(key: ShiftKey, hours: Hours, people: tuple[str, ...], *, changed: bool) -> Shift:
    start_ms = at_minute_ms(key.day, hours.start_min)
    return Shift(
        key=key,
        start_ms=start_ms,
        end_ms=start_ms + hours.length_min * MINUTE_MS,
        people=people,
        changed=changed,
    )


def _by_start(shift: Shift) -> tuple[int, int, str]:
    return shift.start_ms, shift.end_ms, shift.key.name
