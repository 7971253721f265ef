"""Supervision of devices over HTTP: settings, troubles, checks for the next visitor, counts."""

import json
from typing import Any

import pytest

from contract.moment import from_iso, to_iso
from tests.dashboard.conftest import NOW_MS, World, problem_of

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
BUTTON = "/api/v1/devices/gw-0001/button-0001"


async def trouble(world: World, device: str = "button-0001", **changes: Any) -> str:
    fields: dict[str, Any] = {
        "rule": "device_silent",
        "kind": "device_silent",
        "severity": "technical",
        "reason": "not_heard",
        "device": device,
        "part": f"gw-0001/{device}",
        "episode": f"silent-{device}",
        "repair_within_ms": 2 * HOUR_MS,
        "evidence": {"life_critical": True},
        **changes,
    }
    return await world.raise_alarm(**fields)


async def test_a_device_says_what_is_expected_of_it(world: World) -> None:
    async with world.client("installer-1") as client:
        button = (await client.get("/api/v1/devices?home=home-0001")).json()["items"][0]
        assert (button["expected_interval_s"], button["test_interval_s"]) == (None, 604_800)
        assert (button["life_critical"], button["troubles"]) == (True, [])
        assert {button[name] for name in ("mains", "link_quality", "tampered_at")} == {None}
        await world.execute(
            "UPDATE device SET reports_itself = ?, tested_at_ms = ?, mains = ?", True, NOW_MS, False
        )
        button = (await client.get("/api/v1/devices?home=home-0001")).json()["items"][0]
        assert (button["expected_interval_s"], button["mains"]) == (86_400, False)
        assert button["tested_at"] == to_iso(NOW_MS)
        assert button["test_due_at"] == to_iso(NOW_MS + 7 * DAY_MS)


async def test_settings_of_a_device_win_over_its_kind(world: World) -> None:
    async with world.client("installer-1") as client:
        changes = {"expected_interval_s": 7200, "test_interval_s": 0, "life_critical": False}
        shown = (await client.patch(BUTTON, json=changes)).json()
        assert {name: shown[name] for name in changes} == {**changes, "test_interval_s": None}
        assert shown["test_due_at"] is None
        by_kind = dict.fromkeys(changes)
        shown = (await client.patch(BUTTON, json=by_kind)).json()
        assert (shown["expected_interval_s"], shown["test_interval_s"]) == (None, 604_800)
        assert shown["life_critical"] is True


@pytest.mark.parametrize("seconds", [-1, 599, 8_000_000, 3600.5, "3600", True, 2**70])
async def test_an_interval_that_cannot_be_kept_is_refused(world: World, seconds: object) -> None:
    async with world.client("installer-1") as client:
        for field in ("expected_interval_s", "test_interval_s"):
            answer = await client.patch(BUTTON, json={field: seconds})
            assert (answer.status_code, problem_of(answer)["field"]) == (422, field)


async def test_the_next_visitor_is_shown_every_trouble_of_the_home(world: World) -> None:
    silent = await trouble(world)
    await trouble(
        world,
        "meter-0001",
        rule="low_battery",
        kind="low_battery",
        reason="battery_low",
        repair_within_ms=72 * HOUR_MS,
        evidence={},
    )
    await world.raise_alarm()
    await world.raise_alarm("home-0002")
    world.clock.at_ms += 3 * HOUR_MS
    async with world.client("visitor-1") as client:
        tasks = (await client.get("/api/v1/tasks")).json()["items"]
        assert [task["kind"] for task in tasks] == ["emergency", "repair", "repair"]
        [first, second] = tasks[0]["checks"]
        assert all(task["checks"] == tasks[0]["checks"] for task in tasks)
        assert first == {
            "gateway": "gw-0001",
            "device": "button-0001",
            "label": "床头呼叫按钮",
            "kind": "device_silent",
            "reason": "not_heard",
            "since": to_iso(NOW_MS),
            "due_at": to_iso(NOW_MS + 2 * HOUR_MS),
            "life_critical": True,
            "overdue": True,
            "alarm": silent,
            "task": tasks[2]["id"],
        }
        assert (second["kind"], second["overdue"], second["life_critical"]) == (
            "low_battery",
            False,
            False,
        )
        home = (await client.get("/api/v1/homes/home-0001")).json()
        assert home["checks"] == [first, second]
        assert [d["troubles"] for d in home["devices"]] == [[first], [second]]
        task = (await client.get(f"/api/v1/tasks/{tasks[0]['id']}")).json()
        assert task["checks"] == [first, second]
    async with world.client("duty-1") as client:
        await client.post(f"/api/v1/alarms/{silent}/close", json={"outcome": "device_fault"})
        home = (await client.get("/api/v1/homes/home-0001")).json()
        assert home["checks"] == [second]
        assert [d["troubles"] for d in home["devices"]] == [[], [second]]
    async with world.client("duty-2") as client:
        [task] = (await client.get("/api/v1/tasks")).json()["items"]
        assert task["checks"] == []


