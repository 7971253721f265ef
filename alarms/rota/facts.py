"""Facts of a rota as the table keeps them, and the plan that they add up to. Pure.

Of the facts about one desk, shift, leave, day or swap the last counts; of a pattern each does,
from its own day on.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from alarms.rota.days import Calendar, DayKind, day_number, iso_day
from alarms.rota.model import Change, Desk, Hours, Leave, Pattern, ShiftKey, Turn, parse_key
from alarms.rota.plan import Plan
from alarms.rota.swaps import Swap, SwapState

FactKind = Literal["desk", "pattern", "shift", "leave", "day", "swap"]
Row = Mapping[str, Any]
Body = dict[str, Any]

# What a county enters itself counts as announced: it has the notice before it.
OWN_SOURCE: Final = "县里录入"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    kind: FactKind
    key: str
    body: Body
    desk: str | None = None
    day: int | None = None


def desk_fact(desk: Desk) -> Fact:
    body = {
        "name": desk.name,
        "region": desk.region,
        "kind": desk.kind,
        "seats": desk.seats,
        "always": desk.always,
        "closed": desk.closed,
    }
    return Fact(kind="desk", key=desk.id, body=body, desk=desk.id)


def pattern_fact(pattern: Pattern) -> Fact:
    body = {
        "from": iso_day(pattern.from_day),
        "until": None if pattern.until_day is None else iso_day(pattern.until_day),
        "anchor": iso_day(pattern.anchor_day),
        "cycle_days": pattern.cycle_days,
        "hours": [[h.name, h.start_min, h.length_min] for h in pattern.hours],
        "turns": [[t.day, t.shift, list(t.people), t.on] for t in pattern.turns],
    }
    return Fact(kind="pattern", key=pattern.id, body=body, desk=pattern.desk)


def change_fact(change: Change) -> Fact:
    people = None if change.people is None else list(change.people)
    body = {"people": people, "start_min": change.start_min, "length_min": change.length_min}
    key = change.key
    return Fact(kind="shift", key=str(key), body=body, desk=key.desk, day=key.day)


def unchanged_fact(key: ShiftKey) -> Fact:
    """Takes back what was said of a shift: it is as its pattern has it."""
    return Fact(kind="shift", key=str(key), body={"unchanged": True}, desk=key.desk, day=key.day)


def leave_fact(leave: Leave) -> Fact:
    body = {"person": leave.person, "from_ms": leave.from_ms, "until_ms": leave.until_ms}
    return Fact(kind="leave", key=leave.id, body=body)


def day_fact(day: int, kind: DayKind | None) -> Fact:
    body: Body = {"as_announced": True}
    if kind is not None:
        body = {"working": kind.working, "name": kind.name}
    return Fact(kind="day", key=iso_day(day), body=body)


def swap_fact(swap: Swap, at_ms: int) -> Fact:
    body = {
        "asker": swap.asker,
        "other": swap.other,
        "given": str(swap.given),
        "taken": None if swap.taken is None else str(swap.taken),
        "state": swap.state.value,
        "note": swap.note,
        "moved_at_ms": at_ms,
    }
    return Fact(kind="swap", key=swap.id, body=body, desk=swap.given.desk)


class PlanBuilder:
    """Facts in, in the order in which they were said; the plan it begins from stays as it is."""

    def __init__(self, plan: Plan | None = None) -> None:
        begun = plan or Plan()
        self._desks = dict(begun.desks)
        self._patterns = dict(begun.patterns)
        self._changes = dict(begun.changes)
        self._leaves = dict(begun.leaves)
        self._own = dict(begun.calendar.own)

    def put(self, row: Row) -> None:
        """Swaps are not part of a plan."""
        body: Body = json.loads(row["body"])
        key = row["key"]
        match row["kind"]:
            case "desk":
                self._desks[key] = Desk(id=key, **body)
            case "pattern":
                new = _pattern(row, body)
                # One that begins before an older one takes its place.
                older = [p for p in self._patterns.get(key, ()) if p.from_day < new.from_day]
                self._patterns[key] = (*older, new)
            case "shift":
                self._put_change(parse_key(key), body)
            case "leave":
                self._leaves[key] = Leave(id=key, **body)
            case "day":
                self._put_day(day_number(key), body)

    def plan(self) -> Plan:
        return Plan(
            desks=self._desks,
            patterns=self._patterns,
            changes=self._changes,
            leaves={
                k: leave for k, leave in self._leaves.items() if leave.until_ms > leave.from_ms
            },
            calendar=Calendar(self._own),
        )

    def _put_change(self, key: ShiftKey, body: Body) -> None:
        place = (key.desk, key.day)
        of_day = {n: c for n, c in self._changes.get(place, {}).items() if n != key.name}
        if not body.get("unchanged"):
            of_day[key.name] = Change(
                key=key,
                people=None if body["people"] is None else tuple(body["people"]),
                start_min=body["start_min"],
                length_min=body["length_min"],
            )
        self._changes[place] = of_day

    def _put_day(self, day: int, body: Body) -> None:
        self._own.pop(day, None)
        if not body.get("as_announced"):
            self._own[day] = DayKind(
                working=body["working"], name=body["name"], known="announced", source=OWN_SOURCE
            )


def plan_of(rows: Iterable[Row], begun: Plan | None = None) -> Plan:
    """The plan that facts add up to."""
    builder = PlanBuilder(begun)
    for row in rows:
        builder.put(row)
    return builder.plan()


def swap_of(key: str, body: Body) -> Swap:
    return Swap(
        id=key,
        asker=body["asker"],
        other=body["other"],
        given=parse_key(body["given"]),
        taken=None if body["taken"] is None else parse_key(body["taken"]),
        state=SwapState(body["state"]),
        note=body["note"],
    )


def _pattern(row: Row, body: Body) -> Pattern:
    return Pattern(
        id=row["key"],
        desk=row["desk"],
        from_day=day_number(body["from"]),
        until_day=None if body["until"] is None else day_number(body["until"]),
        anchor_day=day_number(body["anchor"]),
        cycle_days=body["cycle_days"],
        hours=tuple(Hours(name=n, start_min=s, length_min=m) for n, s, m in body["hours"]),
        turns=tuple(Turn(day=d, shift=s, people=tuple(p), on=on) for d, s, p, on in body["turns"]),
    )
