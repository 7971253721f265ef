"""At which activity a home looks empty: learned from its own quietest days. Pure.

`lows` are the least activities of the days that were lived; 1 is what the machines do alone. A home
that was found silent while somebody was there is judged more carefully at once, and after the third
time in a year it must look empty for longer than it ever did then: a home's quiet habit may cost
three alarms, not one a month, and none makes an empty home look lived in. What a human found out
decides whether somebody was there (`rules.silences`); where nobody said, how soon it was over. A
home whose usual day lies near an empty one has more quiet days to come: there silences that nobody
has confirmed count half as much again, so that it is after the second of them, and one that went on
for so long that it may have been one counts half of that.

    limit = halfway (of proportions) between the machines and the quietest lived days,
            between LOW and TOP
            above TOP in a home whose quietest day of a year, by the tail of its days, is far apart
            never more than a part of the usual day's least
            below what was refuted within a year, but never below LOW on that account
            lower with each silence beyond a few in two months that wasn't rightly found

In a home that is far apart and was not wrong within a year a window that looks empty is enough. In
all others it must look so for an hour more (`longer`): of the quiet days at home that last 24 hours
a third don't last 25. Where as many silences of a year were none as are borne it waits until three
hours after the longest of them would have ended, but never half a day beyond the window: somebody
who lies there is found later then, and still found, which a limit below the machines would rule
out. Once three alarms of a year were for nothing the home's budget of them is spent: however short
they were it must look empty for two days (`patience`) until the oldest of them is a year old.
Where the sun hides a part of the day it is half an hour more than an hour in all homes, and two
alarms spend the budget; where it hides more than half of it, two days from the first.
"""

from array import array
from collections.abc import Mapping, Sequence
from math import exp, log, sqrt
from typing import Any, ClassVar, Final

from rules.found_out import Word
from rules.lived_days import SLOTS_PER_HOUR
from rules.packed import packed, unpacked
from rules.silences import DOUBTED_PART, Ended, Silence, Silences, of_before
from rules.weekly_away import WeeklyAway

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
# … and half an hour more in any home of which the sun hides a part of the day: to whoever sees all
# that such a meter shows, an eighth less looks empty that isn't, and nobody is found too late.
SUNLIT_LONGER: Final = LONGER + SLOTS_PER_HOUR // 2
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
# Half a year of quietest days, a year of silences that were none, two months of all.
LOWS_MAX: Final = 180
REFUTED_DAYS: Final = YEAR_DAYS
CROWD_DAYS: Final = 60
# Below what was refuted by this part.
REFUTED_PART: Final = 0.97
# So many a year that were none are borne: services ask for no home above three. From then on it
# waits beyond the longest of them …
BORNE: Final = 3
# … and so much does one count that nobody has confirmed where the usual day's least is less than
# this: of 861 years of tuning homes fifteen had more than three, eleven of them in the tenth of
# homes below it, and most because an ending too late or too soon hid what a silence had been.
NEAR: Final = 10.0
UNSURE_PART: Final = 1.5
# … by so much, for no two days are alike …
BEYOND: Final = 3 * SLOTS_PER_HOUR
# … but never longer: somebody may lie there.
LONGEST: Final = 12 * SLOTS_PER_HOUR
# So many refuted alarms a year are all that a home is to have (services ask for no home above
# three), whatever its people are like.
BUDGET: Final = 3
# Where the sun hides a part of the day people may be at home and show nothing until they sleep: to
# whoever sees all that such a meter shows so many days look empty that it has to be two.
SUNLIT_BUDGET: Final = 2
# Where it hides more than half of the day what is left is hardly more than the night, in which all
# homes look empty: there two days are asked for from the first.
SUNLIT_MAX_H: Final = 12
CROWD_MAX: Final = 3
CROWD_PART: Final = 0.9

# Activity so far above the limit ends a silence.
_BACK_PART: Final = 1.3
_BACK_MORE: Final = 0.1

HUNDRED: Final = 100
# Two bytes of hundredths; so lively a day is beyond all limits.
_LOW_MAX: Final = 65_535


