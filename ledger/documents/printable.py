"""Text that every font at hand can print, and a note of what it can't. Pure.

A character that no font has would leave an empty box on paper, or nothing. It is printed as 〓, as
Chinese printers have always done, and the foot of the page says which characters those were: they
are written in by hand.
"""

import unicodedata
from typing import Final

from ledger.documents.font_cover import Cover

MISSING: Final = "〓"
# Enough to write in by hand; a page of them is somebody's joke.
NOTED_MAX: Final = 12
# Control and format characters can turn a line around and show nothing of themselves.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Choose among shapes of the character before; the font at hand has one.
_SELECTORS: Final = frozenset(range(0xFE00, 0xFE10)) | frozenset(range(0xE0100, 0xE01F0))


class Printable:
    """Cleans the texts of one document and remembers what was missing, in order."""

    def __init__(self, cover: Cover) -> None:
        self._cover = cover
        self._missing: dict[str, None] = {}

    def __call__(self, words: str) -> str:
        return "".join(map(self._character, unicodedata.normalize("NFC", words)))

    def _character(self, character: str) -> str:
        if character in "\t\n\r\u2028\u2029":
            return " "
        if unicodedata.category(character) in _UNSEEN or ord(character) in _SELECTORS:
            return ""
        if self._cover.has(character):
            return character
        self._missing[character] = None
        return MISSING

    @property
    def note(self) -> str:
        """For the foot of the page; empty when every character is there."""
        if not self._missing:
            return ""
        codes = [f"U+{ord(character):04X}" for character in self._missing]
        more = "等" if len(codes) > NOTED_MAX else ""
        return f"字库缺字以“{MISSING}”代替，请手写补填：{'、'.join(codes[:NOTED_MAX])}{more}"
