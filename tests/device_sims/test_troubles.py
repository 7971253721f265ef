"""Devices in trouble: what a story does to them shows on the wire, and `mend` ends it."""

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from device_sims.county import County
from device_sims.devices.dlt645_meter import NO_FAULTS, frame
from device_sims.habits import DAY_MS, HOUR_MS, MINUTE_MS
from device_sims.incidents import NOISY
from device_sims.roster import Household, ble_base, households, zigbee_base
from device_sims.story import Event, Pace, Story
from device_sims.troubles import GIVEN_UP_MS, Trouble, Troubles
from device_sims.world import Home

# 2026-11-22T22:00Z: six in the morning in the county.
T0 = 1_795_384_800_000
DEADLINE_S = 20.0


class Ear:
    def __init__(self) -> None:
        self.messages: list[tuple[str, Any, bool]] = []
        self._more = asyncio.Event()

    async def wait_for(self, device: str) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not self.of(device):
                self._more.clear()
                await self._more.wait()

    async def publish(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        self.messages.append((topic, payload, retain))
        self._more.set()

    def of(self, device: str) -> list[Any]:
        return [json.loads(p) for t, p, _r in self.messages if t.endswith(f"zigbee2mqtt/{device}")]


class Rig:
    def __init__(self, folder: Path, now_ms: int = T0) -> None:
        self.set_ms = now_ms
        self.ear = Ear()
        self.said: list[tuple[str, Any]] = []
        self.households = households(24, 1)
        self.county = County(
            self.households,
            self,
            folder,
            self.ear,
            lambda what, fields: self.said.append((what, fields)),
            began_ms=T0,
        )

    def now_ms(self) -> int:
        return self.set_ms

    async def until(self, now_ms: int) -> None:
        while self.set_ms < now_ms:
            self.set_ms = min(self.set_ms + 10 * MINUTE_MS, now_ms)
            self.county._now_ms = self.set_ms
            await self.county.catch_up(self.set_ms)

    async def happen(self, kind: str, **fields: Any) -> None:
        await self.county.happen(Event(at_s=0, kind=kind, fields=fields))

    def having(self, *models: str) -> Household:
        return next(h for h in self.households if all(h.fitted(m) for m in models))

    def name(self, home: Household, model: str) -> str:
        fitted = home.fitted(model)
        assert fitted is not None
        return fitted.device

    def home(self, household: Household) -> Home:
        return self.county.dwellings[household.home].home

    def ask(self, home: Household, di: str = "00000100") -> bytes:
        meter = home.fitted("meter")
        assert meter is not None
        bus = self.county._buses[home.gateway]
        return bus.feed(frame(meter.address, 0x11, bytes.fromhex(di)))


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    it = Rig(tmp_path)
    yield it
    it.county.close()


def drained(far: int) -> bytes:
    """Everything that lies on a line now."""
    os.set_blocking(far, False)
    heard = b""
    with suppress(BlockingIOError):
        while True:
            heard += os.read(far, 4096)
    return heard


def test_batteries_run_down_and_are_changed_before_they_are_empty() -> None:
    it = Troubles(seed=5)
    levels = [it.battery_pct("motion", T0 + n * DAY_MS) for n in range(1000)]
    assert min(levels) >= 11
    assert max(levels) >= 97
    rises = [n for n in range(1, 1000) if levels[n] > levels[n - 1]]
    assert 1 <= len(rises) <= 5
    assert {levels[n] for n in rises} <= {99, 100}
    assert it.battery_pct("contact", T0) != it.battery_pct("motion", T0)


def test_a_flat_battery_falls_to_nothing_and_a_new_one_is_full() -> None:
    it = Troubles(seed=5)
    it.begin(Trouble(kind="flat_battery", model="motion", began_ms=T0, days=3))
    levels = [it.battery_pct("motion", T0 + n * HOUR_MS) for n in range(74)]
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] == 0
    assert 0 < levels[60] <= 20
    assert [it.is_flat("motion", T0 + n * DAY_MS) for n in (0, 2, 3)] == [False, False, True]
    assert not it.is_flat("contact", T0 + 3 * DAY_MS)
    it.mend(T0 + 5 * DAY_MS)
    assert it.battery_pct("motion", T0 + 5 * DAY_MS) == 100
    assert it.battery_pct("motion", T0 + 60 * DAY_MS) < 100
    assert it.is_flat("motion", T0 + 4 * DAY_MS), "the past stays"


