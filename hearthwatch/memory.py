"""Memory that is free, given back to the system.

States that were read and envelopes that were taken leave holes in the heap of the C library, which
keeps them for itself: a quarter of what a hub holds, once the states of a province have woken up.
"""

import asyncio
import contextlib
import ctypes
from collections.abc import Awaitable, Callable
from typing import Final

# States wake up within hours of a start, and looking through the heap of a province holds up for
# a moment whoever wants memory.
TIDY_S: Final = 600.0


def give_back() -> None:
    """Where the C library can't (musl, macOS), nothing happens."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


async def keep_tidy(
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    give: Callable[[], None] = give_back,
) -> None:
    while True:
        await pause(TIDY_S)
        await asyncio.to_thread(give)
