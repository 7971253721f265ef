"""The simulated county at work: lines, messages and the story, in one event loop."""

import asyncio
import heapq
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

from device_sims.agenda import Due, agenda
from device_sims.day import day_number, day_start_ms
from device_sims.devices.dlt645_meter import NO_FAULTS, Bus, Dlt645Meter, LineFaults, MeterState
from device_sims.incidents import Incidents
from device_sims.past import lived_home
from device_sims.roster import Household
from device_sims.story import LASTING, Event, Story
from device_sims.supply import home_v
from device_sims.transports.pty_line import PtyLine
from device_sims.troubles import Trouble
from device_sims.voices import Dwelling, Publisher, Say, Voices

# Real seconds between two looks at what is due.
TICK_S: Final = 0.1
# Real seconds between two progress lines.
PROGRESS_S: Final = 30.0
# After so many messages, or homes whose day is planned, the serial lines and the broker get their
# turn. A home whose past is asked for the first time takes some 25 ms.
TURN: Final = 20
# Real seconds that what is said may lie behind what is due before it is called lagging.
LAG_S: Final = 5.0


class Clock(Protocol):
    """Simulated time."""

    def now_ms(self) -> int: ...


class Line(Protocol):
    """A serial line: `PtyLine`, or another whose far side is in the same process."""

    def start(self) -> None: ...
    def write(self, data: bytes) -> None: ...
    def close(self) -> None: ...


