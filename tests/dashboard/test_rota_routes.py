"""The rota over HTTP: seen, changed, swapped; who may, and what is refused."""

import json
from typing import Any

import pytest

from contract.moment import from_iso, to_iso
from tests.adapters.rota_desk import TODAY, at, key, staff
from tests.dashboard.conftest import World, problem_of

ROTA = "/api/v1/rota"
PATTERN = {
    "id": "weekend",
    "from": "2026-11-28",
    "cycle_days": 1,
    "shifts": [{"name": "standby", "start": "09:00", "end": "17:00"}],
    "turns": [{"day": 0, "shift": "standby", "people": ["visitor-3"], "on": "rest"}],
    "reason": "weekend cover",
}


async def test_a_week_is_seen_with_its_days_people_and_holes(world: World) -> None:
    await staff(world)
    async with world.client("duty-1") as client:
        week = (await client.get(ROTA)).json()
        assert [week["from"], week["to"], week["today"]] == [
            "2026-11-23",
            "2026-11-30",
            "2026-11-23",
        ]
        assert week["announced_until"] == "2026-12-31"
        assert [d["working"] for d in week["days"]] == [True] * 5 + [False] * 2
        shifts = week["shifts"]
        assert len(shifts) == 14
        first = shifts[0]
        assert (first["id"], first["start"]) == (key(TODAY), to_iso(at(TODAY, "8:00")))
        assert [p["username"] for p in first["people"]] == ["duty-1", "visitor-3"]
        assert first["people"][0]["name"] == "人duty-1"
        assert (first["missing"], first["changed"]) == (0, False)
        past = await client.get(ROTA, params={"from": "2026-10-01", "to": "2026-10-08"})
        assert past.json()["shifts"] == []
        assert past.json()["days"][0]["name"] == "国庆节"
        for params in ({"from": "x"}, {"to": "2026-11-01"}, {"to": "2027-11-01"}):
            assert (await client.get(ROTA, params=params)).status_code == 422
        assert (await client.get(ROTA, params={"desk": "none"})).status_code == 404


async def test_who_is_on_duty_now_and_who_comes(world: World) -> None:
    await staff(world)
    async with world.client("duty-1") as client:
        found = (await client.get(f"{ROTA}/duty")).json()
    town = next(item for item in found["desks"] if item["desk"]["id"] == "town")
    assert [p["username"] for p in town["on_duty"]] == ["duty-1", "visitor-3"]
    assert town["on_duty"][0]["until"] == town["next_at"] == to_iso(at(TODAY, "20:00"))
    assert [p["username"] for p in town["next"]] == ["manager-1"]
    assert found["mine"]["id"] == key(TODAY)
    county = next(item for item in found["desks"] if item["desk"]["id"] == "county")
    assert (county["on_duty"], county["next_at"]) == ([], None)
    assert found["answers"] is None
    async with world.client("duty-1") as client:
        mine = (await client.get(f"{ROTA}/duty", params={"region": "610926101001"})).json()
        other = (await client.get(f"{ROTA}/duty", params={"region": "610926102001"})).json()
    assert [p["username"] for p in mine["answers"]] == ["duty-1", "visitor-3"]
    assert other["answers"] is None


async def test_a_desk_and_a_pattern_are_made_changed_and_remembered(world: World) -> None:
    await staff(world)
    desk = {"id": "visits", "name": "上门组", "region": "610926101", "kind": "visit"}
    async with world.client("manager-1") as client:
        body = {**desk, "reason": "new team"}
        headers = {"Idempotency-Key": "one"}
        for _ in range(2):
            assert (await client.post(ROTA, json=body, headers=headers)).status_code == 201
        taken = await client.post(ROTA, json=body)
        assert (taken.status_code, taken.json()["type"]) == (409, "taken")
        assert (await client.post(ROTA, json={**body, "id": "days"})).status_code == 422
        outside = await client.post(ROTA, json={**body, "id": "x", "region": "610926102"})
        assert (outside.status_code, outside.json()["field"]) == (422, "region")
        changed = await client.patch(
            f"{ROTA}/visits", json={"name": "夜间上门组", "seats": 2, "reason": "more"}
        )
        assert (changed.json()["name"], changed.json()["seats"]) == ("夜间上门组", 2)
        made = await client.post(f"{ROTA}/visits/patterns", json=PATTERN)
        assert made.status_code == 201, made.text
        found = (await client.get(f"{ROTA}/visits/patterns")).json()["items"]
        assert [(p["from"], p["shifts"][0]["end"]) for p in found] == [("2026-11-28", "17:00")]
        params = {"from": "2026-11-27", "to": "2026-12-01", "desk": "visits"}
        shifts = (await client.get(ROTA, params=params)).json()["shifts"]
        assert [(s["date"], s["missing"]) for s in shifts] == [("2026-11-28", 1), ("2026-11-29", 1)]
        history = (await client.get(f"{ROTA}/visits/history")).json()["items"]
        assert [(h["kind"], h["reason"]) for h in history] == [
            ("pattern", "weekend cover"),
            ("desk", "more"),
            ("desk", "new team"),
        ]
        closed = await client.patch(f"{ROTA}/visits", json={"closed": True, "reason": "over"})
        assert closed.json()["closed"] is True


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"from": "2026-11-01"}, "from"),
        ({"from": "soon"}, "from"),
        ({"cycle_days": 0}, "cycle_days"),
        ({"shifts": [{"name": "standby", "start": "25:00", "end": "17:00"}]}, "shifts.start"),
        ({"turns": [{"day": 1, "shift": "standby", "people": []}]}, "turns.day"),
        ({"turns": [{"day": 0, "shift": "other", "people": []}]}, "turns.shift"),
        ({"turns": [{"day": 0, "shift": "standby", "people": ["installer-1"]}]}, "people"),
        ({"until": "2026-11-27"}, "until"),
        ({"reason": " x "}, "reason"),
    ],
)
async def test_a_pattern_that_makes_no_sense_is_refused(world: World, changes, field) -> None:
    await staff(world)
    async with world.client("manager-1") as client:
        answer = await client.post(f"{ROTA}/town/patterns", json={**PATTERN, **changes})
    assert (answer.status_code, problem_of(answer)["field"]) == (422, field)


