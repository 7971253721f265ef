"""At which activity a home looks empty: learned from its own quietest days. Pure.

`lows` are the least activities of the days that were lived; 1 is what the machines do alone. A home
that was found silent while somebody was there is judged more carefully at once, and more carefully
still when it happens again: a home's quiet habit may cost an alarm or two, not one a month.

    limit = halfway (of proportions) between the machines and the quietest lived days,
            between LOW and TOP
            above TOP in a home whose quietest day of a year, by the tail of its days, is far apart
            never more than a part of the usual day's least
            below what was refuted, but not below LOW on account of a few as quiet as machines
            lower with each silence beyond a few in two months

In a home that is far apart and was not wrong lately a window that looks empty is enough. In all
others it must look so for an hour more (`longer`): of the quiet days at home that last 24 hours a
third don't last 25.
"""

from array import array
from collections.abc import Mapping, Sequence
from math import exp, log, sqrt
from typing import Any, Final

from rules.lived_days import SLOTS_PER_HOUR
from rules.packed import packed, unpacked

# At most this much activity is silence, in any home …
TOP: Final = 1.3
# … and this little is, whatever its quietest days were like: machines vary by a tenth or so.
LOW: Final = 1.15
# A home is far apart when so much of its quietest day in a year is above TOP; it is its limit then,
# up to the highest.
FAR_PART: Final = 0.4
FAR_TOP: Final = 2.0
# That day is further out than the days that are known: below the tenth of them that are quietest
# it gets rarer by the same part for each step (of proportions). The step is a mean, and with few
# days mostly that of other homes.
TAIL_PART: Final = 0.1
YEAR_DAYS: Final = 365
STEP: Final = 0.25
STEP_DAYS: Final = 3
# So that no proportion is taken of nothing.
_LOW_LEAST: Final = 30
# Hours that it must look empty for beyond the window, where it isn't far apart.
SURE_H: Final = 1
LONGER: Final = SURE_H * SLOTS_PER_HOUR
# The day that counts among the quietest: one of so many may be quieter, for people travel.
RARE_DAYS: Final = 50
# The usual day's least must lie apart from the limit.
USUAL_PART: Final = 0.5
# Below this machines alone are hardly ever; homes that would need it can't be judged.
WEAKEST: Final = 0.8
# While few days are known: no limit before some days, and a part of it until so many.
DAYS_MIN: Final = 3
DAYS_TRUSTED: Final = 30
YOUNG_PART: Final = 0.85
# Half a year of quietest days, two months of silences.
LOWS_MAX: Final = 180
REFUTED_DAYS: Final = 180
CROWD_DAYS: Final = 60
# Silences remembered of each kind.
KEPT_MAX: Final = 12
# Below what was refuted by this part …
REFUTED_PART: Final = 0.97
# … also where machines alone are, once this many were as quiet as they.
AS_MACHINES: Final = 1.19
REFUTED_FEW: Final = 2
CROWD_MAX: Final = 3
CROWD_PART: Final = 0.9

HUNDRED: Final = 100
# Two bytes of hundredths; so lively a day is beyond all limits.
_LOW_MAX: Final = 65_535

# When (a day since the epoch), and the least activity of it.
Told = tuple[int, float]


class QuietLimit:
    """The quiet days and silences of one home."""

    __slots__ = ("_lows", "_raised", "_refuted", "limit", "longer", "usual")

    def __init__(self) -> None:
        # In hundredths.
        self._lows = array("H")
        self._refuted: list[Told] = []
        self._raised: list[int] = []
        # At or below it the home looks empty; 0 while it can't be judged.
        self.limit = 0.0
        # Slots that a window must look empty for on end, beyond the first.
        self.longer = LONGER
        # The least activity of the middle day.
        self.usual = 0.0

    @property
    def days(self) -> int:
        return len(self._lows)

    @property
    def weak(self) -> bool:
        """Whether enough is known and lived and empty can't be told apart."""
        return self.limit <= 0.0 and len(self._lows) >= DAYS_MIN

    def as_quiet(self, activity: float) -> int:
        """How many of the known lived days were as quiet."""
        return sum(low <= activity * HUNDRED for low in self._lows)

    def lived(self, low: float, day: int) -> None:
        self._lows.append(min(round(low * HUNDRED), _LOW_MAX))
        del self._lows[:-LOWS_MAX]
        self.learn(day)

    def raised(self, day: int) -> None:
        self._raised = [*self._raised, day][-KEPT_MAX:]

    def refuted(self, low: float, day: int) -> None:
        """Somebody was there all the time."""
        self._refuted = [*self._refuted, (day, round(low, 3))][-KEPT_MAX:]
        self.lived(low, day)

    def learn(self, day: int) -> None:
        """The limit from this day on."""
        self.limit, self.longer = 0.0, LONGER
        number = len(self._lows)
        if number < DAYS_MIN:
            return
        lows = sorted(self._lows)
        self.usual = lows[number // 2] / HUNDRED
        part = YOUNG_PART + (1.0 - YOUNG_PART) * min(1.0, number / DAYS_TRUSTED)
        between = sqrt(lows[number // RARE_DAYS] / HUNDRED)
        far = min(FAR_TOP, FAR_PART * quietest_of_a_year(lows) / HUNDRED)
        limit = max(far, min(TOP, max(LOW, between))) * part
        limit = min(limit, self.usual * USUAL_PART)
        if limit < WEAKEST:
            return
        refuted = self._below_refuted(day)
        if far > TOP and refuted is None:
            self.longer = 0
        limit = limit if refuted is None else min(limit, refuted)
        crowd = sum(when > day - CROWD_DAYS for when in self._raised) - CROWD_MAX
        if crowd >= 0:
            limit *= CROWD_PART ** (crowd + 1)
        self.limit = limit

    def _below_refuted(self, day: int) -> float | None:
        """None: nothing was refuted lately."""
        told = [low for when, low in self._refuted if when > day - REFUTED_DAYS]
        if not told:
            return None
        below = min(told) * REFUTED_PART
        few = sum(low <= AS_MACHINES for low in told) <= REFUTED_FEW
        return max(below, LOW) if few else below

    def dump(self) -> dict[str, Any]:
        return {
            "lows": packed(self._lows),
            "refuted": self._refuted,
            "raised": self._raised,
            "limit": self.limit,
            "longer": self.longer,
            "usual": self.usual,
        }

    @classmethod
    def load(cls, document: Mapping[str, Any]) -> "QuietLimit":
        quiet = cls()
        quiet._lows = unpacked("H", document["lows"])[-LOWS_MAX:]
        quiet._refuted = _told(document["refuted"])
        quiet._raised = [int(day) for day in document["raised"]][-KEPT_MAX:]
        quiet.limit = float(document["limit"])
        # States of before had none.
        quiet.longer = int(document.get("longer", LONGER))
        quiet.usual = float(document["usual"])
        return quiet


def quietest_of_a_year(lows: Sequence[int]) -> float:
    """What one day in a year stays below, from the lows of some days, ascending."""
    number = len(lows)
    count = max(1, int(number * TAIL_PART))
    edge, *below = (log(max(low, _LOW_LEAST)) for low in reversed(lows[: count + 1]))
    step = (sum(edge - low for low in below) + STEP * STEP_DAYS) / (count + STEP_DAYS)
    return exp(edge - step * log(max(1.0, count / number * YEAR_DAYS)))


def _told(rows: Sequence[Any]) -> list[Told]:
    return [(int(day), float(low)) for day, low in rows][-KEPT_MAX:]
