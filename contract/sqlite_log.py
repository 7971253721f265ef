"""What an SQLite write-ahead log says beyond the point to which SQLite believes it. Pure.

Each frame's sum covers all frames before it, so SQLite reads a log up to the first bad one and
leaves out the rest without a word. After a power cut that is right: the last transaction had not
reached the disk. After a flipped bit further up it is not: commits that were synced and promised
are gone, and pages already folded into the file meet older ones from the log.

With a sync per commit the two can be told apart: only the last transaction can be cut off, so
behind the bad frame there is no commit that another frame follows.

What follows must be made for it. Where syncs failed, commits that never were lie behind each other,
each overwritten from its beginning by the next and shorter one: such frames are next to each other,
but the sum of the one does not lead to that of the other.
"""

import struct
from typing import Final, Protocol

# sqlite.org, "Database File Format", section 4.1: a header of 32 bytes, then frames of 24 bytes and
# one page; the frame repeats the header's salts, and names the file's size when it ends a commit.
_HEADER: Final = 32
_FRAME: Final = 24
_SALTS: Final = slice(16, 24)
_SUM: Final = slice(16, 24)  # of a frame: always big-endian
_BIG_ENDIAN: Final = 1  # the last bit of the log's first word: how pages are summed up
_WORD: Final = 0xFFFF_FFFF
_LARGEST_PAGE: Final = 65_536  # is written as 1
_PAGE_BITS: Final = range(9, 17)  # 512 bytes to the largest


class Bytes(Protocol):
    """`bytes`, or a file mapped into memory."""

    def __len__(self) -> int: ...
    def __getitem__(self, at: slice, /) -> bytes: ...


def lost_commits(log: Bytes, believed: int) -> int:
    """Commits behind the first frame that SQLite doesn't believe (`believed` frames are good) which
    a power cut can't have left so; 0: the log ends as one may end."""
    if len(log) < _HEADER:
        return 0
    size, salts, order = _shape(log)
    commits = 0
    before: bytes | None = None  # the sum of the frame before, when that ended a commit
    for start in range(_HEADER + believed * size, len(log) - size + 1, size):
        head = log[start : start + _FRAME]
        if head[8:16] != salts:  # of an earlier round, or room that was never written
            before = None
            continue
        if before is not None:
            summed = _sum(before, head[0:8] + log[start + _FRAME : start + size], order)
            commits += int(summed == head[_SUM])
        before = head[_SUM] if head[4:8] != b"\0\0\0\0" else None
    return commits


def _shape(log: Bytes) -> tuple[int, bytes, str]:
    """The size of a frame, the salts, and the order of bytes in sums. Of a header that is damaged
    itself, which SQLite takes for that of an empty log, the frames repeat the salts."""
    page = int.from_bytes(log[8:12], "big")
    size = _FRAME + (_LARGEST_PAGE if page == 1 else page)
    order = ">" if int.from_bytes(log[0:4], "big") & _BIG_ENDIAN else "<"
    if _sum(bytes(8), log[0:24], order) == log[24:32]:
        return size, log[_SALTS], order
    salts = log[_HEADER + 8 : _HEADER + 16]
    for likely in (size, *(_FRAME + 2**n for n in _PAGE_BITS)):
        second = _HEADER + likely
        if likely > _FRAME and log[second + 8 : second + 16] == salts:
            chains = (o for o in "<>" if _leads(log, likely, o))
            return likely, salts, next(chains, order)
    return len(log), salts, order  # no frame follows another: nothing that a power cut can't leave


def _leads(log: Bytes, size: int, order: str) -> bool:
    """Whether the sum of the first frame leads to that of the second."""
    first, second = _HEADER, _HEADER + size
    data = log[second : second + 8] + log[second + _FRAME : second + size]
    whole = len(log) >= second + size
    return (
        whole and _sum(log[first + 16 : first + 24], data, order) == log[second + 16 : second + 24]
    )


def _sum(before: bytes, data: bytes, order: str) -> bytes:
    """Section 4.2: two sums over 32-bit words, each with the other in it, mod 2^32."""
    first, second = struct.unpack(">2I", before)
    for one, other in struct.iter_unpack(f"{order}2I", data):
        first = (first + one + second) & _WORD
        second = (second + other + first) & _WORD
    return struct.pack(">2I", first, second)
