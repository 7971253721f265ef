"""An event loop whose time passes only when nothing is left to do: an hour takes a second.

Files and terminals are real. `busy` says whether bytes are still under way in the kernel; as long
as they are, the loop waits for them in real time and its own clock stands still.
"""

import asyncio
import selectors
from collections.abc import Callable, Mapping

# Bytes written to a terminal arrive within microseconds; this long only on a broken machine.
ARRIVAL_DEADLINE_S = 30.0


class _Selector(selectors.BaseSelector):
    def __init__(self, loop_time: "SimulatedTimeLoop") -> None:
        self._real = selectors.DefaultSelector()
        self._loop = loop_time

    def register(self, fileobj, events, data=None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def get_map(self) -> Mapping:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()

    def select(self, timeout=None) -> list:
        ready = self._real.select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self._loop.busy():
            ready = self._real.select(ARRIVAL_DEADLINE_S)
            assert ready, "bytes were written and never arrived"
            return ready
        assert timeout is not None, "nothing is left to do and nothing planned"
        self._loop.now_s += timeout
        return []


class SimulatedTimeLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.now_s = 1000.0
        self.busy: Callable[[], bool] = lambda: False
        super().__init__(_Selector(self))

    def time(self) -> float:
        return self.now_s
