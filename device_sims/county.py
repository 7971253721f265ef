"""The simulated county at work: lines, messages and the story, in one event loop."""

import asyncio
import heapq
import random
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final, Protocol

from device_sims.agenda import Due, agenda, cuff_times
from device_sims.day import day_number, day_start_ms
from device_sims.devices import (
    ble_cuff,
    zigbee_bridge,
    zigbee_button,
    zigbee_contact,
    zigbee_motion,
    zigbee_plug,
)
from device_sims.devices.dlt645_meter import NO_FAULTS, Bus, Dlt645Meter, LineFaults, MeterState
from device_sims.devices.ev1527_button import press_frames
from device_sims.habits import MINUTE_MS
from device_sims.past import lived_home
from device_sims.pressure import pressure_at
from device_sims.registry import SIMULATED
from device_sims.roster import HYPERTENSION, Household, ble_base, cuff_model, zigbee_base
from device_sims.story import LASTING, Event, Story
from device_sims.transports.pty_line import PtyLine
from device_sims.world import Home

# Real seconds between two looks at what is due.
TICK_S: Final = 0.1
# Real seconds between two progress lines.
PROGRESS_S: Final = 30.0
# After so many messages, or homes whose day is planned, the serial lines get their turn.
TURN: Final = 100
# Homes whose batteries and distances are kept.
HOMES_CACHED: Final = 16_384


