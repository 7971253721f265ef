"""A printed form as cells, whoever renders it. Pure.

A form is one table on one sheet:

    mark                              附件 3
    title             特殊困难老年人信息记录表
    above             探访时间：2026 年 11 月 23 日
    rows       +------+-------------+------+-----+
               | cell | cell        | cell |     |   `columns` and `rows` of a cell join fields,
               +------+-------------+------+  …  |   as a browser's table does
               | …                         |     |
               +---------------------------+-----+
    below, foot       备注：此表一式三份…
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

# What is longer stands on a sheet of its own; the field keeps the beginning and says so.
CONTINUED: Final = "……（全文见附页）"
# A line break costs about half a line of the field.
BREAK_COSTS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A box to tick, with its word."""

    ticked: bool
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Blank:
    """A place to write on: a line with `text` on it, at least `ems` characters wide."""

    text: str
    ems: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A signature as it was drawn: strokes of points within `width` x `height`, y downwards."""

    width: float
    height: float
    strokes: tuple[tuple[tuple[float, float], ...], ...]


Part = Text | Box | Blank | Drawing
Line = tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """`height_mm` is the least; `head`: the printed words of the form, not what was filled in."""

    lines: tuple[Line, ...] = ()
    columns: int = 1
    rows: int = 1
    align: Literal["left", "center"] = "left"
    head: bool = False
    height_mm: float = 0.0
    # Written from top to bottom, as the first column of annex 4.
    upright: bool = False
    # A wide field begins at its top, where its words are printed.
    top: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """`widths` are shares of the sheet's width, `copies` who keeps each copy (一式三份).

    size_pt: the largest type; a renderer may take a smaller one to keep the form on its sheet.
    row_mm: the least height of a row.
    """

    mark: str
    title: str
    above: tuple[Line, ...]
    widths: tuple[float, ...]
    rows: tuple[tuple[Cell, ...], ...]
    below: tuple[Line, ...]
    foot: str
    copies: tuple[str, ...]
    size_pt: float
    row_mm: float
    # What was too long for its field, in full: (label, text).
    continued: tuple[tuple[str, str], ...] = ()


def text(words: str) -> Line:
    return (Text(text=words),)


def label(words: str, *, columns: int = 1, rows: int = 1, height_mm: float = 0.0) -> Cell:
    """A field with printed words in its middle, broken where they have a line break."""
    return Cell(
        lines=lines_of(words),
        columns=columns,
        rows=rows,
        align="center",
        head=True,
        height_mm=height_mm,
    )


def value(words: str, *, columns: int = 1, align: Literal["left", "center"] = "center") -> Cell:
    return Cell(lines=lines_of(words), columns=columns, align=align)


def section(words: str, columns: int) -> Cell:
    """The row that begins a section, over the whole width."""
    return label(words, columns=columns)


def boxes(choices: Iterable[tuple[str, bool]]) -> Line:
    return tuple(Box(ticked=ticked, label=words) for words, ticked in choices)


def lines_of(words: str) -> tuple[Line, ...]:
    """A text as it was typed, one line each; nothing for nothing."""
    return tuple(text(line) for line in words.splitlines()) if words else ()


def fitted(words: str, most: int) -> tuple[str, bool]:
    """What of a text its field holds, and whether the rest is left for the sheet behind."""
    cost = len(words) + BREAK_COSTS * words.count("\n")
    if cost <= most:
        return words, False
    room = most - len(CONTINUED)
    shown = []
    for character in words:
        room -= BREAK_COSTS if character == "\n" else 1
        if room < 0:
            break
        shown.append(character)
    return "".join(shown).rstrip() + CONTINUED, True
