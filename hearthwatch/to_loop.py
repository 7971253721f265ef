"""The door to the event loop, for the threads that write and hear."""

import asyncio
import threading
from collections.abc import Callable


class ToLoop:
    """Before it is opened and after the loop's end what is brought is dropped: nobody waits."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0

    def open(self) -> None:
        """In the running loop."""
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()

    def call_soon(self, callback: Callable[[], object]) -> None:
        """Behind what waits for the loop; from any thread. The loop itself needs no waking."""
        if self._loop is None or self._loop.is_closed():
            return
        if threading.get_ident() == self._thread:
            self._loop.call_soon(callback)
        else:
            self._loop.call_soon_threadsafe(callback)
