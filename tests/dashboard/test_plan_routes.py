"""The plan of visits over HTTP: a visitor's days, tiers, moves, weather, a visit begun."""

import json
from typing import Any

import pytest

from ledger.visiting.plan import CAPACITY
from tests.dashboard.conftest import NOW_MS, World, problem_of

API = "/api/v1"
DAY_MS = 86_400_000
# NOW is Monday, 23 November 2026, 16:00 in the county.
TODAY, FRIDAY, SUNDAY = "2026-11-23", "2026-11-27", "2026-11-29"
WHY = "髋部骨折术后"


async def visit(world: World, days_ago: float, **more: Any) -> None:
    more = {"visited_at_ms": NOW_MS - round(days_ago * DAY_MS), **more}
    await world.visited(f"visit-{days_ago}-{more.get('way', '')}", **more)


async def plan(client, first: str = TODAY, last: str = SUNDAY, **more: str) -> dict[str, Any]:
    asked = {"from": first, "to": last, **more}
    answer = await client.get(f"{API}/plan", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def planned(document: dict[str, Any], person: str = "person-0001") -> list[str]:
    return [
        day["date"]
        for day in document["days"]
        for item in day["items"]
        if item["service_user"] == person and item["state"] == "planned"
    ]


async def test_a_visitor_sees_her_own_week(world: World) -> None:
    """85 years old and living alone: twice a week, Monday and Thursday."""
    async with world.client("visitor-1") as visitor:
        document = await plan(visitor)
    assert document["visitor"]["username"] == "visitor-1"
    assert (document["today"], document["people"]) == (TODAY, 1)
    assert document["capacity"] == CAPACITY
    assert planned(document) == [TODAY, "2026-11-26"]
    [item] = document["days"][0]["items"]
    assert (item["tier"], item["why"], item["period"]) == ("twice_weekly", "planned", "2026-W48")
    assert item["person"]["name"] == "张桂英"
    assert item["home"]["lat"] == 32.38
    assert item["standing"]["state"] == "due"
    assert [day["working"] for day in document["days"]] == [True] * 5 + [False] * 2


async def test_what_was_visited_is_shown_as_done_and_taken_off(world: World) -> None:
    await visit(world, 0.1)
    await visit(world, 0.05, way="phone")
    async with world.client("visitor-1") as visitor:
        document = await plan(visitor)
    assert planned(document) == ["2026-11-26"]
    assert [i["state"] for i in document["days"][0]["items"]] == ["done", "contact"]
    assert document["standings"][0]["done"] == 1
    assert document["standings"][0]["calls"] == 1


async def test_a_door_that_nobody_opened_is_no_visit(world: World) -> None:
    await visit(world, 0.1, met=False)
    await visit(world, 3.1)
    async with world.client("visitor-1") as visitor:
        document = await plan(visitor, "2026-11-20")
    assert planned(document) == [TODAY, "2026-11-26"]
    shown = [item["state"] for day in document["days"] for item in day["items"]]
    assert shown == ["done", "nobody_met", "planned", "planned"]


async def test_a_visit_that_was_voided_or_told_twice_does_not_count(world: World) -> None:
    await visit(world, 0.1, voided_at_ms=NOW_MS)
    await visit(world, 0.05, duplicate_of="another")
    async with world.client("visitor-1") as visitor:
        document = await plan(visitor)
    assert planned(document) == [TODAY, "2026-11-26"]
    assert document["standings"][0]["done"] == 0


async def test_the_person_s_file_makes_a_tier_higher(world: World) -> None:
    await world.execute("UPDATE service_user SET born = '1960-01-01', categories = '[]'")
    path = f"{API}/service-users/person-0001/tier"
    async with world.client("manager-1") as manager:
        document = (await manager.get(path)).json()
        assert (document["tier"], "seriously_ill" in document["missing"]) == ("monthly", True)
        for file, why in (
            ({"seriously_ill": "yes"}, "seriously_ill"),
            ({"disability_grade": 2, "seriously_ill": "no"}, "severely_disabled"),
        ):
            await world.execute("DELETE FROM person_file")
            await world.execute(
                "INSERT INTO person_file (person, version, document, missing, changed_at_ms,"
                " changed_by) VALUES ('person-0001', 1, ?, 0, 0, 'm')",
                json.dumps(file),
            )
            document = (await manager.get(path)).json()
            assert document["tier"] == "twice_weekly"
            assert [one["code"] for one in document["why"]] == [why]


async def test_a_visit_that_names_nobody_is_to_everybody_of_the_home(world: World) -> None:
    await visit(world, 0.1, service_user=None)
    async with world.client("visitor-1") as visitor:
        assert planned(await plan(visitor)) == ["2026-11-26"]


async def test_who_is_in_hospital_is_not_planned(world: World) -> None:
    async with world.client("duty-1") as duty:
        stay = {"kind": "hospital", "until": "2026-12-05T00:00:00Z"}
        answer = await duty.post(f"{API}/homes/home-0001/stays", json=stay)
        assert answer.status_code == 201, answer.text
        document = await plan(duty, visitor="visitor-1")
    assert planned(document) == []
    assert document["unplaced"] == []
    assert document["standings"][0]["state"] == "none"


async def test_leave_moves_visits_or_says_that_no_day_is_left(world: World) -> None:
    async with world.client("manager-1") as manager:
        leave = {
            "person": "visitor-1",
            "from": "2026-11-23T00:00:00Z",
            "until": "2026-11-26T16:00:00Z",
            "reason": "病假",
        }
        answer = await manager.post(f"{API}/rota/leaves", json=leave)
        assert answer.status_code == 201, answer.text
        document = await plan(manager, visitor="visitor-1")
        assert [day["away"] for day in document["days"]][:5] == ["on_leave"] * 4 + [""]
        # A working day and a rest day rather than one visit less.
        assert planned(document) == [FRIDAY, SUNDAY]
        leave |= {"from": "2026-11-26T15:00:00Z", "until": "2026-11-29T16:00:00Z"}
        assert (await manager.post(f"{API}/rota/leaves", json=leave)).status_code == 201
        document = await plan(manager, visitor="visitor-1")
    assert planned(document) == []
    assert [(u["missing"], u["reason"]) for u in document["unplaced"]] == [(2, "on_leave")]


async def test_another_day_within_the_week_and_back_again(world: World) -> None:
    move = {"service_user": "person-0001", "date": TODAY, "reason": "今天去镇上看病"}
    async with world.client("visitor-1") as visitor:
        for to, wanted in (
            ("2026-11-25", ["2026-11-25", FRIDAY]),
            (None, ["2026-11-24", "2026-11-26"]),
            (TODAY, [TODAY, "2026-11-26"]),
        ):
            answer = await visitor.post(f"{API}/plan/moves", json={**move, "to": to})
            assert answer.status_code == 201, answer.text
            document = await plan(visitor)
            assert planned(document) == wanted
        later = await visitor.post(f"{API}/plan/moves", json={**move, "to": "2026-11-30"})
    assert problem_of(later)["field"] == "to"
    entries = await world.query("SELECT topic, fact, subject, actor, region FROM entry")
    assert entries == [("plan", "moved", "person-0001", "visitor-1", "610926101001")] * 3


async def test_a_visitor_moves_her_own_visits_only(world: World) -> None:
    move = {"service_user": "person-0001", "date": TODAY, "reason": "下雨路滑"}
    async with world.client("visitor-3") as other, world.client("visitor-2") as far:
        assert (await other.post(f"{API}/plan/moves", json=move)).status_code == 404
        assert (await far.post(f"{API}/plan/moves", json=move)).status_code == 404
    async with world.client("duty-1") as duty:
        assert (await duty.post(f"{API}/plan/moves", json=move)).status_code == 201


async def test_bad_weather_moves_a_region_s_visits_and_is_taken_back(world: World) -> None:
    storm = {"region": "610926101", "start": TODAY, "end": "2026-11-24", "reason": "暴雨红色预警"}
    async with world.client("duty-1") as duty:
        answer = await duty.post(f"{API}/plan/bad-weather", json=storm)
        assert answer.status_code == 201, answer.text
        document = await plan(duty, visitor="visitor-1")
        assert planned(document) == ["2026-11-25", FRIDAY]
        assert document["days"][0]["closed"] == [
            {"region": "610926101001", "reason": "暴雨红色预警"}
        ]
        causes = {item["cause"] for day in document["days"] for item in day["items"]}
        assert "bad_weather" in causes
        summary = (await duty.get(f"{API}/plan/summary")).json()
        assert [closed["date"] for closed in summary["closed"]] == [TODAY, "2026-11-24"]
        again = {**storm, "open": True, "reason": "雨停了"}
        assert (await duty.post(f"{API}/plan/bad-weather", json=again)).status_code == 201
        assert planned(await plan(duty, visitor="visitor-1")) == [TODAY, "2026-11-26"]
        other = {**storm, "region": "610926102"}
        answer = await duty.post(f"{API}/plan/bad-weather", json=other)
        assert problem_of(answer)["field"] == "region"


async def test_a_tier_says_why_and_is_raised_only_upwards(world: World) -> None:
    path = f"{API}/service-users/person-0001/tier"
    async with world.client("manager-1") as manager:
        document = (await manager.get(path)).json()
        assert (document["tier"], document["base"]) == ("twice_weekly", "twice_weekly")
        assert document["why"][0]["code"] == "aged_alone"
        assert [one["tier"] for one in document["can_be"]] == ["thrice_weekly"]
        up = {"tier": "thrice_weekly", "until": "2026-12-31", "reason": WHY}
        for wrong, status in (
            ({"tier": "weekly"}, 409),
            ({"tier": "twice_weekly"}, 409),
            ({"tier": "daily"}, 422),
            ({"until": "2026-11-22"}, 422),
            ({"until": "2028-01-01"}, 422),
            ({"reason": ""}, 422),
        ):
            answer = await manager.post(f"{path}/raise", json={**up, **wrong})
            assert answer.status_code == status, wrong
        answer = await manager.post(f"{path}/raise", json=up)
        assert answer.status_code == 201, answer.text
        document = answer.json()
        assert document["tier"] == "thrice_weekly"
        assert WHY in document["why"][-1]["zh"]
        [raised] = document["raises"]
        assert (raised["until"], raised["by"]["username"], raised["in_force"]) == (
            "2026-12-31",
            "manager-1",
            True,
        )
        week = await plan(manager, "2026-11-30", "2026-12-06", visitor="visitor-1")
        assert planned(week) == ["2026-11-30", "2026-12-02", "2026-12-04"]
        # Once more is not higher; nothing takes it back before its day.
        assert (await manager.post(f"{path}/raise", json=up)).status_code == 409
    async with world.client("visitor-1") as visitor, world.client("duty-2") as other:
        assert (await visitor.post(f"{path}/raise", json=up)).status_code == 403
        assert (await other.get(path)).status_code == 404


async def test_a_visit_is_begun_once(world: World) -> None:
    body = {"service_user": "person-0001"}
    async with world.client("visitor-1") as visitor:
        first = await visitor.post(f"{API}/plan/start", json=body)
        assert first.status_code == 201, first.text
        task = first.json()
        assert (task["kind"], task["state"], task["assignee"]["username"]) == (
            "routine",
            "accepted",
            "visitor-1",
        )
        again = (await visitor.post(f"{API}/plan/start", json=body)).json()
        assert (again["id"], again["state"]) == (task["id"], "accepted")
        [item] = (await plan(visitor))["days"][0]["items"]
        assert item["task"] == {"id": task["id"], "kind": "routine", "state": "accepted"}
        for move in ("arrive", "complete"):
            answer = await visitor.post(
                f"{API}/tasks/{task['id']}/{move}",
                json={"finding": "平安"} if move == "complete" else {},
            )
            assert answer.status_code == 200, answer.text
        document = await plan(visitor)
        assert planned(document) == ["2026-11-26"]
        assert document["days"][0]["items"][0]["state"] == "done"
        # Who goes there again on the same day begins another one.
        other = (await visitor.post(f"{API}/plan/start", json=body)).json()
        assert other["id"] != task["id"]


async def test_a_region_s_figures_by_village_tier_and_visitor(world: World) -> None:
    for ago in (3, 6, 10, 13):  # two each in the two weeks before
        await visit(world, ago)
    async with world.client("manager-1") as manager:
        summary = (await manager.get(f"{API}/plan/summary")).json()
    assert (summary["period"], summary["from"]) == ("2026-11", "2026-11-01")
    total = summary["total"]
    # The book began with the visit of the 10th: that week was half over and is not judged.
    assert (total["people"], total["owed"], total["done"], total["due"]) == (1, 4, 2, 2)
    [village] = summary["regions"]
    assert (village["region"], village["name"], village["level"]) == (
        "610926101001",
        "龙头村",
        "village",
    )
    assert list(village["tiers"]) == ["twice_weekly"]
    [one] = summary["visitors"]
    assert (one["username"], one["name"]) == ("visitor-1", "人visitor-1")


@pytest.mark.parametrize("period", ["2026-13", "2026-W60", "x", "2031-01", "2019-01"])
async def test_what_is_no_period_is_refused(world: World, period: str) -> None:
    async with world.client("manager-1") as manager:
        answer = await manager.get(f"{API}/plan/summary", params={"period": period})
    assert problem_of(answer)["field"] == "period"


async def test_whom_nobody_went_to_stands_first(world: World) -> None:
    await world.execute("UPDATE service_user SET visitor = 'visitor-1'")
    await visit(world, 25)
    await visit(world, 22.5, service_user="person-0002", home="home-0002")
    await visit(world, 4.5, service_user="person-0002", home="home-0002")
    async with world.client("admin-1") as admin, world.client("manager-1") as manager:
        people = (await admin.get(f"{API}/plan/people")).json()
        assert [one["service_user"] for one in people["items"]] == ["person-0001", "person-0002"]
        first = people["items"][0]
        assert (first["state"], first["since"], first["last"]) == (
            "overdue",
            "2026-11-09",
            "2026-10-29",
        )
        assert first["visitor"]["username"] == "visitor-1"
        only = (await admin.get(f"{API}/plan/people?state=overdue")).json()
        assert (len(only["items"]), only["total"]) == (1, 1)
        mine = (await manager.get(f"{API}/plan/people")).json()
        assert [one["service_user"] for one in mine["items"]] == ["person-0001"]
        assert ("admin-1", "listed", "plan:people") in await world.audited()


async def test_an_auditor_sees_neither_names_nor_addresses(world: World) -> None:
    async with world.client("auditor-1") as auditor:
        document = await plan(auditor, visitor="visitor-1")
        people = (await auditor.get(f"{API}/plan/people")).json()
    for item in (document["days"][0]["items"][0], people["items"][0]):
        assert item["person"]["name"] == "张**"
        assert item["home"]["address"] == "***"
        assert item["home"]["lat"] is None


async def test_a_visitor_of_another_town_is_nobody(world: World) -> None:
    async with world.client("manager-1") as manager:
        for name in ("visitor-2", "nobody"):
            answer = await manager.get(f"{API}/plan", params={"visitor": name})
            assert answer.status_code == 404
        for asked in ({"from": "x"}, {"to": "2026-11-01"}, {"to": "2027-11-01"}):
            assert (await manager.get(f"{API}/plan", params=asked)).status_code == 422
        answer = await manager.get(f"{API}/plan/summary", params={"region": "610926102"})
        assert answer.status_code == 404
