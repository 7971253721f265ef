"""The hub's question to an elder: put by the outputs, again and again, until it is answered.

ask (command) -> occasion `ask`, a few times until its time is over
  "I'm well" or a call, on the disk -> over at once, and what still sounds is ended
  ask with a time that has passed   -> the hub takes it back: a human has the alarm

In memory alone: after a restart nobody is asked any more, the hub's time runs out, and somebody is
sent. Lives on the event loop.
"""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from contract.envelope import ClockState
from contract.item import Item, Scalar
from contract.kinds import ACTIVATION_KINDS, says_well
from contract.moment import from_iso

# Again after a minute: time to get up and find the key, and not a nagging.
EVERY_S: Final = 60.0
# An output that was busy with another home is tried again soon.
RETRY_S: Final = 5.0
# However long the question lasts.
TIMES_MAX: Final = 6
# The hub's own longest; a wrong clock must not ask for a day.
LASTS_S_MAX: Final = 1800.0
# A village has tens of homes; more at a time is a hub gone wrong.
QUESTIONS_MAX: Final = 32
# Questions that are over, so that an order that comes late doesn't begin them again.
OVER_MAX: Final = 200

_QUIET_ACTIONS: Final = frozenset({"test", "clear"})


class Voice(Protocol):
    """What the questions need of `Feedback`."""

    def ask(self, device: str) -> bool:
        """Whether anything sounds now."""
        ...

    def hush(self, device: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    device: str
    devices: frozenset[str]
    task: "asyncio.Task[None]"


class Questions:
    def __init__(
        self,
        voice: Voice,
        *,
        now_ms: Callable[[], int],
        clock_state: Callable[[], ClockState],
        sleep: Callable[[float], Awaitable[None]],
        log: Callable[[str, str], None],
    ) -> None:
        self._voice = voice
        self._now_ms = now_ms
        self._clock_state = clock_state
        self._sleep = sleep
        self._log = log
        self._standing: dict[str, _Question] = {}
        self._over: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._standing)

    def take(self, device: str, args: Mapping[str, Scalar]) -> None:
        """The command `ask`; what can't be used is logged and asks nobody."""
        alarm = args.get("alarm")
        left_s = self._left_s(args)
        if not isinstance(alarm, str) or not alarm or left_s is None:
            self._log("command_refused", f"ask: {dict(args)!r:.200}")
        elif left_s <= 0:
            self._end(alarm, "taken back, or its time has passed")
        elif alarm in self._over or alarm in self._standing:
            return
        elif len(self._standing) >= QUESTIONS_MAX:
            self._log("command_refused", f"ask: {QUESTIONS_MAX} questions stand already")
        else:
            named = str(args.get("devices", "")).split(",")
            task = asyncio.get_running_loop().create_task(self._ask(alarm, device, left_s))
            self._standing[alarm] = _Question(
                device=device, devices=frozenset({device, *named}), task=task
            )

    def heard(self, items: Iterable[Item]) -> None:
        """What is on the disk now: an answer, or a call that is one too."""
        if not self._standing:
            return
        for item in items:
            calls = item.kind in ACTIVATION_KINDS and item.attrs.get("action") not in _QUIET_ACTIONS
            if not calls and not says_well(item.kind, item.attrs):
                continue
            for alarm, question in list(self._standing.items()):
                if item.device in question.devices:
                    self._end(alarm, f"{item.kind} of {item.device}")

    async def close(self) -> None:
        tasks = [question.task for question in self._standing.values()]
        for alarm in list(self._standing):
            self._end(alarm, "the gateway ends")
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, alarm: str, device: str, left_s: float) -> None:
        """By time slept and not by the clock, which may jump meanwhile."""
        every_s = max(EVERY_S, left_s / TIMES_MAX)
        while left_s > 0:
            pause_s = min(left_s, every_s if self._voice.ask(device) else RETRY_S)
            await self._sleep(pause_s)
            left_s -= pause_s
        self._end(alarm, "no answer")

    def _end(self, alarm: str, why: str) -> None:
        self._over[alarm] = None
        while len(self._over) > OVER_MAX:
            self._over.popitem(last=False)
        question = self._standing.pop(alarm, None)
        if question is None:
            return
        self._log("question_over", f"{question.device}: {why}")
        self._voice.hush(question.device)
        question.task.cancel()

    def _left_s(self, args: Mapping[str, Scalar]) -> float | None:
        """By the clock if it can be trusted, else by the hub's own count; None: can't be told."""
        for_s, until = args.get("for_s"), args.get("until")
        counted = _number(for_s)
        if self._clock_state() == "synced" and isinstance(until, str):
            try:
                left_s = (from_iso(until) - self._now_ms()) / 1000
            except ValueError:
                return None
            counted = left_s if counted is None else min(left_s, counted)
        return None if counted is None else min(counted, LASTS_S_MAX)


def _number(value: Scalar | None) -> float | None:
    """A finite number; a text or a boolean is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