async def test_a_flat_battery_says_that_it_is_low_and_then_nothing(rig: Rig) -> None:
    home = rig.having("motion")
    sensor = rig.name(home, "motion")
    await rig.happen("flat_battery", home=home.home, device="motion", days=2)
    await rig.until(T0 + 2 * DAY_MS)
    heard = rig.ear.of(sensor)
    levels = [m["battery"] for m in heard]
    assert levels == sorted(levels, reverse=True)
    assert [m["battery_low"] for m in heard] == [m["battery"] <= 10 for m in heard]
    assert heard[-1]["battery_low"], "it says so before it falls silent"
    assert heard[-1]["voltage"] < heard[0]["voltage"]
    await rig.until(T0 + 3 * DAY_MS)
    assert len(rig.ear.of(sensor)) == len(heard)
    topic = f"{zigbee_base(home.gateway)}/{sensor}/availability"
    told = [p for t, p, _r in rig.ear.messages if t == topic]
    assert told == [], "for a day nobody knows"
    await rig.until(T0 + 2 * DAY_MS + GIVEN_UP_MS + HOUR_MS)
    told = [(json.loads(p)["state"], r) for t, p, r in rig.ear.messages if t == topic]
    assert told == [("offline", True)]
    await rig.happen("mend", home=home.home)
    assert rig.ear.of(sensor)[-1]["battery"] == 100
    assert json.loads(rig.ear.messages[-2][1]) == {"state": "online"}
    await rig.until(T0 + 5 * DAY_MS)
    assert len(rig.ear.of(sensor)) > len(heard) + 10


async def test_a_flat_cuff_and_a_flat_radio_button_are_silent(rig: Rig) -> None:
    home = rig.having("cuff", "rf-button")
    for device in ("cuff", "rf-button"):
        await rig.happen("flat_battery", home=home.home, device=device, days=0)
    rig.set_ms = rig.county._now_ms = T0 + 1
    await rig.happen("press", home=home.home)
    await rig.happen("cuff", home=home.home, systolic=150, diastolic=90, pulse=70)
    await rig.until(T0 + 3 * DAY_MS)
    base = f"{ble_base(home.gateway)}/{rig.name(home, 'cuff')}/"
    assert not [t for t, _p, _r in rig.ear.messages if t.startswith(base)]
    assert "battery is flat" in str([more for what, more in rig.said if what == "skipped"])
    line = rig.county._rf[home.gateway]
    assert drained(line._far) == b""


async def test_a_jammed_button_presses_until_it_is_mended(rig: Rig) -> None:
    home = rig.having("zigbee-button")
    button = rig.name(home, "zigbee-button")
    await rig.happen("jammed_button", home=home.home, every_s=20)
    await rig.until(T0 + 10 * MINUTE_MS)
    assert len(rig.ear.of(button)) == 31
    assert {m["action"] for m in rig.ear.of(button)} == {"emergency"}
    await rig.happen("mend", home=home.home)
    await rig.until(T0 + HOUR_MS)
    assert len(rig.ear.of(button)) == 31


async def test_a_dead_meter_is_silent_and_a_frozen_one_stands_still(rig: Rig) -> None:
    home, other = rig.households[0], rig.households[1]
    await rig.until(T0 + 6 * HOUR_MS)
    before = rig.ask(home)
    await rig.happen("dead_meter", home=home.home, frozen=0)
    assert rig.ask(home) == b""
    assert rig.ask(other) != b""
    await rig.happen("mend", home=home.home)
    assert rig.ask(home) == before
    await rig.happen("dead_meter", home=home.home, frozen=1)
    other_before = rig.ask(other)
    await rig.until(T0 + 30 * HOUR_MS)
    assert rig.ask(home) == before, "it answers, and its register stands still"
    assert rig.ask(other) != other_before
    await rig.happen("mend", home=home.home)
    assert rig.ask(home) != before


