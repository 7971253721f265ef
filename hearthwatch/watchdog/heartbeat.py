"""The hub's own heartbeat to an address outside: sent only while everything here works.

Who receives it calls people when it stops; what has to be right for it is what a press needs: both
connections to the broker, a commit of the book just now, the readings lane, and the watch of what
is due. A heartbeat that can't be delivered is told here, for nobody outside would miss it before
its time.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

# A receiver that takes longer is down for our purposes.
TIMEOUT_S: Final = 10.0
# A commit that takes longer than this is no working book.
COMMIT_WITHIN_S: Final = 5.0


class Answer(Protocol):
    @property
    def is_success(self) -> bool: ...
    @property
    def status_code(self) -> int: ...


Request = Callable[[], Awaitable[Answer]]


class Heartbeat:
    """`checks`: each part with "ok" or what is wrong; `commits`: returns after a commit of the
    book. `told` hears what to say in the book: None when it is well, else since when it is not."""

    def __init__(
        self,
        request: Request,
        *,
        checks: Callable[[], Mapping[str, str]],
        commits: Callable[[], Awaitable[object]],
        told: Callable[[float | None], Awaitable[object]],
        late_after_s: float,
        monotonic: Callable[[], float],
        log: Callable[[str, str], None],
    ) -> None:
        self._request = request
        self._checks = checks
        self._commits = commits
        self._told = told
        self._late_after_s = late_after_s
        self._monotonic = monotonic
        self._log = log
        self._begun = self._sent = monotonic()
        self._problem = ""
        self._late = False
        self.beats = 0

    def state(self) -> str:
        """For /readyz; a start has its time as well."""
        if not self._problem or self._monotonic() - self._sent < self._late_after_s:
            return "ok"
        return f"not delivered for {self._monotonic() - self._sent:.0f} s: {self._problem}"

    async def run(self, interval_s: float) -> None:
        while True:
            await self.beat()
            await asyncio.sleep(interval_s)

    async def beat(self) -> None:
        self._problem = await self._try()
        if not self._problem:
            self.beats += 1
            self._sent = self._monotonic()
        else:
            self._log("heartbeat_not_sent", self._problem)
        since_s = self._monotonic() - self._sent
        late = bool(self._problem) and since_s >= self._late_after_s
        if late != self._late:
            # The book itself may be what is broken: it is tried again with the next beat.
            with contextlib.suppress(Exception):
                await self._told(since_s if late else None)
                self._late = late

    async def _try(self) -> str:
        """What kept it from being delivered; empty: nothing."""
        wrong = {name: state for name, state in self._checks().items() if state != "ok"}
        if wrong:
            return "; ".join(f"{name}: {state}" for name, state in sorted(wrong.items()))
        try:
            async with asyncio.timeout(COMMIT_WITHIN_S):
                await self._commits()
        except Exception as error:  # noqa: BLE001 - whatever it is, the hub is not well
            return f"book: {type(error).__name__}"
        try:
            async with asyncio.timeout(TIMEOUT_S):
                answer = await self._request()
        except Exception as error:  # noqa: BLE001 - its address stays out of the log
            return f"address: {type(error).__name__}"
        return "" if answer.is_success else f"address: HTTP {answer.status_code}"
