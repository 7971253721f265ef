"""Many rows of a readings file at once: the common shape of CSV, read with numpy. Pure.

    home-0001,meter,power,2026-11-23T08:00:00Z,energy_kwh,1234.567\\n
    |-------| |---------|                      |--------| |------|
     words     words       digits → ms          words      digits / 10^n

Cells become columns of 8-byte words, which are numbered by their hash and then compared, so that
a collision is no mistake. Whatever has another shape (an exponent, a text, a missing cell, an
offset of time) is odd: its row number is handed back and read by `rows.parts_of`.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from contract.moment import MAX_MS
from hearthwatch.backtest.rows import MS_FROM, Layout

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Words = npt.NDArray[np.uint64]

# Longer names are read with care.
NAME_BYTES_MAX: Final = 64
# A number of up to 15 digits and the power of ten beside it are exact as floats, so that one
# division gives the nearest float, as float() does.
DIGITS_MAX: Final = 15
VALUE_BYTES_MAX: Final = DIGITS_MAX + 2
_PADDING: Final = b"\0" * (NAME_BYTES_MAX + 8)
_PRIME: Final = np.uint64(0x9E3779B97F4A7C15)
_SHIFT: Final = np.uint64(29)
_MASKS: Final = np.array([(1 << (8 * n)) - 1 for n in range(9)], dtype=np.uint64)
# Words of eight equal bytes, for eight characters at a time.
_ONE: Final = np.uint64(1)
_ONES: Final = np.uint64(0x0101010101010101)
_HIGH: Final = np.uint64(0x8080808080808080)
_POINTS: Final = np.uint64(0x2E2E2E2E2E2E2E2E)
_ZEROS: Final = np.uint64(0x3030303030303030)
_SIXES: Final = np.uint64(0x0606060606060606)
_NIBBLES: Final = np.uint64(0xF0F0F0F0F0F0F0F0)
_TENS: Final = 10 ** np.arange(9)
_MONTH_DAYS: Final = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
# (first digit, digits) of year, month, day, hour, minute, second.
_ISO: Final = ((0, 4), (5, 2), (8, 2), (11, 2), (14, 2), (17, 2))
_ISO_MARKS: Final = ((4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":"))

# Raw names to a number, -1 when they are to be read with care: (home), (device, kind, field).
Numbering = Callable[[tuple[bytes, ...]], int]


class Block(NamedTuple):
    """Columns of the rows that have the common shape, and which have it."""

    homes: npt.NDArray[np.int32]
    series: npt.NDArray[np.int32]
    times_ms: Ints
    values: npt.NDArray[np.float64]
    usual: Bools
    # Where each row begins and ends in the text.
    begins: Ints
    ends: Ints


class _Text:
    """The text of a block, by bytes and by words that begin at any byte."""

    def __init__(self, text: bytes) -> None:
        padded = text + _PADDING
        self.raw = text
        self.bytes = np.frombuffer(padded, np.uint8)
        self.words: Words = np.ndarray((len(padded) - 7,), np.dtype("<u8"), padded, strides=(1,))

    def cells(self, begins: Ints, lengths: Ints) -> list[Words]:
        """Cells as columns of words, zero behind their ends."""
        count = (int(lengths.max(initial=0)) + 7) // 8
        columns = []
        for number in range(count):
            left = np.clip(lengths - 8 * number, 0, 8)
            at = np.where(left > 0, begins + 8 * number, 0)
            columns.append(self.words[at] & _MASKS[left])
        return columns


def read_block(text: bytes, layout: Layout, homes: Numbering, series: Numbering) -> Block:
    """Read whole lines (each ended by a line feed, no quotes)."""
    block = _Text(text)
    newlines = np.flatnonzero(block.bytes[: len(text)] == ord("\n"))
    begins = np.concatenate(([0], newlines[:-1] + 1))
    ends = newlines - (block.bytes[newlines - 1] == ord("\r"))
    ends = np.maximum(ends, begins)
    commas = np.flatnonzero(block.bytes[: len(text)] == ord(","))
    marks, usual = _marks(commas, begins, ends, layout.cells)
    edges = np.column_stack((begins - 1, marks, ends))
    cells = [(edges[:, n] + 1, edges[:, n + 1] - edges[:, n] - 1) for n in layout.order]
    for number, (_at, length) in enumerate(cells):
        limit = VALUE_BYTES_MAX if number == 5 else NAME_BYTES_MAX
        usual &= (length > 0) & (length <= limit)
    cells = [(np.where(usual, at, 0), np.where(usual, length, 0)) for at, length in cells]
    home, device, kind, at, name, value = cells
    home_numbers = _numbers(block, [home], homes, usual)
    series_numbers = _numbers(block, [device, kind, name], series, usual)
    times_ms, good_time = _times(block, *at)
    values, good_value = _values(block, *value)
    usual &= (home_numbers >= 0) & (series_numbers >= 0) & good_time & good_value
    return Block(home_numbers, series_numbers, times_ms, values, usual, begins, ends)


def _marks(commas: Ints, begins: Ints, ends: Ints, cells: int) -> tuple[Ints, Bools]:
    """The commas of each row, and which rows have as many as the header."""
    rows, each = begins.size, cells - 1
    if commas.size == rows * each:
        marks = commas.reshape(rows, each)
        if ((marks[:, 0] >= begins) & (marks[:, -1] < ends)).all():
            return marks, np.ones(rows, np.bool_)
    first = np.searchsorted(commas, begins)
    usual = np.searchsorted(commas, ends) - first == each
    at = np.where(usual, first, 0)[:, None] + np.arange(each)
    marks = commas[np.minimum(at, max(commas.size - 1, 0))] if commas.size else at
    return np.where(usual[:, None], marks, begins[:, None]), usual


def _numbers(
    block: _Text, cells: list[tuple[Ints, Ints]], numbering: Numbering, usual: Bools
) -> npt.NDArray[np.int32]:
    """The number of each row's names; the same names are asked for once."""
    rows = usual.size
    columns = [column for at, length in cells for column in block.cells(at, length)]
    # A run of equal rows is one: files are mostly in the order of home or of time.
    head = np.ones(rows, np.bool_)
    head[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns] or [[False]])
    heads = np.flatnonzero(head)
    words = [column[heads] for column in columns]
    hashes = np.zeros(heads.size, np.uint64)
    for column in words:
        hashes = (hashes ^ column) * _PRIME
        hashes ^= hashes >> _SHIFT
    _unique, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    same = np.ones(heads.size, np.bool_)
    for column in words:
        same &= column == column[first][inverse]
    found = np.full(first.size, -1, np.int32)
    for number, row in enumerate(heads[first].tolist()):
        if usual[row]:
            found[number] = numbering(tuple(_cell(block, *cell, row) for cell in cells))
    numbers = np.where(same, found[inverse], -1).astype(np.int32)
    of_rows: npt.NDArray[np.int32] = numbers[np.cumsum(head) - 1]
    return of_rows


