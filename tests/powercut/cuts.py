"""Power cuts while a store is written, and what each of them left."""

import os
import random
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from tests.adapters.children import die_with_parent
from tests.powercut.drive import Drive
from tests.powercut.stores import Found, Store
from tests.powercut.told import Promised

ROOT: Final = Path(__file__).resolve().parents[2]
# Cuts until the writer itself is rebooted and goes on from what the last one left.
CUTS_A_LIFE: Final = 8
# Between two cuts the writer has this long; some cuts come at the very moment of an acceptance.
PAUSE_S: Final = (0.01, 0.3)
AT_ACCEPTANCE: Final = 0.5
# A writer that has not accepted anything by then is broken.
START_S: Final = 120.0
READ_BYTES: Final = 1 << 16
# Examples of what was found wrong that are kept.
SHOWN_MAX: Final = 5


@dataclass(slots=True)
class Outcome:
    """What the cuts of one store came to. `in_doubt`: found though nobody had been told yet."""

    store: str
    level: str
    seed: int
    cuts: int = 0
    reboots: int = 0
    # By lane: presses, readings, alarms taken by a person.
    accepted: dict[str, int] = field(default_factory=dict)
    # Rows looked for, summed over the cuts; rows missing after one cut or several.
    checked: int = 0
    lost: int = 0
    torn: int = 0
    in_doubt: int = 0
    examples: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        return asdict(self)


class Life:
    """A writer from its start to its end, and what it told."""

    def __init__(self, command: list[str], log: Path, promised: Promised) -> None:
        self.promised = promised
        self.accepted: Counter[str] = Counter()
        self._rest = b""
        env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
        self._log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=env,
                stdout=subprocess.PIPE,
                stderr=errors,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - no threads here
            )
        assert self._process.stdout is not None
        self._pipe = self._process.stdout.fileno()
        os.set_blocking(self._pipe, False)

    def listen(self, seconds: float, *, until_accepted: bool = False) -> None:
        """Hear what is told; with `until_accepted` no longer than to the next acceptance."""
        deadline = time.monotonic() + seconds
        before = self.accepted.total()
        while (left := deadline - time.monotonic()) > 0:
            if select.select([self._pipe], [], [], left)[0]:
                self.hear()
            if until_accepted and self.accepted.total() > before:
                return

    def hear(self) -> None:
        """All that is in the pipe now."""
        while True:
            try:
                data = os.read(self._pipe, READ_BYTES)
            except BlockingIOError:
                return
            if not data:
                raise RuntimeError(f"the writer has ended:\n{self._log.read_text()[-3000:]}")
            *lines, self._rest = (self._rest + data).split(b"\n")
            self.accepted.update(filter(None, (self.promised.hear(one.decode()) for one in lines)))

    def pause(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


class Cuts:
    """One store on one drive."""

    def __init__(
        self, store: Store, drive: Drive, level: str, seed: int, tell: Callable[[str], None]
    ) -> None:
        self.outcome = Outcome(store=store.name, level=level, seed=seed)
        self._store, self._drive, self._tell = store, drive, tell
        self._rng = random.Random(f"{store.name} {level} {seed}")
        self._promised = Promised()
        self._accepted: Counter[str] = Counter()
        self._lost: set[str] = set()
        self._log = drive.root.parent / f"{store.name}-{level}.log"

    def run(self, cuts: int, cuts_a_life: int = CUTS_A_LIFE) -> Outcome:
        self._store.prepare(self._drive.root)
        while self.outcome.cuts < cuts:
            self._live(min(cuts_a_life, cuts - self.outcome.cuts))
        self.outcome.accepted = dict(self._accepted)
        return self.outcome

    def _live(self, cuts: int) -> None:
        seed = self.outcome.seed * 1000 + self.outcome.reboots
        command = self._store.command(self._drive.root, self.outcome.level, seed)
        life = Life(command, self._log, self._promised)
        try:
            life.listen(START_S, until_accepted=True)
            for number in range(cuts):
                if self._rng.random() < AT_ACCEPTANCE:
                    life.listen(self._rng.uniform(*PAUSE_S))
                    life.listen(START_S, until_accepted=True)
                else:
                    life.listen(self._rng.uniform(*PAUSE_S))
                last = number == cuts - 1
                self._cut(life, last=last)
        finally:
            life.end()
            self._store.ended()
            self._accepted += life.accepted

    def _cut(self, life: Life, *, last: bool) -> None:
        """Everything heard before the copy must be in it, unless its leave was told until after."""
        life.hear()
        before = self._promised.copy()
        copy = self._drive.cut()
        life.pause()
        life.hear()
        with self._drive.rebooted(copy) as root:
            found = self._store.look(root)
        self._judge(before, found)
        if last:
            life.end()
            self._store.ended()
            self._drive.go_on_from(copy)
            self.outcome.reboots += 1
            # What was told after the cut belongs to a future that didn't come.
            kept = {
                lane: {
                    name: rows.get(name, 0) for name in set(rows) & set(found.rows.get(lane, {}))
                }
                for lane, rows in before.rows.items()
            }
            self._promised = Promised(kept, dict(self._promised.forgotten))
        else:
            life.go_on()

    def _judge(self, before: Promised, found: Found) -> None:
        outcome = self.outcome
        missing = before.missing(found.rows, self._promised.forgotten)
        outcome.cuts += 1
        outcome.checked += sum(len(rows) for rows in before.rows.values())
        self._lost |= missing
        outcome.lost = len(self._lost)
        outcome.torn += len(found.torn)
        outcome.in_doubt += sum(
            len(set(rows) - set(before.rows.get(lane, {}))) for lane, rows in found.rows.items()
        )
        room = SHOWN_MAX - len(outcome.examples)
        outcome.examples += [f"cut {outcome.cuts}: {what}" for what in found.torn[:room]]
        if missing and room > 0:
            shown = ", ".join(sorted(missing)[:3])
            outcome.examples.append(f"cut {outcome.cuts}: lost {len(missing)}: {shown}")
        self._tell(
            f"{outcome.store} {outcome.level}: cut {outcome.cuts}, {outcome.lost} lost,"
            f" {outcome.torn} torn"
        )


def log(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{text}    ")
        sys.stderr.flush()
