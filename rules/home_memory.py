"""What is remembered of one home, and what can be asked of it. Pure.

`rules.living` takes the quarter-hours, judges them and learns.
"""

from collections.abc import Sequence, Set
from typing import Final

from rules.days import Days
from rules.foresight import NOTHING_KNOWN, Outlook, outlook
from rules.lived_days import (
    BEFORE_H,
    BLOCK_H,
    HOURS,
    SLOTS_PER_DAY,
    SLOTS_PER_HOUR,
    Alone,
    Day,
)
from rules.lively import lively_slots
from rules.poor_days import PoorDays
from rules.quiet_limit import QuietLimit, is_back
from rules.silences import Silence
from rules.sunlit import NO_HOURS
from rules.window import Window, floor_of

# The floor is the mean of this part of the slots, lowest first: a mean doesn't jump with the
# steps of a coarse register as a quantile does, and the lowest are left out as broken readings.
FLOOR_FROM: Final = 0.05
FLOOR_TO: Final = 0.30
FLOOR_PART: Final = (FLOOR_FROM, FLOOR_TO)
# Part of the waking hours that must have been seen in a window.
COVERAGE: Final = 0.8
# Slots on end, without a gap or a doubtful supply, before anything is raised: an hour and more.
STEADY: Final = 5
# Slots kept behind the window: a day's first blocks begin the evening before.
BEHIND: Final = BEFORE_H * SLOTS_PER_HOUR


class HomeMemory:
    """The memory of one home."""

    __slots__ = (
        "_below",
        "_low",
        "_pending",
        "_poor",
        "_steady",
        "_window",
        "activity",
        "alone",
        "base_w",
        "behind",
        "coarse",
        "dark",
        "days",
        "filled",
        "floor_w",
        "hidden",
        "lived_w",
        "quiet",
        "spread_w",
        "unlike",
        "usual_floor_w",
        "window",
    )

    def __init__(self, window_hours: int, spent_hours: int = 0) -> None:
        self.window = window_hours * SLOTS_PER_HOUR
        self._window = Window(self.window)
        self.behind = 0  # slots that are kept beyond these, because they may be told again
        # Slots since the start or since somebody came back; below a window nothing is judged.
        self.filled = 0
        # Slots on end at or below the limit; since the supply was last in doubt.
        self._below = self._steady = 0
        self.days = Days()
        self.quiet = QuietLimit(spent_hours * SLOTS_PER_HOUR - self.window)
        # The least activity of the present day, or of the present silence.
        self._low: float | None = None
        # The last day and its least activity, until it is known whether it was lived.
        self._pending: tuple[Day | None, float | None] | None = None
        self._poor = PoorDays()
        # The lowest floor of the remembered days: the home never uses less while supplied.
        self.base_w = 0
        self.usual_floor_w = 0  # of the day in the middle: short pauses don't lower it
        # What the poorest remembered day used above its floor, as a mean.
        self.lived_w = 0
        self.alone: Alone | None = None
        self.floor_w, self.spread_w = 0, 0.0
        self.activity: float | None = None
        # The newest slot was too coarse to be judged here, and so were so many on end.
        self.coarse, self.dark, self.unlike = False, False, 0
        self.hidden: Set[int] = NO_HOURS  # hours of the day that the sun covers

    def hide(self, hours: Set[int]) -> None:
        """Hours of the day (UTC) that the sun covers, from now on."""
        self.hidden, self.quiet.sunlit = hours, len(hours)

    def is_back(self, limit: float) -> bool:
        """Whether what is seen ends a silence that was below this limit."""
        return self.activity is not None and is_back(self.activity, limit)

    @property
    def mute(self) -> bool:
        """Whether the readings can't tell lived and empty days apart."""
        return self.quiet.weak or self.coarse

    @property
    def doubt_slots(self) -> int:
        """Slots more that must look empty before it is sure, 0: it is."""
        return max(0, self.quiet.longer + 1 - self._below)

    def patience(self) -> int:
        """How many slots can come, whatever they are, before the window can look empty: until the
        end of the day at most, for then the limit may be another."""
        window = self._window
        left = SLOTS_PER_DAY - 1 - window.newest % SLOTS_PER_DAY if len(window) else 0
        limit, alone = self.quiet.limit, self.alone
        if alone is None or limit <= 0.0:
            return left
        filled = min(self.filled, len(window))
        if filled < self.window:
            return min(left, self.window - 1 - filled)
        if window.hidden or self.hidden:
            return 0
        return min(left, lively_slots(window.watts, FLOOR_PART, alone, limit))

    @property
    def newest(self) -> int:
        """The number of the newest slot, -1: none."""
        return self._window.newest

    def covered(self) -> bool:
        """Whether the window has seen the waking hours, for nights alone say nothing, and its end
        without a break: what just comes back may still be about to change."""
        if self._steady < STEADY:
            return False
        start = 0 if self.alone is None else self.alone.quiet_from
        waking = sum(
            (number // SLOTS_PER_HOUR - start) % HOURS >= BLOCK_H
            for number in self._window.numbers(self.window)
        )
        return waking >= self.window * (HOURS - BLOCK_H) / HOURS * COVERAGE

    def outlook(self) -> Outlook:
        """For a screen: the soonest that this home could be found silent."""
        alone, size = self.alone, self.window
        if alone is None or self.coarse:
            return NOTHING_KNOWN
        if self.filled < size or not self._window.full:
            return Outlook(size - min(self.filled, len(self._window)), None)
        window = self._window.numbers(size), self._window.shown(self.floor_w)
        return outlook(*window, self.floor_w, alone, self.quiet.limit)

    @property
    def _kept(self) -> int:
        """Slots that are kept: of a window, and of what is asked for or a day begins with."""
        return self.window + max(BEHIND, self.quiet.longer, self.behind)

    @property
    def wrong(self) -> Sequence[Silence]:
        """Silences of the last year that were none."""
        return self.quiet.wrong(self._today())

    @property
    def asked(self) -> int:
        """Slots that must look empty in this home."""
        return self.window + self.quiet.longer

    def quiet_from_number(self) -> int:
        """The first slot of what looks empty now."""
        before = min(max(0, self._below - 1), self.quiet.longer)
        return self._window.numbers(self.window + before)[0]

    def window_from_number(self) -> int:
        """The first slot of the window."""
        return self._window.numbers(self.window)[0]

    def quarter_outside(self, hours: Set[int]) -> int:
        """What the window had, for a quarter of the time outside of these hours of the day (UTC),
        at the most, as a mean."""
        return floor_of(self._window.outside(hours), (0.0, 0.25))

    def mean_w(self) -> int:
        return self._window.total // max(1, len(self._window.watts))

    def peak_w(self) -> int:
        return max(self._window.watts, default=0)

    def _today(self) -> int:
        return max(0, self._window.newest) // SLOTS_PER_DAY
