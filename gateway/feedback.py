"""What the elder hears: commands of the installer's choice, run and forgotten.

"Received" is said only after the commit, "somebody is coming" only when a human has taken the
alarm. A command that hangs is ended; nothing here ever holds up an activation.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

# A spoken sentence takes five seconds; a hung player is ended after this.
TIMEOUT_S: Final = 20.0
# Sounds at the same time: a second press is heard over the first, a jammed button is not a fork
# bomb.
PARALLEL_MAX: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackCommands:
    """Command lines with `{device}` and `{kind}` as placeholders; empty: nothing is run."""

    received: Sequence[str] = ()
    reassured: Sequence[str] = ()


class Feedback:
    """Lives on the event loop."""

    def __init__(self, commands: FeedbackCommands, log: Callable[[str, str], None]) -> None:
        self._commands = commands
        self._log = log
        self._running: set[asyncio.Task[None]] = set()
        self.skipped = 0

    def received(self, device: str, kind: str) -> None:
        self._start(self._commands.received, device, kind)

    def reassured(self, device: str) -> None:
        self._start(self._commands.reassured, device, "reassure")

    async def close(self) -> None:
        """End what still sounds."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _start(self, command: Sequence[str], device: str, kind: str) -> None:
        if not command:
            return
        if len(self._running) >= PARALLEL_MAX:
            self.skipped += 1
            self._log("feedback_skipped", f"{command[0]}: {PARALLEL_MAX} already run")
            return
        line = [part.replace("{device}", device).replace("{kind}", kind) for part in command]
        task = asyncio.get_running_loop().create_task(self._run(line))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, line: Sequence[str]) -> None:
        try:
            process = await asyncio.create_subprocess_exec(
                *line,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except (OSError, ValueError) as error:
            self._log("feedback_failed", f"{line[0]}: {error}")
            return
        try:
            code = await asyncio.wait_for(process.wait(), TIMEOUT_S)
        except TimeoutError:
            code = -9
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if code:
            self._log("feedback_failed", f"{line[0]} ended with {code}")
