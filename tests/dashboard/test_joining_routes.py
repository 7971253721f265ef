"""Joining, leaving, death and return over HTTP, and what follows at once."""

from typing import Any

from rules.finding import Finding, Severity
from tests.dashboard.conftest import World, problem_of

ON_BOTH = True

API = "/api/v1"
PERSON = f"{API}/service-users/person-0001"
# NOW is Monday, 23 November 2026, 16:00 in the county.
TODAY = "2026-11-23"


async def leave(world: World, on: str, why: str) -> dict[str, Any]:
    async with world.client("manager-1") as client:
        body = {"left_on": on, "left_why": why, "left_note": "迁往西安"}
        answer = await client.patch(f"{PERSON}/file", json={"person": body, "reason": "村委会告知"})
        assert answer.status_code == 200, answer.text
        return (await client.get(PERSON)).json()


async def listed(world: World, **asked: str) -> list[str]:
    async with world.client("manager-1") as client:
        answer = await client.get(f"{API}/service-users", params=asked)
    return [person["id"] for person in answer.json()["items"]]


async def figures(world: World, period: str) -> dict[str, Any]:
    async with world.client("manager-1") as client:
        answer = await client.get(f"{API}/reports/period", params={"period": period})
    document = answer.json()
    return {**document["figures"], "tally": document["visits"]["total"]}


async def test_who_leaves_is_gone_from_what_looks_at_now_and_stays_in_the_past(
    world: World,
) -> None:
    before = await figures(world, "2026-10")
    document = await leave(world, "2026-11-10", "moved")
    assert (document["left_on"], document["left_why"]) == ("2026-11-10", "moved")
    assert "person-0001" not in await listed(world)
    assert "person-0001" in await listed(world, service="left")
    assert "person-0001" in await listed(world, service="all")
    async with world.client("visitor-1") as client:
        plan = (await client.get(f"{API}/plan", params={"from": TODAY, "to": "2026-11-29"})).json()
        assert plan["people"] == 0
        assert all(
            item["service_user"] != "person-0001" for d in plan["days"] for item in d["items"]
        )
        home = (await client.get(f"{API}/homes/home-0001")).json()
    assert all(person["id"] != "person-0001" for person in home["persons"])
    assert (await figures(world, "2026-10"))["people"] == before["people"]
    now = await figures(world, "2026-11")
    assert now["change"]["moved"] == 1
    assert now.get("people", {}).get("all", 0) == before["people"]["all"] - 1
    assert now["tally"]["people"] == before["tally"]["people"] - 1
    async with world.client("manager-1") as client:
        rows = await client.get(
            f"{API}/reports/rows",
            params={"subject": "person", "group": "change", "word": "moved", "period": "2026-11"},
        )
        history = (await client.get(f"{PERSON}/history")).json()["items"][0]
    assert [row["id"] for row in rows.json()["items"]] == ["person-0001"]
    assert {change["field"] for change in history["data"]["changes"]} == {
        *("left_on", "left_why", "left_note"),
    }
    assert history["reason"] == "村委会告知"


async def test_a_death_takes_work_and_doubts_away_and_leaves_calls(world: World) -> None:
    async with world.client("duty-1") as client:
        body = {
            "kind": "follow_up",
            "home": "home-0001",
            "due_at": "2026-11-24T08:00:00Z",
            "assignee": "visitor-1",
        }
        task = (await client.post(f"{API}/tasks", json=body)).json()["id"]
    await leave(world, TODAY, "died")
    async with world.client("duty-1") as client:
        assert (await client.get(f"{API}/tasks/{task}")).json()["state"] == "cancelled"
        devices = (await client.get(f"{API}/devices", params={"collect": "true"})).json()["items"]
        assert {device["home"] for device in devices} == {"home-0001"}
        assert all(device["collect"] for device in devices)
        others = (await client.get(f"{API}/devices", params={"collect": "false"})).json()["items"]
        assert "home-0001" not in {device["home"] for device in others}
    assert await raised(world, "no_sign_of_life", "watch") is None
    # Somebody presses the button that still hangs there.
    assert await raised(world, "sos", "urgent") is not None


async def raised(world: World, kind: str, severity: Severity) -> str | None:
    finding = Finding(
        home="home-0001",
        rule=kind,
        kind=kind,
        phase="raised",
        severity=severity,
        reason="press",
        at_ms=world.clock.now_ms(),
        raised_at_ms=world.clock.now_ms(),
        episode=f"home-0001/{kind}",
        evidence={},
    )
    return await world.writer.change(lambda unit: world.book.take(unit, finding))


async def test_who_comes_back_is_there_again(world: World) -> None:
    await leave(world, "2026-11-10", "moved")
    async with world.client("manager-1") as client:
        early = await client.post(f"{PERSON}/return", json={"on": "2026-11-10"})
        assert problem_of(early)["errors"][0]["code"] == "out_of_order"
        back = await client.post(f"{PERSON}/return", json={"on": "2026-11-20", "reason": "回村"})
        assert back.status_code == 200, back.text
        assert (back.json()["left_on"], len(back.json()["service_gaps"])) == ("", 1)
        again = await client.post(f"{PERSON}/return", json={})
        assert problem_of(again)["type"] == "not_left"
    assert "person-0001" in await listed(world)
    change = (await figures(world, "2026-11"))["change"]
    assert (change["moved"], change["returned"]) == (1, 1)


async def test_the_dead_do_not_return_and_a_mistake_is_taken_back(world: World) -> None:
    await leave(world, "2026-11-20", "died")
    async with world.client("manager-1") as client:
        refused = await client.post(f"{PERSON}/return", json={})
        assert problem_of(refused)["errors"][0]["code"] == "died"
        body = {"left_on": "", "left_why": "", "left_note": ""}
        assert (await client.patch(PERSON, json=body)).json()["left_on"] == ""
    assert "person-0001" in await listed(world)


async def test_who_is_new_joined_today_where_nothing_else_is_said(world: World) -> None:
    async with world.client("manager-1") as client:
        body = {"home": "home-0001", "name": "新增"}
        new = (await client.post(f"{API}/service-users", json=body)).json()
        old = {**body, "name": "早已加入", "joined_on": "2025-01-01"}
        early = (await client.post(f"{API}/service-users", json=old)).json()
    assert (new["joined_on"], early["joined_on"]) == (TODAY, "2025-01-01")
    assert (await figures(world, "2026-11"))["change"]["joined"] == 1
