"""What a human found out about a silence, as the rules are told: an observation of the hub. Pure.

Somebody has looked, or called, and says how it was when the alarm was raised. It is told some time
after that, again after every restart, and anew when somebody corrects it; `unknown` takes it back.

    values["raised_ms"]    when the alarm was raised; names the silence
    values["until_ms"]     until when its alarm was open: what was raised meanwhile had joined it
    attrs["found_out"]     a `FoundOut`
    measured_at_ms         no later than she was seen: from then on a new silence begins
"""

from enum import StrEnum
from typing import Final, NamedTuple

from rules.rule import Observation

FOUND_OUT: Final = "found_out"


class FoundOut(StrEnum):
    """How it was in the home while it was silent."""

    # Somebody was there all the time and nothing was wrong: this home is as quiet as that.
    WAS_IN_AND_WELL = "was_in_and_well"
    # Nobody was there; of the home's own quiet it says nothing.
    WAS_OUT = "was_out"
    # Somebody was there and needed somebody: a silence that must be found again.
    NEEDED_HELP = "needed_help"
    # Nobody could say, or has said yet; then how soon it ended is all that is known.
    UNKNOWN = "unknown"


class Word(NamedTuple):
    """What was said of the silences that were raised in this time, both ends included."""

    raised_ms: int
    until_ms: int
    found_out: FoundOut

    def is_of(self, raised_ms: int) -> bool:
        return self.raised_ms <= raised_ms <= self.until_ms

    def ends(self, raised_ms: int) -> bool:
        """Whether somebody was seen well who seemed silent since then."""
        return self.found_out is FoundOut.WAS_IN_AND_WELL and self.is_of(raised_ms)


def word_of(observation: Observation) -> Word | None:
    """None: it names no silence, or says what isn't known here."""
    raised_ms = observation.values.get("raised_ms")
    until_ms = observation.values.get("until_ms")
    said = observation.attrs.get("found_out")
    if raised_ms is None or until_ms is None or said not in FoundOut.__members__.values():
        return None
    return Word(int(raised_ms), int(until_ms), FoundOut(str(said)))
