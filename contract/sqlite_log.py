"""What an SQLite write-ahead log says beyond the point to which SQLite believes it. Pure.

Each frame's sum covers all frames before it, so SQLite reads a log up to the first bad one and
leaves out the rest without a word. After a power cut that is right: the last transaction had not
reached the disk. After a flipped bit further up it is not: commits that were synced and promised
are gone, and pages already folded into the file meet older ones from the log.

With a sync per commit the two can be told apart: only the last transaction can be cut off, so
behind the bad frame there is no commit that another frame follows.
"""

from typing import Final, Protocol

# sqlite.org, "Database File Format", section 4.1: a header of 32 bytes, then frames of 24 bytes and
# one page; the frame repeats the header's salts, and names the file's size when it ends a commit.
_HEADER: Final = 32
_FRAME: Final = 24
_SALTS: Final = slice(16, 24)
_LARGEST_PAGE: Final = 65_536  # is written as 1


class Bytes(Protocol):
    """`bytes`, or a file mapped into memory."""

    def __len__(self) -> int: ...
    def __getitem__(self, at: slice, /) -> bytes: ...


def lost_commits(log: Bytes, believed: int) -> int:
    """Commits behind the first frame that SQLite doesn't believe (`believed` frames are good) which
    a power cut can't have left so; 0: the log ends as one may end."""
    if len(log) < _HEADER:
        return 0
    page = int.from_bytes(log[8:12], "big")
    size = _FRAME + (_LARGEST_PAGE if page == 1 else page)
    salts = log[_SALTS]
    commits = pending = 0
    for start in range(_HEADER + believed * size, len(log) - _FRAME + 1, size):
        frame = log[start : start + _FRAME]
        if frame[8:16] != salts:  # of an earlier round, or room that was never written
            continue
        commits += pending
        pending = int(frame[4:8] != b"\0\0\0\0")
    return commits
