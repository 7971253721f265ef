"""Whether somebody lives in a home whose register is coarse (1 kWh), from a day's energy. Pure.

Of such a home nothing is known of machines, peaks or how far its power spreads. What it has used
in a day is, to a step of the register (`rules.register_steps`): the most that it can have been is
compared with what it uses alone and with its quietest lived days (`rules.coarse_limit`). A load
that was left on looks like somebody here.

    a day whose quarter-hours were all coarse     from the next one on it is judged so
    a day whose quarter-hours were all finer      from the next one on as `rules.living` does

Either begins anew: what was learned of the other says nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rules.coarse_limit import UNIT_W, CoarseLimit
from rules.finding import EvidenceValue
from rules.foresight import NOTHING_KNOWN, Outlook
from rules.home_memory import COVERAGE, STEADY
from rules.lived_days import SLOTS_PER_DAY, SLOTS_PER_HOUR, Day
from rules.living import DAY_SEEN, Living
from rules.metering import Slot
from rules.register_steps import RegisterSteps
from rules.together import Step
from rules.waiting import SLOTS_MAX

# A home with power uses more than this part of what it uses alone: it is known by its least in four
# weeks, a tenth too high or so.
_DARK_PART: Final = 0.75
# Its register goes up at least as often as in so many times the longest that it stood still on a
# lived day: behind that nobody can tell a dead supply from an empty home, nor what was before.
_DARK_TIMES: Final = 1.5
# Somebody is back where the register goes up faster than at so much above the limit.
_BACK_PART: Final = 1.5


class CoarseLiving(Living):
    """The memory of one home. Activities are hundreds of watts: of what a day used at the most."""

    __slots__ = ("steps",)

    quiet: CoarseLimit

    def __init__(self, window_hours: int, spent_hours: int = 0) -> None:
        super().__init__(window_hours, spent_hours)
        self.quiet = CoarseLimit(self.quiet.patience)
        self.steps = RegisterSteps(self.window)

    def push(
        self, number: int, watts: float, grain_w: float, *, learn: bool, usual: bool = True
    ) -> None:
        follows, unlike = self.newest == number - 1, self.unlike
        super().push(number, watts, grain_w, learn=learn, usual=usual)
        self.unlike = 0 if self.coarse else unlike + 1
        if watts > 0.0 and self.steps.waits > _DARK_TIMES:
            self.filled, self._steady = 0, 0
        # Of an hourly register that missed a reading a step is less power than that.
        self.coarse = True
        if self.steps.push(watts, grain_w, follows=follows):
            self.quiet, self.filled = CoarseLimit(self.quiet.patience), 0

    def take(self, steps: Sequence[Step]) -> None:
        for slot, measured, doubtful in steps:
            if doubtful:
                self.unsteady()
            self.push(*slot, learn=True)
            if measured:
                self.measure()

    def suspect(self) -> None:
        super().suspect()
        self.steps.doubt()

    # Judgement.

    def measure(self) -> float | None:
        if self.filled < self.window or not self.steps.full:
            self.activity, self._below, self.dark = None, 0, False
            return None
        most_w = self.steps.most_w()
        steps = self.steps
        self.dark = steps.waits > _DARK_TIMES or most_w < steps.alone_w * _DARK_PART
        if self.dark:
            self.activity, self._below = None, 0
            return None
        activity = most_w / UNIT_W
        self._note(activity)
        return activity

    def is_back(self, limit: float) -> bool:
        return self.steps.least_w() > limit * UNIT_W * _BACK_PART

    def somebody_used(self, wh: float, hours: float) -> bool:
        """Whether so much that a register gained while nobody was looking proves life: a step of it
        may have been used before."""
        least_w = (wh - self.steps.step_wh) / hours
        return 0.0 < self.quiet.limit * UNIT_W * _BACK_PART < least_w

    @property
    def mute(self) -> bool:
        return self.quiet.weak

    def patience(self) -> int:
        left = SLOTS_PER_DAY - 1 - self.newest % SLOTS_PER_DAY if self.newest >= 0 else 0
        limit_w = self.quiet.limit * UNIT_W
        if limit_w <= 0.0:
            return left
        missing = self.window - 1 - min(self.filled, self.steps.seen)
        if missing >= 0:
            return min(left, missing)
        slots = min(left, SLOTS_MAX)
        return next((n for n in range(slots) if self.steps.most_w(n + 1) <= limit_w), slots)

    def covered(self) -> bool:
        """Whether a whole day was seen, but for a part of it, and its end without a break."""
        first = self._window.numbers(self.window)[0]
        return self._steady >= STEADY and (self.newest + 1 - first) * COVERAGE <= self.window

    def outlook(self) -> Outlook:
        limit_w, size = self.quiet.limit * UNIT_W, self.window
        missing = size - min(self.filled, self.steps.seen)
        if limit_w <= 0.0:
            return NOTHING_KNOWN
        slots = range(max(0, missing), 2 * size)
        return Outlook(next((n for n in slots if self.steps.most_w(n) <= limit_w), None), None)

    def shown(self) -> dict[str, EvidenceValue]:
        """What was seen, what is usual, what the home does alone."""
        steps = self.steps
        slots, gone_up = steps.stretch()
        return {
            **self.register(),
            "register_steps": round(gone_up),
            "register_h": slots / SLOTS_PER_HOUR,
            "mean_most_w": round(steps.most_w()),
            "usual_most_w": round(self.quiet.usual * UNIT_W),
            "alone_mean_w": round(steps.alone_w),
        }

    def register(self) -> dict[str, EvidenceValue]:
        return {"register_step_kwh": self.steps.step_wh / 1000}

    # Learning.

    def _day(self) -> Day | None:
        """Of its hours nothing is known."""
        return None

    def _end_day(self, *, learn: bool, usual: bool) -> None:
        self.steps.day_over(lived=learn and usual)
        super()._end_day(learn=learn, usual=usual)

    def _relearn(self) -> None:
        """No floor, no machines: `rules.supply` holds nothing back."""
        self._tell_limit()
        self.quiet.learn(self._today())

    def _tell_limit(self) -> None:
        self.quiet.alone = self.steps.alone_w / UNIT_W
        self.quiet.step = self.steps.step_w / SLOTS_PER_DAY / UNIT_W

    # Disk.

    def dump(self) -> dict[str, Any]:
        return {**super().dump(), "steps": self.steps.dump(), "dark": self.dark}

    @classmethod
    def load(
        cls, window_hours: int, spent_hours: int, document: Mapping[str, Any]
    ) -> "CoarseLiving":
        living = super().load(window_hours, spent_hours, document)
        if not isinstance(living, CoarseLiving):
            raise TypeError("no memory of a coarse register")
        living.steps = RegisterSteps.load(living.window, document["steps"])
        living._tell_limit()
        living.dark = bool(document["dark"])
        return living


def living_for(living: Living, slot: Slot, hours: tuple[int, int]) -> Living:
    """The memory for a slot: another one where the day before it was of another kind of register.
    hours: as `Living` wants them."""
    if living.unlike < DAY_SEEN or living.is_today(slot.number):
        return living
    return Living(*hours) if isinstance(living, CoarseLiving) else CoarseLiving(*hours)


def living_told(hours: tuple[int, int], document: Mapping[str, Any]) -> Living:
    """From the disk."""
    kind = CoarseLiving if "steps" in document else Living
    return kind.load(*hours, document)
