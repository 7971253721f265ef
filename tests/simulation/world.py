"""One run: homes, people, machines, faults; first everything may break, then it must heal."""

import asyncio
import shutil
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg

from alarms.lifecycle import IllegalMove
from tests.simulation.county import MEMORY, book
from tests.simulation.disk import Crash
from tests.simulation.faults import Options
from tests.simulation.hub_machine import HubMachine
from tests.simulation.leaps import DESK, leaps
from tests.simulation.machines import NTP_AFTER_S, GatewayMachine, Machine
from tests.simulation.network import Broker, Network
from tests.simulation.oracle import Oracle
from tests.simulation.providers import CHANNELS, MOODS
from tests.simulation.readings_side import stored
from tests.simulation.standing_still import context_of
from tests.simulation.virtual_loop import VirtualLoop

OPERATORS = ("desk-1", "desk-2", "desk-3")
# A button repeats its frame until it hears the tone or gives up.
REPEATS, REPEAT_AFTER_S = 3, 1.5
# A hand in need presses more than once.
TREMBLES, TREMBLE_S = (1, 1, 1, 2, 5), (0.05, 0.8)
OPERATORS_LOOK_S = 15.0
PARTITION_S = (2.0, 90.0)
BROKER_AWAY_S = (0.1, 20.0)
FULL_S = (2.0, 40.0)
SLOW_S = (5.0, 40.0)
MOOD_S = (5.0, 120.0)
CLOCK_JUMPS_MS = (-400 * 86_400_000, -3_600_000, -5_000, 5_000, 3_600_000, 400 * 86_400_000)
STATEMENTS_MAX = 60
# What waited this long before the end and waits still was forgotten.
LAST_LOOK_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    options: Options
    failure: str | None
    trace: tuple[str, ...]
    fingerprint: str
    accepted: int
    stored: int
    crashes: int
    virtual_s: float


def run(options: Options) -> Report:
    """One run of these options. Nothing in it depends on anything else."""
    loop = VirtualLoop()
    folder = Path(tempfile.mkdtemp(prefix="hearthwatch-sim-", dir=MEMORY))
    try:
        return loop.run_until_complete(_play(loop, options, folder))
    finally:
        loop.close()
        shutil.rmtree(folder, ignore_errors=True)


async def _play(loop: VirtualLoop, options: Options, folder: Path) -> Report:
    oracle = Oracle(loop.time)
    world = World(loop, options, folder, oracle)
    loop.set_exception_handler(world.exception)
    await world.play()
    return reported(loop, options, oracle)


def reported(loop: VirtualLoop, options: Options, oracle: Oracle) -> Report:
    return Report(
        options=options,
        failure=oracle.failure,
        trace=tuple(oracle.trace),
        fingerprint=oracle.fingerprint,
        accepted=sum(len(view.rows) for view in oracle.spools.values()),
        stored=len(oracle.events),
        crashes=sum(" dies: " in line for line in oracle.trace),
        virtual_s=loop.time(),
    )


