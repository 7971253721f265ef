"""The door to the event loop, for the threads that write and hear."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable

Callback = Callable[[], object]


class ToLoop:
    """Before it is opened and after the loop's end what is brought is dropped: nobody waits.

    What a thread brings while the loop is waking up costs it no second waking: it has the
    interpreter then, for which the loop would wait."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._brought: deque[Callback] = deque()
        self._woken = False

    def open(self) -> None:
        """In the running loop."""
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()

    def call_soon(self, callback: Callback) -> None:
        """Behind what waits for the loop; from any thread. The loop itself needs no waking."""
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        if threading.get_ident() == self._thread:
            loop.call_soon(callback)
            return
        self._brought.append(callback)
        if not self._woken:
            self._woken = True
            loop.call_soon_threadsafe(self._take)

    def _take(self) -> None:
        # First: who brings something from here on wakes the loop again.
        self._woken = False
        for _each in range(len(self._brought)):
            callback = self._brought.popleft()
            try:
                callback()
            except Exception as error:  # noqa: BLE001 - as the loop itself does; the next one's turn
                self._failed(error)

    def _failed(self, error: Exception) -> None:
        if self._loop is not None:
            said = "what a thread brought to the loop failed"
            self._loop.call_exception_handler({"message": said, "exception": error})
