"""`./dev sim PARTITION=30d GATEWAYS=100`: the line of every gateway is cut for days, then heals.

Elders press and meters are read all the time; a fifth of the gateways loses its power in between, a
tenth has no clock of its own then, and some lines are cut one way only. What must hold afterwards:
every press is in the hub, in one event and one alarm with one task, marked late; each gateway's
presses come before its readings; all readings are there; no press was evicted, and readings only
where the budget of the spool says so.

Hours in which nobody presses are leapt over (`VirtualLoop.leap`): programs are stopped, clocks go
on, and what was due is due at once. What remains is played second by second.
"""

import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.simulation.county import MEMORY
from tests.simulation.faults import Options
from tests.simulation.machines import GatewayMachine
from tests.simulation.oracle import Oracle
from tests.simulation.readings_side import stored
from tests.simulation.virtual_loop import VirtualLoop
from tests.simulation.world import World

DAY_S = 86_400.0
# Twice a day something is measured, played for so long.
WAKES, LIVE_S = 2, 3.0
# A line of the countryside, after all had waited for it.
BYTES_PER_S = 6_000.0
PRESSES = 3
READINGS = 2
# One gateway has many meters, and one a spool that is too small for its readings.
MANY_READINGS, SMALL_SPOOL_BYTES = 12, 60_000
# From the line's healing: the longest pause before a client tries again, and a commit or two.
PRESSES_WITHIN_S = 25.0
READINGS_WITHIN_S = 900.0
CONNECTED_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    failure: str | None
    days: float
    gateways: int
    presses: int
    late: int
    alarms: int
    tasks: int
    readings: int
    evicted: int
    boots: int
    presses_in_s: float
    readings_in_s: float
    # Of all readings that waited: how many were in when the last press was.
    readings_before: int
    spool_bytes_max: int
    bytes_per_reading: int
    events: int

    def __str__(self) -> str:
        return (
            f"{self.gateways} gateways cut off for {self.days:g} days: {self.presses} presses and"
            f" {self.readings} readings waited, {self.boots} boots; healed, the last press was in"
            f" after {self.presses_in_s:.1f} s (with {self.readings_before} readings before it),"
            f" the last reading after {self.readings_in_s:.1f} s; {self.alarms} alarms,"
            f" {self.tasks} tasks, {self.late} marked late, {self.evicted} readings evicted by"
            f" budget, largest spool {self.spool_bytes_max} bytes"
            f" ({self.bytes_per_reading} a reading)"
        )


def run(days: float, gateways: int, seed: int = 0) -> Report:
    loop = VirtualLoop()
    with tempfile.TemporaryDirectory(prefix="hearthwatch-sim-", dir=MEMORY) as folder:
        try:
            return loop.run_until_complete(_play(loop, days, gateways, seed, Path(folder)))
        finally:
            loop.close()


async def _play(loop, days, gateways, seed, folder) -> Report:
    options = Options(seed=seed, gateways=gateways, rates={"thin_line": BYTES_PER_S})
    world = Partition(loop, options, folder, Oracle(loop.time))
    loop.set_exception_handler(world.exception)
    return await world.play_for(days)


