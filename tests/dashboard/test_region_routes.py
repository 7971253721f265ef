"""Regions: the tree with its figures, and what may be done to one, each a fact of the book."""

from typing import Any

import pytest

from tests.dashboard.conftest import World, problem_of

API = "/api/v1"
VILLAGE = "610926101001"
WHY = {"reason": "县民政局批复"}


async def tree(world: World, username: str = "manager-1") -> dict[str, dict[str, Any]]:
    async with world.client(username) as client:
        answer = await client.get(f"{API}/regions/overview")
    assert answer.status_code == 200, answer.text
    return {one["code"]: one for one in answer.json()["items"]}


async def facts(world: World, code: str) -> list[dict[str, Any]]:
    async with world.client("manager-1") as client:
        return (await client.get(f"{API}/regions/{code}/history")).json()["items"]


async def test_figures_are_of_all_that_lies_below(world: World) -> None:
    everything = await tree(world, "admin-1")
    assert [everything[code]["persons"] for code in ("610926", "610926101", VILLAGE)] == [2, 1, 1]
    assert [everything[code]["homes"] for code in ("610926", "610926102")] == [2, 1]
    assert everything["610926"]["visitors"] == 2
    assert everything[VILLAGE]["visiting"] == [
        {"username": "visitor-1", "name": "人visitor-1", "persons": 1}
    ]
    roles = {one["role"] for one in everything["610926101"]["accounts"]}
    assert roles == {"manager", "duty", "visitor"}


async def test_one_sees_ones_own_and_the_way_to_it(world: World) -> None:
    mine = await tree(world)
    assert set(mine) == {"610926", "610926101", VILLAGE}
    assert [mine[code]["mine"] for code in ("610926", VILLAGE)] == [False, True]
    # Of the county only what lies in the caller's own town is counted.
    assert mine["610926"]["persons"] == 1
    async with world.client("manager-1") as client:
        assert (await client.get(f"{API}/regions/610926102/history")).status_code == 404


async def test_who_left_and_who_has_nobody_is_told_apart(world: World) -> None:
    await world.execute("UPDATE service_user SET visitor = NULL WHERE id = 'person-0001'")
    assert (await tree(world))[VILLAGE]["unvisited"] == 1
    await world.execute("UPDATE service_user SET left_on = '2026-11-01' WHERE id = 'person-0001'")
    village = (await tree(world))[VILLAGE]
    assert (village["persons"], village["unvisited"], village["homes"]) == (0, 0, 1)


async def test_a_name_changes_with_why_and_the_memory_follows(world: World) -> None:
    async with world.client("manager-1") as client:
        said = {"name": "龙头新村", **WHY}
        assert (await client.patch(f"{API}/regions/{VILLAGE}", json=said)).status_code == 200
        short = await client.patch(f"{API}/regions/{VILLAGE}", json={"name": "x", "reason": " "})
        assert problem_of(short)["field"] == "reason"
    assert world.register.index.regions[VILLAGE]["name"] == "龙头新村"
    [fact] = await facts(world, VILLAGE)
    assert (fact["fact"], fact["actor"]) == ("renamed", "manager-1")
    assert fact["data"] == {"old": "龙头村", "new": "龙头新村", **WHY}
    assert ("manager-1", "changed", f"region:{VILLAGE}") in await world.audited()


async def test_nothing_is_closed_while_somebody_is_there(world: World) -> None:
    async with world.client("manager-1") as client:
        answer = await client.post(f"{API}/regions/{VILLAGE}/close", json=WHY)
        problem = problem_of(answer)
        assert (answer.status_code, problem["type"]) == (409, "in_use")
        assert {one["field"] for one in problem["errors"]} == {"persons", "devices", "gateways"}
        assert "1 位" in next(e["zh"] for e in problem["errors"] if e["field"] == "persons")
        town = await client.post(f"{API}/regions/610926101/close", json=WHY)
        told = {one["field"] for one in problem_of(town)["errors"]}
        assert told == {"regions", "accounts"}
    async with world.client("admin-1") as client:
        county = await client.post(f"{API}/regions/610926/close", json=WHY)
        assert problem_of(county)["type"] == "county"
    assert await facts(world, VILLAGE) == []


