"""Answers that every open board asks for at the same moment, made once for all who may see the
same: after one press two hundred browsers ask for the same counters."""

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

from starlette.concurrency import run_in_threadpool

from dashboard.ports import Feed

# What nothing told of (a message put aside, a device that became silent) is this late at most.
AGE_MAX_S: Final = 0.25
# Regions times what their accounts may; above this only what is still fresh is kept.
KEPT_MAX: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    seq: int
    at_s: float
    hub_ms: int
    answer: "asyncio.Task[bytes]"


class SharedAnswers:
    """Lives on the event loop. An answer holds until the next commit that the feed told of, and
    never longer than `AGE_MAX_S`, by the hub's time (a demonstration's runs faster, or is set) and
    by the real one; who asks while it is being made waits for the same one."""

    def __init__(
        self, feed: Feed, hub_ms: Callable[[], int], now_s: Callable[[], float] | None = None
    ) -> None:
        self._feed = feed
        self._hub_ms = hub_ms
        self._now_s = now_s
        self._made: dict[Hashable, _Made] = {}

    async def get(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """`make` runs in a thread of its own; what it raises, all who wait are told."""
        made = self._made.get(key)
        if made is None or not self._holds(made):
            task = asyncio.create_task(run_in_threadpool(make))
            seq, hub_ms = self._feed.last_seq, self._hub_ms()
            made = _Made(seq=seq, at_s=self._now(), hub_ms=hub_ms, answer=task)
            self._keep(key, made)
        # Who goes away takes the answer from nobody else.
        return await asyncio.shield(made.answer)

    def _holds(self, made: _Made) -> bool:
        if made.answer.done() and (made.answer.cancelled() or made.answer.exception() is not None):
            return False
        fresh = self._now() - made.at_s < AGE_MAX_S
        fresh = fresh and 0 <= self._hub_ms() - made.hub_ms < 1000 * AGE_MAX_S
        return fresh and made.seq == self._feed.last_seq

    def _keep(self, key: Hashable, made: _Made) -> None:
        if len(self._made) >= KEPT_MAX:
            self._made = {k: kept for k, kept in self._made.items() if self._holds(kept)}
        self._made[key] = made

    def _now(self) -> float:
        return asyncio.get_running_loop().time() if self._now_s is None else self._now_s()
