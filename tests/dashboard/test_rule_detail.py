"""One rule over HTTP: what it says of itself, what holds in a scope, what a change would do."""

import pytest

from rules.registry import RULE_KINDS
from tests.adapters.dashboard_ports import PlainRuleView
from tests.dashboard.conftest import World, problem_of

RULE = "/api/v1/rules/blood_pressure"
WHY = "张医生建议"


async def scoped(client, scope: str) -> dict:
    answer = await client.get(RULE, params={"scope": scope})
    assert answer.status_code == 200, answer.text
    return answer.json()["scope"]


async def test_a_rule_says_what_it_is(world: World) -> None:
    async with world.client("auditor-1") as client:
        rule = (await client.get(RULE)).json()
        sos = (await client.get("/api/v1/rules/sos")).json()
        doubt = (await client.get("/api/v1/rules/no_sign_of_life")).json()
        lost = await client.get("/api/v1/rules/blood_presure")
    assert rule["about"]["finds"].startswith("Blood pressure of a cuff")
    assert all(rule["about"].values())
    limit = next(p for p in rule["parameters"] if p["name"] == "urgent_systolic_mmhg")
    assert limit == {**limit, "type": "float", "default": 180.0, "low": 120, "high": 260}
    assert (rule["may_shadow"], sos["may_shadow"]) == (True, False)
    assert (rule["ask_first"], doubt["ask_first"]) == (
        None,
        {"usual_s": 300, "low": 60, "high": 1800},
    )
    assert rule["scope"]["scope"] == "county"
    assert rule["scope"]["values"]["confirm_min"] == {"value": 30, "source": "configured"}
    assert lost.status_code == 404
    assert "blood_pressure" in problem_of(lost)["detail"]


@pytest.mark.parametrize("name", sorted(RULE_KINDS))
async def test_every_kind_is_described(world: World, name: str) -> None:
    configured = {"activation": "tamper", "hazard": "smoke"}.get(name, name)
    async with world.client("admin-1") as client:
        rule = (await client.get(f"/api/v1/rules/{configured}")).json()
    assert all(rule["about"].values())
    assert {p["name"] for p in rule["parameters"]} == set(rule["params"])
    assert set(rule["scope"]["values"]) == {*rule["params"], "ask_first_s"}


async def test_what_holds_somewhere_and_who_says_so(world: World) -> None:
    said = {
        "county": {"confirm_min": 20, "urgent_systolic_mmhg": 178},
        "category:空巢": {"confirm_min": 25},
        "home:home-0002": {"confirm_min": 28, "urgent_diastolic_mmhg": 108},
        "person:person-0002": {"urgent_diastolic_mmhg": 106},
    }
    async with world.client("admin-1") as client:
        for scope, params in said.items():
            body = {"scope": scope, "params": params, "reason": WHY}
            assert (await client.patch(RULE, json=body)).status_code == 200
        person = await scoped(client, "person:person-0002")
        category = await scoped(client, "category:空巢")
        other = await scoped(client, "home:home-0001")
        listed = (await client.get(RULE)).json()["settings"]
    values = {name: (v["value"], v["source"]) for name, v in person["values"].items()}
    assert values["confirm_min"] == (28, "home:home-0002")
    assert values["urgent_systolic_mmhg"] == (178, "county")
    assert values["urgent_diastolic_mmhg"] == (106, "person:person-0002")
    assert values["crisis_systolic_mmhg"] == (200.0, "configured")
    assert (person["set"], person["homes"]) == ({"urgent_diastolic_mmhg": 106}, 1)
    assert category["values"]["confirm_min"] == {"value": 25, "source": "category:空巢"}
    assert (category["homes"], other["values"]["confirm_min"]["value"]) == (1, 20)
    names = {s["scope"]: s["scope_name"] for s in listed}
    assert (names["person:person-0002"], names["category:空巢"]) == ("王秀兰", "空巢")
    assert names["home:home-0002"]
    assert {s["actor_name"] for s in listed} == {"人admin-1"}


async def test_a_preview_says_what_would_change_and_changes_nothing(world: World) -> None:
    near = {"scope": "home:home-0001", "params": {"confirm_min": 10}, "reason": WHY}
    asked = {"params": {"confirm_min": 20, "urgent_systolic_mmhg": 178}}
    async with world.client("admin-1") as client:
        await client.patch(RULE, json=near)
        preview = (await client.post(f"{RULE}/preview", json=asked)).json()
        same = {**near, "params": {"confirm_min": 10}}
        same.pop("reason")
        nothing = (await client.post(f"{RULE}/preview", json=same)).json()
        only = {"params": {"confirm_min": 20}}
        kept = (await client.post(f"{RULE}/preview", json=only)).json()
        wrong = await client.post(f"{RULE}/preview", json={"params": {"confirm_min": 9999}})
        assert len((await client.get(RULE)).json()["settings"]) == 1
    by_name = {v["name"]: v for v in preview["values"]}
    assert (by_name["confirm_min"]["before"], by_name["confirm_min"]["after"]) == (30, 20)
    assert by_name["confirm_min"]["source_after"] == "county"
    assert (preview["homes"], preview["homes_changed"], preview["unsigned"]) == (2, 2, True)
    assert (nothing["values"], nothing["homes"], nothing["homes_changed"]) == ([], 1, 0)
    # What is set nearer stays as it is.
    assert (kept["homes"], kept["homes_changed"]) == (2, 1)
    assert (wrong.status_code, problem_of(wrong)["field"]) == (422, "params.confirm_min")


async def test_scopes_are_seen_and_tried_where_the_caller_is(world: World) -> None:
    async with world.client("manager-1") as client:
        mine = await client.get(RULE, params={"scope": "person:person-0001"})
        assert mine.status_code == 200
        for scope in ("person:person-0002", "home:home-0002", "person:nobody", "village:1"):
            answer = await client.get(RULE, params={"scope": scope})
            assert (answer.status_code, problem_of(answer)["field"]) == (422, "scope")
        body = {"scope": "home:home-0002", "params": {"confirm_min": 20}}
        assert (await client.post(f"{RULE}/preview", json=body)).status_code == 422
        wide = await client.post(f"{RULE}/preview", json={"params": {"confirm_min": 20}})
        assert wide.status_code == 403
    async with world.client("auditor-1") as client:
        # A person's own limits say something about the person.
        answer = await client.get(RULE, params={"scope": "person:person-0001"})
        assert answer.status_code == 422
        assert (await client.post(f"{RULE}/preview", json=body)).status_code == 403
    viewed = [row for row in await world.audited() if row[1] == "viewed"]
    assert ("manager-1", "viewed", "person:person-0001") in viewed


async def test_a_rule_in_shadow_is_marked_in_a_home(world: World) -> None:
    view = PlainRuleView(rule="overload", kind="overload", state="quiet", since_ms=None)
    world.rules.views["home-0001"] = [view]
    async with world.client("admin-1") as client:
        body = {"mode": "shadow", "reason": "先观察一个月"}
        before = (await client.get("/api/v1/homes/home-0001")).json()["rules"]
        await client.patch("/api/v1/rules/overload", json=body)
        after = (await client.get("/api/v1/homes/home-0001")).json()["rules"]
    assert [rule["mode"] for rule in (*before, *after)] == ["live", "shadow"]
