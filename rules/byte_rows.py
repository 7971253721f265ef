"""Rows of bytes, the newest of which are kept: a home's days, nights and quarter-hours. Pure.

They are kept in pieces that the interpreter's own allocator takes. What is larger comes from the C
library's heap, and with a province in memory that one can't be given back to the system: between
two homes' days lie the holes of all the states that were bytes before they woke up.
"""

from collections.abc import Iterable, Iterator
from typing import Final

# Its own allocator takes up to 512 bytes; an object of bytes needs 33 beside them.
PIECE_MAX: Final = 512 - 33


class ByteRows:
    """width: bytes of a row. Each change makes another tuple: whoever looks from another thread
    has all of before or all of now."""

    __slots__ = ("_pieces", "width")

    def __init__(self, width: int, rows: "bytes | Iterable[int]" = b"") -> None:
        """ValueError when the bytes are no whole rows."""
        self.width = width
        whole = bytes(rows)
        if len(whole) % width:
            raise ValueError(f"{len(whole)} bytes are no rows of {width}")
        step = PIECE_MAX // width * width
        self._pieces = tuple(whole[at : at + step] for at in range(0, len(whole), step))

    def __len__(self) -> int:
        return sum(map(len, self._pieces)) // self.width

    def __iter__(self) -> Iterator[bytes]:
        width = self.width
        return (
            piece[at : at + width] for piece in self._pieces for at in range(0, len(piece), width)
        )

    def append(self, row: bytes) -> None:
        pieces = self._pieces
        if pieces and len(pieces[-1]) + self.width <= PIECE_MAX:
            self._pieces = (*pieces[:-1], pieces[-1] + row)
        else:
            self._pieces = (*pieces, row)

    def drop(self, count: int) -> None:
        """Forget the oldest."""
        pieces, size = self._pieces, max(0, count) * self.width
        while pieces and size >= len(pieces[0]):
            size -= len(pieces[0])
            pieces = pieces[1:]
        self._pieces = (pieces[0][size:], *pieces[1:]) if size and pieces else pieces

    def keep(self, count: int) -> None:
        """Forget all but the newest."""
        self.drop(len(self) - count)

    def clear(self) -> None:
        self._pieces = ()

    def last(self) -> bytes:
        """The newest; IndexError where there is none."""
        return self._pieces[-1][-self.width :]

    def joined(self) -> bytes:
        return b"".join(self._pieces)