def _cell(block: _Text, at: Ints, length: Ints, row: int) -> bytes:
    return block.raw[int(at[row]) : int(at[row]) + int(length[row])]


def _times(block: _Text, at: Ints, length: Ints) -> tuple[Ints, Bools]:
    """Milliseconds of `2026-11-23T08:00:00Z`, `…00.120Z` and Unix seconds or milliseconds."""
    times_ms = np.zeros(at.size, np.int64)
    good = np.zeros(at.size, np.bool_)
    iso = np.flatnonzero((length == 20) | (length == 24))
    if iso.size:
        times_ms[iso], good[iso] = _iso(block, at[iso], length[iso])
    unix = np.flatnonzero((length > 0) & (length <= DIGITS_MAX))
    if unix.size:
        number, digits = _integers(block, at[unix], length[unix])
        times_ms[unix] = np.where(number >= MS_FROM, number, number * 1000)
        good[unix] = digits
    return times_ms, good & (times_ms >= 0) & (times_ms <= MAX_MS)


def _iso(block: _Text, at: Ints, length: Ints) -> tuple[Ints, Bools]:
    text = block.bytes
    good = np.where(length == 20, text[at + 19], text[at + 23]) == ord("Z")
    for place, mark in _ISO_MARKS:
        good &= text[at + place] == ord(mark)
    numbers = []
    for place, count in _ISO:
        number, well = _fixed(text, at + place, count)
        good &= well
        numbers.append(number)
    year, month, day, hour, minute, second = numbers
    fraction, well = _fixed(text, at + 20, 3)
    short = length == 20
    good &= short | (well & (text[at + 19] == ord(".")))
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    days_max = _MONTH_DAYS[np.clip(month, 0, 12)] - ((month == 2) & ~leap)
    good &= (month <= 12) & (day >= 1) & (day <= days_max)
    good &= (year >= 1970) & (hour < 24) & (minute < 60) & (second < 60)
    # Days since 1970 of a calendar whose years begin in March.
    years = year - (month <= 2)
    months = (month + 9) % 12
    days = 365 * years + years // 4 - years // 100 + years // 400
    days += (153 * months + 2) // 5 + day - 1 - 719_468
    seconds = (days * 24 + hour) * 3600 + minute * 60 + second
    return seconds * 1000 + np.where(short, 0, fraction), good


