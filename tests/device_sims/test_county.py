"""The county at work, on a clock of the test's own: what is said, and when."""

import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from device_sims.agenda import agenda
from device_sims.clock_plan import ClockPlanError, SimClock
from device_sims.county import County
from device_sims.day import day_number
from device_sims.devices.dlt645_meter import frame
from device_sims.habits import DAY_MS, HOUR_MS, MINUTE_MS
from device_sims.roster import ble_base, households, zigbee_base
from device_sims.story import Event, Pace, Story

# 2026-11-22T22:00Z: six in the morning in the county.
T0 = 1_795_384_800_000
DEADLINE_S = 10.0


class HandClock(SimClock):
    def __init__(self, now_ms: int) -> None:
        super().__init__(None)
        self.set_ms = now_ms

    def now_ms(self) -> int:
        return self.set_ms


class Heard:
    """A broker's ear."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str | bytes, bool]] = []
        self._more = asyncio.Event()

    async def publish(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        self.messages.append((topic, payload, retain))
        self._more.set()

    async def wait_for(self, ending: str) -> None:
        """Until something was said on a topic with this ending."""
        async with asyncio.timeout(DEADLINE_S):
            while not any(t.endswith(ending) for t, _p, _r in self.messages):
                self._more.clear()
                await self._more.wait()

    def of(self, device: str) -> list[Any]:
        return [json.loads(p) for t, p, _r in self.messages if t.endswith(f"/{device}")]


class Rig:
    def __init__(self, folder: Path, homes: int = 24, now_ms: int = T0) -> None:
        self.clock = HandClock(now_ms)
        self.heard = Heard()
        self.said: list[tuple[str, Mapping[str, Any]]] = []
        self.households = households(homes, 1)
        self.county = County(
            self.households,
            self.clock,
            folder,
            self.heard,
            lambda what, fields: self.said.append((what, fields)),
            began_ms=T0,
            sending=lambda: {"waiting": 3, "dropped": 7},
        )

    async def until(self, now_ms: int, step_ms: int = 10 * MINUTE_MS) -> None:
        """The county's own loop, without its waiting."""
        while self.clock.set_ms < now_ms:
            self.clock.set_ms = min(self.clock.set_ms + step_ms, now_ms)
            await self.county.catch_up(self.clock.set_ms)

    async def happen(self, kind: str, **fields: Any) -> None:
        await self.county.happen(Event(at_s=0, kind=kind, fields=fields))

    def home_with(self, *models: str) -> Any:
        return next(h for h in self.households if all(h.fitted(m) for m in models))

    def bus(self, gateway: str) -> Any:
        return self.county._buses[gateway]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    it = Rig(tmp_path)
    yield it
    it.county.close()


def ask(rig: Rig, home: Any, di: str = "00000100") -> bytes:
    return rig.bus(home.gateway).feed(frame(home.fitted("meter").address, 0x11, bytes.fromhex(di)))


async def stopped(running: "asyncio.Task[None]") -> None:
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_day_of_routine(rig: Rig) -> None:
    await rig.until(T0 + DAY_MS)
    for household in rig.households:
        sensor = household.fitted("motion")
        if sensor is not None:
            seen = [m["occupancy"] for m in rig.heard.of(sensor.device)]
            assert len(seen) > 10
            assert all(a != b for a, b in pairwise(seen))
        plug = household.fitted("plug")
        if plug is not None:
            energies = [m["energy"] for m in rig.heard.of(plug.device)]
            assert len(energies) in (96, 97)
            assert energies == sorted(energies)
    cuffs = [t for t, _p, _r in rig.heard.messages if t.endswith("/2A35")]
    assert len(cuffs) >= 10
    assert all(t.startswith("local-gw-") for t in cuffs)


def test_the_agenda_of_a_day_is_in_order(rig: Rig) -> None:
    for household in rig.households:
        home = rig.county.dwellings[household.home].home
        due = agenda(household, home, day_number(T0) + 1)
        assert [d.at_ms for d in due] == sorted(d.at_ms for d in due)
        assert {d.what for d in due} <= {"move", "still", "door", "plug", "vital", "battery"}
        assert ("door" in {d.what for d in due}) <= (household.fitted("contact") is not None)