async def test_one_shift_is_changed_moved_cancelled_and_as_planned_again(world: World) -> None:
    await staff(world)
    body = {"shift": key(TODAY + 1), "reason": "ill"}
    async with world.client("manager-1") as client:
        path = f"{ROTA}/shifts"
        changed = await client.post(path, json={**body, "people": ["visitor-3"]})
        assert [p["username"] for p in changed.json()["shift"]["people"]] == ["visitor-3"]
        moved = await client.post(
            path, json={**body, "people": ["duty-1"], "start": "09:00", "end": "12:00"}
        )
        assert moved.json()["shift"]["end"] == to_iso(at(TODAY + 1, "12:00"))
        kept = await client.post(path, json={**body, "people": ["visitor-3"]})
        assert kept.json()["shift"]["end"] == to_iso(at(TODAY + 1, "12:00"))
        gone = await client.post(path, json={**body, "cancelled": True})
        assert gone.json()["shift"] is None
        back = await client.post(path, json={**body, "as_planned": True})
        assert back.json()["shift"]["changed"] is False
        again = await client.post(path, json={**body, "as_planned": True})
        assert (again.status_code, again.json()["type"]) == (409, "not_changed")
        for wrong, field in (
            ({}, "people"),
            ({"people": [], "start": "09:00"}, "end"),
            ({"people": ["nobody"]}, "people"),
            ({"shift": "town", "people": []}, "shift"),
            ({"shift": key(TODAY - 3), "people": []}, "date"),
        ):
            answer = await client.post(path, json={**body, **wrong})
            assert (answer.status_code, answer.json()["field"]) == (422, field)
        county = await client.post(path, json={**body, "shift": key(TODAY, desk="county")})
        assert county.status_code == 403
    async with world.client("duty-1") as client:
        assert (await client.post(path, json={**body, "people": []})).status_code == 403


async def test_leaves(world: World) -> None:
    await staff(world)
    mine = {"from": to_iso(at(TODAY + 1, "8:00")), "until": to_iso(at(TODAY + 2, "8:00"))}
    async with world.client("duty-1") as client:
        made = await client.post(f"{ROTA}/leaves", json={**mine, "reason": "看病"})
        leave = made.json()
        assert (made.status_code, leave["person"]["username"]) == (201, "duty-1")
        week = (await client.get(ROTA)).json()
        assert week["leaves"] == [leave]
        assert "看病" not in json.dumps(week, ensure_ascii=False)
        tuesday = next(s for s in week["shifts"] if s["id"] == key(TODAY + 1))
        assert [p["absent"] for p in tuesday["people"]] == [True, False]
        other = await client.post(
            f"{ROTA}/leaves", json={**mine, "person": "visitor-3", "reason": "why"}
        )
        assert (other.status_code, other.json()["type"]) == (403, "not_yours")
    async with world.client("manager-1") as client:
        assert (
            await client.post(
                f"{ROTA}/leaves", json={**mine, "person": "visitor-3", "reason": "why"}
            )
        ).status_code == 201
        wrong = await client.post(
            f"{ROTA}/leaves", json={**mine, "person": "duty-2", "reason": "why"}
        )
        assert (wrong.status_code, wrong.json()["field"]) == (422, "person")
        ended = await client.post(f"{ROTA}/leaves/{leave['id']}/end", json={"reason": "back"})
        assert ended.json() == {"id": leave["id"], "ended": True}
        gone = await client.post(f"{ROTA}/leaves/none/end", json={"reason": "back"})
        assert gone.status_code == 404