class Publisher(Protocol):
    """Where the messages of wireless devices go."""

    async def publish(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None: ...


class Clock(Protocol):
    """Simulated time."""

    def now_ms(self) -> int: ...


class Line(Protocol):
    """A serial line: `PtyLine`, or another whose far side is in the same process."""

    def start(self) -> None: ...
    def write(self, data: bytes) -> None: ...
    def close(self) -> None: ...


Say = Callable[[str, Mapping[str, Any]], None]


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
    ) -> None:
        self._households = households
        self._clock = clock
        self._publisher = publisher
        self._say = say
        self._faults = faults
        self.from_ms = self._now_ms = clock.now_ms()
        past_ms = self._now_ms if began_ms is None else began_ms
        self._homes = {h.home: lived_home(h, past_ms) for h in households}
        self._by_home = {h.home: h for h in households}
        self._due: list[tuple[Due, int]] = []
        # Homes whose motion sensor has said "somebody" and not yet "nobody".
        self._occupied: set[str] = set()
        self._refill_ms = day_start_ms(day_number(self._now_ms))
        self._buses: dict[str, Bus] = {}
        self._rf: dict[str, Line] = {}
        self._lines: list[Line] = []
        for number, gateway in enumerate(sorted({h.gateway for h in households})):
            bus = self._buses[gateway] = self._bus(gateway, number)
            self._rf[gateway] = make_line(line_dir / f"{gateway}-rf", _deaf)
            self._lines += [
                make_line(line_dir / f"{gateway}-meters", bus.feed),
                self._rf[gateway],
            ]

    async def run(self, story: Story, story_began_ms: int, seed: int = 0) -> None:
        """For ever: the devices of every home, and the story's events when their time comes."""
        for line in self._lines:
            line.start()
        events = [(story_began_ms + e.at_s * 1000, e) for e in story.events]
        for at_ms, event in events:
            if at_ms < self.from_ms and event.kind in LASTING:
                self._change(event, at_ms)
        coming = [(at_ms, event) for at_ms, event in events if at_ms >= self.from_ms]
        await self.announce()
        told_s = asyncio.get_running_loop().time()
        while True:
            was_ms, self._now_ms = self._now_ms, max(self._now_ms, self._clock.now_ms())
            while coming and coming[0][0] <= self._now_ms:
                await self.happen(coming.pop(0)[1])
            from_s, to_s = ((ms - story_began_ms) // 1000 for ms in (was_ms, self._now_ms))
            for event in story.chances_between(from_s, to_s, tuple(self._by_home), seed):
                await self.happen(event)
            await self.catch_up(self._now_ms)
            if asyncio.get_running_loop().time() - told_s > PROGRESS_S:
                told_s = asyncio.get_running_loop().time()
                self._say("progress", self.progress())
            await asyncio.sleep(TICK_S)

    def close(self) -> None:
        for line in self._lines:
            line.close()

    def progress(self) -> dict[str, int]:
        return {
            "sim_ms": self._now_ms,
            "meter_requests": sum(bus.requests for bus in self._buses.values()),
            "refused_requests": sum(bus.refused for bus in self._buses.values()),
        }

    # Meters.

    def _bus(self, gateway: str, number: int) -> Bus:
        meters = [
            Dlt645Meter(
                fitted.address,
                partial(self._state, self._homes[household.home]),
                preamble=household.seed % 5,
            )
            for household in self._households
            if household.gateway == gateway and (fitted := household.fitted("meter"))
        ]
        return Bus(meters, self._faults, number)

    def _state(self, home: Home) -> MeterState | None:
        now_ms = self._clock.now_ms()
        if home.is_dark(now_ms):
            return None
        return MeterState(
            energy_kwh=home.register_kwh(now_ms),
            power_w=home.power_w(now_ms),
            voltage_v=_supply_v(now_ms),
        )

    # Routine.

    async def catch_up(self, now_ms: int) -> None:
        """Everything that has come due until now."""
        said = 0
        while True:
            if self._refill_ms <= now_ms and (
                not self._due or self._due[0][0].at_ms >= self._refill_ms
            ):
                await self._refill()
                continue
            if not self._due or self._due[0][0].at_ms > now_ms:
                return
            due, number = heapq.heappop(self._due)
            await self._act(due, self._households[number])
            said += 1
            if said % TURN == 0:
                await asyncio.sleep(0)

    async def _refill(self) -> None:
        """The next day of every home."""
        day = day_number(self._refill_ms)
        for number, household in enumerate(self._households):
            if number % TURN == 0:
                await asyncio.sleep(0)
            for due in agenda(household, self._homes[household.home], day):
                if due.at_ms >= self.from_ms:  # before we began, nobody was listening
                    heapq.heappush(self._due, (due, number))
        self._refill_ms = day_start_ms(day + 1)

    async def _act(self, due: Due, household: Household) -> None:
        home = self._homes[household.home]
        if due.what == "plug":
            if not home.is_dark(due.at_ms):
                await self._plug(household, home, due.at_ms)
            return
        # Planned in the morning; the person may have fallen since.
        if due.what != "still" and home.is_quiet(due.at_ms):
            return
        match due.what:
            case "cuff":
                seen = pressure_at(
                    household.seed, due.at_ms, hypertensive=HYPERTENSION in household.conditions
                )
                await self._cuff(
                    household, due.at_ms, seen.systolic_mmhg, seen.diastolic_mmhg, seen.pulse_bpm
                )
            case "door":
                await self._zigbee(
                    household,
                    "contact",
                    zigbee_contact.state(is_open=due.is_open, **_health(household)),
                )
            case "move":
                await self._motion(household, occupied=True)
            case "still" if household.home in self._occupied:
                await self._motion(household, occupied=False)

    async def _motion(self, household: Household, *, occupied: bool) -> None:
        (self._occupied.add if occupied else self._occupied.discard)(household.home)
        payload = zigbee_motion.state(occupied=occupied, **_health(household))
        await self._zigbee(household, "motion", payload)

    async def _plug(self, household: Household, home: Home, at_ms: int) -> None:
        watts = home.appliance_w("television", at_ms)
        kwh = home.appliance_kwh("television", at_ms)
        link_quality = _health(household)["link_quality"]
        payload = zigbee_plug.state(watts, kwh, _supply_v(at_ms), link_quality)
        await self._zigbee(household, "plug", payload)

    async def _zigbee(self, household: Household, model: str, payload: str) -> None:
        fitted = household.fitted(model)
        if fitted is not None:
            topic = f"{zigbee_base(household.gateway)}/{fitted.device}"
            await self._publisher.publish(topic, payload)

    async def _cuff(
        self, household: Household, at_ms: int, systolic: float, diastolic: float, pulse: float
    ) -> None:
        fitted = household.fitted("cuff")
        if fitted is None:
            self._say("skipped", {"home": household.home, "why": "has no cuff"})
            return
        payload = ble_cuff.measurement(
            at_ms, systolic, diastolic, pulse, model=cuff_model(household)
        )
        topic = f"{ble_base(household.gateway)}/{fitted.device}/2A35"
        await self._publisher.publish(topic, payload)

    async def announce(self) -> None:
        """The Zigbee bridges come up: their state, their networks, who can be reached."""
        for gateway in self._buses:
            base = zigbee_base(gateway)
            paired = [
                zigbee_bridge.Paired(
                    name=f.device,
                    model=SIMULATED[f.model].model,
                    battery=SIMULATED[f.model].battery,
                )
                for h in self._households
                if h.gateway == gateway
                for f in h.devices
                if SIMULATED[f.model].line == "zigbee"
            ]
            retained = {
                "state": zigbee_bridge.online(True),
                "devices": zigbee_bridge.devices(paired),
            }
            for name, payload in retained.items():
                await self._publisher.publish(f"{base}/bridge/{name}", payload, retain=True)
            for device in paired:
                await self._available(f"{base}/{device.name}", online=True)

    async def _available(self, topic: str, *, online: bool) -> None:
        payload = zigbee_bridge.online(online)
        await self._publisher.publish(f"{topic}/availability", payload, retain=True)

    # The story.

    async def happen(self, event: Event) -> None:
        """One event of the story, now."""
        home = event.fields.get("home")
        if home is not None and home not in self._by_home:
            self._say("skipped", {**event.fields, "kind": event.kind, "why": "no such home"})
            return
        self._say(event.kind, {"sim_ms": self._now_ms, **event.fields})
        if event.kind in LASTING:
            self._change(event, self._now_ms)
        match event.kind:
            case "press":
                await self._press(self._by_home[event.fields["home"]])
            case "cuff":
                values = (event.fields[n] for n in ("systolic", "diastolic", "pulse"))
                await self._cuff(self._by_home[event.fields["home"]], self._now_ms, *values)
            case "replay":
                await self._replay(self._by_home[event.fields["home"]], event.fields["count"])
            case "visit":
                household = self._by_home[event.fields["home"]]
                for is_open in (True, False):
                    await self._zigbee(
                        household,
                        "contact",
                        zigbee_contact.state(is_open=is_open, **_health(household)),
                    )
                await self._motion(household, occupied=True)
                leaves = Due(at_ms=self._now_ms + event.fields["minutes"] * MINUTE_MS, what="still")
                heapq.heappush(self._due, (leaves, self._households.index(household)))
            case "blackout" | "light":
                for household in self._in_village(event):
                    fitted = household.fitted("plug")
                    if fitted is not None:
                        topic = f"{zigbee_base(household.gateway)}/{fitted.device}"
                        await self._available(topic, online=event.kind == "light")
            case _:
                return  # gateways are started and killed by whoever runs them

    def _change(self, event: Event, at_ms: int) -> None:
        """What an event leaves behind in the homes."""
        home = self._homes.get(event.fields.get("home", ""))
        match event.kind:
            case "quiet" | "stir" if home is not None:
                left_on_w = event.fields.get("left_on_w", 0)
                home.be_quiet(at_ms, quiet=event.kind == "quiet", left_on_w=left_on_w)
            case "visit" if home is not None:
                home.visit(at_ms, event.fields["minutes"])
            case "blackout" | "light":
                for household in self._in_village(event):
                    self._homes[household.home].go_dark(at_ms, dark=event.kind == "blackout")

    def _in_village(self, event: Event) -> list[Household]:
        return [h for h in self._households if h.village == event.fields["village"]]

    async def _press(self, household: Household) -> None:
        button = household.fitted("rf-button", "zigbee-button")
        if button is None:
            self._say("skipped", {"home": household.home, "why": "has no button"})
        elif button.model == "rf-button":
            self._rf[household.gateway].write(press_frames(button.address))
        else:
            payload = zigbee_button.press(**_health(household))
            await self._zigbee(household, button.model, payload)

    async def _replay(self, household: Household, count: int) -> None:
        """A cuff that found its bridge again sends what it kept, newest last."""
        home = self._homes[household.home]
        today = day_number(self._now_ms)
        times = [
            at_ms
            for day in range(today - count - 1, today + 1)
            for at_ms in cuff_times(household, home, day)
            if at_ms < self._now_ms
        ]
        for at_ms in times[-count:]:
            seen = pressure_at(
                household.seed, at_ms, hypertensive=HYPERTENSION in household.conditions
            )
            await self._cuff(
                household, at_ms, seen.systolic_mmhg, seen.diastolic_mmhg, seen.pulse_bpm
            )


def _deaf(_data: bytes) -> bytes:
    """A radio receiver hears nothing from its gateway."""
    return b""


def _supply_v(at_ms: int) -> float:
    """The village's voltage, another every minute."""
    return 225 + 6 * random.Random(at_ms // MINUTE_MS).uniform(-1, 1)


def _health(household: Household) -> dict[str, int]:
    """Batteries at different ages, radios at different distances."""
    battery_pct, link_quality = _age_and_distance(household.seed)
    return {"battery_pct": battery_pct, "link_quality": link_quality}


@lru_cache(maxsize=HOMES_CACHED)
def _age_and_distance(seed: int) -> tuple[int, int]:
    r = random.Random(seed)
    return r.randint(35, 100), r.randint(40, 180)