async def test_the_same_day_in_other_steps_says_the_same(tmp_path: Path) -> None:
    rigs = [Rig(tmp_path / str(n)) for n in range(2)]
    for it, step_ms in zip(rigs, (MINUTE_MS, 3 * HOUR_MS), strict=True):
        await it.until(T0 + 2 * DAY_MS, step_ms)
        it.county.close()
    assert rigs[0].heard.messages == rigs[1].heard.messages


async def test_a_press_on_the_radio_and_on_zigbee(rig: Rig, tmp_path: Path) -> None:
    by_radio, by_zigbee = rig.home_with("rf-button"), rig.home_with("zigbee-button")
    await rig.happen("press", home=by_radio.home)
    await rig.happen("press", home=by_zigbee.home)
    assert [m["action"] for m in rig.heard.of(by_zigbee.fitted("zigbee-button").device)] == [
        "emergency"
    ]
    line = rig.county._rf[by_radio.gateway]
    code = bytes.fromhex(by_radio.fitted("rf-button").address + "8")
    assert os.read(line._far, 100).count(code) == 3


async def test_a_cuff_tells_the_story(rig: Rig) -> None:
    home = next(h for h in rig.households if h.fitted("cuff") and h.seed % 5 == 0)
    await rig.happen("cuff", home=home.home, systolic=192, diastolic=118, pulse=88)
    topic, payload, retain = rig.heard.messages[-1]
    assert topic == f"{ble_base(home.gateway)}/{home.fitted('cuff').device}/2A35"
    assert (payload[:5].hex(), retain) == ("16c0007600", False)


async def test_a_cuff_replays_its_memory_with_the_old_times(rig: Rig) -> None:
    home = next(h for h in rig.households if h.fitted("cuff") and h.seed % 5 == 0)
    rig.clock.set_ms = T0 + 20 * DAY_MS
    rig.county._now_ms = rig.clock.set_ms
    await rig.happen("replay", home=home.home, count=4)
    days = [p[9] * 100 + p[10] for t, p, _r in rig.heard.messages if t.endswith("2A35")]
    assert len(days) == 4
    assert days == sorted(days)
    assert days[-1] <= 1213


async def test_who_lies_still_is_neither_seen_nor_measured(rig: Rig) -> None:
    home = rig.home_with("motion", "cuff")
    await rig.until(T0 + 8 * HOUR_MS)
    before_wh = ask(rig, home)
    await rig.happen("quiet", home=home.home, left_on_w=0)
    seen = len(rig.heard.of(home.fitted("motion").device))
    await rig.until(T0 + 32 * HOUR_MS)
    assert len(rig.heard.of(home.fitted("motion").device)) <= seen + 1, "only 'nobody' may follow"
    assert ask(rig, home) != before_wh, "the standing load goes on"
    await rig.happen("stir", home=home.home)
    await rig.until(T0 + 58 * HOUR_MS)
    assert len(rig.heard.of(home.fitted("motion").device)) > seen + 10


async def test_in_a_dark_village_meters_and_plugs_are_silent(rig: Rig) -> None:
    home = next(h for h in rig.households if h.village == "药妇沟村" and h.fitted("plug"))
    other = next(h for h in rig.households if h.village == "龙头村" and h.fitted("plug"))
    await rig.happen("blackout", village="药妇沟村")
    assert ask(rig, home) == b""
    assert ask(rig, other) != b""
    await rig.until(T0 + 5 * HOUR_MS)
    plug = home.fitted("plug").device
    assert rig.heard.of(plug) == []
    assert rig.heard.of(other.fitted("plug").device)
    await rig.happen("light", village="药妇沟村")
    assert ask(rig, home) != b""
    topic = f"{zigbee_base(home.gateway)}/{plug}/availability"
    states = [(json.loads(p)["state"], r) for t, p, r in rig.heard.messages if t == topic]
    assert states == [("offline", True), ("online", True)]


