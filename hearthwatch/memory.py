"""Memory that is free, given back to the system.

States that were read and envelopes that were taken leave holes in the heap of the C library, which
keeps them for itself: a third of what a hub holds, once the states of a province have woken up.
"""

import contextlib
import ctypes


def give_back() -> None:
    """Where the C library can't (musl, macOS), nothing happens."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
