"""`./dev response`: alarms, people and a hub that is killed while its clocks jump, from one seed.

./dev response                       10,000 alarms, seed 0
./dev response ALARMS=500 SEED=7     with its last lines when it fails

The book, its timers and its outbox are the product's, on a real SQLite file. True time is the
simulation's own; the hub sees it through a wall that jumps and a running time that begins anew with
each power cut. What must hold is said by `response_oracle`, which reads the tables and believes no
clock but the true one.
"""

import heapq
import itertools
import os
import random
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from alarms.book import AlarmBook
from alarms.lifecycle import IllegalMove, Outcome, TaskMove
from alarms.outbox import TableOutbox
from alarms.reasons import DeclineReason, ReopenReason
from alarms.responders import Target
from hearthwatch.clock import PlannedClock
from ledger.database import open_writer
from ledger.writer import Writer
from tests.adapters.book import PlainObjects, finding
from tests.adapters.escalation import Staff, escalating, person
from tests.adapters.migrated import migrated
from tests.simulation.response_oracle import Oracle, Violation

EPOCH_MS = 1_795_374_000_000
TICK_MS = 1_000
JUMPS_MS = (-400 * 86_400_000, -3_600_000, 3_600_000, 400 * 86_400_000)
HOMES = 4_000
# A hub that is killed is there again after so long; after a power cut later, and its clock is
# perhaps wrong.
AWAY_MS, CUT_MS = (100, 20_000), (5_000, 120_000)
STATEMENTS_MAX = 60
OPERATORS = ("duty1", "duty2", "town1")
MEMORY = next((place for place in ("/dev/shm",) if os.access(place, os.W_OK)), None)


class Crash(BaseException):
    """The process is gone in the middle of a statement."""


@dataclass(slots=True)
class Machine:
    """One clock for the truth, two for the hub."""

    true_ms: int = 0
    offset_ms: int = 0
    booted_ms: int = 0
    boots: int = 1

    def wall_ms(self) -> int:
        return EPOCH_MS + self.true_ms + self.offset_ms

    def running_ms(self) -> int:
        return self.true_ms - self.booted_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    seed: int = 0
    alarms: int = 10_000
    # Means of the times between two of a kind.
    alarm_every_ms: int = 2_000
    kill_every_ms: int = 40_000
    cut_every_ms: int = 300_000
    jump_every_ms: int = 60_000


@dataclass(slots=True)
class Result:
    failure: str | None = None
    counts: dict[str, int] = field(default_factory=dict)
    last: list[str] = field(default_factory=list)


def staff() -> Staff:
    return Staff(
        {
            Target.RESPONSIBLE: [person("visitor1", "push", "sms", role="visitor")],
            Target.DUTY: [person("duty1", "push", "voice"), person("duty2", "push")],
            Target.TEAM: [person("visitor2", "sms", role="visitor")],
            Target.CONTACTS: [person("contact:p1/1", "sms", role="contact")],
            Target.SUPERVISOR_TOWN: [person("town1", "voice", role="manager")],
            Target.SUPERVISOR_COUNTY: [person("county1", "voice", role="manager")],
        }
    )


class Cursed(sqlite3.Connection):
    """Ends the process at a statement that was agreed upon."""

    left = 1 << 60

    def cursor(self, factory=None):
        return super().cursor(CursedCursor)


class CursedCursor(sqlite3.Cursor):
    def execute(self, sql, parameters=()):
        Cursed.left -= 1
        if Cursed.left <= 0:
            raise Crash
        return super().execute(sql, parameters)


def cursed(path: Path, **settings) -> sqlite3.Connection:
    return sqlite3.connect(path, factory=Cursed, **settings)


