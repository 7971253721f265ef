"""Memory that is free, given back to the system; and objects that live long, looked through rarely.

States that were read and envelopes that were taken leave holes in the heap of the C library, which
keeps them for itself: a quarter of what a hub holds, once the states of a province have woken up.

Python's collector looks for cycles among all objects whenever a quarter more of them have come to
stay, and nobody is heard meanwhile: a second and more, once a province is awake. So what stays is
put beyond the collector's sight every minute, and all of it is looked through once a day, for what
has come apart in circles meanwhile. (Whoever drops a province at once ends its circles himself:
`rules.residents.Residents.let_go`.)
"""

import asyncio
import contextlib
import ctypes
import gc
from collections.abc import Awaitable, Callable
from typing import Final

# After a start a province wakes up within minutes: what came in one of them is looked through in
# some milliseconds.
SETTLE_S: Final = 60.0
# Looking through the heap of a province holds up for a moment whoever wants memory: every ten
# minutes. Looking through all objects holds up everybody: once a day.
GIVE_BACK_EVERY: Final = 10
SWEEP_EVERY: Final = 24 * 60
# The generations that hold what is young.
_YOUNG: Final = 1


def give_back() -> None:
    """Where the C library can't (musl, macOS), nothing happens."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def settle() -> None:
    """What is here will stay: the collector need not look at it again."""
    gc.collect(_YOUNG)
    gc.freeze()


def sweep() -> None:
    """Look through everything once."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


async def keep_tidy(
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    give: Callable[[], None] = give_back,
    settle: Callable[[], None] = settle,
    sweep: Callable[[], None] = sweep,
) -> None:
    minute = 0
    while True:
        await pause(SETTLE_S)
        minute += 1
        if minute % SWEEP_EVERY:
            settle()
        else:
            sweep()
        if minute % GIVE_BACK_EVERY == 0:
            await asyncio.to_thread(give)
