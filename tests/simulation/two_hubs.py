"""Two hubs over one book: who has the lease is the hub, whatever stands still, is cut off, dies,
hands over or has its clock set. The world, its people and what must hold are those of `world.py`.
"""

import asyncio
import random
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.simulation.book_server import BookServer
from tests.simulation.county import MEMORY, book
from tests.simulation.faults import Options, drawn
from tests.simulation.hub_of_two import HubOfTwo
from tests.simulation.oracle import Oracle
from tests.simulation.standing_still import HaltingLoop
from tests.simulation.world import CLOCK_JUMPS_MS, STATEMENTS_MAX, Report, World, reported

# As in `faults.TIMED`: (shortest, longest) mean time in seconds between two of them.
TIMED = {
    "pause": (15, 90),
    "book_line": (20, 120),
    "hand_over": (30, 200),
    "server_kill": (60, 300),
    "server_power": (80, 300),
    "server_clock": (60, 300),
}
# What is of one hub's own disk, or of its readings.
_NOT_HERE = ("hub_power", "hub_full", "slow_disk")
SHARE = 0.7
# A takeover is due after four seconds.
PAUSE_S, CUT_S = (0.5, 40.0), (0.5, 30.0)
HUBS = ("hub-a", "hub-b")
# Somebody's browser waits so long for an answer.
PATIENCE_S = 30.0
# Whoever looks at the screen of a hub that has the book no more, and presses its button.
WRONG_DOOR = 0.2


def drawn_for_two(seed: int, faulty_s: float = 300.0) -> Options:
    options = drawn(seed, faulty_s)
    rates = {kind: rate for kind, rate in options.rates.items() if kind not in _NOT_HERE}
    for kind, (low, high) in TIMED.items():
        rng = random.Random(f"{seed}/rate/{kind}")
        if rng.random() < SHARE:
            rates[kind] = rng.uniform(low, high)
    return replace(options, rates=rates)


def run(options: Options) -> Report:
    return _run(options)[0]


def takeovers(options: Options) -> tuple[Report, int]:
    """And how often the book has changed hands."""
    return _run(options)


def _run(options: Options) -> tuple[Report, int]:
    loop = HaltingLoop()
    folder = Path(tempfile.mkdtemp(prefix="hearthwatch-sim-", dir=MEMORY))
    try:
        return loop.run_until_complete(_play(loop, options, folder))
    finally:
        loop.close()
        shutil.rmtree(folder, ignore_errors=True)


async def _play(loop: HaltingLoop, options: Options, folder: Path) -> tuple[Report, int]:
    oracle = Oracle(loop.time)
    world = TwoHubs(loop, options, folder, oracle)
    loop.set_exception_handler(world.exception)
    await world.play()
    return reported(loop, options, oracle), sum(hub.takeovers for hub in world.hubs)


class TwoHubs(World):
    def _hubs(self, folder: Path) -> list:
        stream, oracle = self.options.stream, self.oracle
        template = book(self.options.gateways)
        self.server = BookServer(folder / "server", stream("server"), oracle, template)
        self.hubs = [
            HubOfTwo(
                name,
                folder / name,
                stream(name),
                oracle,
                broker=self.broker,
                server=self.server,
            )
            for name in HUBS
        ]
        for hub in self.hubs[1:]:
            hub.providers = self.hubs[0].providers
        return [self.server, *self.hubs]

    @property
    def hub(self) -> HubOfTwo:
        return next((hub for hub in self.hubs if hub.has_the_book), self.hubs[0])

    def looking(self):
        return self.server.reader if self.server.up else None

    async def play(self) -> None:
        self.oracle.hub_is_well = lambda: any(hub.works for hub in self.hubs)
        await super().play()

    def _heal(self) -> None:
        super()._heal()
        for hub in self.hubs:
            hub._planned = None
            hub.reaches_book = True
            hub._go_on()

    def _look_at_the_end(self) -> None:
        works = [hub for hub in self.hubs if hub.works]
        self.oracle.demand(len(works) == 1, f"I10 {len(works)} hubs have the book")
        super()._look_at_the_end()

    def _look_at_readings(self) -> None:
        """Nobody takes them here."""

    async def _ask(self, desk, who: str, move: str, subject: str) -> None:
        """At the hub, or at the one whose page is still open; who hears nothing goes away."""
        hub = random.Random(f"{who}/{self.loop.time()}").choice(self.hubs)
        if random.Random(f"{who}/{self.loop.time()}/door").random() > WRONG_DOOR:
            hub = self.hub
        try:
            async with asyncio.timeout(PATIENCE_S):
                await hub.thawed.wait()
                if hub.desk is not None:
                    await super()._ask(hub.desk, who, move, subject)
        except TimeoutError:
            return

    # Plagues.

    def _actions(self):
        actions = super()._actions()
        for kind in _NOT_HERE:
            del actions[kind]
        either = lambda rng: rng.choice(self.hubs)  # noqa: E731 - a name for what is drawn
        actions["hub_kill"] = lambda rng: self._planned(self.hub, "kill", 0.0, rng)
        actions["hub_clock"] = lambda rng: self._clock(either(rng), rng)
        actions |= {
            "pause": lambda rng: self._planned(self.hub, "pause", rng.uniform(*PAUSE_S), rng),
            "book_line": lambda rng: self._planned(self.hub, "cut", rng.uniform(*CUT_S), rng),
            "hand_over": lambda _rng: self.hub.hand_over(),
            "server_kill": lambda rng: self._crash(self.server, "kill", rng),
            "server_power": lambda rng: self._crash(self.server, "power", rng),
            "server_clock": self._server_clock,
        }
        return actions

    def _planned(self, hub: HubOfTwo, what: str, lasts_s: float, rng) -> None:
        """At once, or in the midst of one of its next statements."""
        statements = rng.randint(0, STATEMENTS_MAX)
        if not hub.up or hub.frozen:
            return
        if statements > 0 and hub.has_the_book:
            self.oracle.say(f"{hub.name} will meet {what} in {statements} statements")
            hub.plan(statements, what, lasts_s)
            return
        match what:
            case "kill":
                hub.die("kill")
            case "pause":
                hub.freeze(lasts_s)
            case "cut":
                hub.cut_book(lasts_s)

    def _server_clock(self, rng) -> None:
        by_ms = rng.choice(CLOCK_JUMPS_MS)
        self.oracle.say(f"server: clock jumps {by_ms} ms")
        self.server.clock.jump(by_ms)
