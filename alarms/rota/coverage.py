"""Coverage: what is wrong with the hours to come, in time to mend it. Pure.

One problem per desk and reason (and per village that nobody goes to), with the hours at which it
begins; it nears in levels: `ahead` (the first warning), `soon` (the last one), `now`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from alarms.rota.model import Desk, Shift
from alarms.rota.plan import Plan
from rules.local_time import DAY_MS, HOUR_MS

# Hours before a shift at which its faults are told, first and again.
WARN_HOURS: Final = (12.0, 2.0)
# A warning of more than a week is a list nobody reads; the page shows the rota itself.
WARN_HOURS_MAX: Final = 168.0
# Told once and once more: the first and the last of the list count.
WARNINGS_MAX: Final = 2
# Hours without anybody are followed to their end this far, to say how long they are.
END_MS: Final = 7 * DAY_MS
# Problems of one desk that are named; the rest is the same trouble.
NAMED_MAX: Final = 8


class Reason(StrEnum):
    NOBODY = "nobody"  # hours in which no person is on duty
    UNVERIFIED = "unverified"  # somebody of a shift has no way to be reached that was verified
    DEAD_CONTACT = "dead_contact"  # all of somebody's verified ways are dead
    NO_RESPONDER = "no_responder"  # nobody is there to go to a village's homes


class Level(StrEnum):
    AHEAD = "ahead"
    SOON = "soon"
    NOW = "now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How somebody can be told: ways that were verified and work, and ways that are dead."""

    alive: int = 0
    dead: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Village:
    """A region with homes; `responders`: accounts that go there, whatever the hour."""

    region: str
    homes: int
    responders: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """`desk` is empty for a village. `from_ms` is when it begins, `until_ms` when it is over as
    far as known. `people`: whom it is about."""

    reason: Reason
    region: str
    desk: str
    level: Level
    from_ms: int
    until_ms: int
    shift: str = ""
    people: tuple[str, ...] = ()

    @property
    def part(self) -> str:
        """Names the problem as long as it lasts."""
        return f"{self.desk}/{self.reason}"


def problems(
    plan: Plan,
    reach: Mapping[str, Reach],
    villages: Iterable[Village],
    now_ms: int,
    warn_hours: Sequence[float] = WARN_HOURS,
) -> list[Problem]:
    """All that is wrong within the first warning's hours, one of a kind for each desk."""
    first_ms, last_ms = (round(hours * HOUR_MS) for hours in (max(warn_hours), min(warn_hours)))
    found: list[Problem] = []
    for desk in plan.desks.values():
        if desk.closed:
            continue
        empty = _empty(plan, desk, now_ms, first_ms)
        if empty is not None:
            start, end, shift = empty
            found.append(
                Problem(
                    reason=Reason.NOBODY,
                    region=desk.region,
                    desk=desk.id,
                    level=level_of(start, now_ms, last_ms),
                    from_ms=start,
                    until_ms=end,
                    shift=shift,
                )
            )
        found.extend(_unreachable(plan, desk, reach, now_ms, (first_ms, last_ms)))
    found.extend(_lonely(plan, villages, now_ms))
    return found


def level_of(start_ms: int, now_ms: int, last_ms: int) -> Level:
    if start_ms <= now_ms:
        return Level.NOW
    return Level.SOON if start_ms - now_ms <= last_ms else Level.AHEAD


def _empty(plan: Plan, desk: Desk, now_ms: int, first_ms: int) -> tuple[int, int, str] | None:
    """The first hours without anybody: [start, end) and the shift that lacks them, if one does."""
    empty = (
        start
        for start, _, count in plan.stretches(desk.id, now_ms, now_ms + first_ms + 1)
        if not count
    )
    start = next((at for at in empty if desk.always or _shift_at(plan, desk, at)), None)
    if start is None:
        return None
    end = start + END_MS
    for begin, _, count in plan.stretches(desk.id, start, end):
        if count or not (desk.always or _shift_at(plan, desk, begin)):
            end = begin
            break
    return start, end, _shift_at(plan, desk, start)


def _shift_at(plan: Plan, desk: Desk, at_ms: int) -> str:
    return "".join(str(shift.key) for shift in plan.shifts(desk.id, at_ms, at_ms + 1)[-1:])


def _unreachable(
    plan: Plan, desk: Desk, reach: Mapping[str, Reach], now_ms: int, warn_ms: tuple[int, int]
) -> Iterable[Problem]:
    first_ms, last_ms = warn_ms
    shifts = plan.shifts(desk.id, now_ms, now_ms + first_ms + 1)
    for reason in (Reason.UNVERIFIED, Reason.DEAD_CONTACT):
        hit: list[tuple[Shift, str]] = [
            (shift, person)
            for shift in shifts
            for person in shift.people
            if not _away(plan, person, shift) and reason_for(reach.get(person, Reach())) is reason
        ]
        if hit:
            shift = hit[0][0]
            yield Problem(
                reason=reason,
                region=desk.region,
                desk=desk.id,
                level=level_of(shift.start_ms, now_ms, last_ms),
                from_ms=shift.start_ms,
                until_ms=shift.end_ms,
                shift=str(shift.key),
                people=tuple(dict.fromkeys(person for _s, person in hit))[:NAMED_MAX],
            )


def reason_for(reach: Reach) -> Reason | None:
    """Why somebody can't be told; None: can be."""
    if reach.alive:
        return None
    return Reason.DEAD_CONTACT if reach.dead else Reason.UNVERIFIED


def _away(plan: Plan, person: str, shift: Shift) -> bool:
    """On leave for the whole shift: somebody else's business."""
    return any(
        leave.from_ms <= shift.start_ms and leave.until_ms >= shift.end_ms
        for leave in plan.leaves_of(person)
    )


def _lonely(plan: Plan, villages: Iterable[Village], now_ms: int) -> Iterable[Problem]:
    """Villages with homes and nobody responsible, and no visitors on call for them now."""
    visiting = [
        desk.region
        for desk in plan.desks.values()
        if desk.kind == "visit" and not desk.closed and plan.on_duty(desk.id, now_ms)
    ]
    for village in villages:
        if not village.homes or village.responders:
            continue
        if not any(village.region.startswith(region) for region in visiting):
            yield Problem(
                reason=Reason.NO_RESPONDER,
                region=village.region,
                desk="",
                level=Level.NOW,
                from_ms=now_ms,
                until_ms=now_ms,
            )
