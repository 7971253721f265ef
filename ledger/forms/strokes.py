"""A signature as it was drawn: strokes of points, kept as compact JSON and shown as SVG. Pure.

    {"w": 600, "h": 240, "s": [[12, 80, 14, 83, …], …]}

`w` and `h` are the pad's size, every stroke is x, y, x, y, … in whole units of it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import hypot
from typing import Any, Final

MIME: Final = "application/vnd.hearthwatch.strokes+json"
# A pad fills a telephone's screen at most.
SIDE_MAX: Final = 4000
# A name of five characters has about a thousand points.
POINTS_MAX: Final = 6000
STROKES_MAX: Final = 300
BYTES_MAX: Final = 64 * 1024
# A dot or a slip of the thumb is no signature: the drawn lines are at least this part of the
# pad's width altogether.
LENGTH_SHARE_MIN: Final = 0.15
# Part of the pad's height that a line is thick.
PEN_SHARE: Final = 0.018


class StrokesError(ValueError):
    """`code`: `unreadable`, `too_large` or `empty`."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Strokes:
    width: int
    height: int
    strokes: tuple[tuple[tuple[int, int], ...], ...]


def parse(payload: bytes) -> Strokes:
    """StrokesError says what is wrong; an empty signature is none."""
    if len(payload) > BYTES_MAX:
        raise StrokesError("too_large", f"at most {BYTES_MAX} bytes")
    try:
        document = json.loads(payload)
        width, height = document["w"], document["h"]
        drawn = [_points(flat) for flat in document["s"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise StrokesError("unreadable", 'not {"w","h","s":[[x,y,…],…]}') from None
    if not all(type(side) is int and 1 <= side <= SIDE_MAX for side in (width, height)):
        raise StrokesError("unreadable", f"w and h are whole numbers from 1 to {SIDE_MAX}")
    if len(drawn) > STROKES_MAX or sum(map(len, drawn)) > POINTS_MAX:
        raise StrokesError("too_large", f"at most {STROKES_MAX} strokes, {POINTS_MAX} points")
    strokes = Strokes(
        width=width,
        height=height,
        strokes=tuple(_inside(points, width, height) for points in drawn if points),
    )
    if _length(strokes) < LENGTH_SHARE_MIN * width:
        raise StrokesError("empty", "nothing is drawn that could be a name")
    return strokes


def compact(strokes: Strokes) -> bytes:
    flat = [[value for point in line for value in point] for line in strokes.strokes]
    document: Mapping[str, Any] = {"w": strokes.width, "h": strokes.height, "s": flat}
    return json.dumps(document, separators=(",", ":")).encode()


def svg(strokes: Strokes) -> bytes:
    """Black on nothing, so that it may lie on a printed form."""
    lines = "".join(f'<path d="{_path(line)}"/>' for line in strokes.strokes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {strokes.width} {strokes.height}"'
        f' width="{strokes.width}" height="{strokes.height}"><g fill="none" stroke="#000"'
        f' stroke-width="{pen(strokes)}" stroke-linecap="round" stroke-linejoin="round">'
        f"{lines}</g></svg>"
    ).encode()


def pen(strokes: Strokes) -> int:
    return max(2, round(PEN_SHARE * strokes.height))


def _points(flat: Sequence[object]) -> tuple[tuple[int, int], ...]:
    if not isinstance(flat, list) or len(flat) % 2:
        raise ValueError("x and y in turn")
    numbers = [value for value in flat if type(value) is int]
    if len(numbers) != len(flat):
        raise ValueError("whole numbers")
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _inside(
    points: tuple[tuple[int, int], ...], width: int, height: int
) -> tuple[tuple[int, int], ...]:
    """A finger that leaves the pad draws along its edge."""
    return tuple((min(max(x, 0), width), min(max(y, 0), height)) for x, y in points)


def _length(strokes: Strokes) -> float:
    return sum(
        hypot(x1 - x0, y1 - y0) for line in strokes.strokes for (x0, y0), (x1, y1) in pairwise(line)
    )


def _path(line: tuple[tuple[int, int], ...]) -> str:
    (x, y), *rest = line
    # A path of one point is drawn by nobody; a line of no length with a round end is a dot.
    return f"M{x} {y}" + "".join(f"L{px} {py}" for px, py in rest or [(x, y)])