class World:
    def __init__(self, options: Options, path: Path) -> None:
        self.options, self.path = options, path
        self.machine = Machine()
        self.oracle = Oracle(lambda: self.machine.true_ms)
        self.events: list[tuple[int, int, Callable[[], None]]] = []
        self.order = itertools.count()
        self.presses = 0
        self.up = False
        self.wake_ms = 0
        self.open_alarms: set[str] = set()

    def stream(self, name: str) -> random.Random:
        return random.Random(f"{self.options.seed}/{name}")

    def at(self, delay_ms: float, act: Callable[[], None]) -> None:
        when = self.machine.true_ms + int(delay_ms)
        heapq.heappush(self.events, (when, next(self.order), act))

    # The hub.

    def start(self) -> None:
        clock = PlannedClock(
            None,
            self.machine.wall_ms,
            lambda: float(self.machine.true_ms),
            f"boot-{self.machine.boots}",
            self.machine.running_ms,
        )
        Cursed.left = 1 << 60
        connection = open_writer(self.path, cursed)
        # What a power cut leaves of a file is another simulation's matter.
        connection.execute("PRAGMA synchronous=OFF")
        self.writer = Writer(connection, clock.now_ms)
        self.clock = clock
        self.book = AlarmBook(PlainObjects(), TableOutbox(), escalating(clock.look, staff()))
        self.writer.attach(self.book)
        self.connection = connection
        self.up = True
        self.wake_ms = self.machine.true_ms
        self.oracle.hub_is_up(True)

    def die(self) -> None:
        self.up = False
        self.connection.close()
        self.oracle.hub_is_up(False)

    def change(self, apply: Callable):
        """A change and its commit; None when the hub is down, refuses, or dies of it."""
        if not self.up:
            return None
        future = self.writer.submit(apply)
        try:
            self.writer.step()
            result = future.result(0)
        except Crash:
            rng = self.stream(f"away/{self.machine.true_ms}")
            self.die()
            self.at(rng.randint(*AWAY_MS), self.start)
            result = None
        except (IllegalMove, KeyError):
            result = None
        self.oracle.look(self.path)
        return result

    def fire(self) -> None:
        while self.up and self.change(self.book.fire_due):
            pass
        next_ms = self.book.next_in_ms() if self.up else None
        wait_ms = TICK_MS if next_ms is None else max(20, min(TICK_MS, next_ms))
        self.wake_ms = self.machine.true_ms + wait_ms

    # Plagues.

    def kill(self) -> None:
        rng = self.stream(f"kill/{self.machine.true_ms}")
        self.at(rng.expovariate(1 / self.options.kill_every_ms), self.kill)
        if not self.up:
            return
        if rng.random() < 0.5:
            Cursed.left = rng.randint(1, STATEMENTS_MAX)
            return
        self.die()
        self.at(rng.randint(*AWAY_MS), self.start)

    def cut(self) -> None:
        rng = self.stream(f"cut/{self.machine.true_ms}")
        self.at(rng.expovariate(1 / self.options.cut_every_ms), self.cut)
        if not self.up:
            return
        self.die()
        away_ms = rng.randint(*CUT_MS)
        self.machine.booted_ms = self.machine.true_ms + away_ms
        self.machine.boots += 1
        if rng.random() < 0.5:
            self.machine.offset_ms = rng.choice(JUMPS_MS)
        self.at(away_ms, self.start)

    def jump(self) -> None:
        rng = self.stream(f"jump/{self.machine.true_ms}")
        self.at(rng.expovariate(1 / self.options.jump_every_ms), self.jump)
        self.machine.offset_ms = rng.choice((0, *JUMPS_MS))

    # Homes and people.

    def ring(self, home: str, rng: random.Random) -> None:
        """A press, again and again until the hub has it, as a gateway would see to."""
        self.presses += 1
        key, rule = str(self.presses), rng.choice(("sos", "sos", "fall"))
        # Now and then the same home calls again within minutes.
        if rng.random() < 0.2:
            again = self.stream(f"again/{key}")
            self.at(again.uniform(1_000, 400_000), lambda: self.ring(home, again))
        self._send(key, home, rule)

    def _send(self, key: str, home: str, rule: str) -> None:
        one = finding(key, home=home, rule=rule, at_ms=1_000 * int(key))
        alarm = self.change(lambda u: self.book.take(u, one, gateway="gw-1", replayable=False))
        if alarm is None:
            if not self.oracle.knows_episode(one.episode):
                self.at(1_000, lambda: self._send(key, home, rule))
            return
        if alarm not in self.open_alarms:
            self.open_alarms.add(alarm)
            self._somebody(alarm, self.stream(f"people/{alarm}"))

    def _somebody(self, alarm: str, rng: random.Random) -> None:
        """Sooner or later; in between people do all that they may do."""
        self.at(rng.expovariate(1 / 120_000), lambda: self._act(alarm, rng))

    def _act(self, alarm: str, rng: random.Random) -> None:
        who, other = rng.sample(OPERATORS, 2)
        handing = self.book.handing
        task = self.oracle.task_of(alarm)
        asked = self.oracle.offered_to(alarm) or other
        moves: tuple[tuple[int, Callable], ...] = (
            (5, lambda u: self.book.acknowledge(u, alarm, who)),
            (2, lambda u: self.book.assign(u, alarm, who, "visitor1")),
            (2, lambda u: handing.extend(u, alarm, self.oracle.holder_of(alarm))),
            (1, lambda u: handing.hand_over(u, alarm, self.oracle.holder_of(alarm), other)),
            (2, lambda u: handing.decline(u, alarm, who, DeclineReason.BUSY)),
            (2, lambda u: handing.decline(u, alarm, asked, DeclineReason.BUSY)),
            (1, lambda u: self.book.acknowledge(u, alarm, asked)),
            (1, lambda u: handing.release(u, alarm, who, DeclineReason.OTHER)),
            (1, lambda u: handing.release(u, alarm, "visitor1", DeclineReason.NO_TRANSPORT)),
            (1, lambda u: handing.merge(u, alarm, who, self.oracle.sibling_of(alarm))),
            (3, lambda u: self.book.move_task(u, task, "visitor1", TaskMove.ACCEPT, "")),
            (2, lambda u: self.book.move_task(u, task, "visitor1", TaskMove.ARRIVE, "")),
            (1, lambda u: handing.reopen(u, alarm, who, ReopenReason.NOT_OVER)),
            (3, lambda u: self.book.close(u, alarm, who, Outcome.SOCIAL, "")),
        )
        [move] = rng.choices([m for _w, m in moves], [w for w, _m in moves])
        self.change(move)
        if not self.oracle.is_closed(alarm) or rng.random() < 0.3:
            self._somebody(alarm, rng)
        else:
            self.open_alarms.discard(alarm)

    # Running.

    def play(self) -> None:
        options = self.options
        self.start()
        rng = self.stream("homes")
        at_ms = 0.0
        for _number in range(options.alarms):
            at_ms += rng.expovariate(1 / options.alarm_every_ms)
            home = f"home-{rng.randrange(HOMES)}"
            own = self.stream(f"home/{at_ms}")
            self.at(at_ms, lambda home=home, own=own: self.ring(home, own))
        for plague in (self.kill, self.cut, self.jump):
            self.at(1, plague)
        end_ms = int(at_ms) + 1_200_000
        while self.machine.true_ms < end_ms:
            self._next()
        self.oracle.look(self.path)
        self.oracle.settle()

    def _next(self) -> None:
        """Whatever is first: somebody does something, or the hub wakes."""
        when = self.events[0][0]
        if self.up and self.wake_ms <= when:
            self.machine.true_ms = max(self.machine.true_ms, self.wake_ms)
            self.fire()
        else:
            self.machine.true_ms = max(self.machine.true_ms, when)
            heapq.heappop(self.events)[2]()
        self.oracle.late(TICK_MS)


def run(options: Options) -> Result:
    with tempfile.TemporaryDirectory(prefix="hearthwatch-response-", dir=MEMORY) as folder:
        path = migrated(Path(folder) / "hub.db")
        world = World(options, path)
        result = Result()
        try:
            world.play()
        except Violation as violation:
            result.failure = str(violation)
            result.last = world.oracle.trace[-40:]
        finally:
            if world.up:
                world.connection.close()
        result.counts = {**world.oracle.counts(), "boots": world.machine.boots}
        return result


def main(arguments: list[str]) -> int:
    asked = dict(argument.partition("=")[::2] for argument in arguments)
    if not set(asked) <= {"ALARMS", "SEED"}:
        sys.stderr.write(__doc__ or "")
        return 2
    options = Options(seed=int(asked.get("SEED", 0)), alarms=int(asked.get("ALARMS", 10_000)))
    result = run(options)
    sys.stdout.write("".join(f"{name}: {count}\n" for name, count in result.counts.items()))
    if result.failure is not None:
        sys.stdout.write("\n".join([*result.last, f"seed {options.seed}: {result.failure}", ""]))
    return 1 if result.failure is not None else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
