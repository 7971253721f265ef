"""Python's collector waits while a province is read into memory.

It looks for cycles whenever a quarter more objects have come to stay. While the states of a
hundred thousand homes are laid out, that is the same objects again and again, with nothing to find.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# Fewer are looked through in some milliseconds. So many were made to stay: they are put beyond the
# collector's sight, or its next round would hold everybody up for a look at all of them.
MANY: Final = 100_000


@contextmanager
def undisturbed() -> Iterator[None]:
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
        if gc.get_count()[0] > MANY:
            gc.freeze()
    finally:
        if was_on:
            gc.enable()
