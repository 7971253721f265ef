"""Providers' limits, kept on our side so that they are never run into. Pure.

Each limit counts what was handed over in the window behind now. Half of a limit is kept for urgent
messages: whatever else is waiting, an urgent one finds room. A limit over hours or days holds up
nothing urgent at all: there the provider may say no itself.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

# Limits longer than this are about cost and nuisance, which an emergency is not weighed against.
URGENT_WINDOW_MAX_S: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most `count` within `per_s`; `of`: each target, or the whole channel."""

    count: int
    per_s: int
    of: Literal["target", "channel"] = "target"

    @property
    def for_others(self) -> int:
        """What may be used by messages that are not urgent."""
        return max(1, self.count // 2)


class Limits:
    """The limits of all channels, and what was sent of late."""

    def __init__(self, limits: dict[str, Sequence[Limit]]) -> None:
        self._limits = limits
        self._sent: dict[tuple[str, str, Limit], deque[int]] = {}

    def longest_ms(self) -> int:
        return max((m.per_s * 1000 for ms in self._limits.values() for m in ms), default=0)

    def restore(self, sent: Iterable[tuple[str, str, int]]) -> None:
        """(channel, target, when), oldest first: what the table knows after a restart."""
        for channel, target, at_ms in sent:
            for limit in self._limits.get(channel, ()):
                self._window(channel, target, limit).append(at_ms)

    def take(self, channel: str, target: str, now_ms: int, *, urgent: bool) -> int:
        """0: it may be sent now, and is counted; else the milliseconds until it may."""
        limits = self._limits.get(channel, ())
        wait_ms = max(
            (self._wait_ms(channel, target, limit, now_ms, urgent) for limit in limits), default=0
        )
        if wait_ms == 0:
            for limit in limits:
                self._window(channel, target, limit).append(now_ms)
        return wait_ms

    def forget_old(self, now_ms: int) -> None:
        """Windows with nothing in them any more; targets come and go."""
        for key, window in list(self._sent.items()):
            if not window or now_ms - window[-1] >= key[2].per_s * 1000:
                del self._sent[key]

    def _wait_ms(self, channel: str, target: str, limit: Limit, now_ms: int, urgent: bool) -> int:
        if urgent and limit.per_s > URGENT_WINDOW_MAX_S:
            return 0
        window = self._window(channel, target, limit)
        # A clock that was set back makes the past look like the future: it counts no longer.
        while window and not 0 <= now_ms - window[0] < limit.per_s * 1000:
            window.popleft()
        allowed = limit.count if urgent else limit.for_others
        if len(window) < allowed:
            return 0
        return window[len(window) - allowed] + limit.per_s * 1000 - now_ms

    def _window(self, channel: str, target: str, limit: Limit) -> deque[int]:
        key = (channel, "" if limit.of == "channel" else target, limit)
        return self._sent.setdefault(key, deque())