async def test_a_swap_from_the_question_to_the_rota(world: World) -> None:
    await staff(world)
    body = {
        "given": key(TODAY + 1),
        "taken": key(TODAY + 2, "night"),
        "other": "manager-1",
        "note": "要去医院复查",
    }
    async with world.client("duty-1") as client:
        made = await client.post(f"{ROTA}/swaps", json=body)
        swap = made.json()
        assert (made.status_code, swap["state"]) == (201, "asked")
        assert swap["given_shift"]["people"][0]["username"] == "duty-1"
        path = f"{ROTA}/swaps/{swap['id']}"
        early = await client.post(f"{path}/agree", json={})
        assert (early.status_code, early.json()["type"]) == (409, "not_yours")
    async with world.client("visitor-3") as client:
        assert (await client.get(f"{ROTA}/swaps")).json()["items"] == []
        assert (await client.post(f"{path}/agree", json={})).status_code == 404
    async with world.client("manager-1") as client:
        assert (await client.post(f"{path}/agree", json={})).json()["state"] == "agreed"
        own = await client.post(f"{path}/approve", json={})
        assert (own.status_code, own.json()["type"]) == (409, "own_swap")
    async with world.client("admin-1") as client:
        [waiting] = (await client.get(f"{ROTA}/swaps")).json()["items"]
        assert waiting["id"] == swap["id"]
        done = await client.post(f"{path}/approve", json={"note": "好"})
        assert done.json()["state"] == "approved"
        assert (await client.get(f"{ROTA}/swaps")).json()["items"] == []
        [kept] = (await client.get(f"{ROTA}/swaps", params={"state": "all"})).json()["items"]
        assert kept["state"] == "approved"
        week = (await client.get(ROTA)).json()["shifts"]
        people = {s["id"]: [p["username"] for p in s["people"]] for s in week}
        assert people[key(TODAY + 1)] == ["manager-1", "visitor-3"]
        assert people[key(TODAY + 2, "night")] == ["duty-1"]
        facts = (await client.get(f"{ROTA}/town/history")).json()["items"]
        assert [(one["kind"], one["by_swap"]) for one in facts[:4]] == [
            ("swap", False),
            ("shift", True),
            ("shift", True),
            ("swap", False),
        ]
        assert (facts[0]["said"]["state"], facts[0]["before"]["state"]) == ("approved", "agreed")
    async with world.client("visitor-3") as client:
        seen = await client.get(f"{ROTA}/town/history")
        assert (seen.status_code, "swap" in seen.text) == (200, True)
        # Whoever sees the desk sees that they swapped, and not what the one wrote to the other.
        assert "要去医院复查" not in seen.text


async def test_the_calendar_is_entered_by_the_county(world: World) -> None:
    days = {"days": [{"date": "2027-02-13", "working": True, "name": "春节"}], "reason": "通知"}
    params = {"from": "2027-02-13", "to": "2027-02-14"}
    async with world.client("manager-1") as client:
        assert (await client.patch(f"{ROTA}/days", json=days)).status_code == 403
        [day] = (await client.get(ROTA, params=params)).json()["days"]
        assert (day["working"], day["known"]) == (False, "law")
    async with world.client("admin-1") as client:
        assert (await client.patch(f"{ROTA}/days", json=days)).json() == {"days": 1}
        [day] = (await client.get(ROTA, params=params)).json()["days"]
        assert (day["working"], day["known"], day["name"]) == (True, "announced", "春节")
        days["days"][0]["working"] = None
        assert (await client.patch(f"{ROTA}/days", json=days)).status_code == 200
        [day] = (await client.get(ROTA, params=params)).json()["days"]
        assert (day["working"], day["known"]) == (False, "law")
        days["days"][0]["date"] = "13.2."
        wrong = await client.patch(f"{ROTA}/days", json=days)
        assert (wrong.status_code, wrong.json()["field"]) == (422, "days.0.date")


