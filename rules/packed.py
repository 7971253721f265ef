"""Rows of numbers as text inside a state. Pure.

Every change of a home writes its states anew, and writing a float in decimal digits takes as long
as a rule takes for a quarter-hour. In hexadecimal ones the row goes as it is.

    "H" 2c01 5802 …     the type of `array`, then its numbers, low byte first
"""

import sys
from array import array
from typing import Any, Final

# As `array` has them: bytes, watts, wide watts, times; floats of four and eight bytes.
_TYPES: Final = "BHiqfd"


def packed(numbers: "array[Any]") -> str:
    return numbers.typecode + _low_first(numbers).tobytes().hex()


def packed_small(numbers: "array[int]") -> str:
    """The same in two bytes a number, where they fit."""
    try:
        return packed(array("H", numbers))
    except OverflowError:
        return packed(numbers)


def unpacked(typecode: str, stored: Any) -> "array[Any]":
    """What `packed` gave, or the list that states of before had; ValueError, TypeError or
    OverflowError when it is neither."""
    if not isinstance(stored, str):
        return array(typecode, stored)
    written = stored[:1]
    if not written or written not in _TYPES:
        raise ValueError(f"no packed numbers: {stored[:40]!r}")
    numbers = array(written, bytes.fromhex(stored[1:]))
    ordered = _low_first(numbers)
    return ordered if written == typecode else array(typecode, ordered)


def _low_first(numbers: "array[Any]") -> "array[Any]":
    if sys.byteorder == "little":
        return numbers
    swapped = numbers[:]
    swapped.byteswap()
    return swapped
