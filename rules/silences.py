"""The silences of a home that were found, and what each of them was. Pure.

How soon a silence ends says roughly whether anybody had been away. What a human found out
(`rules.found_out`) counts in place of that, may come before or after the end, late, twice or
corrected. So nothing is counted up: whoever asks is told from the newest word on each silence.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Any, Final, NamedTuple

from rules.found_out import FoundOut, Word
from rules.signs import DOUBTED_MS, SOON_MS

# Of a home that is found silent every other week, those of a year.
KEPT_MAX: Final = 24
# A state of before didn't name its silences, and said of each only one of both days.
UNNAMED: Final = 0
NEVER: Final = -1
# What may have been none, or an absence, counts for so much of one that was.
DOUBTED_PART: Final = 0.5
# An alarm and its silence end a day after each other at most, where that ended soon or later.
_APART_DAYS: Final = 2

_NO_CROWD: Final = frozenset({FoundOut.WAS_OUT, FoundOut.NEEDED_HELP})


class Ended(IntEnum):
    """How a silence ended, by itself."""

    OPEN = 0
    # So soon that nobody had been away, most likely.
    SOON = 1
    # So late that nobody may have been there, and so early that somebody may.
    LATER = 2
    LASTED = 3
    # Of what somebody had said beforehand nothing is learned.
    UNTAUGHT = 4


def ended_after(lasted_ms: int | None) -> Ended:
    """So long after it was found; None: it teaches nothing."""
    if lasted_ms is None:
        return Ended.UNTAUGHT
    if lasted_ms < SOON_MS:
        return Ended.SOON
    return Ended.LATER if lasted_ms < DOUBTED_MS else Ended.LASTED


class Silence(NamedTuple):
    """raised_ms: when it was found; raised_day, day: of the slots at which it was found and ended.
    low: its least activity; beyond: slots for which it looked empty beyond the window."""

    raised_ms: int
    raised_day: int
    day: int = NEVER
    low: float = 0.0
    beyond: int = 0
    ended: Ended = Ended.OPEN
    found_out: FoundOut = FoundOut.UNKNOWN

    @property
    def over(self) -> bool:
        return self.ended not in (Ended.OPEN, Ended.UNTAUGHT)

    @property
    def confirmed(self) -> bool:
        """A human says that somebody was there and well."""
        return self.over and self.found_out is FoundOut.WAS_IN_AND_WELL

    @property
    def was_none(self) -> bool:
        """Somebody was there all the time, as far as is known."""
        soon = self.ended is Ended.SOON and self.found_out is FoundOut.UNKNOWN
        return soon or self.confirmed

    @property
    def may_be_none(self) -> bool:
        return self.ended is Ended.LATER and self.found_out is FoundOut.UNKNOWN


class Silences:
    """Oldest first."""

    __slots__ = ("_all",)

    def __init__(self, silences: Iterable[Silence] = ()) -> None:
        # Most homes have none: one empty tuple for all.
        self._all: tuple[Silence, ...] = tuple(silences)

    def __iter__(self) -> Iterator[Silence]:
        return iter(self._all)

    def begin(self, raised_ms: int, day: int) -> None:
        self._add(Silence(raised_ms, day))

    def end(self, ended: Ended, day: int, low: float, beyond: int) -> Silence:
        """The one that is open is over; where none is, it is one that nobody can name."""
        if not self._all or self._all[-1].ended is not Ended.OPEN:
            self._add(Silence(UNNAMED, NEVER))
        over = self._all[-1]._replace(day=day, low=low, beyond=beyond, ended=ended)
        self._all = (*self._all[:-1], over)
        return over

    def say(self, word: Word) -> Sequence[tuple[Silence, Silence]]:
        """The silences that this changes: before and after. Who needed help is not to be missed
        again, so that counts of all that the alarm stood for; the others of one alone."""
        named = [each for each in self._all if each.raised_ms and word.is_of(each.raised_ms)]
        if len(named) > 1 and word.found_out not in (FoundOut.NEEDED_HELP, FoundOut.UNKNOWN):
            word = word._replace(found_out=FoundOut.UNKNOWN)
        changed = [
            (each, each._replace(found_out=word.found_out))
            for each in named
            if each.found_out is not word.found_out
        ]
        news = {id(before): after for before, after in changed}
        self._all = tuple(news.get(id(each), each) for each in self._all)
        return changed

    @property
    def open_is_well(self) -> bool:
        """Whether somebody was found well in the one that is open."""
        last = self._all[-1] if self._all else None
        well = last is not None and last.found_out is FoundOut.WAS_IN_AND_WELL
        return well and last is not None and last.ended is Ended.OPEN

    @property
    def last_was_none(self) -> bool:
        """Of the last that is over."""
        over = (each for each in reversed(self._all) if each.ended is not Ended.OPEN)
        return next((each.was_none for each in over), False)

    def leave(self) -> None:
        """The one that is open, if any, is over and teaches nothing."""
        if self._all and self._all[-1].ended is Ended.OPEN:
            self._all = (*self._all[:-1], self._all[-1]._replace(ended=Ended.UNTAUGHT))

    def found_since(self, day: int) -> int:
        """How many were found after a day, without those that were rightly."""
        return sum(each.raised_day > day and each.found_out not in _NO_CROWD for each in self._all)

    def none_since(self, day: int) -> Sequence[Silence]:
        return [each for each in self._all if each.was_none and each.day > day]

    def doubted_since(self, day: int) -> Sequence[Silence]:
        return [each for each in self._all if each.may_be_none and each.day > day]

    def refuted_since(self, day: int) -> float:
        """How many alarms were for nothing: life came back, and nobody says that it was none of
        this home's usual silences. One that lasted was a journey, most likely."""
        none, doubted = len(self.none_since(day)), len(self.doubted_since(day))
        return none + DOUBTED_PART * doubted

    def _add(self, silence: Silence) -> None:
        self._all = (*self._all, silence)[-KEPT_MAX:]

    def dump(self) -> list[list[Any]]:
        return [list(each) for each in self._all]

    @classmethod
    def load(cls, rows: Sequence[Sequence[Any]]) -> "Silences":
        return cls(
            Silence(int(raised), int(on), int(day), float(low), int(beyond), Ended(ended),
                    FoundOut(said))
            for raised, on, day, low, beyond, ended, said in rows[-KEPT_MAX:]
        )  # fmt: skip


def of_before(document: Mapping[str, Any], beyond: int) -> Silences:
    """From a state that kept apart the days on which silences were found (`raised`), and how those
    had been that were none or may have been. beyond: of those that didn't say it."""
    raised = sorted(int(day) for day in document["raised"])
    found: list[Silence] = []
    for name, ended in (("refuted", Ended.SOON), ("doubted", Ended.LATER)):
        # States still older had none of these, and said less of each.
        for day, low, *more in document.get(name, ()):
            lasted = int(more[0]) if more else beyond
            found.append(Silence(UNNAMED, NEVER, int(day), float(low), lasted, ended))
    paired = []
    for over in sorted(found, key=lambda each: each.day):
        on = next((day for day in raised if 0 <= over.day - day < _APART_DAYS), NEVER)
        if on != NEVER:
            raised.remove(on)
        paired.append(over._replace(raised_day=on))
    alone = [Silence(UNNAMED, day, day, ended=Ended.LASTED) for day in raised]
    # NEVER goes by its own day.
    return Silences(sorted([*paired, *alone], key=lambda each: each.day)[-KEPT_MAX:])
