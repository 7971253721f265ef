"""What care adds up to: items, services, providers; a year's money by region and by person."""

from typing import Any

from contract.moment import to_iso
from tests.dashboard.conftest import NOW_MS, World
from tests.dashboard.test_care_routes import provider

ON_BOTH = True

API = "/api/v1"
HOUR_MS = 3_600_000
DAY_MS = 86_400_000


async def line(world: World, **changes: Any) -> dict[str, Any]:
    body = {
        "person": "person-0001",
        "service": "bathing",
        "served_at": to_iso(NOW_MS - HOUR_MS),
        "who": "陈芳",
        "items": [1, 2],
        "minutes": 60,
        "cost_fen": 5_000,
        **changes,
    }
    async with world.client("admin-1") as client:
        made = await client.post(f"{API}/care-lines", json=body)
    assert made.status_code == 201, made.text
    return made.json()


async def asked(world: World, path: str, username: str = "duty-1", **params: Any) -> dict[str, Any]:
    async with world.client(username) as client:
        answer = await client.get(f"{API}/{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_log_adds_up_and_what_was_corrected_counts_once(world: World) -> None:
    chosen = await provider(world)
    first = await line(world, provider=chosen)
    await line(world, replaces=first["id"], why="少记了十分钟", minutes=70, provider=chosen)
    await line(world, service="meals", items=[5], minutes=None, cost_fen=1_500)
    found = await asked(world, "care-lines/summary")
    assert (found["count"], found["minutes"], found["cost_fen"]) == (2, 70, 6_500)
    assert found["items"] == [
        {"item": 1, "count": 1},
        {"item": 2, "count": 1},
        {"item": 5, "count": 1},
    ]
    assert found["services"] == [
        {"service": "bathing", "count": 1, "minutes": 70, "cost_fen": 5_000},
        {"service": "meals", "count": 1, "minutes": 0, "cost_fen": 1_500},
    ]
    assert [(p["provider"], p["provider_name"], p["cost_fen"]) for p in found["providers"]] == [
        (chosen, "平利县康宁养老服务中心", 5_000),
        (None, None, 1_500),
    ]
    for params, count in (
        ({"provider": chosen}, 1),
        ({"person": "person-0002"}, 0),
        ({"from": to_iso(NOW_MS)}, 0),
        ({"to": to_iso(NOW_MS - HOUR_MS)}, 0),
        ({"from": to_iso(NOW_MS - HOUR_MS), "to": to_iso(NOW_MS)}, 2),
        ({"region": "610926101001"}, 2),
    ):
        assert (await asked(world, "care-lines/summary", **params))["count"] == count, params
    assert (await asked(world, "care-lines/summary", "duty-2"))["count"] == 0


async def test_a_year_by_region_and_what_is_overdrawn(world: World) -> None:
    async with world.client("admin-1") as client:
        for region, fen in (("610926", 50_000), ("610926101001", 3_000)):
            grant = {
                "year": 2026,
                "region": region,
                "kind": "granted",
                "amount_fen": fen,
                "what": "拨付",
            }
            assert (await client.post(f"{API}/money", json=grant)).status_code == 201
    await line(world)
    whole = await asked(world, "money", "admin-1", year=2026)
    assert {
        r["region"]: (r["persons"], r["granted_fen"], r["left_fen"]) for r in whole["regions"]
    } == {
        "610926": (0, 50_000, 50_000),
        "610926101": (1, 3_000, -2_000),
        "610926102": (1, 0, 0),
    }
    assert sum(r["spent_fen"] for r in whole["regions"]) == whole["spent_fen"] == 5_000
    assert sum(r["granted_fen"] for r in whole["regions"]) == whole["granted_fen"]
    town = await asked(world, "money", year=2026)
    assert [(r["region"], r["name"]) for r in town["regions"]] == [("610926101001", "龙头村")]


async def test_what_was_used_of_each_persons_share(world: World) -> None:
    await line(world, cost_fen=80_000)
    await line(world, cost_fen=1, served_at=to_iso(NOW_MS - DAY_MS))
    await line(world, cost_fen=9_999, served_at="2025-06-01T00:00:00Z")
    found = await asked(world, "money/people", "admin-1", year=2026)
    assert [(p["service_user"], p["used_fen"], p["left_fen"]) for p in found["items"]] == [
        ("person-0001", 80_001, -1),
        ("person-0002", 0, 80_000),
    ]
    assert found["counts"] == {"people": 2, "over": 1, "none": 1}
    over = await asked(world, "money/people", "admin-1", year=2026, over=True)
    assert (over["total"], over["items"][0]["person"]["name"]) == (1, "张桂英")
    only = await asked(world, "money/people", "admin-1", year=2026, person="person-0002")
    assert [p["service_user"] for p in only["items"]] == ["person-0002"]
    await world.execute("UPDATE service_user SET left_on = '2026-11-20'")
    left = await asked(world, "money/people", "admin-1", year=2026)
    assert [p["service_user"] for p in left["items"]] == ["person-0001"]
    assert (await asked(world, "money", "admin-1", year=2026))["regions"][0]["persons"] == 0
    masked = await asked(world, "money/people", "auditor-1", year=2026)
    assert [p["person"]["name"] for p in masked["items"]] == ["张**"]
    async with world.client("duty-1") as client:
        away = await client.get(f"{API}/money/people?year=2026&region=610926102")
    assert (away.status_code, away.json()["field"]) == (422, "region")