class County:
    """All homes of a roster. `began_ms`: when their story began; `say` gets progress lines.

    `from_ms` is the simulated moment from which on they are heard: nothing before it is told.
    """

    def __init__(
        self,
        households: list[Household],
        clock: Clock,
        line_dir: Path,
        publisher: Publisher,
        say: Say,
        *,
        began_ms: int | None = None,
        faults: LineFaults = NO_FAULTS,
        make_line: Callable[[Path, Callable[[bytes], bytes]], Line] = PtyLine,
        sending: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        self._sending = sending
        self._clock = clock
        self._say = say
        self.from_ms = self._now_ms = clock.now_ms()
        past_ms = self._now_ms if began_ms is None else began_ms
        self._queue = [
            Dwelling(number=number, household=h, home=lived_home(h, past_ms))
            for number, h in enumerate(households)
        ]
        self.dwellings: Mapping[str, Dwelling] = {it.household.home: it for it in self._queue}
        self._due: list[tuple[int, int, Due]] = []
        self._refill_ms = day_start_ms(day_number(self._now_ms))
        self._said = 0
        # Real seconds by which the last look was late.
        self._behind_s = 0.0
        self._buses: dict[str, Bus] = {}
        self._rf: dict[str, Line] = {}
        self._meters: dict[str, Line] = {}
        self._by_gateway: dict[str, list[Dwelling]] = defaultdict(list)
        for it in self._queue:
            self._by_gateway[it.household.gateway].append(it)
        self._voices = Voices(publisher, lambda gateway, data: self._rf[gateway].write(data), say)
        for number, gateway in enumerate(sorted(self._by_gateway)):
            bus = self._buses[gateway] = self._bus(gateway, faults, number)
            self._rf[gateway] = make_line(line_dir / f"{gateway}-rf", _deaf)
            self._meters[gateway] = make_line(line_dir / f"{gateway}-meters", bus.feed)
        self._incidents = Incidents(
            dwellings=self.dwellings,
            voices=self._voices,
            buses=self._buses,
            noise=self._noise,
            plan=self._plan,
            say=say,
            line_faults=faults,
        )

    async def run(self, story: Story, story_began_ms: int, seed: int = 0) -> None:
        """For ever: the devices of every home, and the story's events when their time comes."""
        for line in (*self._meters.values(), *self._rf.values()):
            line.start()
        homes = tuple(self.dwellings)
        begins_s = (self.from_ms - story_began_ms) // 1000
        lasting = [e for e in story.events if e.at_s * 1000 < self.from_ms - story_began_ms]
        lasting += story.chances_between(0, begins_s, homes, seed)
        for event in sorted(lasting, key=lambda e: e.at_s):
            if event.kind in LASTING:
                at_ms = story_began_ms + event.at_s * 1000
                self._incidents.change(event, at_ms, self.from_ms)
        coming = [(story_began_ms + e.at_s * 1000, e) for e in story.events]
        coming = [(at_ms, e) for at_ms, e in coming if at_ms >= self.from_ms]
        await self.announce()
        now_s = asyncio.get_running_loop().time
        told_s = looked_s = now_s()
        lagging = False
        while True:
            was_ms, self._now_ms = self._now_ms, max(self._now_ms, self._clock.now_ms())
            while coming and coming[0][0] <= self._now_ms:
                await self.happen(coming.pop(0)[1])
            from_s, to_s = ((ms - story_began_ms) // 1000 for ms in (was_ms, self._now_ms))
            for event in story.chances_between(from_s, to_s, homes, seed):
                await self.happen(event)
            await self.catch_up(self._now_ms)
            self._behind_s = max(0.0, now_s() - looked_s - TICK_S)
            looked_s = now_s()
            if lagging != (self._behind_s > LAG_S):
                lagging = not lagging
                self._say("lagging" if lagging else "in_time", self.progress())
            if looked_s - told_s > PROGRESS_S:
                told_s = looked_s
                self._say("progress", self.progress())
            await asyncio.sleep(TICK_S)

    def close(self) -> None:
        for line in (*self._meters.values(), *self._rf.values()):
            line.close()

    def progress(self) -> dict[str, float]:
        """`lag_s`: real seconds that the last look took too long; its messages came so late.

        `lag_sim_ms`: simulated time that passed since and nothing was said about.
        """
        return {
            "sim_ms": self._now_ms,
            "lag_s": round(self._behind_s, 1),
            "lag_sim_ms": max(0, self._clock.now_ms() - self._now_ms),
            "messages": self._said,
            "meter_requests": sum(bus.requests for bus in self._buses.values()),
            "refused_requests": sum(bus.refused for bus in self._buses.values()),
            **self._sending(),
        }

    async def announce(self) -> None:
        """The Zigbee bridges come up."""
        for gateway, homes in sorted(self._by_gateway.items()):
            await self._voices.announce(gateway, homes, self._now_ms)
            await asyncio.sleep(0)

    async def happen(self, event: Event) -> None:
        """One event of the story, now."""
        await self._incidents.happen(event, self._now_ms)

    # Lines.

    def _bus(self, gateway: str, faults: LineFaults, number: int) -> Bus:
        meters = [
            Dlt645Meter(fitted.address, _Reading(it, self._clock), preamble=it.household.seed % 5)
            for it in self._by_gateway[gateway]
            if (fitted := it.household.fitted("meter"))
        ]
        return Bus(meters, faults, number)

    def _noise(self, gateway: str, data: bytes) -> None:
        self._meters[gateway].write(data)
        self._rf[gateway].write(data)

    # Routine.

    def _plan(self, it: Dwelling, due: Due) -> None:
        heapq.heappush(self._due, (due.at_ms, it.number, due))

    async def catch_up(self, now_ms: int) -> None:
        """Everything that has come due until now."""
        while True:
            if self._refill_ms <= now_ms and (not self._due or self._due[0][0] >= self._refill_ms):
                await self._refill()
                continue
            if not self._due or self._due[0][0] > now_ms:
                return
            _at_ms, number, due = heapq.heappop(self._due)
            await self._act(due, self._queue[number])
            self._said += 1
            if self._said % TURN == 0:
                await asyncio.sleep(0)

    async def _refill(self) -> None:
        """The next day of every home."""
        day = day_number(self._refill_ms)
        for it in self._queue:
            if it.number % TURN == 0:
                await asyncio.sleep(0)
            for due in agenda(it.household, it.home, day):
                if due.at_ms >= self.from_ms:  # before we began, nobody was listening
                    self._plan(it, due)
        self._refill_ms = day_start_ms(day + 1)

    async def _act(self, due: Due, it: Dwelling) -> None:
        at_ms = due.at_ms
        if due.what == "plug":
            if not it.home.is_dark(at_ms):
                await self._voices.plug(it, at_ms)
            return
        if due.what in ("jam", "stuck", "low", "offline", "noise", "hush"):
            await self._incidents.go_on(it, due)
            return
        if due.what == "still":
            stuck = it.home.troubles.now("stuck_sensor", "motion", at_ms)
            if it.occupied and stuck is None:
                await self._voices.motion(it, at_ms, occupied=False)
            return
        # Planned in the morning; the person may have fallen since.
        if it.home.is_quiet(at_ms):
            return
        match due.what:
            case "vital":
                await self._voices.vital(it, due.model, at_ms)
            case "battery":
                await self._voices.battery_level(it, due.model, at_ms)
            case "door":
                await self._voices.door(it, at_ms, is_open=due.is_open)
            case "move":
                await self._voices.motion(it, at_ms, occupied=True)


class _Reading:
    """What a home's meter shows now; its items are asked one after the other."""

    __slots__ = ("_clock", "_it", "_known", "_state")

    def __init__(self, it: Dwelling, clock: Clock) -> None:
        self._it = it
        self._clock = clock
        self._known: tuple[int, bool, Trouble | None] = (-1, False, None)
        self._state: MeterState | None = None

    def __call__(self) -> MeterState | None:
        home, now_ms = self._it.home, self._clock.now_ms()
        dead = home.troubles.now("dead_meter", "meter", now_ms)
        known = (now_ms, home.is_dark(now_ms), dead)
        if known != self._known:
            self._known, self._state = known, self._read(*known)
        return self._state

    def _read(self, now_ms: int, dark: bool, dead: Trouble | None) -> MeterState | None:
        if dark or (dead is not None and not dead.frozen):
            return None
        home, household = self._it.home, self._it.household
        shown_ms = now_ms if dead is None else dead.began_ms
        power_w = home.power_w(now_ms)
        return MeterState(
            energy_kwh=home.register_kwh(shown_ms),
            reverse_kwh=home.reverse_kwh(shown_ms),
            power_w=power_w,
            power_factor=home.power_factor(now_ms),
            voltage_v=home_v(household.gateway, household.seed, now_ms, power_w),
        )


def _deaf(_data: bytes) -> bytes:
    """A radio receiver hears nothing from its gateway."""
    return b""
