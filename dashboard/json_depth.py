"""How deep a JSON text nests, counted while it comes, before anybody parses it. Pure.

A parser goes one call deeper for each bracket, and so does what reads its result: a few kilobytes
of brackets are enough to end either.
"""

import re
from typing import Final

# The deepest body of ours, a rule's settings beside a visit's record, has seven.
DEPTH_MAX: Final = 32
_SIGNS: Final = re.compile(rb'["\\\[\]{}]')
_IN_TEXT: Final = re.compile(rb'["\\]')
_OPENING: Final = frozenset(b"[{")
# A value, blanks before it, a mark of the order of bytes, or the first half of a wide letter.
_BEGINNING: Final = re.compile(rb"[\s\[{\"\-0-9A-Za-z\x00]|\xef\xbb\xbf|\xfe\xff|\xff\xfe")
_BACKSLASH: Final = ord("\\")
_QUOTE: Final = ord('"')


def may_begin(portion: bytes) -> bool:
    """Whether a text that begins so may be JSON; a JPEG or PNG may not."""
    return _BEGINNING.match(portion) is not None


class JsonDepth:
    """Fed in portions of any size."""

    def __init__(self) -> None:
        self._depth = 0
        self._in_text = False
        # The next byte stands for itself.
        self._escaped = False

    def too_deep(self, portion: bytes) -> bool:
        """Whether the text nests deeper than it may, as far as it has come."""
        at = 1 if self._escaped and portion else 0
        self._escaped = self._escaped and not portion
        while found := (_IN_TEXT if self._in_text else _SIGNS).search(portion, at):
            at = found.end()
            sign = portion[found.start()]
            if sign == _QUOTE:
                self._in_text = not self._in_text
            elif sign == _BACKSLASH:
                # Outside a text it is a mistake that the parser finds.
                if self._in_text:
                    self._escaped = at >= len(portion)
                    at += 1
            elif sign in _OPENING:
                self._depth += 1
                if self._depth > DEPTH_MAX:
                    return True
            else:
                self._depth -= 1
        return False