class World:
    def __init__(self, loop: VirtualLoop, options: Options, folder: Path, oracle: Oracle) -> None:
        self.loop = loop
        self.options = options
        self.oracle = oracle
        self.net = Network(options)
        self.broker = Broker(self.net, options)
        names = [f"gw-{number}" for number in range(1, options.gateways + 1)]
        self.gateways = [
            GatewayMachine(n, folder / n, options.stream(n), oracle, self.broker) for n in names
        ]
        self.machines = [*self.gateways, *self._hubs(folder)]
        self._failed = loop.create_future()
        self.providers = self.hub.providers
        oracle.on_failure = self._stop
        oracle.hub_is_well = lambda: self.hub.up and not self.hub.disk.full and not self.hub.slow
        self._presses = self._reads = 0
        self._people: set[asyncio.Task[None]] = set()
        if options.rate("drift"):
            rng = options.stream("drift")
            for machine in self.machines:
                machine.clock._drift = rng.uniform(-0.001, 0.001)
        for gateway in self.gateways:
            gateway.no_rtc = options.rate("no_rtc") > 0
            if gateway.no_rtc:
                gateway.lose_time()

    def _hubs(self, folder: Path) -> list[Machine]:
        self.hub = HubMachine(
            folder / "hub",
            self.options.stream("hub"),
            self.oracle,
            self.broker,
            template=book(self.options.gateways),
        )
        return [self.hub]

    def looking(self):
        """A connection to look into the book by; None while it can't be had."""
        return self.hub._connection if self.hub.up else None

    def exception(self, _loop, context) -> None:
        error = context.get("exception")
        if not isinstance(error, Crash) and "handle" in context:
            self.oracle.fail(f"unexpected: {error!r}")

    def _stop(self) -> None:
        if not self._failed.done():
            self._failed.set_result(None)

    async def play(self) -> None:
        for machine in self.machines:
            machine.boot()
        going_on = [*self._plagues(), *self._everyday()]
        if self.options.leaps:
            going_on.append(leaps(self))
        plagues = [self.loop.create_task(self._sound(one)) for one in going_on]
        if not self.options.rate("asleep"):
            desk = context_of(DESK)
            plagues += [self.loop.create_task(self._operator(o), context=desk) for o in OPERATORS]
        await self._for(self.options.faulty_s)
        for plague in plagues:
            plague.cancel()
        await asyncio.gather(*plagues, return_exceptions=True)
        self._heal()
        await self._for(self.options.healing_s - LAST_LOOK_S)
        if (look := self.looking()) is not None:
            self.oracle.nearly_settled(look)
        await self._for(LAST_LOOK_S)
        if self.oracle.failure is None:
            self._look_at_the_end()
        await self._end()

    async def _sound(self, plague) -> None:
        """A mistake in a plague is no quiet run."""
        try:
            await plague
        except Exception as error:  # noqa: BLE001 - told as what it is
            self.oracle.fail(f"unexpected: {error!r}")

    async def _end(self) -> None:
        for person in self._people:
            person.cancel()
        await asyncio.gather(*self._people, return_exceptions=True)
        for machine in self.machines:
            await machine.stop()
            machine.up = False
            machine.disk.dead = True
            machine._buried()

    async def _for(self, seconds: float) -> None:
        if not self._failed.done():
            await asyncio.wait([self._failed], timeout=seconds)

    def _heal(self) -> None:
        self.oracle.say("everything heals")
        self.net.faulty = False
        self.net.restore_all()
        self.broker.start()
        for machine in self.machines:
            machine.disk.full = machine.slow = False
            machine.disk.plan_crash(1 << 60, "kill")
        for provider in self.providers.values():
            provider.mood = "well"

    def _look_at_the_end(self) -> None:
        for machine in self.machines:
            self.oracle.demand(machine.up, f"I10 {machine.name} is not up")
        if self.oracle.failure is None:
            self.oracle.settled(self.looking())
            self._look_at_readings()

    def _look_at_readings(self) -> None:
        if self.oracle.failure is None:
            values, rolled_up = stored(self.hub.disk.folder / "readings.db")
            dated = not self.options.rate("gateway_clock") and not self.options.rate("no_rtc")
            self.oracle.readings.settled(values, rolled_up, dated=dated)

    # People.

    def _everyday(self):
        for gateway in self.gateways:
            yield self._elders(gateway)
            yield self._meter(gateway)

    def nothing_is_open(self) -> bool:
        """Nobody at the desk has anything to do."""
        look = self.looking()
        return look is not None and not look.look("SELECT 1 FROM alarm WHERE state <> 'closed'")

    async def _meter(self, gateway: GatewayMachine) -> None:
        """Each reading has a value that no other has."""
        rng = self.options.stream(f"meters/{gateway.name}")
        while True:
            await asyncio.sleep(rng.expovariate(1 / self.options.read_every_s))
            self._reads += 1
            gateway.read(f"meter-{rng.randint(1, 2)}", self._reads)

    async def _elders(self, gateway: GatewayMachine) -> None:
        rng = self.options.stream(f"elders/{gateway.name}")
        while True:
            await asyncio.sleep(rng.expovariate(1 / self.options.press_every_s))
            # Two buttons of homes, one that nobody has bound yet.
            device = f"button-{rng.randint(1, 3)}"
            action = rng.choices(("press", "hold", "test", "clear"), (8, 2, 1, 1))[0]
            for _press in range(rng.choice(TREMBLES)):
                self._spawn(self._press(gateway, device, action))
                await asyncio.sleep(rng.uniform(*TREMBLE_S))

    async def _press(self, gateway: GatewayMachine, device: str, action: str) -> None:
        for _frame in range(REPEATS):
            self._presses += 1
            before = self.oracle.spools[gateway.name].heard[device]
            gateway.press(device, self._presses, action)
            await asyncio.sleep(REPEAT_AFTER_S)
            if self.oracle.spools[gateway.name].heard[device] > before or action == "clear":
                return

    async def _operator(self, who: str) -> None:
        rng = self.options.stream(f"people/{who}")
        while True:
            await asyncio.sleep(rng.uniform(0.5, 1.5) * OPERATORS_LOOK_S)
            if self.options.leaps and self.nothing_is_open():
                continue
            move = rng.choice(("acknowledge", "accept", "accept", "close"))
            if self.hub.up:
                self._spawn(self._act(who, move))

    async def _act(self, who: str, move: str) -> None:
        """Everybody reaches for the oldest case there is."""
        table, open_ = (
            ("task", "state = 'open'")
            if move == "accept"
            else ("alarm", "state = 'open'" if move == "acknowledge" else "state <> 'closed'")
        )
        look = self.looking()
        if look is None or self.hub.desk is None:
            return
        found = look.look(
            f"SELECT id FROM {table} WHERE {open_} ORDER BY number LIMIT 1"  # noqa: S608
        )
        if not found:
            return
        subject, desk = found[0][0], self.hub.desk
        await self._ask(desk, who, move, subject)

    async def _ask(self, desk, who: str, move: str, subject: str) -> None:
        self.oracle.asks(who, move, subject)
        try:
            match move:
                case "acknowledge":
                    await desk.acknowledge(subject, who)
                case "accept":
                    await desk.move_task(subject, who, "accept")
                case "close":
                    await desk.close(subject, who, "accidental", "")
        except (IllegalMove, KeyError, sqlite3.Error, psycopg.Error):
            return
        self.oracle.was_told(who, move, subject)

    def _spawn(self, person) -> None:
        task = self.loop.create_task(person)
        self._people.add(task)
        task.add_done_callback(self._people.discard)

    # Plagues.

    def _actions(self):
        return {
            "gateway_kill": lambda rng: self._crash(rng.choice(self.gateways), "kill", rng),
            "gateway_power": lambda rng: self._crash(rng.choice(self.gateways), "power", rng),
            "hub_kill": lambda rng: self._crash(self.hub, "kill", rng),
            "hub_power": lambda rng: self._crash(self.hub, "power", rng),
            "broker_restart": lambda rng: self._broker(rng, forget=False),
            "broker_amnesia": lambda rng: self._broker(rng, forget=True),
            "reset": self._reset,
            "partition": self._partition,
            "gateway_full": lambda rng: self._full(rng.choice(self.gateways), rng),
            "hub_full": lambda rng: self._full(self.hub, rng),
            "gateway_clock": lambda rng: self._clock(rng.choice(self.gateways), rng),
            "hub_clock": lambda rng: self._clock(self.hub, rng),
            "slow_disk": self._slow,
            "provider": self._provider,
        }

    def _plagues(self):
        for kind, action in self._actions().items():
            if self.options.rate(kind):
                yield self._plague(kind, action)

    async def _plague(self, kind: str, action) -> None:
        rng = self.options.stream(kind)
        while True:
            await asyncio.sleep(rng.expovariate(1 / self.options.rate(kind)))
            action(rng)

    def _crash(self, machine, kind: str, rng) -> None:
        """At once, or in the midst of one of its next statements."""
        statements = rng.randint(0, STATEMENTS_MAX)
        if not machine.up:
            return
        if statements == 0:
            machine.die(kind)
        else:
            self.oracle.say(f"{machine.name} will meet {kind} in {statements} statements")
            machine.disk.plan_crash(statements, kind)

    def _broker(self, rng, *, forget: bool) -> None:
        away_s = rng.uniform(*BROKER_AWAY_S)
        if self.broker.up:
            self.oracle.say(f"broker stops{' and forgets' if forget else ''}")
            self.broker.stop(forget=forget)
            self.loop.call_later(away_s, self.broker.start)

    def _reset(self, rng) -> None:
        links = [s.link for s in self.broker.sessions.values() if s.link is not None]
        draw = rng.random()
        if links:
            client = links[int(draw * len(links))].client
            self.oracle.say(f"{client.name} is reset")
            client.lost("reset")

    def _partition(self, rng) -> None:
        machine = rng.choice(self.machines).name
        ways = rng.choice((("up",), ("down",), ("up", "down")))
        lasts_s = rng.uniform(*PARTITION_S)
        self.oracle.say(f"{machine} is cut off {'+'.join(ways)}")
        for way in ways:
            self.net.cut_off(machine, way)
            self.loop.call_later(lasts_s, self.net.restore, machine, way)

    def _full(self, machine, rng) -> None:
        self.oracle.say(f"{machine.name}: disk full")
        machine.disk.full = True
        self.loop.call_later(rng.uniform(*FULL_S), setattr, machine.disk, "full", False)

    def _clock(self, machine, rng) -> None:
        by_ms = rng.choice(CLOCK_JUMPS_MS)
        self.oracle.say(f"{machine.name}: clock jumps {by_ms} ms")
        machine.clock.jump(by_ms)
        if machine is not self.hub:
            self.loop.call_later(rng.uniform(*NTP_AFTER_S), machine.clock.ntp)

    def _slow(self, rng) -> None:
        machine = rng.choice(self.machines)
        self.oracle.say(f"{machine.name}: disk is slow")
        machine.slow = True
        self.loop.call_later(rng.uniform(*SLOW_S), setattr, machine, "slow", False)

    def _provider(self, rng) -> None:
        provider = self.providers[rng.choice(CHANNELS)]
        provider.mood = rng.choice(MOODS)
        self.oracle.say(f"{provider.channel} is {provider.mood}")
        self.loop.call_later(rng.uniform(*MOOD_S), setattr, provider, "mood", "well")
