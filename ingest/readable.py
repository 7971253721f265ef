"""Which descriptors have something to read. `select.select` can't be asked for numbers above 1023,
and a hub with a thousand browsers has such as soon as a connection of its own is made anew.
"""

import select
from collections.abc import Sequence
from typing import Final, Protocol

_READABLE: Final = select.POLLIN | select.POLLPRI


class HasDescriptor(Protocol):
    def fileno(self) -> int: ...


def readable(of: Sequence[int | HasDescriptor], timeout_s: float) -> set[int]:
    """The numbers of those that are; one that is broken is, too: who reads it hears what is wrong.
    ValueError: one of them is closed."""
    poll = select.poll()
    for one in of:
        poll.register(one, _READABLE)
    return {number for number, _what in poll.poll(max(timeout_s, 0) * 1000)}