async def test_a_restarted_simulator_knows_what_happened_and_its_registers(tmp_path: Path) -> None:
    story = Story(
        paces=(Pace(at_s=0, speed=1.0),),
        events=(
            Event(at_s=3600, kind="quiet", fields={"home": "home-0012"}),
            Event(at_s=7200, kind="blackout", fields={"village": "药妇沟村"}),
            Event(at_s=9000, kind="press", fields={"home": "home-0003"}),
        ),
    )
    first = Rig(tmp_path / "first")
    await first.happen("quiet", home="home-0012")
    register = ask(first, first.households[1])
    first.county.close()
    again = Rig(tmp_path / "again", now_ms=T0 + 3 * HOUR_MS)
    running = asyncio.create_task(again.county.run(story, T0))
    await again.heard.wait_for("gw-0003/zigbee2mqtt/plug-0021/availability")
    await stopped(running)
    dark = next(h for h in again.households if h.village == "药妇沟村")
    assert ask(again, dark) == b""
    assert again.county.dwellings["home-0012"].home.is_quiet(T0 + 3 * HOUR_MS)
    assert "press" not in [what for what, _fields in again.said], "what is over is not repeated"
    again.clock.set_ms = T0
    assert ask(again, again.households[1]) == register
    again.county.close()


async def test_a_visitor_is_seen_coming_and_going_where_nobody_stirs(rig: Rig) -> None:
    home = rig.home_with("motion", "contact")
    await rig.happen("quiet", home=home.home, left_on_w=0)
    await rig.happen("visit", home=home.home, minutes=30)
    await rig.until(T0 + 10 * HOUR_MS)
    assert [m["contact"] for m in rig.heard.of(home.fitted("contact").device)] == [False, True]
    assert [m["occupancy"] for m in rig.heard.of(home.fitted("motion").device)] == [True, False]


async def test_events_of_homes_that_are_not_there_are_skipped(tmp_path: Path) -> None:
    rig = Rig(tmp_path, homes=4)
    await rig.happen("press", home="home-0016")
    await rig.happen("cuff", home="home-0002", systolic=150, diastolic=90, pulse=70)
    await rig.happen("kill_gateway", gateway="gw-0002")
    assert [what for what, _fields in rig.said] == ["skipped", "cuff", "skipped", "kill_gateway"]
    assert rig.heard.messages == []
    rig.county.close()


async def test_the_story_runs_by_the_clock(rig: Rig) -> None:
    story = Story(
        paces=(Pace(at_s=0, speed=1.0),),
        events=(Event(at_s=600, kind="press", fields={"home": "home-0002"}),),
    )
    running = asyncio.create_task(rig.county.run(story, T0))
    await rig.heard.wait_for("bridge/devices")
    assert rig.heard.of("button-0002") == []
    rig.clock.set_ms = T0 + 600_000
    await rig.heard.wait_for("/button-0002")
    await stopped(running)
    retained = {t for t, _p, r in rig.heard.messages if r}
    assert f"{zigbee_base('gw-0001')}/bridge/state" in retained
    assert f"{zigbee_base('gw-0001')}/button-0002/availability" in retained


async def test_what_the_machine_cannot_keep_up_with_is_told(tmp_path: Path) -> None:
    """A clock that runs away while one look is taken: progress says by how much."""
    rig = Rig(tmp_path)
    await rig.until(T0 + HOUR_MS)
    rig.clock.set_ms = T0 + 9 * HOUR_MS
    told = rig.county.progress()
    assert told["lag_sim_ms"] == rig.clock.set_ms - told["sim_ms"] > 0
    assert told["messages"] > 0
    assert (told["waiting"], told["dropped"]) == (3, 7), "and what the broker has not taken"
    rig.county.close()


def test_the_clock_reads_the_plan(tmp_path: Path) -> None:
    plan = tmp_path / "clock.json"
    plan.write_text(json.dumps({"v": 1, "segments": [[1000, 5000, 10], [2000, 15000, 2.5]]}))
    clock = SimClock(plan)
    assert [clock.at(t) for t in (0, 1000, 1500, 2000, 2004)] == [5000, 5000, 10000, 15000, 15010]
    assert SimClock(None).at(77) == 77
    plan.write_text('{"v": 1}')
    with pytest.raises(ClockPlanError, match=r"clock\.json: not a clock plan"):
        SimClock(plan)