class Partition(World):
    async def play_for(self, days: float) -> Report:
        self.oracle.hub_is_well = lambda: False
        self._rng = self.options.stream("partition")
        self._dead = self.gateways[::5]
        for gateway in self.gateways[5::10]:
            gateway.no_rtc = True
        if len(self.gateways) > 1:
            self.gateways[1].telemetry_bytes_max = SMALL_SPOOL_BYTES
        for machine in self.machines:
            machine.boot()
        await self._for(CONNECTED_S)
        self._cut()
        await self._for(CONNECTED_S)
        self._wakes = int(days * WAKES)
        plan = self._plan_presses(self._wakes)
        for wake in range(self._wakes):
            await self._wake(wake, plan.get(wake, ()))
        return await self._healed(days)

    def _cut(self) -> None:
        for number, gateway in enumerate(self.gateways):
            for way in (("up", "down"), ("up",), ("down",), ("up", "down"))[number % 4]:
                self.net.cut_off(gateway.name, way)

    def _plan_presses(self, wakes: int) -> dict[int, list[tuple[GatewayMachine, str]]]:
        """Twice from one home and once from the other."""
        plan: dict[int, list[tuple[GatewayMachine, str]]] = {}
        for gateway in self.gateways:
            for number in range(PRESSES):
                device = f"button-{1 + number % 2}"
                plan.setdefault(self._rng.randrange(wakes), []).append((gateway, device))
        return plan

    async def _wake(self, wake: int, presses) -> None:
        for gateway, device in presses:
            self._presses += 1
            gateway.press(device, self._presses, "press")
        for turn in range(MANY_READINGS):
            for number, gateway in enumerate(self.gateways):
                if number < 2 or turn < READINGS:
                    self._reads += 1
                    gateway.read(f"meter-{1 + turn % 2}", self._reads)
            await self._for(LIVE_S / MANY_READINGS)
        # Early: what was received in a boot that is over has no age to be known by.
        if wake == 0:
            for gateway in self._dead:
                gateway.die("power")
        if wake == self._wakes - 1:
            # What waits has to be read from the spool again, a portion at a time.
            self.gateways[0].die("kill")
        if wake == self._wakes // 2 and len(self.gateways) > 1:
            # What is evicted was still in its mind, and would come all the same.
            self.gateways[1].die("power")
        self.loop.leap(DAY_S / WAKES - LIVE_S)

    async def _healed(self, days: float) -> Report:
        at_s = self.loop.time()
        self._heal()
        waiting = self._counts()
        presses_in_s = readings_in_s = -1.0
        before = 0
        while readings_in_s < 0 and self.loop.time() - at_s < READINGS_WITHIN_S:
            await self._for(0.5)
            if self.oracle.failure is not None:
                break
            left = self._counts()
            if presses_in_s < 0 and not left[0]:
                presses_in_s, before = self.loop.time() - at_s, waiting[1] - left[1]
            if presses_in_s >= 0 and not left[1]:
                readings_in_s = self.loop.time() - at_s
        await self._for(30.0)
        self._judge(presses_in_s, readings_in_s, before, waiting)
        report = self._report(days, presses_in_s, readings_in_s, before, waiting)
        await self._end()
        return report

    def _counts(self) -> tuple[int, int]:
        """Presses and readings that wait at the gateways, by their disks."""
        return (
            sum(len(view.waiting) for view in self.oracle.spools.values()),
            sum(len(lane.waiting) for lane in self.oracle.readings.lanes.values()),
        )

    def _judge(self, presses_in_s: float, readings_in_s: float, before: int, waiting) -> None:
        demand = self.oracle.demand
        if self.oracle.failure is not None:
            return
        in_time = 0 <= presses_in_s <= PRESSES_WITHIN_S
        demand(in_time, f"I16 presses waited {presses_in_s:.1f} s beside readings")
        first = f"I16 {before} of {waiting[1]} readings came before presses"
        demand(before * 2 < waiting[1], first)
        demand(readings_in_s >= 0, "I10 readings are not in")
        hub = self.hub._connection
        self.oracle.settled(hub)
        values, rolled_up = stored(self.hub.disk.folder / "readings.db")
        self.oracle.readings.settled(values, rolled_up, dated=True)
        for gateway in self.gateways:
            lane = gateway._gateway._spool.telemetry.lane
            demand(lane._bytes <= gateway.telemetry_bytes_max, f"I17 {gateway.name} is over budget")

    def _report(self, days, presses_in_s, readings_in_s, before, waiting) -> Report:
        hub = self.hub._connection
        alarms = hub.look("SELECT id, evidence FROM alarm WHERE kind = 'sos'")
        late = [json.loads(evidence).get("late") for _id, evidence in alarms]
        tasks = hub.look(
            "SELECT count(*) FROM task JOIN alarm ON alarm.id = task.alarm WHERE alarm.kind = 'sos'"
        )[0][0]
        events = hub.look("SELECT count(*) FROM event WHERE kind = 'sos'")[0][0]
        fresh = len(late) - sum(map(bool, late))
        self.oracle.demand(fresh == 0, f"I18 {fresh} late calls for help look new")
        self.oracle.demand(tasks == len(alarms), f"I7 {tasks} tasks of {len(alarms)} alarms")
        # A press that a gateway without power never heard had no tone either.
        accepted = sum(
            press is not None
            for view in self.oracle.spools.values()
            for _id, press, _action in view.rows.values()
        )
        self.oracle.demand(events == accepted, f"I10 {events} of {accepted} presses")
        sizes = self.oracle.readings
        return Report(
            failure=self.oracle.failure,
            days=days,
            gateways=len(self.gateways),
            presses=waiting[0],
            late=sum(map(bool, late)),
            alarms=len(alarms),
            tasks=tasks,
            readings=waiting[1],
            evicted=sizes.evicted(),
            boots=sum(line.endswith(" boots") for line in self.oracle.trace),
            presses_in_s=presses_in_s,
            readings_in_s=readings_in_s,
            readings_before=before,
            spool_bytes_max=sizes.bytes_max,
            bytes_per_reading=sizes.bytes_max // max(1, sizes.rows_max),
            events=events,
        )


def main(days: float, gateways: int, seed: int) -> int:
    began_s = time.process_time()
    report = run(days, gateways, seed)
    took_s = time.process_time() - began_s
    hours = days * 24 * gateways
    sys.stdout.write(
        f"{report}\n{hours:.0f} gateway-hours in {took_s:.0f} s of processor time,"
        f" Python {sys.version.split()[0]}\n"
    )
    if report.failure is not None:
        sys.stdout.write(f"VIOLATED: {report.failure}\n")
    return 0 if report.failure is None else 1
