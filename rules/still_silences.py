"""Silences of a home's sensors that were told, and what humans found out about them. Pure.

As `rules.silences` for electricity: an end within hours says that somebody had been there, unless a
human says what it was; words and silences are kept side by side and compared when they are asked
for, so nothing depends on which came first.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from rules.found_out import FoundOut, Word

# Half a year of silences that were none, so many at most.
KEPT_DAYS: Final = 180
KEPT_MAX: Final = 8

_RIGHTLY: Final = frozenset({FoundOut.WAS_OUT, FoundOut.NEEDED_HELP})


class Still(NamedTuple):
    """From the last sign to the next one. soon: it was over within hours of being told."""

    day: int
    missed_h: float
    since_ms: int
    end_ms: int
    soon: bool


class StillSilences:
    """The newest of them, oldest first."""

    __slots__ = ("_all", "_words")

    def __init__(self) -> None:
        # Most homes have neither.
        self._all: tuple[Still, ...] = ()
        self._words: tuple[Word, ...] = ()

    def end(self, still: Still) -> bool:
        """One is over; True: it is none of this home's usual ones."""
        self._all = self._kept((*self._all, still))
        word = self._word_on(still)
        return word in _RIGHTLY or (word is FoundOut.UNKNOWN and not still.soon)

    def _kept(self, silences: tuple[Still, ...]) -> tuple[Still, ...]:
        """Journeys make room first: what was none is remembered for half a year."""
        if len(silences) <= KEPT_MAX:
            return silences
        was_some = (n for n, still in enumerate(silences[:-1]) if not self._was_none(still))
        gone = next(was_some, 0)
        return silences[:gone] + silences[gone + 1 :]

    def say(self, word: Word) -> Sequence[Still]:
        """Take a word; the silences that were rightly found by it."""
        others = (each for each in self._words if each.raised_ms != word.raised_ms)
        self._words = (*others, word)[-KEPT_MAX:]
        return [
            still for still in self._all if _is_of(word, still) and self._word_on(still) in _RIGHTLY
        ]

    def none_since(self, day: int) -> list[float]:
        """Missed hours of those after a day that were none."""
        return [still.missed_h for still in self._all if still.day > day and self._was_none(still)]

    def _was_none(self, still: Still) -> bool:
        word = self._word_on(still)
        return word is FoundOut.WAS_IN_AND_WELL or (word is FoundOut.UNKNOWN and still.soon)

    def _word_on(self, still: Still) -> FoundOut:
        said = {word.found_out for word in self._words if _is_of(word, still)}
        if FoundOut.NEEDED_HELP in said:
            return FoundOut.NEEDED_HELP
        return said.pop() if len(said) == 1 else FoundOut.UNKNOWN

    def dump(self) -> list[list[Any]]:
        """Words only where there are any."""
        silences = [list(still) for still in self._all]
        return [silences, [list(word) for word in self._words]] if self._words else [silences]

    @classmethod
    def load(cls, document: Mapping[str, Any]) -> "StillSilences":
        """`refuted` in states of before: days and missed hours of silences that were none."""
        known = cls()
        if "silences" not in document:
            rows = document["refuted"][-KEPT_MAX:]
            known._all = tuple(Still(int(day), float(h), -1, -1, True) for day, h in rows)
            return known
        silences, *words = document["silences"]
        known._all = tuple(
            Still(int(day), float(missed_h), int(since), int(end), bool(soon))
            for day, missed_h, since, end, soon in silences[-KEPT_MAX:]
        )
        known._words = tuple(
            Word(int(raised), int(until), FoundOut(said))
            for rows in words
            for raised, until, said in rows[-KEPT_MAX:]
        )
        return known


def _is_of(word: Word, still: Still) -> bool:
    """Alarms are raised while it is silent."""
    return still.since_ms < word.raised_ms <= still.end_ms