def _fixed(text: npt.NDArray[np.uint8], at: Ints, count: int) -> tuple[Ints, Bools]:
    number = np.zeros(at.size, np.int64)
    good = np.ones(at.size, np.bool_)
    for place in range(count):
        # A byte below "0" wraps round and is too large as well.
        digit = text[at + place] - np.uint8(ord("0"))
        good &= digit < 10
        number = number * 10 + digit
    return number, good


def _values(block: _Text, at: Ints, length: Ints) -> tuple[npt.NDArray[np.float64], Bools]:
    """Decimal numbers; at most eight digits on either side of the point are usual."""
    negative = (block.bytes[at] == ord("-")) & (length > 0)
    at, length = at + negative, length - negative
    left = np.clip(length, 0, 8)
    words = block.words[np.where(length > 0, at, 0)] & _MASKS[left]
    # The highest bit of every byte that is a point; of those the lowest is the first point.
    apart = words ^ _POINTS
    marks = (apart - _ONES) & ~apart & _HIGH
    whole = np.where(
        marks != 0, np.bitwise_count((marks & (~marks + _ONE)) - _ONE) >> 3, left
    ).astype(np.int64)
    pointed = (whole < length) & (block.bytes[at + whole] == ord("."))
    places = np.where(pointed, length - whole - 1, 0)
    usual = (pointed | (whole == length)) & (places <= 8)
    usual &= (whole + places > 0) & (whole + places <= DIGITS_MAX)
    number, good = _eight(block, at, np.where(usual, whole, 0))
    behind, well = _eight(block, at + whole + 1, np.where(usual, places, 0))
    number = number * _TENS[np.where(usual, places, 0)] + behind
    values = number / 10.0 ** np.where(usual, places, 0)
    return np.where(negative, -values, values), good & well & usual


def _integers(block: _Text, at: Ints, length: Ints) -> tuple[Ints, Bools]:
    """Up to fifteen digits and nothing else."""
    before = np.maximum(length - 8, 0)
    high, good = _eight(block, at, before)
    low, well = _eight(block, at + before, length - before)
    return high * 100_000_000 + low, good & well & (length > 0)


def _eight(block: _Text, at: Ints, length: Ints) -> tuple[Ints, Bools]:
    """Up to eight digits at once: pairs of neighbours are joined three times. None are 0."""
    words = block.words[np.where(length > 0, at, 0)]
    shift = np.uint64(8) * (8 - np.maximum(length, 1)).astype(np.uint64)
    words = np.where(length > 0, (words << shift) | (_ZEROS & ((_ONE << shift) - _ONE)), _ZEROS)
    good = ((words & _NIBBLES) == _ZEROS) & (((words + _SIXES) & _NIBBLES) == _ZEROS)
    words = ((words & ~_NIBBLES) * np.uint64(2561)) >> np.uint64(8)
    words = ((words & np.uint64(0x00FF00FF00FF00FF)) * np.uint64(6553601)) >> np.uint64(16)
    words = ((words & np.uint64(0x0000FFFF0000FFFF)) * np.uint64(42949672960001)) >> np.uint64(32)
    return words.astype(np.int64), good