async def test_a_year_of_the_calendar_says_who_entered_what(world: World) -> None:
    path = f"{ROTA}/days"
    spring = {"date": "2027-02-13", "working": True, "name": "春节"}
    rest = {"date": "2027-02-08", "working": False, "name": "春节"}
    async with world.client("duty-1") as client:
        year = (await client.get(path)).json()
        assert (year["year"], year["known"], year["may_change"]) == (2026, "announced", False)
        assert len(year["items"]) == 39
        assert year["items"][0] == {
            "date": "2026-01-01",
            "working": False,
            "name": "元旦",
            "known": "announced",
            "source": "国务院办公厅关于2026年部分节假日安排的通知（2025-11-04）",
            "entered": None,
            "otherwise": None,
        }
        later = (await client.get(path, params={"year": 2027})).json()
        assert (later["known"], later["announced_until"]) == ("law", "2026-12-31")
        assert (await client.get(path, params={"year": 1})).status_code == 422
        assert (await client.get(f"{path}/history")).json() == {"items": [], "next": None}
    async with world.client("admin-1") as client:
        for days, reason in (([spring, rest], "国办通知"), ([{**rest, "working": None}], "录错")):
            await client.patch(path, json={"days": days, "reason": reason})
        later = (await client.get(path, params={"year": 2027})).json()
        assert (later["known"], later["announced_until"]) == ("announced", "2027-12-31")
        assert later["may_change"] is True
        [entered] = [day for day in later["items"] if day["entered"]]
        assert (entered["date"], entered["working"]) == ("2027-02-13", True)
        assert entered["entered"]["by"]["username"] == "admin-1"
        assert entered["entered"]["reason"] == "国办通知"
        assert entered["otherwise"] == {"working": False, "name": ""}
        first = (await client.get(f"{path}/history", params={"limit": 1})).json()
        [taken_back] = first["items"]
        assert (taken_back["key"], taken_back["reason"]) == ("2027-02-08", "录错")
        assert taken_back["said"] == {"working": None, "name": ""}
        assert taken_back["before"] == {"working": False, "name": "春节"}
        more = (await client.get(f"{path}/history", params={"before": first["next"]})).json()
        assert [(one["key"], one["before"]) for one in more["items"]] == [
            ("2027-02-08", None),
            ("2027-02-13", None),
        ]


async def test_the_history_says_who_changed_which_shift_and_what_was_before(world: World) -> None:
    await staff(world)
    shift = {"shift": key(TODAY + 1), "reason": "生病"}
    async with world.client("manager-1") as client:
        await client.post(f"{ROTA}/shifts", json={**shift, "people": ["visitor-3"]})
        hours = {"start": "09:00", "end": "12:00"}
        await client.post(f"{ROTA}/shifts", json={**shift, "people": [], **hours})
        await client.post(f"{ROTA}/shifts", json={**shift, "cancelled": True})
        await client.post(f"{ROTA}/shifts", json={**shift, "as_planned": True})
        items = (await client.get(f"{ROTA}/town/history", params={"limit": 4})).json()["items"]
    assert {(one["actor"]["username"], one["reason"], one["key"]) for one in items} == {
        ("manager-1", "生病", key(TODAY + 1))
    }

    def short(said: dict[str, Any] | None) -> tuple[object, ...] | None:
        if said is None:
            return None
        people = said["people"] and [one["username"] for one in said["people"]]
        return said["as_planned"], people, said["start"], said["end"]

    oldest_first = list(reversed(items))
    assert [short(one["said"]) for one in oldest_first] == [
        (False, ["visitor-3"], None, None),
        (False, [], "09:00", "12:00"),
        (False, None, "09:00", "12:00"),
        (True, None, None, None),
    ]
    assert [short(one["before"]) for one in oldest_first] == [
        None,
        *[short(one["said"]) for one in oldest_first[:3]],
    ]


async def test_a_hole_ahead_is_seen_and_is_an_alarm_that_ends_with_it(world: World) -> None:
    await staff(world)
    body = {"shift": key(TODAY, "night"), "people": [], "reason": "ill"}
    async with world.client("manager-1") as client:
        await client.post(f"{ROTA}/shifts", json=body)
        await world.writer.change(world.rota.fire_due)
        [problem] = (await client.get(f"{ROTA}/duty")).json()["problems"]
        assert (problem["reason"], problem["level"], problem["desk"]) == (
            "nobody",
            "ahead",
            "town",
        )
        assert from_iso(problem["from"]) == at(TODAY, "20:00")
        [alarm] = (await client.get("/api/v1/alarms")).json()["items"]
        assert (alarm["kind"], alarm["severity"], alarm["region"]) == (
            "coverage",
            "technical",
            "610926101",
        )
        await client.post(f"{ROTA}/shifts", json={**body, "people": ["manager-1"]})
        await world.writer.change(world.rota.fire_due)
        assert (await client.get(f"{ROTA}/duty")).json()["problems"] == []
        [alarm] = (await client.get("/api/v1/alarms")).json()["items"]
        assert (alarm["state"], alarm["outcome"]) == ("closed", "recovered")


async def test_desks_of_other_regions_are_nobodys_business(world: World) -> None:
    await staff(world)
    async with world.client("duty-2") as client:
        assert [d["id"] for d in (await client.get(ROTA)).json()["desks"]] == ["county"]
        assert (await client.get(f"{ROTA}/town/history")).status_code == 404
        people = (await client.get(f"{ROTA}/people")).json()["items"]
        assert {p["username"] for p in people} == {"admin-1", "duty-2", "visitor-2"}
