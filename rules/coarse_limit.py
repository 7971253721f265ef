"""At which mean power of a day a home looks empty whose register is coarse. Pure.

As `rules.quiet_limit`, but of the quietest days nothing is known except how much a day of them has
used at the most. In hundreds of watts, so that hundredths are watts:

    limit = what one lived day in a year stays below, by the tail of its days, and a little more
            between what the home uses alone (below it no empty day could be found)
            and a part more, beyond which no empty day would be
            never more than a part of the usual day's least

An empty day looks like this just before a step of the register, and as up to a step more behind it:
so a limit close above what the home uses alone finds some absences within a day, and the others
some hours later.
"""

from collections.abc import Sequence
from typing import ClassVar, Final

from rules.quiet_limit import DAYS_TRUSTED, HUNDRED, QuietLimit, quietest_of_a_year, young_part

# Watts of one unit.
UNIT_W: Final = 100.0
# Two weeks: of fewer days nobody can say what a quiet one is. All figures were chosen on the tuning
# homes of `./dev eval` (docs/trials).
_DAYS_MIN: Final = 14
# The part of the days, the quietest, by which rarer ones are told; and so much above the rarest.
_TAIL_PART: Final = 0.05
_MORE_PART: Final = 1.07
# A limit lies within these parts of what the home uses alone …
_ALONE_PART: Final = 1.0
_TOP_PART: Final = 1.4
# … and below this one of the usual day's least, which must lie above what the home uses alone by so
# many steps of the register a day: two days that lie closer can't be told apart by it.
_USUAL_PART: Final = 0.6
_APART_STEPS: Final = 1.5


class CoarseLimit(QuietLimit):
    """alone: what the home uses alone, 0: not known yet; step: one step of the register a day."""

    DAYS_MIN: ClassVar = _DAYS_MIN
    # What is known of a day is an upper bound already.
    LONGER: ClassVar = 0

    __slots__ = ("alone", "step")

    def __init__(self, patience: int = 0) -> None:
        super().__init__(patience)
        self.alone = self.step = 0.0

    @property
    def least(self) -> float:
        return self.alone * _ALONE_PART

    @property
    def weak(self) -> bool:
        return self.limit <= 0.0 and len(self._lows) >= DAYS_TRUSTED

    @property
    def near(self) -> bool:
        """A step of the register is always near."""
        return True

    def _of(self, lows: Sequence[int]) -> tuple[float, bool]:
        if self.usual < self.alone + self.step * _APART_STEPS:
            return 0.0, False
        rare = quietest_of_a_year(lows, _TAIL_PART) / HUNDRED * _MORE_PART
        limit = max(self.alone * _ALONE_PART, min(rare, self.alone * _TOP_PART))
        limit = min(limit * young_part(len(lows)), self.usual * _USUAL_PART)
        return (limit if limit >= self.alone > 0.0 else 0.0), False
