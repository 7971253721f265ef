"""Something strong has been on for far longer than this home ever leaves it on.

Sees: runs of quarter-hours (`power_slot`) in which the home never falls below 300, 600 or 1,200 W
above its own floor, and how long such runs usually are.

Can't see: what it is; a stove and a heater look alike. A lamp that was left on is below the lowest
step. Where heating by electricity is usual, long runs are usual, and only longer ones are told.

Defaults: one and a half times the longest run of the last 28 days and an hour more, at least three
hours; eight hours while the home is learned.

Sources: "load left on far beyond its usual length" (thresholds, section 2); the factors are this
project's.
"""

from array import array
from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from rules.derived import POWER_GAP, POWER_METER, POWER_SLOT
from rules.finding import EvidenceValue, Finding
from rules.local_time import HOUR_MS, MINUTE_MS, day_of
from rules.metering import SLOT_MS
from rules.packed import packed_small, unpacked
from rules.params import number
from rules.plain import PlainKind
from rules.rule import NOTHING, UNCHANGED, Observation, Opinion, Subject
from rules.waiting import NEVER, Calm, Slots

# Above the floor: an iron or a small heater; a stove; a boiler or several.
STEPS_W: Final = (300.0, 600.0, 1200.0)
DAYS_MAX: Final = 28
_DAYS_TRUSTED: Final = 14
_LEARNING_H: Final = 8
# Slots of the last two days give the floor, their tenth: what the home uses when nobody does.
_FLOOR_SLOTS: Final = 192
_FLOOR_PART: Final = 0.1
_FLOOR_MIN_SLOTS: Final = 48
# The lowest of them are kept by size, this many at most: twice what the floor needs, so that they
# are sorted anew only after the floor has gone up by as many slots.
_LOWEST_MAX: Final = 40
# More than any home draws, and room in four bytes.
_WATTS_MAX: Final = 1_000_000
# In two bytes: watts, unless they don't fit; slots of a run, two years of them.
_NARROW_MAX: Final = 65_535
_RUN_MAX: Final = 65_535
# What most homes have: one for all.
_NO_RUNS: Final[tuple[int | None, ...]] = (None,) * len(STEPS_W)
_NO_SLOTS: Final[tuple[int, ...]] = (0,) * len(STEPS_W)


class LeftOnReason(StrEnum):
    LOAD_LEFT_ON = "load_left_on"
    LOAD_OFF = "load_off"
    LOADS_USUAL = "loads_usual"
    LOADS_LEARNING = "loads_learning"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadLeftOnParams:
    factor: float = number(1.5, 1.0, 10.0)
    margin_h: float = number(1.0, 0.0, 24.0)
    at_least_h: float = number(3.0, 0.5, 24.0)
    late_after_min: int = number(120, 20, 1440)