async def test_the_live_feed_shows_the_same_as_the_routes(world: World) -> None:
    sent: list[dict[str, Any]] = []
    publish = world.feed.publish
    world.feed.publish = lambda events: (  # type: ignore[method-assign]
        sent.extend(json.loads(event.payload) for event in events),
        publish(events),
    )[1]
    await trouble(world)
    async with world.client("installer-1") as client:
        await client.patch(BUTTON, json={"label": "床头"})
        device = (await client.get("/api/v1/devices?home=home-0001")).json()["items"][0]
    async with world.client("visitor-1") as client:
        [task] = (await client.get("/api/v1/tasks")).json()["items"]
    objects = {event["entry"]["topic"]: event["object"] for event in sent}
    assert objects["device"] == device
    assert [c["alarm"] for c in objects["task"]["checks"]] == [c["alarm"] for c in task["checks"]]


async def test_a_repair_is_a_visit_and_the_alarm_waits_for_the_device(world: World) -> None:
    alarm = await trouble(world)
    async with world.client("visitor-1") as client:
        [task] = (await client.get("/api/v1/tasks")).json()["items"]
        url = f"/api/v1/tasks/{task['id']}"
        await client.post(f"{url}/accept")
        done = await client.post(f"{url}/complete", json={"finding": "电池已换"})
        assert done.json()["state"] == "completed"
        [visit] = (await client.get("/api/v1/visits?home=home-0001")).json()["items"]
        assert (visit["kind"], visit["task"], visit["alarm"]) == ("repair", task["id"], alarm)
    async with world.client("duty-1") as client:
        shown = (await client.get(f"/api/v1/alarms/{alarm}")).json()
        assert (shown["state"], shown["part"]) == ("in_response", "gw-0001/button-0001")


async def test_a_storm_of_repairs_hides_no_call_for_help(world: World) -> None:
    call = await world.raise_alarm()
    for number in range(150):
        await trouble(world, f"meter-{number}")
    world.clock.at_ms = from_iso("2026-11-23T11:00:00Z")
    async with world.client("duty-1") as client:
        summary = (await client.get("/api/v1/summary")).json()
        assert summary["repairs"] == {"open": 150, "overdue": 150}
        assert summary["alarms"]["open"] == 151
        wanted = "/api/v1/alarms?state=open&severity=urgent,watch"
        assert [a["id"] for a in (await client.get(wanted)).json()["items"]] == [call]
        # Page by page everything is there, the call too.
        ids, before = [], ""
        while before is not None:
            page = (await client.get(f"/api/v1/alarms?state=open&limit=100{before}")).json()
            ids += [alarm["id"] for alarm in page["items"]]
            before = None if page["next"] is None else f"&before={page['next']}"
        assert len(ids) == 151
        assert ids[-1] == call


async def test_silent_devices_are_counted_by_what_is_expected_of_them(world: World) -> None:
    await world.execute("UPDATE device SET last_seen_ms = ?", NOW_MS - 25 * HOUR_MS)
    async with world.client("duty-1") as client:
        # The meter; the plain button may be quiet for ever.
        assert (await client.get("/api/v1/summary")).json()["devices"]["silent"] == 1
        # No commit of the hub's own that would count anew at once.
        world.clock.at_ms += 250
        await world.execute("UPDATE device SET reports_itself = ?", True)
        assert (await client.get("/api/v1/summary")).json()["devices"]["silent"] == 2
        world.clock.at_ms += 250
        await world.execute("UPDATE device SET expected_interval_s = 0")
        assert (await client.get("/api/v1/summary")).json()["devices"]["silent"] == 0
