"""Which characters a font has: the `cmap` of an OpenType file. Pure.

file    sfnt(4) tables:u16 …(6)   then for each table: tag(4) sum(4) offset:u32 length:u32
cmap    version:u16 subtables:u16 then for each: platform:u16 encoding:u16 offset:u32
form 12 format:u16 0:u16 length:u32 language:u32 groups:u32, each first:u32 last:u32 glyph:u32
"""

import struct
from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

_TABLE: Final = struct.Struct(">4s4xII")
_SUBTABLE: Final = struct.Struct(">HHI")
_GROUP: Final = struct.Struct(">III")
# Unicode, whole: Windows' encoding 10, or one of Unicode's own.
_WHOLE: Final = frozenset({(3, 10), (0, 4), (0, 6)})
# A font of every character that there is has fewer groups.
GROUPS_MAX: Final = 200_000


@dataclass(frozen=True, slots=True)
class Cover:
    """Ranges of characters, in order and apart."""

    firsts: tuple[int, ...]
    lasts: tuple[int, ...]

    def has(self, character: str) -> bool:
        code = ord(character)
        place = bisect_right(self.firsts, code) - 1
        return place >= 0 and code <= self.lasts[place]


def read(font: bytes) -> Cover:
    """The characters of a font file; ValueError when it is none that this can read."""
    try:
        return _groups(font, _whole_subtable(font, _table(font, b"cmap")))
    except struct.error as error:
        raise ValueError(f"a font that ends early: {error}") from None


def _table(font: bytes, tag: bytes) -> int:
    (count,) = struct.unpack_from(">H", font, 4)
    for place in range(count):
        name, offset, _length = _TABLE.unpack_from(font, 12 + 16 * place)
        if name == tag:
            return int(offset)
    raise ValueError("a font without a cmap")


def _whole_subtable(font: bytes, cmap: int) -> int:
    (count,) = struct.unpack_from(">H", font, cmap + 2)
    for place in range(count):
        platform, encoding, offset = _SUBTABLE.unpack_from(font, cmap + 4 + 8 * place)
        if (platform, encoding) in _WHOLE:
            return cmap + int(offset)
    raise ValueError("a font without the whole of Unicode")


def _groups(font: bytes, at: int) -> Cover:
    form, _zero, _length, _language, count = struct.unpack_from(">HHIII", font, at)
    if form != 12 or count > GROUPS_MAX:
        raise ValueError(f"a cmap of form {form} with {count} groups")
    groups = sorted(_GROUP.unpack_from(font, at + 16 + 12 * place) for place in range(count))
    return Cover(tuple(g[0] for g in groups), tuple(g[1] for g in groups))
