"""What the elder hears: outputs and commands of the installer's choice, played and forgotten.

"Received" is said only after the commit, "somebody is coming" only when a human has taken the
alarm. An output that hangs is ended, one that fails is told once until it works again; nothing
here ever holds up an activation.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.output import BoundOutput, Occasion, OccasionName, OutputFailed
from gateway.program import run_program

# A spoken sentence takes five seconds; a hung player is ended after this.
TIMEOUT_S: Final = 20.0
# Sounds at the same time: a second press is heard over the first, a jammed button is not a fork
# bomb.
PARALLEL_MAX: Final = 4
# A question waits until an output is silent, so that it takes no call's place.
ASKING_PARALLEL_MAX: Final = 1

Trouble = Callable[[str, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackCommands:
    """Command lines with `{device}` and `{kind}` as placeholders, and the outputs beside them."""

    received: Sequence[str] = ()
    reassured: Sequence[str] = ()
    outputs: Sequence[BoundOutput] = ()


class Feedback:
    """Lives on the event loop. `on_trouble` gets an output's name and what failed, or "" when it
    works again."""

    def __init__(self, commands: FeedbackCommands, log: Callable[[str, str], None]) -> None:
        self._commands = commands
        self._log = log
        self._running: dict[str, set[asyncio.Task[None]]] = {}
        self._asking: dict[str, set[asyncio.Task[None]]] = {}
        self._failing: set[str] = set()
        self.on_trouble: Trouble = _nobody
        self.skipped = 0

    def received(self, device: str, kind: str) -> None:
        name: OccasionName = "identify" if kind == "identify" else "received"
        self._answer(self._commands.received, Occasion(name=name, device=device, kind=kind))

    def reassured(self, device: str) -> None:
        occasion = Occasion(name="reassured", device=device, kind="reassure")
        self._answer(self._commands.reassured, occasion)

    def can_ask(self, device: str) -> bool:
        """Whether any output would put a question at this device."""
        occasion = Occasion(name="ask", device=device, kind="ask")
        return any(
            bound.answers(occasion) and bound.output.plays("ask")
            for bound in self._commands.outputs
        )

    def ask(self, device: str) -> bool:
        """Put the question; False when no output was free for it."""
        occasion = Occasion(name="ask", device=device, kind="ask")
        tasks = self._answer((), occasion, ASKING_PARALLEL_MAX)
        mine = self._asking.setdefault(device, set())
        for task in tasks:
            mine.add(task)
            task.add_done_callback(mine.discard)
        return bool(tasks)

    def hush(self, device: str) -> None:
        """The question at this device is over: end what sounds of it."""
        for task in self._asking.pop(device, set()):
            task.cancel()

    def well(self, device: str) -> None:
        """The "I'm well" is on the disk."""
        self._answer((), Occasion(name="well", device=device, kind="presence"))

    async def close(self) -> None:
        """End what still sounds."""
        running = [task for tasks in self._running.values() for task in tasks]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _answer(
        self, command: Sequence[str], occasion: Occasion, parallel_max: int = PARALLEL_MAX
    ) -> list["asyncio.Task[None]"]:
        started = []
        if command:
            words = {"{device}": occasion.device, "{kind}": occasion.kind}
            line = [_filled(part, words) for part in command]
            started.append(self._start(f"command {command[0]}", lambda: run_program(line)))
        for bound in self._commands.outputs:
            if bound.answers(occasion) and bound.output.plays(occasion.name):
                play = _played(bound, occasion)
                started.append(self._start(bound.name, play, parallel_max))
        return [task for task in started if task is not None]

    def _start(
        self, name: str, play: Callable[[], Awaitable[None]], parallel_max: int = PARALLEL_MAX
    ) -> "asyncio.Task[None] | None":
        running = self._running.setdefault(name, set())
        if len(running) >= parallel_max:
            self.skipped += 1
            self._log("feedback_skipped", f"{name}: {len(running)} already run")
            return None
        task = asyncio.get_running_loop().create_task(self._play(name, play))
        running.add(task)
        task.add_done_callback(running.discard)
        return task

    async def _play(self, name: str, play: Callable[[], Awaitable[None]]) -> None:
        trouble = ""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await play()
        except OutputFailed as error:
            trouble = str(error)
        except TimeoutError:
            trouble = f"{name} was ended after {TIMEOUT_S:.0f} s"
        except Exception as error:  # noqa: BLE001 - an output's mistake must not be the gateway's
            trouble = f"{type(error).__name__}: {error}"
        if trouble:
            self._log("feedback_failed", trouble)
        if bool(trouble) is not (name in self._failing):
            (self._failing.add if trouble else self._failing.discard)(name)
            self.on_trouble(name, trouble)


def _filled(part: str, words: dict[str, str]) -> str:
    for placeholder, word in words.items():
        part = part.replace(placeholder, word)
    return part


def _played(bound: BoundOutput, occasion: Occasion) -> Callable[[], Awaitable[None]]:
    return lambda: bound.output.play(occasion)


def _nobody(_name: str, _trouble: str) -> None: ...