class LoadLeftOnMonitor:
    """_runs: for each step since when it lasts, or None; _longest: per day the longest of each."""

    __slots__ = (
        "_days",
        "_longest",
        "_lowest",
        "_params",
        "_raised",
        "_recent",
        "_runs",
        "_seen_ms",
        "_subject",
        "_today",
        "due_ms",
    )

    def __init__(self, subject: Subject, params: LoadLeftOnParams) -> None:
        self.due_ms: int | None = None
        self._subject = subject
        self._params = params
        # Watts of the last slots, and the days' rows of longest runs in slots one after the other:
        # a province of lists of lists would not fit into memory. Two bytes each, until one doesn't
        # fit.
        self._recent = array("H")
        # The smallest of the recent, ascending, in as many bytes.
        self._lowest = array("H")
        self._runs = _NO_RUNS
        self._longest = _NO_SLOTS
        self._days = array("H")
        self._today = -1
        self._seen_ms = -1
        # The open one: [told at, step].
        self._raised: tuple[int, int] | None = None

    def observe(self, observation: Observation, now_ms: int) -> list[Finding]:
        kind = observation.kind
        if kind != POWER_SLOT:
            if kind == POWER_GAP:
                self._runs = _NO_RUNS
            elif kind == POWER_METER and observation.values.get("larger"):
                del self._recent[:], self._lowest[:], self._days[:]
            return NOTHING
        watts, at_ms = observation.values.get("watts"), observation.measured_at_ms
        if watts is None or at_ms <= self._seen_ms:
            return UNCHANGED
        if not self._take(watts, at_ms):
            return NOTHING
        return self._judge(observation, at_ms, now_ms)

    def calm(self) -> Calm:
        """No run is too long before it has lasted so long as one must at least; one that hasn't
        begun begins no earlier than what was seen ends."""
        if self._raised is not None or self._seen_ms < 0:
            return NEVER
        began_ms = self._seen_ms if self._runs[0] is None else self._runs[0]
        return Calm(began_ms + int(self._params.at_least_h * HOUR_MS) - 1)

    def minds(self, observation: Observation, now_ms: int) -> bool:  # noqa: ARG002 - all it hears
        return True

    def catch_up(self, slots: Slots, device: str) -> None:  # noqa: ARG002 - whoever tells
        new = [slot for slot in slots if slot[0] > self._seen_ms]
        if not new or self._take_low(new):
            return
        for end_ms, watts, _now_ms, _grain_w in new:
            self._take(watts, end_ms)

    def _take_low(self, slots: Slots) -> bool:
        """Take slots at once that are all below the lowest step above any floor there can be
        meanwhile; False where they aren't, and nothing was done."""
        recent, lowest = self._recent, self._lowest
        watts = [max(-_WATTS_MAX, min(_WATTS_MAX, round(slot[1]))) for slot in slots]
        highest_w = max(slot[1] for slot in slots)
        known = lowest and len(recent) >= _FLOOR_MIN_SLOTS
        if not known or highest_w - min(lowest[0], *watts) >= STEPS_W[0]:
            return False
        recent = self._recent = _as_narrow([*recent, *watts][-_FLOOR_SLOTS:])
        self._lowest = array(recent.typecode, sorted(recent)[:_LOWEST_MAX])
        for end_ms, _watts, _now_ms, _grain_w in slots:
            self._turn(end_ms - 1)
        self._seen_ms = slots[-1][0]
        self._runs = _NO_RUNS
        return True

    def _take(self, watts: float, at_ms: int) -> bool:
        """Take a slot; False where there is nothing to judge by it."""
        if at_ms - self._seen_ms > 2 * SLOT_MS:
            self._runs = _NO_RUNS
        self._seen_ms = at_ms
        self._remember(max(-_WATTS_MAX, min(_WATTS_MAX, round(watts))))
        self._turn(at_ms - 1)
        if self._raised is None and self._surely_low(watts):
            self._runs = _NO_RUNS
            return False
        floor_w = self.floor_w
        if floor_w is None:
            return False
        self._measure(watts - floor_w, at_ms)
        return True

    def _turn(self, at_ms: int) -> None:
        day = day_of(at_ms)
        if day != self._today:
            if self._today >= 0 and len(self._recent) >= _FLOOR_MIN_SLOTS:
                self._days.extend([min(slots, _RUN_MAX) for slots in self._longest])
                del self._days[: -DAYS_MAX * len(STEPS_W)]
            self._today, self._longest = day, _NO_SLOTS

    @property
    def floor_w(self) -> int | None:
        if len(self._recent) < _FLOOR_MIN_SLOTS:
            return None
        rank = int(len(self._recent) * _FLOOR_PART)
        if len(self._lowest) <= rank:
            self._lowest = array(self._recent.typecode, sorted(self._recent)[:_LOWEST_MAX])
        return self._lowest[rank]

    def _surely_low(self, watts: float) -> bool:
        """Whether it is below all steps even above the lowest slot, which no floor is below."""
        lowest = self._lowest
        known = lowest and len(self._recent) >= _FLOOR_MIN_SLOTS
        return bool(known) and watts - lowest[0] < STEPS_W[0]

    def _remember(self, watts: int) -> None:
        """Take a slot among the recent ones; `_lowest` stays the smallest of them."""
        recent, lowest = self._recent, self._lowest
        if recent.typecode == "H" and not 0 <= watts <= _NARROW_MAX:
            recent, lowest = self._recent, self._lowest = array("i", recent), array("i", lowest)
        if len(lowest) == len(recent) or (lowest and watts < lowest[-1]):
            insort(lowest, watts)
            if len(lowest) > _LOWEST_MAX:
                lowest.pop()
        recent.append(watts)
        if len(recent) > _FLOOR_SLOTS:
            gone = recent.pop(0)
            if lowest and gone <= lowest[-1]:
                del lowest[bisect_left(lowest, gone)]

    def _measure(self, above_w: float, at_ms: int) -> None:
        self._runs = tuple(
            None if above_w < step_w else at_ms - SLOT_MS if began_ms is None else began_ms
            for step_w, began_ms in zip(STEPS_W, self._runs, strict=True)
        )
        # What is told as left on isn't learned as usual.
        if self._raised is None:
            self._longest = tuple(
                longest if began_ms is None else max(longest, (at_ms - began_ms) // SLOT_MS)
                for longest, began_ms in zip(self._longest, self._runs, strict=True)
            )

    @property
    def _known(self) -> int:
        """Days that are known."""
        return len(self._days) // len(STEPS_W)

    def _usual_ms(self, step: int) -> int:
        """The longest run of the days that are known."""
        return max(self._days[step :: len(STEPS_W)], default=0) * SLOT_MS

    def _limit_ms(self, step: int) -> int:
        at_least_ms = int(self._params.at_least_h * HOUR_MS)
        if self._known < _DAYS_TRUSTED:
            at_least_ms = max(at_least_ms, _LEARNING_H * HOUR_MS)
        limit_ms = self._usual_ms(step) * self._params.factor + self._params.margin_h * HOUR_MS
        return max(at_least_ms, int(limit_ms))

    def _judge(self, observation: Observation, at_ms: int, now_ms: int) -> list[Finding]:
        if self._raised is not None:
            if self._runs[self._raised[1]] is not None:
                return NOTHING
            found = self._finding("cleared", LeftOnReason.LOAD_OFF, observation, now_ms)
            self._raised = None
            return [found]
        if now_ms - at_ms > self._params.late_after_min * MINUTE_MS:
            return NOTHING
        # The lowest step's run is the longest: most slots are done with this one look.
        began_ms, at_least_ms = self._runs[0], self._params.at_least_h * HOUR_MS
        if began_ms is None or at_ms - began_ms < int(at_least_ms):
            return NOTHING
        for step in reversed(range(len(STEPS_W))):
            began_ms = self._runs[step]
            if began_ms is not None and at_ms - began_ms >= self._limit_ms(step):
                self._raised = (now_ms, step)
                return [self._finding("raised", LeftOnReason.LOAD_LEFT_ON, observation, now_ms)]
        return NOTHING

    def fire(self, at_ms: int) -> list[Finding]:  # noqa: ARG002 - judged when something is seen
        return NOTHING

    def resume(self, now_ms: int) -> None:
        """A gap is told by the reading that ends it."""

    def dump(self) -> dict[str, Any]:
        return {
            "recent": packed_small(self._recent),
            "runs": self._runs,
            "longest": self._longest,
            "days": packed_small(self._days),
            "today": self._today,
            "seen": self._seen_ms,
            "raised": self._raised,
        }

    def load(self, document: Mapping[str, Any]) -> "LoadLeftOnMonitor":
        self._recent = _as_narrow(unpacked("i", document["recent"])[-_FLOOR_SLOTS:])
        runs, longest = _row(document["runs"]), _row(document["longest"])
        if any(at is not None for at in runs):
            self._runs = tuple(None if at is None else int(at) for at in runs)
        if any(longest):
            self._longest = tuple(map(int, longest))
        self._days = unpacked("H", document["days"])[-DAYS_MAX * len(STEPS_W) :]
        if len(self._days) % len(STEPS_W):
            raise ValueError("days that are not whole")
        self._today, self._seen_ms = int(document["today"]), int(document["seen"])
        raised = document["raised"]
        self._raised = None if raised is None else (int(raised[0]), int(raised[1]))
        return self

    def view(self, now_ms: int) -> Opinion:  # noqa: ARG002 - the last word of the meter
        shown: dict[str, EvidenceValue] = {"days_learned": self._known}
        if self._raised is not None:
            at_ms, step = self._raised
            return Opinion(
                state="left_on",
                since_ms=self._runs[step] or at_ms,
                explanation={
                    "reason": LeftOnReason.LOAD_LEFT_ON,
                    "power_w": STEPS_W[step],
                    **shown,
                },
            )
        young = self._known < _DAYS_TRUSTED
        return Opinion(
            state="learning" if young else "quiet",
            since_ms=None,
            explanation={
                "reason": LeftOnReason.LOADS_LEARNING if young else LeftOnReason.LOADS_USUAL,
                **shown,
            },
        )

    def _finding(
        self, phase: Any, reason: LeftOnReason, observation: Observation, now_ms: int
    ) -> Finding:
        raised_ms, step = self._raised or (now_ms, 0)
        began_ms = self._runs[step]
        return self._subject.finding(
            key=str(raised_ms),
            phase=phase,
            reason=reason,
            raised_at_ms=raised_ms,
            at_ms=now_ms,
            device=observation.device,
            source_id=observation.id,
            evidence={
                "power_w": STEPS_W[step],
                "floor_w": self.floor_w,
                "since_ms": began_ms,
                "usual_h": round(self._usual_ms(step) / HOUR_MS, 2),
                "limit_h": round(self._limit_ms(step) / HOUR_MS, 2),
                "days_learned": self._known,
            },
        )


def _as_narrow(watts: Sequence[int]) -> "array[int]":
    try:
        return array("H", watts)
    except OverflowError:
        return array("i", watts)


def _row(row: Any) -> Any:
    if len(row) != len(STEPS_W):
        raise ValueError(f"{len(row)} steps of load")
    return row


LOAD_LEFT_ON: Final = PlainKind(
    name="load_left_on",
    params=LoadLeftOnParams,
    hears=frozenset({POWER_SLOT, POWER_GAP, POWER_METER}),
    monitor=LoadLeftOnMonitor,
    severity="watch",
    # 2: numbers are packed.
    state_version=2,
    ask_first_s=0,
    patient=True,
)