class QuietLimit:
    """The quiet days and silences of one home."""

    # Lived days that are known at the least; slots for which it must look empty beyond the window.
    DAYS_MIN: ClassVar = DAYS_MIN
    LONGER: ClassVar = LONGER

    __slots__ = (
        "_longer", "_lows", "limit", "patience", "refuted", "silences", "sunlit", "usual", "weekly",
    )  # fmt: skip

    def __init__(self, patience: int = 0) -> None:
        """patience: slots beyond the window once the budget is spent."""
        self.patience = patience
        # In hundredths.
        self._lows = array("H")
        self.silences = Silences()
        # At or below it the home looks empty; 0 while it can't be judged.
        self.limit = 0.0
        self._longer = self.LONGER
        # Alarms of a year that count against its budget.
        self.refuted = 0.0
        # The least activity of the middle day.
        self.usual = 0.0
        self.weekly = WeeklyAway()
        # So many hours of the day the sun hides.
        self.sunlit = 0

    @property
    def longer(self) -> int:
        """Slots that a window must look empty for on end, beyond the first."""
        if self.spent or self.sunlit > SUNLIT_MAX_H:
            return max(self._longer, self.patience)
        return self._longer

    @property
    def spent(self) -> bool:
        """Whether the home has had all its alarms of a year that were for nothing."""
        return self.refuted >= (SUNLIT_BUDGET if self.sunlit else BUDGET)

    @property
    def days(self) -> int:
        return len(self._lows)

    @property
    def weak(self) -> bool:
        """Whether enough is known and lived and empty can't be told apart."""
        return self.limit <= 0.0 and len(self._lows) >= self.DAYS_MIN

    def as_quiet(self, activity: float) -> int:
        """How many of the known lived days were as quiet."""
        return sum(low <= activity * HUNDRED for low in self._lows)

    def lived(self, low: float, day: int) -> None:
        self._lows.append(_hundredths(low))
        del self._lows[:-LOWS_MAX]
        self.learn(day)

    def raised(self, day: int, start: int, raised_ms: int) -> None:
        """start: the first slot of what looks empty."""
        self.silences.begin(raised_ms, day)
        self.weekly.begin(start)

    def ended(self, ended: Ended, low: float, day: int, beyond: int = LONGER) -> bool:
        """A silence is over; it had looked empty for so many slots more than a window. True:
        somebody was there all the time, as far as is known."""
        if self.silences.open_is_well:
            # It ended because somebody looked: nobody knows for how long it would have gone on.
            beyond = LONGEST
        silence = self.silences.end(ended, day, round(low, 3), beyond)
        if silence.was_none:
            self.lived(silence.low, day)
        return silence.was_none

    def found_out(self, word: Word, day: int) -> bool:
        """A human says how silences were; True: it is news. Their days are lived ones, or are not
        after all."""
        changed = self.silences.say(word)
        for before, after in changed:
            if after.was_none and not before.was_none:
                self._lows.append(_hundredths(after.low))
                del self._lows[:-LOWS_MAX]
            elif before.was_none and not after.was_none:
                self._forget(before.low)
        if changed:
            self.learn(day)
        return bool(changed)

    def _forget(self, low: float) -> None:
        """The newest that was so quiet; which of several doesn't matter."""
        hundredths = _hundredths(low)
        for place in reversed(range(len(self._lows))):
            if self._lows[place] == hundredths:
                del self._lows[place]
                return

    def wrong(self, day: int) -> Sequence[Silence]:
        """The silences of the year before a day that were none."""
        return self.silences.none_since(day - REFUTED_DAYS)

    def learn(self, day: int) -> None:
        """The limit from this day on."""
        self.limit, self._longer = 0.0, SUNLIT_LONGER if self.sunlit else self.LONGER
        self.refuted = self.silences.refuted_since(day - REFUTED_DAYS)
        number = len(self._lows)
        if number < self.DAYS_MIN:
            return
        lows = sorted(self._lows)
        self.usual = lows[number // 2] / HUNDRED
        limit, far = self._of(lows)
        if limit <= 0.0:
            return
        wrong = self.wrong(day)
        if wrong:
            least = min(told.low for told in wrong)
            limit = min(limit, max(least * REFUTED_PART, self.least))
        elif far and not self.sunlit:
            self._longer = 0
        self._wait(wrong, day)
        crowd = self.silences.found_since(day - CROWD_DAYS) - CROWD_MAX
        if crowd >= 0:
            limit *= CROWD_PART ** (crowd + 1)
        self.limit = limit

    @property
    def least(self) -> float:
        """No refuted silence brings the limit below this."""
        return LOW

    @property
    def near(self) -> bool:
        """Whether the usual day lies near an empty one."""
        return self.usual < NEAR

    def _of(self, lows: Sequence[int]) -> tuple[float, bool]:
        """The limit by the quietest of the known days, ascending, and whether it is far apart; 0:
        lived and empty days can't be told apart."""
        number = len(lows)
        part = young_part(number)
        between = sqrt(lows[number // RARE_DAYS] / HUNDRED)
        far = min(FAR_TOP, FAR_PART * quietest_of_a_year(lows) / HUNDRED)
        limit = max(far, min(TOP, max(LOW, between))) * part
        limit = min(limit, self.usual * USUAL_PART)
        return (limit if limit >= WEAKEST else 0.0), far > TOP

    def _wait(self, wrong: Sequence[Silence], day: int) -> None:
        """Beyond the longest of what is known, once it is more than is borne."""
        near = self.near
        doubted = self.silences.doubted_since(day - REFUTED_DAYS) if near else ()
        sure = sum(silence.confirmed for silence in wrong)
        unsure = len(wrong) - sure + DOUBTED_PART * len(doubted)
        if sure + unsure * (UNSURE_PART if near else 1) < BORNE:
            return
        longest = max(silence.beyond for silence in (*wrong, *doubted))
        self._longer = min(max(longest, self.LONGER) + BEYOND, LONGEST)

    def dump(self) -> dict[str, Any]:
        return {
            "lows": packed(self._lows),
            "silences": self.silences.dump(),
            "limit": self.limit,
            "longer": self._longer,
            "budget": self.refuted,
            "usual": self.usual,
            "weekly": self.weekly.dump(),
        }

    @classmethod
    def load(cls, document: Mapping[str, Any], patience: int = 0) -> "QuietLimit":
        quiet = cls(patience)
        quiet._lows = unpacked("H", document["lows"])[-LOWS_MAX:]
        if "silences" in document:
            quiet.silences = Silences.load(document["silences"])
        else:
            quiet.silences = of_before(document, LONGER)
        quiet.limit = float(document["limit"])
        # Not said by states of before.
        quiet._longer = int(document.get("longer", cls.LONGER))
        # Nor this; until its next day is learned it is as when the newest of them ended.
        newest = max((silence.day for silence in quiet.silences), default=0)
        refuted = quiet.silences.refuted_since(newest - REFUTED_DAYS)
        quiet.refuted = float(document.get("budget", refuted))
        quiet.usual = float(document["usual"])
        quiet.weekly = WeeklyAway.load(document.get("weekly"))
        return quiet


def is_back(activity: float, limit: float) -> bool:
    """Whether so much ends a silence that was below this limit."""
    return activity > limit * _BACK_PART + _BACK_MORE


def young_part(days: int) -> float:
    """While few days are known the limit is a part of what they say."""
    return YOUNG_PART + (1.0 - YOUNG_PART) * min(1.0, days / DAYS_TRUSTED)


def quietest_of_a_year(lows: Sequence[int], tail_part: float = TAIL_PART) -> float:
    """What one day in a year stays below, from the lows of some days, ascending."""
    number = len(lows)
    count = max(1, int(number * tail_part))
    edge, *below = (log(max(low, _LOW_LEAST)) for low in reversed(lows[: count + 1]))
    step = (sum(edge - low for low in below) + STEP * STEP_DAYS) / (count + STEP_DAYS)
    return exp(edge - step * log(max(1.0, count / number * YEAR_DAYS)))


def _hundredths(low: float) -> int:
    return min(round(low * HUNDRED), _LOW_MAX)
