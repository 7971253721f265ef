"""Words of a known list as they stand in a column: each a blind code of this book, in an order that
tells nothing. Read by looking all words of the list up, without opening anything."""

from collections.abc import Iterable, Sequence
from typing import Final

from ledger.sealing.ring import Ring

# Hex digits: lists have some sixty words.
CODE_LENGTH: Final = 8
# Columns that were read; answers of visits are mostly the same few.
_KEPT_MAX: Final = 4096


def code(ring: Ring | None, word: str) -> str:
    return word if ring is None else ring.word(word)[:CODE_LENGTH]


def written(ring: Ring | None, words: Iterable[str]) -> str:
    return " ".join(sorted(code(ring, word) for word in words))


class Codes:
    """Reads the codes of one list. What no word of the list has is left out."""

    def __init__(self, ring: Ring | None, words: Sequence[str]) -> None:
        self._words = {code(ring, word): word for word in words}
        # The list's order, as whoever wrote it had it.
        self._place = {word: place for place, word in enumerate(words)}
        self._read: dict[str, list[str]] = {}

    def words(self, text: str) -> list[str]:
        found = self._read.get(text)
        if found is None:
            known = (self._words[c] for c in text.split() if c in self._words)
            found = sorted(known, key=self._place.__getitem__)
            if len(self._read) < _KEPT_MAX:
                self._read[text] = found
        return found
