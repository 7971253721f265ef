"""The borders of regions over HTTP: who may give them, what is refused, what the map gets."""

import json
from typing import Any

import httpx2

from tests.dashboard.conftest import World, problem_of
from tests.ledger.test_outlines import SQUARE, collection, feature

ON_BOTH = True

API = "/api/v1/regions/outlines"
OF_MANAGER = "610926101001"


async def put(
    world: World, document: Any, username: str = "manager-1", grid: str | None = "wgs84"
) -> httpx2.Response:
    async with world.client(username) as client:
        asked = {} if grid is None else {"grid": grid}
        return await client.put(API, params=asked, content=json.dumps(document).encode())


async def listed(world: World, username: str = "manager-1") -> list[dict[str, Any]]:
    async with world.client(username) as client:
        answer = await client.get(API)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_a_border_is_put_replaced_and_taken_away(world: World) -> None:
    answer = await put(world, collection(feature(), feature(code="999")))
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"outlined": [OF_MANAGER], "removed": [], "unknown": ["999"]}
    assert await listed(world, "duty-1") == [{"region": OF_MANAGER, "shape": [[SQUARE]]}]
    moved = [[x + 0.01, y] for x, y in SQUARE]
    await put(world, collection(feature(moved)))
    [one] = await listed(world)
    assert one["shape"][0][0][0][0] == 109.31
    gone = await put(world, collection(feature(geometry=None)))
    assert gone.json()["removed"] == [OF_MANAGER]
    assert await listed(world) == []
    assert ("manager-1", "changed", "regions:outlines") in await world.audited()
    async with world.client("manager-1") as client:
        facts = (await client.get(f"/api/v1/regions/{OF_MANAGER}/history")).json()["items"]
    assert [fact["fact"] for fact in facts][:3] == ["outline_removed", "outlined", "outlined"]
    assert facts[1]["data"] == {"positions": 5, "grid": "wgs84"}


async def test_a_file_with_a_fault_changes_nothing_and_says_why(world: World) -> None:
    wrong = collection(feature(), feature(SQUARE[:4], code="610926101002"))
    answer = await put(world, wrong)
    assert answer.status_code == 422
    problem = problem_of(answer)
    assert problem["type"] == "outlines_refused"
    [error] = problem["errors"]
    assert (error["field"], error["code"]) == ("features[1]", "open_ring")
    assert error["zh"] == "第 2 个的边界没有闭合"
    assert await listed(world) == []


async def test_the_grid_has_to_be_said(world: World) -> None:
    assert (await put(world, collection(feature()), grid=None)).status_code == 422
    assert (await put(world, collection(feature()), grid="bd09")).status_code == 422


async def test_of_other_regions_and_closed_ones_nothing_is_taken(world: World) -> None:
    await world.execute("UPDATE account SET region = '610926101' WHERE username = 'manager-1'")
    answer = await put(world, collection(feature(code="610926"), feature()))
    assert answer.json()["unknown"] == ["610926"]
    assert (await put(world, collection(feature()), username="duty-1")).status_code == 403
    await world.execute("UPDATE account SET region = '610926102' WHERE username = 'duty-1'")
    assert await listed(world, "duty-1") == []
