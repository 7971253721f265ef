"""The simulated county at work: lines, messages and the story, in one event loop."""

import asyncio
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from device_sims.clock_plan import SimClock
from device_sims.devices import ble_cuff, zigbee
from device_sims.devices.dlt645_meter import Bus, Dlt645Meter, MeterState
from device_sims.devices.ev1527_button import press_frames
from device_sims.roster import Household, ble_base, zigbee_base
from device_sims.story import Event, Story
from device_sims.transports.pty_line import PtyLine
from device_sims.world import HOUR_MS, MINUTE_MS, Home, habits

# Real seconds between two looks at what is due.
TICK_S: Final = 0.1
PLUG_EVERY_MS: Final = 15 * MINUTE_MS
# A motion sensor says "clear" this long after the last movement.
MOTION_CLEAR_MS: Final = 90_000
# People with a cuff measure in the morning and in the evening.
CUFF_HOURS: Final = (7, 19)


class Publisher(Protocol):
    async def publish(self, topic: str, payload: str | bytes) -> None: ...


class County:
    """All homes of a roster. `say` gets progress lines."""

    def __init__(
        self,
        homes: list[Household],
        clock: SimClock,
        line_dir: Path,
        publisher: Publisher,
        say: Callable[[str, dict[str, Any]], None],
    ) -> None:
        self._homes = homes
        self._clock = clock
        self._publisher = publisher
        self._say = say
        began_ms = clock.now_ms()
        self._began_ms = began_ms
        self._lived = {
            h.home: Home(
                home=h.home,
                person=habits(h.seed),
                began_ms=began_ms - began_ms % HOUR_MS - 24 * HOUR_MS,
                initial_kwh=float(random.Random(h.seed).randint(300, 9000)),
            )
            for h in homes
        }
        self._by_home = {h.home: h for h in homes}
        self._last_ms = began_ms
        self._rf: dict[str, PtyLine] = {}
        self._lines: list[PtyLine] = []
        for gateway in sorted({h.gateway for h in homes}):
            self._lines.append(PtyLine(line_dir / f"{gateway}-meters", self._bus(gateway).feed))
            self._rf[gateway] = PtyLine(line_dir / f"{gateway}-rf")
            self._lines.append(self._rf[gateway])

    def _bus(self, gateway: str) -> Bus:
        meters = []
        for household in self._homes:
            fitted = household.fitted("meter")
            if household.gateway == gateway and fitted is not None:
                home = self._lived[household.home]
                meters.append(Dlt645Meter(fitted.address, partial(self._state, home)))
        return Bus(meters)

    def _state(self, home: Home) -> MeterState | None:
        now_ms = self._clock.now_ms()
        if home.is_dark(now_ms):
            return None
        voltage = 225 + 6 * random.Random(now_ms // MINUTE_MS).uniform(-1, 1)
        return MeterState(
            energy_kwh=home.energy_kwh(now_ms), power_w=home.power_w(now_ms), voltage_v=voltage
        )

    async def run(self, story: Story | None, began_ms: int) -> None:
        """For ever: the devices of every home, and the story's events when their time comes."""
        for line in self._lines:
            line.start()
        events = list(story.events) if story is not None else []
        events = [e for e in events if began_ms + e.at_s * 1000 >= self._began_ms]
        while True:
            now_ms = self._clock.now_ms()
            while events and began_ms + events[0].at_s * 1000 <= now_ms:
                await self._happen(events.pop(0), now_ms)
            await self._live(self._last_ms, now_ms)
            self._last_ms = now_ms
            await asyncio.sleep(TICK_S)

    def close(self) -> None:
        for line in self._lines:
            line.close()

    # Routine.

    async def _live(self, from_ms: int, to_ms: int) -> None:
        for household in self._homes:
            home = self._lived[household.home]
            for use in home.uses(from_ms, to_ms):
                await self._move(household, use.name)
            await self._plug(household, home, from_ms, to_ms)
            await self._measure(household, home, from_ms, to_ms)

    async def _move(self, household: Household, _why: str) -> None:
        sensor = household.fitted("motion")
        if sensor is None:
            return
        topic = f"{zigbee_base(household.gateway)}/{sensor.device}"
        battery = zigbee.battery_pct(household.seed)
        await self._publisher.publish(topic, zigbee.motion(occupied=True, battery_pct=battery))
        await self._publisher.publish(topic, zigbee.motion(occupied=False, battery_pct=battery))

    async def _plug(self, household: Household, home: Home, from_ms: int, to_ms: int) -> None:
        plug = household.fitted("plug")
        if plug is None or from_ms // PLUG_EVERY_MS == to_ms // PLUG_EVERY_MS:
            return
        if home.is_dark(to_ms):
            return
        seen = sum(
            u.watts
            for u in home.uses(to_ms - 3 * HOUR_MS, to_ms)
            if u.name == "television" and u.end_ms > to_ms
        )
        payload = zigbee.plug(seen, home.energy_kwh(to_ms) / 10, 224.0)
        await self._publisher.publish(f"{zigbee_base(household.gateway)}/{plug.device}", payload)

    async def _measure(self, household: Household, home: Home, from_ms: int, to_ms: int) -> None:
        cuff = household.fitted("cuff")
        if cuff is None or home.is_quiet(to_ms):
            return
        for hour in CUFF_HOURS:
            offset = household.seed % 50 * MINUTE_MS
            day_start = (to_ms + 8 * HOUR_MS) // (24 * HOUR_MS) * 24 * HOUR_MS - 8 * HOUR_MS
            at_ms = day_start + hour * HOUR_MS + offset
            if from_ms <= at_ms < to_ms:
                r = random.Random(household.seed + at_ms // HOUR_MS)
                await self._cuff(household, at_ms, r.gauss(128, 6), r.gauss(76, 4), r.gauss(72, 5))

    async def _cuff(
        self, household: Household, at_ms: int, systolic: float, diastolic: float, pulse: float
    ) -> None:
        cuff = household.fitted("cuff")
        if cuff is None:
            return
        payload = ble_cuff.measurement(at_ms, systolic, diastolic, pulse)
        topic = f"{ble_base(household.gateway)}/{cuff.device}/2A35"
        await self._publisher.publish(topic, payload)

    # The story.

    async def _happen(self, event: Event, now_ms: int) -> None:
        fields = event.fields
        self._say(event.kind, dict(fields))
        match event.kind:
            case "press":
                await self._press(self._by_home[fields["home"]])
            case "cuff":
                await self._cuff(
                    self._by_home[fields["home"]],
                    now_ms,
                    fields["systolic"],
                    fields["diastolic"],
                    fields["pulse"],
                )
            case "quiet" | "stir":
                home = self._lived[fields["home"]]
                home.be_quiet(now_ms, quiet=event.kind == "quiet")
            case "blackout" | "light":
                for household in self._homes:
                    if household.village == fields["village"]:
                        dark = event.kind == "blackout"
                        self._lived[household.home].go_dark(now_ms, dark=dark)
            case _:
                return  # gateways are started and killed by whoever runs them

    async def _press(self, household: Household) -> None:
        button = household.fitted("rf-button", "zigbee-button")
        if button is None:
            return
        if button.model == "rf-button":
            self._rf[household.gateway].write(press_frames(button.address, 8))
        else:
            topic = f"{zigbee_base(household.gateway)}/{button.device}"
            battery = zigbee.battery_pct(household.seed)
            await self._publisher.publish(topic, zigbee.button_press(battery))
