"""A person's month of life and what was measured of her, over HTTP."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from contract.moment import to_iso
from ingest.readings.sqlite_reader import SqliteReader
from ingest.readings.sqlite_store import SqliteStore
from ledger.database import insert_sql
from ledger.schema import DEVICE, STAY
from tests.adapters.dashboard_ports import PlainSeries
from tests.dashboard.conftest import NOW_MS, World, problem_of

API = "/api/v1"
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
# NOW is 16:00 of 23 November in the county.
TODAY_MS = NOW_MS - 16 * HOUR_MS
MONTH = f"{API}/service-users/person-0001/month"
VITALS = f"{API}/service-users/person-0001/vitals"


class StoredReadings:
    """What the test wrote, as the store would tell it."""

    def __init__(self, series: dict[tuple[str, str], Sequence[tuple[float, ...]]]) -> None:
        self.by_field = series
        self.asked: list[tuple[Any, ...]] = []

    def series(self, *asked: Any) -> list[PlainSeries]:
        _gateway, device, _kind, field, from_ms, to_ms, resolution = asked
        self.asked.append(asked)
        found = []
        for (name, its), points in self.by_field.items():
            if name != device or field not in (None, its):
                continue
            inside = [p for p in points if from_ms <= p[0] < to_ms]
            if resolution != "raw":
                inside = [(at, value, value, value) for at, value in inside]
            kind = "power" if its in {"energy_kwh", "power_w"} else name.partition("-")[0]
            found.append(PlainSeries(kind=kind, field=its, resolution=resolution, points=inside))
        return found


def kettle(days: int) -> list[tuple[float, float]]:
    """A register every five minutes: a kettle at eight, else a lamp."""
    points, kwh = [], 10.0
    for minute in range(0, days * 24 * 60, 5):
        at_ms = TODAY_MS - (days - 1) * DAY_MS + minute * MINUTE_MS
        if at_ms > NOW_MS:
            break
        points.append((at_ms, kwh))
        kwh += (1500.0 if minute // 60 % 24 == 8 and minute % 60 < 15 else 15.0) / 12_000
    return points


async def listening(world: World, series: dict[tuple[str, str], Any]) -> StoredReadings:
    stored = StoredReadings(series)
    world.readings.series = stored.series  # type: ignore[method-assign]
    return stored


async def add_device(world: World, device: str, kind: str) -> None:
    row = {"gateway": "gw-0001", "device": device, "home": "home-0001", "kind": kind}
    row |= {"model": "", "label": "", "reports_itself": 0, "asks": 0}
    await world.execute(insert_sql(DEVICE, list(row)), *row.values())


async def told(world: World, path: str = MONTH, **asked: Any) -> dict[str, Any]:
    async with world.client("duty-1") as client:
        answer = await client.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    assert len(answer.content) < 20_000
    return answer.json()


async def test_hours_of_31_days(world: World) -> None:
    await listening(world, {("meter-0001", "energy_kwh"): kettle(31)})
    month = await told(world)
    assert month["from"] == "2026-10-24"
    assert (month["meter"], month["measure"]) == ("gw-0001/meter-0001", "learned")
    assert len(month["hours"]) == 31
    assert all(len(day) == 24 for day in month["hours"])
    assert {day[8] for day in month["hours"]} == {"4"}
    assert {day[3] for day in month["hours"]} == {"0"}
    assert month["hours"][-1][16:] == "." * 8


async def test_a_month_by_its_name(world: World) -> None:
    await listening(world, {("meter-0001", "energy_kwh"): kettle(40)})
    assert len((await told(world, month="2026-02"))["hours"]) == 28
    november = await told(world, month="2026-11")
    assert november["from"] == "2026-11-01"
    assert november["hours"][29] == "." * 24
    async with world.client("duty-1") as client:
        for wrong in ("2026-13", "november", "1969-01", "2999-01"):
            answer = await client.get(MONTH, params={"month": wrong})
            assert problem_of(answer)["field"] == "month"


async def test_without_a_meter_sensors_still_show_somebody(world: World) -> None:
    await world.execute("DELETE FROM device WHERE kind = 'power'")
    await add_device(world, "motion-0001", "motion")
    await listening(world, {("motion-0001", "active"): [(TODAY_MS + 7 * HOUR_MS, 1.0)]})
    month = await told(world)
    assert (month["meter"], month["measure"]) == (None, "none")
    assert month["hours"][-1] == "-" * 7 + "m" + "-" * 8 + "." * 8


async def test_a_sensor_is_told_beside_the_meter(world: World) -> None:
    await add_device(world, "contact-0001", "contact")
    door = [(TODAY_MS + 2 * HOUR_MS, 0.0), (TODAY_MS + 3 * HOUR_MS, 1.0)]
    await listening(
        world, {("meter-0001", "energy_kwh"): kettle(31), ("contact-0001", "open"): door}
    )
    assert (await told(world))["hours"][-1][:4] == "000a"


async def test_of_two_meters_the_larger_speaks(world: World) -> None:
    await add_device(world, "a-socket", "power")
    small = [(at, kwh / 10) for at, kwh in kettle(31)]
    await listening(
        world, {("a-socket", "energy_kwh"): small, ("meter-0001", "energy_kwh"): kettle(31)}
    )
    assert (await told(world))["meter"] == "gw-0001/meter-0001"


async def test_what_happened_meanwhile(world: World) -> None:
    await listening(world, {})
    alarm = await world.raise_alarm(raised_at_ms=TODAY_MS, at_ms=TODAY_MS)
    await world.raise_alarm(
        episode="dark",
        home="region:610926101001",
        rule="village_dark",
        kind="village_dark",
        severity="watch",
        reason="village_dark",
        device="",
    )
    await world.raise_alarm(
        episode="battery",
        rule="low_battery",
        kind="low_battery",
        severity="technical",
        reason="low",
    )
    await world.visited("v-1", visited_at_ms=TODAY_MS + HOUR_MS)
    await world.visited("v-2", visited_at_ms=TODAY_MS + HOUR_MS, voided_at_ms=NOW_MS)
    await world.visited("v-3", visited_at_ms=NOW_MS - 40 * DAY_MS)
    for stay, person in (("s-1", None), ("s-2", "somebody-else")):
        row = {
            "id": stay,
            "home": "home-0001",
            "person": person,
            "kind": "away",
            "from_ms": TODAY_MS - 2 * DAY_MS,
            "until_ms": NOW_MS + DAY_MS,
            "note": "",
            "created_at_ms": NOW_MS,
            "created_by": "duty-1",
            "ended_at_ms": TODAY_MS - DAY_MS,
        }
        await world.execute(insert_sql(STAY, list(row)), *row.values())
    month = await told(world)
    assert [(one["id"], one["at"]) for one in month["alarms"]] == [(alarm, to_iso(TODAY_MS))]
    assert [one["id"] for one in month["visits"]] == ["v-1"]
    assert [one["until"] for one in month["stays"]] == [to_iso(TODAY_MS - DAY_MS)]
    assert [one["from"] for one in month["dark"]] == [to_iso(NOW_MS)]


@pytest.mark.parametrize("path", [MONTH, VITALS])
async def test_only_who_may_read_there(world: World, path: str) -> None:
    async with world.client("duty-2") as client:
        assert problem_of(await client.get(path))["status"] == 404
    async with world.client("auditor-1") as client:
        assert problem_of(await client.get(path))["status"] == 403
    await told(world, path)
    what = "month" if path == MONTH else "vitals"
    assert ("duty-1", "viewed", f"{what}:person-0001") in await world.audited()


async def test_measurements_with_the_limits_that_hold_for_her(world: World) -> None:
    await add_device(world, "blood_pressure-0001", "blood_pressure")
    cuff = [(NOW_MS - DAY_MS, 150.0), (NOW_MS - 100 * DAY_MS, 90.0)]
    await listening(world, {("blood_pressure-0001", "systolic_mmhg"): cuff})
    found = await told(world, VITALS)
    assert [one["field"] for one in found["series"]] == ["systolic_mmhg"]
    assert found["series"][0]["points"] == [[NOW_MS - DAY_MS, 150.0]]
    limits = {(one["field"], one["value"]): one["of"] for one in found["limits"]}
    assert ("systolic_mmhg", 180.0) in limits
    beyond = {one["value"]: one["beyond"] for one in found["limits"]}
    assert (beyond[180.0], beyond[90.0]) == ("above", "below")
    async with world.client("admin-1") as client:
        answer = await client.patch(
            f"{API}/rules/blood_pressure",
            json={
                "scope": "person:person-0001",
                "params": {"urgent_systolic_mmhg": 170},
                "reason": "ward round",
            },
        )
    assert answer.status_code == 200, answer.text
    limits = {one["value"]: one["of"] for one in (await told(world, VITALS))["limits"]}
    assert limits[170] == "person:person-0001"


async def test_an_oximeter_that_streams_is_told_by_its_hours(world: World) -> None:
    await add_device(world, "oximetry-0001", "oximetry")
    beats = [(NOW_MS - at * 1000, 97.0) for at in range(2000, 0, -1)]
    await listening(world, {("oximetry-0001", "spo2_pct"): beats})
    [series] = (await told_long(world))["series"]
    assert series["resolution"] == "hour"


async def told_long(world: World) -> dict[str, Any]:
    async with world.client("duty-1") as client:
        answer = await client.get(VITALS)
    return json.loads(answer.content)


async def test_readings_of_a_real_store(world: World, tmp_path: Path) -> None:
    """The store's own points go in as they are."""
    store = SqliteStore(tmp_path / "readings.sqlite")
    store.begin_batch()
    for at_ms, kwh in kettle(4):
        store.add(("gw-0001", "meter-0001", "power"), int(at_ms), {"energy_kwh": kwh})
    store.commit()
    reader = SqliteReader(tmp_path / "readings.sqlite")
    world.readings.series = reader.series  # type: ignore[method-assign,assignment]
    try:
        month = await told(world)
    finally:
        reader.close()
        store.close()
    assert month["hours"][-2][8] == "4"
    assert month["hours"][0] == "-" * 24
