"""One request of a key at a time, in this process and in all others that share the book: the second
waits for the first."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Final

from dashboard.problems import Problem
from ledger.key_turns import KeyTurns

# A request takes a fraction of a second, a large import some; a telephone hangs up after thirty.
WAIT_S: Final = 15.0
# While another process works on it; a person does not see the difference.
LOOK_S: Final = 0.05


class OneAtATime:
    """Of the event loop. `elsewhere`: None where there are no other processes."""

    def __init__(self, elsewhere: KeyTurns | None) -> None:
        self._elsewhere = elsewhere
        self._here: dict[str, asyncio.Event] = {}
        # One thread: what nobody waits for any more is given back behind its taking.
        self._asking = ThreadPoolExecutor(1, "key-turns")

    @property
    def keys(self) -> list[str]:
        return sorted(self._here)

    @asynccontextmanager
    async def turn(self, key: str) -> AsyncIterator[None]:
        """Problem 409 where the first one takes too long to wait for."""
        try:
            async with asyncio.timeout(WAIT_S):
                while (before := self._here.get(key)) is not None:
                    await before.wait()
                over = self._here[key] = asyncio.Event()
                try:
                    await self._taken_elsewhere(key)
                except BaseException:
                    self._end(key, over)
                    raise
        except TimeoutError as error:
            raise Problem(409, "in_progress", "this very request is being worked on") from error
        try:
            yield
        finally:
            self._end(key, over)

    async def _taken_elsewhere(self, key: str) -> None:
        if self._elsewhere is None:
            return
        loop = asyncio.get_running_loop()
        while not await loop.run_in_executor(  # noqa: ASYNC110 - another process tells us nothing
            self._asking, self._elsewhere.take, key
        ):
            await asyncio.sleep(LOOK_S)

    def _end(self, key: str, over: asyncio.Event) -> None:
        if self._elsewhere is not None:
            # Not waited for: the answer is made, and a request that is cut off waits for nothing.
            self._asking.submit(self._elsewhere.give, key)
        del self._here[key]
        over.set()
