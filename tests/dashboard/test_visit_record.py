"""The record of a visit over HTTP: checked, numbered, corrected, voided, decided, passed on."""

import pytest

from tests.dashboard.conftest import World, problem_of

API = "/api/v1"
REPORT = {
    "home": "home-0001",
    "service_user": "person-0001",
    "way": "home_visit",
    "visited_at": "2026-11-23T07:30:00Z",
    "form": "annex4",
    "record": {"mood": "unchanged", "services": [7, 1]},
}


async def report(client, key: str = "", **changes) -> dict:
    headers = {"Idempotency-Key": key} if key else {}
    answer = await client.post(f"{API}/visits", json={**REPORT, **changes}, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_every_field_that_is_wrong_is_named_in_both_languages(world: World) -> None:
    record = {"mood": "happy", "services": [17], "household": "more", "weather": ["rain"]}
    async with world.client("visitor-1") as visitor:
        answer = await visitor.post(f"{API}/visits", json={**REPORT, "record": record})
        problem = problem_of(answer)
        assert (answer.status_code, problem["type"]) == (422, "invalid")
        assert [e["field"] for e in problem["errors"]] == [
            "record.mood",
            "record.household_change",
            "record.services",
        ]
        assert all(e["zh"] and e["en"] and e["code"] for e in problem["errors"])
        assert (await visitor.get(f"{API}/visits")).json()["items"] == []


async def test_what_is_no_form_is_kept_as_it_came_and_said_to_be_none(world: World) -> None:
    record = {"mood": "happy", "weather": ["rain"], "services": [3, 99, 3]}
    async with world.client("visitor-1") as visitor:
        visit = await report(visitor, form=None, record=record)
        shown = (await visitor.get(f"{API}/visits/{visit['id']}")).json()
    assert shown["record"] == record
    assert shown["services"] == [3]
    assert [f["field"] for f in shown["faults"]] == ["mood", "services"]


async def test_visits_are_numbered_as_the_hub_hears_of_them(world: World) -> None:
    async with world.client("visitor-1") as visitor:
        later = await report(visitor, visited_at="2026-11-23T07:00:00Z")
        world.clock.at_ms += 60_000
        # The telephone was out of reach; the home has one person, who needs no name.
        earlier = await report(visitor, visited_at="2026-11-20T07:00:00Z", service_user=None)
    assert (later["number"], earlier["number"]) == (1, 2)
    assert earlier["service_user"] == "person-0001"
    assert earlier["visited_at"] < later["visited_at"] < later["recorded_at"]
    assert earlier["recorded_at"] > later["recorded_at"]


async def test_a_telephones_own_clock_is_taken_off(world: World) -> None:
    ahead = 86_400_000
    said = {"visited_at": "2026-11-24T07:30:00Z", "phone": "p-1", "clock_offset_ms": ahead}
    async with world.client("visitor-1") as visitor:
        visit = await report(visitor, **said)
        answer = await visitor.post(f"{API}/visits", json={**REPORT, **said, "clock_offset_ms": 0})
    assert visit["visited_at"] == "2026-11-23T07:30:00.000Z"
    assert (visit["phone"], visit["clock_offset_ms"]) == ("p-1", ahead)
    assert problem_of(answer)["field"] == "visited_at"


async def test_a_correction_shows_the_newest_and_keeps_what_was(world: World) -> None:
    async with world.client("visitor-1") as visitor, world.client("manager-1") as manager:
        visit = await report(visitor, record={"mood": "worse", "needs": "药", "x": 1})
        path = f"{API}/visits/{visit['id']}/corrections"
        body = {"reason": "写错了", "record": {"mood": "better", "needs": None}, "version": 1}
        for _ in range(2):
            answer = await visitor.post(path, json=body, headers={"Idempotency-Key": "c1"})
            assert answer.status_code == 201, answer.text
        answer = await manager.post(path, json={**body, "record": {"mood": "worse"}})
        assert (answer.status_code, problem_of(answer)["type"]) == (409, "changed_meanwhile")
        answer = await manager.post(path, json={"reason": "电话核实", "way": "phone", "version": 2})
        shown = answer.json()
    assert (shown["record"], shown["way"]) == ({"mood": "better", "x": 1}, "phone")
    assert (shown["version"], shown["number"]) == (3, 1)
    newest, first = shown["history"]
    assert newest["changes"] == {"way": {"before": "home_visit", "after": "phone"}}
    assert (newest["by"]["username"], newest["reason"]) == ("manager-1", "电话核实")
    assert first["changes"] == {
        "record.mood": {"before": "worse", "after": "better"},
        "record.needs": {"before": "药", "after": None},
    }
    facts = [entry["fact"] for entry in shown["timeline"]]
    assert facts == ["recorded", "corrected", "corrected"]


async def test_a_correction_is_checked_as_the_form_is(world: World) -> None:
    async with world.client("visitor-1") as visitor:
        visit = await report(visitor, record={"household": "more", "household_change": 1})
        path = f"{API}/visits/{visit['id']}/corrections"
        answer = await visitor.post(path, json={"reason": "两个人", "record": {"mood": "sad"}})
        assert problem_of(answer)["field"] == "record.mood"
        answer = await visitor.post(path, json={"reason": "两个人", "record": {"needs": None}})
        assert problem_of(answer)["type"] == "nothing_changed"
        good = {"reason": "两个人", "record": {"household_change": 2}}
        answer = await visitor.post(path, json=good)
    assert answer.json()["record"]["household_change"] == 2


async def test_only_who_was_there_or_a_manager_changes_a_visit(world: World) -> None:
    async with world.client("visitor-1") as visitor:
        visit = await report(visitor)
    path = f"{API}/visits/{visit['id']}"
    body = {"reason": "不是我", "record": {"mood": "worse"}}
    seen = {}
    for username in ("visitor-3", "duty-1", "auditor-1", "visitor-2", "manager-1"):
        async with world.client(username) as client:
            answer = await client.post(f"{path}/corrections", json=body)
            seen[username] = answer.status_code
    assert seen == {
        "visitor-3": 404,
        "duty-1": 403,
        "auditor-1": 403,
        "visitor-2": 404,
        "manager-1": 201,
    }


async def test_a_voided_visit_stays_to_be_seen_and_counts_no_more(world: World) -> None:
    async with world.client("visitor-1") as visitor:
        visit = await report(visitor)
        path = f"{API}/visits/{visit['id']}"
        answer = await visitor.post(f"{path}/void", json={"reason": "记错了人"})
        assert (answer.json()["counts"], answer.json()["void_reason"]) == (False, "记错了人")
        answer = await visitor.post(f"{path}/void", json={"reason": "记错了人"})
        assert problem_of(answer)["type"] == "voided"
        answer = await visitor.post(f"{path}/corrections", json={"reason": "xxx", "way": "phone"})
        assert problem_of(answer)["type"] == "voided"
        following = await report(visitor)
        [newest, voided] = sorted(
            (await visitor.get(f"{API}/visits")).json()["items"], key=lambda v: -v["number"]
        )
    # Its number is not given again, and it is at odds with nobody.
    assert (following["number"], following["conflicts"]) == (2, [])
    assert (newest["counts"], voided["counts"], voided["number"]) == (True, False, 1)


async def test_two_telephones_tell_of_one_visit_and_a_human_says_so(world: World) -> None:
    async with world.client("visitor-1") as one, world.client("visitor-3") as other:
        first = await report(one, "a")
        second = await report(other, "a", visited_at="2026-11-23T07:50:00Z")
        third = await report(other, "b", visited_at="2026-11-23T05:00:00Z")
        assert second["conflicts"] == [first["id"]]
        assert third["conflicts"] == []
        listed = (await one.get(f"{API}/visits", params={"conflict": "true"})).json()["items"]
        assert {v["id"] for v in listed} == {first["id"], second["id"]}
        shown = (await one.get(f"{API}/visits/{first['id']}")).json()
        assert [v["id"] for v in shown["others"]] == [second["id"]]
        path = f"{API}/visits/{second['id']}/decision"
        answer = await other.post(path, json={"other": third["id"], "keep": None})
        assert problem_of(answer)["type"] == "no_conflict"
        answer = await other.post(path, json={"other": first["id"], "keep": first["id"]})
        decided = answer.json()
        assert (decided["counts"], decided["duplicate_of"]) == (False, first["id"])
        assert decided["conflicts"] == []
        # What told of both is voided: the other one counts again.
        await one.post(f"{API}/visits/{first['id']}/void", json={"reason": "记错了人"})
        shown = (await other.get(f"{API}/visits/{second['id']}")).json()
    assert (shown["counts"], shown["duplicate_of"]) == (True, None)
    assert [e["fact"] for e in shown["timeline"]] == [
        "recorded",
        "conflict_found",
        "duplicate",
        "counts_again",
    ]


async def test_two_visits_that_were_two_stay_two(world: World) -> None:
    async with world.client("visitor-1") as one, world.client("manager-1") as manager:
        first = await report(one)
        second = await report(one)
        body = {"other": first["id"], "keep": None}
        for _ in range(2):
            answer = await manager.post(f"{API}/visits/{second['id']}/decision", json=body)
            assert answer.status_code == 201, answer.text
        listed = (await one.get(f"{API}/visits")).json()["items"]
    assert [(v["counts"], v["conflicts"]) for v in listed] == [(True, []), (True, [])]


@pytest.mark.parametrize("by_form_first", [True, False])
async def test_the_record_of_a_task_and_its_completion_are_one_visit(
    world: World, by_form_first: bool
) -> None:
    async with world.client("visitor-1") as visitor, world.client("duty-1") as duty:
        alarm = await world.raise_alarm()
        [task] = (await duty.get(f"{API}/tasks")).json()["items"]
        for move in ("accept", "arrive"):
            await visitor.post(f"{API}/tasks/{task['id']}/{move}")
        form = {"task": task["id"], "alarm": alarm, "record": {"remarks": "跌倒，已送医"}}
        if by_form_first:
            visit = await report(visitor, "k", **form, completes_task=True)
        else:
            path = f"{API}/tasks/{task['id']}/complete"
            await visitor.post(path, json={"finding": "跌倒，已送医"})
            visit = await report(visitor, "k", **form)
        await visitor.post(
            f"{API}/alarms/{alarm}/family", json={"name": "张伟", "relation": "儿子"}
        )
        await duty.post(f"{API}/alarms/{alarm}/close", json={"outcome": "real_emergency"})
        listed = (await duty.get(f"{API}/visits")).json()["items"]
        shown = (await duty.get(f"{API}/alarms/{alarm}")).json()
    assert [(v["id"], v["number"]) for v in listed if v["counts"]] == [(visit["id"], 1)]
    assert all(v["conflicts"] == [] for v in listed)
    chain = shown["chain"]
    assert (chain["visit"], chain["task_state"]) == (visit["id"], "completed")
    assert (chain["complete"], len(chain["follow_ups"])) == (True, 1)
    told = {e["fact"]: e for e in shown["timeline"]}
    assert told["family_informed"]["data"]["relation"] == "儿子"
    assert told["family_informed"]["actor"] == "visitor-1"
    assert {"raised", "recorded", "family_informed", "closed"} <= set(told)


async def test_where_nobody_was_met_somebody_looks_again_once(world: World) -> None:
    async with world.client("visitor-1") as visitor:
        first = await report(visitor, record={"nobody_met": True})
        await report(visitor, record={"nobody_met": True})
        tasks = (await visitor.get(f"{API}/tasks")).json()["items"]
    assert first["met"] is False
    [task] = tasks
    assert (task["kind"], task["assignee"]["username"]) == ("follow_up", "visitor-1")
    assert task["due_at"] == "2026-11-25T08:00:00.000Z"


async def test_an_answer_that_somebody_must_act_on_is_one_tap(world: World) -> None:
    record = {"illness": "serious", "gas_safety": "unsafe", "fire_safety": "fairly_safe"}
    async with world.client("visitor-1") as visitor:
        visit = await report(visitor, record=record)
        path = f"{API}/visits/{visit['id']}"
        shown = (await visitor.get(path)).json()
        codes = [c["code"] for c in shown["concerns"]]
        assert codes == ["serious_illness", "gas_unsafe"]
        for _ in range(2):
            answer = await visitor.post(f"{path}/concerns", json={"concern": "gas_unsafe"})
            assert answer.status_code == 201, answer.text
        answer = await visitor.post(f"{path}/concerns", json={"concern": "fire_unsafe"})
        assert problem_of(answer)["type"] == "no_such_concern"
        [task] = (await visitor.get(f"{API}/tasks")).json()["items"]
        shown = (await visitor.get(path)).json()
    assert (task["assignee"]["username"], task["note"]) == ("manager-1", "燃气不安全")
    made = {c["code"]: c["task"] for c in shown["concerns"]}
    assert made == {"serious_illness": None, "gas_unsafe": task["id"]}


async def test_what_a_telephone_takes_along(world: World) -> None:
    async with world.client("visitor-1") as visitor, world.client("visitor-3") as other:
        await report(visitor, record={"needs": "轮椅", "suggestions": "申请辅具"})
        [person] = (await visitor.get(f"{API}/visits/people")).json()["items"]
        assert (await other.get(f"{API}/visits/people")).json()["items"] == []
        form = (await visitor.get(f"{API}/visits/form")).json()
    assert (person["id"], person["address"]) == ("person-0001", "龙头村一组 12 号")
    assert (person["last"]["needs"], person["last"]["number"]) == ("轮椅", 1)
    assert [s["number"] for s in form["services"]] == list(range(1, 17))
    assert "visits:people" in {what for _who, _did, what in await world.audited()}


async def test_who_may_not_see_people_sees_that_a_visit_was(world: World) -> None:
    async with world.client("visitor-1") as visitor:
        visit = await report(visitor, record={"needs": "药", "illness": "serious"})
        path = f"{API}/visits/{visit['id']}"
        await visitor.post(f"{path}/corrections", json={"reason": "改正", "way": "phone"})
    async with world.client("auditor-1") as auditor:
        shown = (await auditor.get(path)).json()
    assert (shown["number"], shown["counts"]) == (1, True)
    assert shown["record"] == {}
    assert (shown["services"], shown["history"], shown["concerns"]) == ([], [], [])
    assert "龙头村一组" not in str(shown)