async def test_a_closed_region_takes_nothing_more_until_it_is_opened_again(world: World) -> None:
    new = {"code": f"{VILLAGE}001", "name": "1组", "level": "group", "parent": VILLAGE}
    home = {"region": new["code"], "address": "龙头村一组 1 号"}
    async with world.client("manager-1") as client:
        assert (await client.post(f"{API}/regions", json=new)).status_code == 201
        assert (
            await client.post(f"{API}/regions/{new['code']}/close", json=WHY)
        ).status_code == 200
        assert problem_of(await client.post(f"{API}/homes", json=home))["field"] == "region"
        # Its name may be somebody else's now.
        again = {**new, "code": f"{VILLAGE}002"}
        assert (await client.post(f"{API}/regions", json=again)).status_code == 201
        assert (await tree(world))[new["code"]]["closed"] is True
        await client.post(f"{API}/regions/{again['code']}/close", json=WHY)
        await client.post(f"{API}/regions/{new['code']}/reopen", json=WHY)
        assert (await client.post(f"{API}/homes", json=home)).status_code == 201
    assert [one["fact"] for one in await facts(world, new["code"])] == [
        *("reopened", "closed", "added"),
    ]


async def test_nothing_is_added_below_what_is_closed(world: World) -> None:
    new = {"code": "610926101009", "name": "空村", "level": "village", "parent": "610926101"}
    group = {"code": "610926101009001", "name": "1组", "level": "group", "parent": new["code"]}
    async with world.client("manager-1") as client:
        await client.post(f"{API}/regions", json=new)
        await client.post(f"{API}/regions/{new['code']}/close", json=WHY)
        answer = await client.post(f"{API}/regions", json=group)
        assert (answer.status_code, problem_of(answer)["type"]) == (409, "closed")


async def test_two_beside_each_other_have_two_names(world: World) -> None:
    new = {"code": "610926101007", "name": "龙头村", "level": "village", "parent": "610926101"}
    async with world.client("manager-1") as client:
        answer = await client.post(f"{API}/regions", json=new)
        assert (answer.status_code, problem_of(answer)["type"]) == (409, "same_name")
        assert new["code"] not in await tree(world)


@pytest.mark.parametrize("code", [f"{VILLAGE}9", VILLAGE[:-1]])
async def test_no_code_lies_in_that_of_one_beside_it(world: World, code: str) -> None:
    """Accounts of the one would see the people of the other."""
    new = {"code": code, "name": "新村", "level": "village", "parent": "610926101"}
    async with world.client("manager-1") as client:
        answer = await client.post(f"{API}/regions", json=new)
    assert (answer.status_code, problem_of(answer)["type"]) == (409, "overlaps")
    assert code not in await tree(world)


async def test_a_list_brings_nobody_into_a_closed_village(world: World) -> None:
    new = {"code": "610926101008", "name": "并掉村", "level": "village", "parent": "610926101"}
    person = {"version": 1, "fields": {"姓名": "李某", "村（社区）": "并掉村", "住址": "1 号"}}
    async with world.client("manager-1") as client:
        await client.post(f"{API}/regions", json=new)
    async with world.client("exchange-1") as client:
        path = f"{API}/exchange/persons/a-1?dry_run=true"
        assert (await client.put(path, json=person)).status_code == 200
        async with world.client("manager-1") as manager:
            await manager.post(f"{API}/regions/{new['code']}/close", json=WHY)
        told = problem_of(await client.put(path, json=person))
    assert [one["field"] for one in told["errors"]] == ["village"]


@pytest.mark.parametrize(("username", "status"), [("duty-1", 403), ("manager-1", 404)])
async def test_who_may(world: World, username: str, status: int) -> None:
    async with world.client(username) as client:
        answer = await client.post(f"{API}/regions/610926102001/close", json=WHY)
        assert answer.status_code == status
