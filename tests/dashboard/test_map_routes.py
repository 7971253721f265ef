"""The map of homes: places, the worst alarm, who was not seen, who may see what."""

from typing import Any

from dashboard.map_reads import map_document
from tests.dashboard.conftest import NOW_MS, World, problem_of
from tests.dashboard.test_unseen_routes import neighbour, thinks

API = "/api/v1"
HOUR_MS = 3_600_000
MIDNIGHT_MS = NOW_MS - 16 * HOUR_MS


async def mapped(world: World, username: str = "duty-1", **asked: Any) -> dict[str, Any]:
    async with world.client(username) as client:
        answer = await client.get(f"{API}/map", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def only(world: World, username: str = "duty-1") -> dict[str, Any]:
    [home] = (await mapped(world, username))["homes"]
    return home


async def test_a_home_of_ones_own_region(world: World) -> None:
    found = await mapped(world)
    [home] = found["homes"]
    assert (home["id"], home["lat"], home["lon"]) == ("home-0001", 32.38, 109.36)
    assert (home["names"], home["alarm"], home["unseen"]) == (["张桂英"], None, True)
    assert found["regions"] == [{"code": "610926101001", "path": ["平利县", "城关镇", "龙头村"]}]
    assert ("duty-1", "listed", "map") in await world.audited()


async def test_the_worst_alarm_is_shown_first_one_that_nobody_has(world: World) -> None:
    await world.raise_alarm(
        episode="b", rule="low_battery", kind="low_battery", severity="technical", reason="low"
    )
    assert (await only(world))["alarm"]["severity"] == "technical"
    taken = await world.raise_alarm()
    async with world.client("duty-1") as client:
        await client.post(f"{API}/alarms/{taken}/acknowledge", json={})
    fresh = await world.raise_alarm(episode="fall", rule="fall", kind="fall", reason="fell")
    assert (await only(world))["alarm"]["id"] == fresh


async def test_seen_today_or_away(world: World) -> None:
    thinks(world, power_sign_ms=MIDNIGHT_MS - 1)
    assert (await only(world))["unseen"] is True
    thinks(world, power_sign_ms=MIDNIGHT_MS)
    home = await only(world)
    assert (home["unseen"], home["life"]) == (False, "well")
    thinks(world, power_sign_ms=MIDNIGHT_MS - 1)
    async with world.client("duty-1") as client:
        answer = await client.post(
            f"{API}/homes/home-0001/stays", json={"kind": "away", "until": "2026-11-25T08:00:00Z"}
        )
    assert answer.status_code == 201, answer.text
    home = await only(world)
    assert (home["unseen"], home["away"]) == (False, True)


async def test_a_home_behind_a_silent_gateway(world: World) -> None:
    await world.execute("UPDATE gateway SET online = 0")
    found = await mapped(world)
    assert found["homes"][0]["heard"] is False
    assert [one["id"] for one in found["gateways"]] == ["gw-0001"]
    await world.execute("UPDATE gateway SET online = 1")
    found = await mapped(world)
    assert (found["homes"][0]["heard"], found["gateways"]) == (True, [])
    await world.execute("DELETE FROM device")
    assert (await only(world))["heard"] is None


async def test_a_village_without_electricity(world: World) -> None:
    assert (await only(world))["dark"] is False
    alarm = await world.raise_alarm()
    dark = "UPDATE alarm SET kind = 'village_dark', home = NULL, region = ? WHERE id = ?"
    await world.execute(dark, "610926101001", alarm)
    assert (await only(world))["dark"] is True
    async with world.client("duty-1") as client:
        [home] = (await client.get(f"{API}/homes")).json()["items"]
        [person] = (await client.get(f"{API}/unseen")).json()["items"]
    assert (home["dark"], person["dark"]) == (True, True), "lists say the same as the map"
    # A group of the village is as dark as the village.
    await world.execute(
        "INSERT INTO region (code, name, level, parent) VALUES (?, '二组', 'group', ?)",
        "61092610100102",
        "610926101001",
    )
    await world.execute("UPDATE home SET region = '61092610100102' WHERE id = 'home-0001'")
    assert (await only(world))["dark"] is True
    await world.execute("UPDATE home SET region = '610926101001' WHERE id = 'home-0001'")
    # Who sees no alarms is not told by the map either.
    assert (await only(world, "installer-1"))["dark"] is False
    await world.execute("UPDATE alarm SET state = 'closed' WHERE id = ?", alarm)
    assert (await only(world))["dark"] is False


async def test_who_may_not_read_people_or_places_sees_neither(world: World) -> None:
    installer = await only(world, "installer-1")
    assert (installer["names"], installer["alarm"], installer["life"]) == ([], None, None)
    assert installer["lat"] == 32.38
    auditor = await only(world, "auditor-1")
    assert (auditor["names"], auditor["lat"], auditor["lon"]) == ([], None, None)
    async with world.client("exchange-1") as client:
        assert problem_of(await client.get(f"{API}/map"))["status"] == 403


async def test_who_has_left_is_no_point_and_more_is_said(world: World) -> None:
    await neighbour(world)
    found = await mapped(world, limit=1)
    assert (len(found["homes"]), found["more"]) == (1, True)
    await world.execute("UPDATE service_user SET left_on = '2026-11-01' WHERE id = 'person-0001'")
    assert [home["id"] for home in (await mapped(world))["homes"]] == ["home-0002"]
    assert (await mapped(world, region="610926102"))["homes"] == []
    assert map_document.__doc__
