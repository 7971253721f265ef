"""Whether somebody lives in a home, from its quarter-hours of power: learned per home. Pure.

The newest seen quarter-hours, a day of them, are the window. How far they spread and how high they
go is compared with what the home does alone (`rules.lived_days`); what is slow counts for more
(`rules.slow_part`). At or below the home's limit (`rules.quiet_limit`) it looks empty. A lamp left
on lifts all of them alike and hides nothing.

Each day becomes a part of the memory, a day late: one that turned out to be silent is learned as a
lived day only if somebody had been there all the time, as a human says or a soon end tells.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rules.days import Days
from rules.found_out import Word
from rules.home_memory import BEHIND, FLOOR_PART, STEADY, HomeMemory
from rules.lived_days import (
    SLOTS_PER_DAY,
    Alone,
    Day,
    activity,
    checked_day,
    day_of_slots,
    day_row,
    learn_alone,
    spread_of,
)
from rules.metering import Slot
from rules.poor_days import PoorDays
from rules.silences import Ended, ended_after
from rules.slow_part import LIVELY, slow_factor
from rules.together import TOGETHER_MIN, Step, judged
from rules.window import floor_of, whole_watts

# Four weeks: enough quiet hours of each kind, short enough to follow the seasons.
DAYS_MAX: Final = 28
# A register whose last digit is more power than this over a step tells of no machine: 0.1 kWh in a
# quarter of an hour does, 1 kWh doesn't.
GRAIN_MAX_W: Final = 500.0
# Slots of a day that must have been seen for it to be remembered.
DAY_SEEN: Final = 72
# Slots of a window that the sun must leave: six hours of a night.
SEEN_MIN: Final = 24


class Living(HomeMemory):
    """A home's memory with what comes into it: quarter-hours are taken, judged and learned from."""

    __slots__ = ()

    # Input.

    def push(
        self, number: int, watts: float, grain_w: float, *, learn: bool, usual: bool = True
    ) -> None:
        """Take a slot. `learn` is false while the home counts as silent, `usual` on days on which
        nobody or somebody else was at home by what was said."""
        window = self._window
        if len(window) and number // SLOTS_PER_DAY != self._today():
            self._end_day(learn=learn, usual=usual)
        if not (learn and usual):
            self.behind = 0
        self.coarse = grain_w > GRAIN_MAX_W
        self.unlike = self.unlike + 1 if self.coarse else 0
        self._steady = self._steady + 1 if window.follows(number) else 0
        window.append(number, whole_watts(number, watts, grain_w), self._kept)
        self.filled += 1

    def is_today(self, number: int) -> bool:
        """Whether a slot is of the day of the newest."""
        return len(self._window) > 0 and number // SLOTS_PER_DAY == self._today()

    def take(self, steps: Sequence[Step]) -> None:
        """Take slots of the day of the newest, as by `push` and `measure` of each."""
        window, alone = self._window, self.alone
        if (
            alone is None
            or len(steps) < TOGETHER_MIN
            or min(self.filled, len(window)) + 1 < self.window
            or window.hidden
            or not all(0.0 <= step.slot.grain_w <= GRAIN_MAX_W for step in steps)
        ):
            for slot, measured, doubtful in steps:
                if doubtful:
                    self.unsteady()
                self.push(*slot, learn=True)
                if measured:
                    self.measure()
            return
        for slot, _measured, doubtful in steps:
            self._steady = 0 if doubtful else self._steady
            self._steady = self._steady + 1 if window.follows(slot.number) else 0
            window.count(slot.number)
        watts = [whole_watts(*step.slot) for step in steps]
        seen = judged(window.with_more(watts), self.window, FLOOR_PART, alone)
        window.extend(watts, self._kept)
        self.filled, self.coarse, self.unlike = self.filled + len(steps), False, 0
        for step, found in zip(steps, seen, strict=True):
            if step.measured:
                self.floor_w, self.spread_w = found.floor_w, found.spread_w
                slow = self._slow_counts(found.activity)
                self._note(found.activity * found.slow if slow else found.activity)

    def unsteady(self) -> None:
        """The supply is in doubt: what comes next is to be seen for a while first."""
        self._steady = 0

    def suspect(self) -> None:
        """The home counts as silent from now on: its last day isn't taken for a lived one."""
        self._poor.begin(None if self._pending is None else self._pending[0])
        self._pending = None
        self._low = self.activity

    def raised(self, raised_ms: int) -> None:
        self.quiet.raised(self._today(), self.quiet_from_number(), raised_ms)

    def back(self, *, lasted_ms: int | None, since: int) -> None:
        """Somebody is there, so long after it was found silent; None: it teaches nothing. If nobody
        had been away, those poor days are lived days of this home after all. since: the first slot
        of what looked empty. What was silent says nothing of the next hours."""
        low, beyond = self._low, self.newest + 1 - since - self.window
        self.quiet.weekly.end(self.newest)
        poor, ended = self._poor.end(), ended_after(lasted_ms)
        was_none = ended is Ended.SOON
        if low is None or ended is Ended.UNTAUGHT:
            self.quiet.silences.leave()
            self._poor.last = ()
        else:
            was_none = self.quiet.ended(ended, low, self._today(), beyond)
        if was_none:
            self.days.extend(poor)
        self._pending, self._low = None, None
        self.filled = 0
        self._relearn()

    def found_out(self, word: Word) -> None:
        """A human says how it was during silences; it may undo what their ends have taught."""
        silences = self.quiet.silences
        was_none = silences.last_was_none
        if not self.quiet.found_out(word, self._today()):
            return
        if silences.last_was_none != was_none:
            (self.days.forget if was_none else self.days.extend)(self._poor.last)
        self._relearn()

    # Judgement.

    def measure(self) -> float | None:
        """How much the window says that somebody is there; None before one is full."""
        window, alone = self._window, self.alone
        if self.coarse or self.filled < self.window or not window.full or alone is None:
            self.activity, self._below = None, 0
            return None
        ordered = window.ordered
        if len(ordered) < SEEN_MIN:
            self.activity, self._below = None, 0
            return None
        floor_w = self.floor_w = floor_of(ordered, FLOOR_PART)
        spread_w = self.spread_w = spread_of(window.total, window.squares, len(ordered))
        found = activity(spread_w, ordered[-1] - floor_w, alone)
        if self._slow_counts(found):
            found *= slow_factor(window.watts, alone)
        self._note(found)
        return found

    def _slow_counts(self, activity: float) -> bool:
        low = self._low
        return low is None or activity < max(low, LIVELY)

    def _note(self, activity: float) -> None:
        self.activity = activity
        if self._low is None or activity < self._low:
            self._low = activity
        self._below = self._below + 1 if activity <= self.quiet.limit else 0

    # Learning.

    def _day(self) -> Day | None:
        """The day of the newest slot, once most of it was seen."""
        first = self._today() * SLOTS_PER_DAY - BEHIND
        floor_w = floor_of(self._window.outside(self.hidden), FLOOR_PART)
        return day_of_slots(self._window.all(), first, floor_w, DAY_SEEN, self.hidden)

    def _end_day(self, *, learn: bool, usual: bool) -> None:
        """Close the day: what the last one showed is learned, this one waits a day."""
        day = self._day()
        if not learn:
            self._poor.add(day)
            return
        pending, self._pending, self._low = self._pending, (day, self._low), None
        if not usual:
            self._pending = None
        if pending is None or not usual:
            return
        if pending[0] is not None:
            self.days.append(pending[0])
        if pending[1] is not None:
            self.quiet.lived(pending[1], self._today())
        self._relearn()

    @property
    def on_end(self) -> Sequence[int]:
        """The watts of the newest slots on end."""
        return self._window.on_end

    def since_back(self) -> Sequence[Slot]:
        """The newest slots on end, up to when somebody came back, as they were taken."""
        watts = self._window.on_end[-self.filled :] if self.filled else ()
        first = self.newest + 1 - len(watts)
        return [Slot(first + place, float(each), 0.0) for place, each in enumerate(watts)]

    def take_again(self, slots: Sequence[Slot]) -> None:
        """Take slots of lived days that another memory had otherwise."""
        for slot in slots:
            self.push(*slot, learn=True)
            self.measure()

    def inherit(self, days: Days) -> None:
        """Days of before say what the home does alone, though not how lively it is."""
        self.days = Days(days)
        self._relearn()

    def _relearn(self) -> None:
        self._count_days()
        self.alone = learn_alone(self.days, self.hidden)
        self.quiet.learn(self._today())

    def _count_days(self) -> None:
        self.days.keep(DAYS_MAX)
        self.base_w, self.lived_w = self.days.floor_w, self.days.lived_w
        self.usual_floor_w = self.days.usual_floor_w

    # Disk.

    def dump(self) -> dict[str, Any]:
        pending = self._pending
        return {
            **self._window.dump(),
            "filled": self.filled,
            "steady": min(self._steady, STEADY),
            "below": self._below,
            "days": self.days.dump(),
            "alone": self.alone,
            "quiet": self.quiet.dump(),
            "low": self._low,
            "pending": pending and [pending[0] and day_row(pending[0]), pending[1]],
            **self._poor.dump(),
            "floor": self.floor_w,
            "spread": self.spread_w,
            "activity": self.activity,
            "coarse": self.coarse,
            **({"unlike": self.unlike} if self.unlike else {}),
            **({"behind": self.behind} if self.behind else {}),
        }

    @classmethod
    def load(cls, window_hours: int, spent_hours: int, document: Mapping[str, Any]) -> "Living":
        """The same memory again; a shorter window than before keeps its newest slots."""
        living = cls(window_hours, spent_hours)
        living.quiet = type(living.quiet).load(document["quiet"], living.quiet.patience)
        living.behind = int(document.get("behind", 0))
        living._window.load(document["watts"], document["runs"], living._kept)
        living.filled = int(document["filled"])
        living._steady = int(document["steady"])
        living._below = int(document.get("below", 0))
        living.days = Days.load(document["days"])
        living._count_days()
        if (alone := document["alone"]) is not None:
            spread_w, peak_w, quiet_from = alone
            living.alone = Alone(float(spread_w), float(peak_w), int(quiet_from))
        living._low = _optional(document["low"])
        pending = document["pending"]
        if pending is not None:
            day, low = pending
            living._pending = (None if day is None else checked_day(day), _optional(low))
        living._poor = PoorDays.load(document)
        living.floor_w = int(document["floor"])
        living.spread_w = float(document["spread"])
        living.activity = _optional(document["activity"])
        living.coarse, living.unlike = bool(document["coarse"]), int(document.get("unlike", 0))
        return living


def _optional(number: Any) -> float | None:
    return None if number is None else float(number)
