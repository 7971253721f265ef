"""How fast calls were answered and attended, beside the goals of telecare services. Pure.

A call is an urgent alarm for which people were called. Answered: somebody took it, or closed it.
Attended: the visitor who was sent arrived. Both count from when the alarm became as urgent as it
is now (`alarms.response`). What can still be in time is in no share; what can't any more is late,
though nobody has come yet. A call that ended before anybody had to arrive is counted apart.

Goals (TSA, EN 50134): 97.5 % answered within 60 s and 99 % within 180 s, each call beyond 180 s
with a review; 90 % attended within 45 minutes, all within 60.
"""

import datetime
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from contract.moment import EPOCH

MINUTE_MS: Final = 60_000
REVIEW_AFTER_MS: Final = 180_000
# (within, goal as a share)
ANSWER_GOALS: Final = ((60_000, 0.975), (REVIEW_AFTER_MS, 0.99))
ATTEND_GOALS: Final = ((45 * MINUTE_MS, 0.90), (60 * MINUTE_MS, 1.0))
# Where no rota says who had the shift: when each part of the day begins.
DAY_PARTS: Final = ((0, "00-08"), (8, "08-16"), (16, "16-24"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call with its times; None: it has not happened."""

    alarm: str
    number: int
    region: str | None
    rule: str
    kind: str
    called_ms: int
    answered_ms: int | None = None
    answered_by: str | None = None
    sent_ms: int | None = None
    went: str | None = None
    arrived_ms: int | None = None
    closed_ms: int | None = None
    outcome: str | None = None
    reviewed: bool = False

    @property
    def answer_wait_ms(self) -> int | None:
        """0: somebody had it already when it became as urgent as it is."""
        answered_ms = self.closed_ms if self.answered_ms is None else self.answered_ms
        return None if answered_ms is None else max(0, answered_ms - self.called_ms)

    @property
    def attend_wait_ms(self) -> int | None:
        return None if self.arrived_ms is None else max(0, self.arrived_ms - self.called_ms)

    @property
    def called_off(self) -> bool:
        """It ended, and nobody had to arrive any more."""
        return self.arrived_ms is None and self.closed_ms is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """`met` of `of` within a limit; `reached` is None while nothing can be judged."""

    within_ms: int
    goal: float
    met: int
    of: int

    @property
    def share(self) -> float | None:
        return self.met / self.of if self.of else None

    @property
    def reached(self) -> bool | None:
        return None if self.share is None else self.share >= self.goal


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """`done`: how many have happened; median and worst of those."""

    shares: Sequence[Share]
    done: int
    waiting: int
    median_ms: int | None
    worst_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    calls: int
    answered: Speed
    attended: Speed
    called_off: int
    by_outcome: Mapping[str, int]
    by_rule: Mapping[str, int]
    reviews_due: int
    reviews_done: int


def figures(
    answering: Sequence[Call], now_ms: int, attending: Sequence[Call] | None = None
) -> Figures:
    """Of these calls. `attending`: those whose attendance counts, where other people went than
    answered."""
    going = answering if attending is None else attending
    to_attend = [call for call in going if not call.called_off]
    late = [call for call in answering if owes_review(call, now_ms)]
    return Figures(
        calls=len(answering),
        answered=_speed(answering, _answer_wait, ANSWER_GOALS, now_ms),
        attended=_speed(to_attend, _attend_wait, ATTEND_GOALS, now_ms),
        called_off=len(going) - len(to_attend),
        by_outcome=_counted(call.outcome for call in answering if call.outcome is not None),
        by_rule=_counted(call.rule for call in answering),
        reviews_due=len(late),
        reviews_done=sum(call.reviewed for call in late),
    )


def owes_review(call: Call, now_ms: int) -> bool:
    """Answered after 180 s, or not yet and longer ago."""
    wait_ms = call.answer_wait_ms
    return (now_ms - call.called_ms if wait_ms is None else wait_ms) > REVIEW_AFTER_MS


def grouped(
    calls: Sequence[Call], now_ms: int, key: Callable[[Call], str | None]
) -> dict[str | None, Figures]:
    """Figures of each group, by key; calls without one stand under None."""
    groups: dict[str | None, list[Call]] = {}
    for call in calls:
        groups.setdefault(key(call), []).append(call)
    return {name: figures(members, now_ms) for name, members in groups.items()}


def by_person(calls: Sequence[Call], now_ms: int) -> dict[str, Figures]:
    """Of each person the calls that they answered, and those that they went to."""
    people = {name for call in calls for name in (call.answered_by, call.went) if name is not None}
    return {
        name: figures(
            [call for call in calls if call.answered_by == name],
            now_ms,
            [call for call in calls if call.went == name],
        )
        for name in people
    }


def day_part(at_ms: int, timezone: str) -> str:
    """The part of the local day, by its hours: no rota calls a shift so."""
    local = (EPOCH + datetime.timedelta(milliseconds=at_ms)).astimezone(ZoneInfo(timezone))
    return next(name for hour, name in reversed(DAY_PARTS) if local.hour >= hour)


def _answer_wait(call: Call) -> int | None:
    return call.answer_wait_ms


def _attend_wait(call: Call) -> int | None:
    return call.attend_wait_ms


def _speed(
    calls: Sequence[Call],
    wait_of: Callable[[Call], int | None],
    goals: Sequence[tuple[int, float]],
    now_ms: int,
) -> Speed:
    waits = [wait for call in calls if (wait := wait_of(call)) is not None]
    open_for = [now_ms - call.called_ms for call in calls if wait_of(call) is None]
    shares = [
        Share(
            within_ms=within_ms,
            goal=goal,
            met=sum(wait <= within_ms for wait in waits),
            of=len(waits) + sum(age > within_ms for age in open_for),
        )
        for within_ms, goal in goals
    ]
    return Speed(
        shares=shares,
        done=len(waits),
        waiting=len(open_for),
        median_ms=round(statistics.median(waits)) if waits else None,
        worst_ms=max(waits, default=None),
    )


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(names).most_common())
