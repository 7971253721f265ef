"""Rows of numbers as text inside a state. Pure.

Every change of a home writes its states anew, and writing a float in decimal digits takes as long
as a rule takes for a quarter-hour. In base 64 the row goes as it is.

    "H=LAFYAg…"    the type of `array`, then its numbers, low byte first
    "H2c015802…"   the same as programs of before wrote it, in hexadecimal digits
"""

import sys
from array import array
from binascii import a2b_base64, b2a_base64
from typing import Any, Final

# As `array` has them: bytes, watts, wide watts, times; floats of four and eight bytes.
_TYPES: Final = "BHiqfd"
# No hexadecimal digit, so that older rows are told apart.
_MARK: Final = "="


def packed(numbers: "array[Any]") -> str:
    return numbers.typecode + packed_bytes(_low_first(numbers))


def packed_small(numbers: "array[int]") -> str:
    """The same in two bytes a number, where they fit."""
    try:
        return packed(array("H", numbers))
    except OverflowError:
        return packed(numbers)


def packed_bytes(raw: "bytes | bytearray | array[Any]") -> str:
    return _MARK + b2a_base64(raw, newline=False).decode("ascii")


def unpacked(typecode: str, stored: Any) -> "array[Any]":
    """What `packed` gave, or the list that states of before had; ValueError, TypeError or
    OverflowError when it is neither."""
    if not isinstance(stored, str):
        return array(typecode, stored)
    written = stored[:1]
    if not written or written not in _TYPES:
        raise ValueError(f"no packed numbers: {stored[:40]!r}")
    numbers = array(written, unpacked_bytes(stored[1:]))
    ordered = _low_first(numbers)
    return ordered if written == typecode else array(typecode, ordered)


def unpacked_bytes(stored: str) -> bytes:
    """What `packed_bytes` gave, or hexadecimal digits; ValueError when it is neither."""
    if stored.startswith(_MARK):
        return a2b_base64(stored[1:].encode("ascii"), strict_mode=True)
    return bytes.fromhex(stored)


def _low_first(numbers: "array[Any]") -> "array[Any]":
    if sys.byteorder == "little":
        return numbers
    swapped = numbers[:]
    swapped.byteswap()
    return swapped