async def test_stuck_sensors(rig: Rig) -> None:
    home = rig.having("motion", "contact")
    motion, contact = rig.name(home, "motion"), rig.name(home, "contact")
    for device in ("motion", "contact"):
        await rig.happen("stuck_sensor", home=home.home, device=device)
    await rig.happen("quiet", home=home.home, left_on_w=0)
    await rig.happen("visit", home=home.home, minutes=30)
    await rig.until(T0 + DAY_MS)
    assert {m["occupancy"] for m in rig.ear.of(motion)} == {True}
    assert len(rig.ear.of(motion)) >= 48, "it goes on saying so"
    assert {m["contact"] for m in rig.ear.of(contact)} <= {True}, "the door is seen shut for ever"
    await rig.happen("mend", home=home.home)
    assert rig.ear.of(motion)[-1]["occupancy"] is False
    await rig.happen("stir", home=home.home)
    await rig.until(T0 + 6 * DAY_MS)
    assert len({m["contact"] for m in rig.ear.of(contact)}) == 2


async def test_noise_is_on_both_lines_until_its_time_is_over_or_it_is_mended(rig: Rig) -> None:
    home = rig.households[0]
    bus, lines = rig.county._buses[home.gateway], (rig.county._rf, rig.county._meters)
    await rig.happen("noise", home=home.home, minutes=30)
    assert bus.faults == NOISY
    assert rig.county._buses["gw-0002"].faults == NO_FAULTS
    await rig.until(T0 + 20 * MINUTE_MS)
    for of_gateway in lines:
        assert len(os.read(of_gateway[home.gateway]._far, 4096)) > 100
    await rig.until(T0 + 40 * MINUTE_MS)
    assert bus.faults == NO_FAULTS
    await rig.happen("noise", home=home.home, minutes=600)
    assert bus.faults == NOISY
    await rig.happen("mend", home=home.home)
    assert bus.faults == NO_FAULTS
    far = lines[1][home.gateway]._far
    assert drained(far)
    await rig.until(T0 + 2 * HOUR_MS)
    assert drained(far) == b""


async def test_devices_that_are_not_there_are_skipped(rig: Rig) -> None:
    home = next(h for h in rig.households if h.fitted("motion") is None)
    await rig.happen("stuck_sensor", home=home.home, device="motion")
    assert rig.said[-1][0] == "skipped"
    assert "has no motion" in rig.said[-1][1]["why"]
    assert rig.home(home).troubles.known == []


async def test_who_is_ill_is_measured_more_often_and_it_shows(rig: Rig) -> None:
    home = rig.having("thermometer")
    topic = f"{ble_base(home.gateway)}/{rig.name(home, 'thermometer')}/2A1C"
    await rig.happen("ill", home=home.home, illness="fever", hours=120)
    await rig.until(T0 + 3 * DAY_MS)
    heard = [p for t, p, _r in rig.ear.messages if t == topic]
    assert len(heard) >= 8
    await rig.happen("measure", home=home.home, device="")
    (last,) = {p for t, p, _r in rig.ear.messages[-3:] if t == topic}
    fahrenheit = last[0] & 1
    value = int.from_bytes(last[1:4], "little") / 10
    assert ((value - 32) / 1.8 if fahrenheit else value) >= 38.1
    await rig.happen("well", home=home.home)
    assert not rig.home(home).body.ill_with(rig.set_ms)


async def test_a_restarted_simulator_knows_the_troubles(tmp_path: Path) -> None:
    hours = 3600
    events = [
        Event(at_s=hours, kind="dead_meter", fields={"home": "home-0001", "frozen": 0}),
        Event(at_s=hours, kind="jammed_button", fields={"home": "home-0002", "every_s": 20}),
        Event(at_s=hours, kind="dead_meter", fields={"home": "home-0003", "frozen": 0}),
        Event(at_s=hours, kind="ill", fields={"home": "home-0004", "illness": "fever", "hours": 9}),
        Event(at_s=2 * hours, kind="mend", fields={"home": "home-0003"}),
    ]
    story = Story(paces=(Pace(at_s=0, speed=1.0),), events=tuple(events))
    rig = Rig(tmp_path, now_ms=T0 + 4 * HOUR_MS)
    running = asyncio.create_task(rig.county.run(story, T0))
    await rig.ear.wait_for("button-0002")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert rig.ask(rig.households[0]) == b""
    assert rig.ask(rig.households[2]) != b""
    assert rig.home(rig.households[3]).body.ill_with(rig.set_ms)
    rig.county.close()
