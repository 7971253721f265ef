"""Rules over HTTP: who may change what, what is refused and why, what each may see."""

import json

import httpx2
import pytest

from tests.adapters.asgi_stream import StreamClient
from tests.dashboard.conftest import World, problem_of

RULE = "/api/v1/rules/blood_pressure"
WHY = "张医生建议：平时血压偏低"
LOWER = {"scope": "person:person-0001", "params": {"urgent_systolic_mmhg": 150}, "reason": WHY}
COUNTY = {"scope": "county", "params": {"confirm_min": 20}, "reason": "复测间隔延长"}
# There is nobody above the managers of the tests but the administrator.
WIDE_MANAGER = "UPDATE account SET region = '' WHERE username = 'manager-1'"


async def rule(client: httpx2.AsyncClient, name: str = "blood_pressure") -> dict:
    items = (await client.get("/api/v1/rules")).json()["items"]
    return next(item for item in items if item["name"] == name)


async def test_a_persons_limit_is_changed_and_taken_back(world: World) -> None:
    async with world.client("manager-1") as client:
        answer = await client.patch(RULE, json=LOWER)
        assert answer.status_code == 200, answer.text
        (setting,) = answer.json()["settings"]
        assert setting == (await rule(client))["settings"][0]
        assert (setting["scope"], setting["params"]) == (LOWER["scope"], LOWER["params"])
        assert (setting["actor"], setting["reason"]) == ("manager-1", WHY)
        assert setting["at"] == "2026-11-23T08:00:00.000Z"
        # The county's own parameters are as they were.
        assert answer.json()["params"]["urgent_systolic_mmhg"] == 180.0
        back = await client.patch(RULE, json={**LOWER, "params": {}, "reason": "恢复原值"})
        assert back.json()["settings"] == []
        history = (await client.get(f"{RULE}/history")).json()
        assert [row["params"] for row in history["items"]] == [{}, LOWER["params"]]
        first = (await client.get(f"{RULE}/history?limit=1")).json()
        assert [row["params"] for row in first["items"]] == [{}]
        then = (await client.get(f"{RULE}/history?before={first['next']}")).json()
        assert [row["params"] for row in then["items"]] == [LOWER["params"]]
    written = [row for row in await world.audited() if row[2].startswith("rule:")]
    assert written == [("manager-1", "changed", "rule:blood_pressure")] * 2
    viewed = [row for row in await world.audited() if row[1] == "viewed"]
    assert ("manager-1", "viewed", "person:person-0001") in viewed


async def test_the_county_is_for_those_who_see_every_region(world: World) -> None:
    async with world.client("manager-1") as client:
        for scope in ("county", "category:失能"):
            answer = await client.patch(RULE, json={**COUNTY, "scope": scope})
            assert answer.status_code == 403
            assert problem_of(answer)["field"] == "scope"
        shadow = {"mode": "shadow", "reason": "误报太多"}
        assert (await client.patch(RULE, json=shadow)).status_code == 403
        # And a person of another region is nobody.
        other = await client.patch(RULE, json={**LOWER, "scope": "person:person-0002"})
        assert (other.status_code, problem_of(other)["field"]) == (422, "scope")
        other = await client.patch(RULE, json={**LOWER, "scope": "home:home-0002"})
        assert (other.status_code, problem_of(other)["field"]) == (422, "scope")
    await world.execute(WIDE_MANAGER)
    async with world.client("manager-1") as client:
        answer = await client.patch(RULE, json=COUNTY)
        assert (answer.status_code, answer.json()["params"]["confirm_min"]) == (200, 20)
    for username in ("duty-1", "visitor-1", "installer-1", "auditor-1"):
        async with world.client(username) as client:
            assert (await client.patch(RULE, json=LOWER)).status_code == 403


async def test_what_is_a_persons_is_seen_where_the_person_is(world: World) -> None:
    async with world.client("admin-1") as client:
        assert (await client.patch(RULE, json=LOWER)).status_code == 200
        assert (await client.patch(RULE, json=COUNTY)).status_code == 200
    seen = {}
    for username in ("admin-1", "duty-1", "duty-2", "installer-1", "auditor-1"):
        async with world.client(username) as client:
            scopes = [s["scope"] for s in (await rule(client))["settings"]]
            past = (await client.get(f"{RULE}/history")).json()["items"]
            assert sorted(scopes) == sorted({row["scope"] for row in past}), username
            seen[username] = scopes
    both = ["person:person-0001", "county"]
    assert seen == {
        "admin-1": both,
        "duty-1": both,
        "duty-2": ["county"],
        "installer-1": ["county"],
        "auditor-1": ["county"],
    }


@pytest.mark.parametrize(
    ("body", "field", "word"),
    [
        ({**LOWER, "reason": " a "}, "reason", "at least 3"),
        ({**LOWER, "reason": "长" * 501}, "reason", "at most 500"),
        ({"scope": "county", "params": {}}, "reason", "required"),
        (
            {**LOWER, "params": {"urgent_systolik_mmhg": 1}},
            "params.urgent_systolik_mmhg",
            "systolic",
        ),
        (
            {**LOWER, "params": {"urgent_systolic_mmhg": 1}},
            "params.urgent_systolic_mmhg",
            "between",
        ),
        (
            {**LOWER, "params": {"urgent_systolic_mmhg": "high"}},
            "params.urgent_systolic_mmhg",
            "str",
        ),
        ({**LOWER, "params": {"confirm_min": 1.5}}, "params.confirm_min", "float"),
        ({**LOWER, "params": {"confirm_min": True}}, "params.confirm_min", "bool"),
        ({**LOWER, "params": {"ask_first_s": 300}}, "params.ask_first_s", "never waits"),
        ({**LOWER, "scope": "persn:person-0001"}, "scope", "'person'"),
        ({**LOWER, "scope": "person:nobody"}, "scope", "no such person"),
        ({**LOWER, "scope": "category:失"}, "scope", "失能"),
        ({**LOWER, "mode": "shadow"}, "mode", "whole county"),
        ({**LOWER, "mode": "quiet"}, "mode", "shadow"),
        ({**LOWER, "signed_off_by": "王医生"}, "signed_off_on", "name and a date"),
        ({**LOWER, "signed_off_by": "王", "signed_off_on": "today"}, "signed_off_on", "no date"),
        ({"reason": WHY}, "params", "nothing is said"),
        ({**LOWER, "severity": "watch"}, "severity", ""),
    ],
)
async def test_a_mistake_is_told_with_its_field(world: World, body, field, word) -> None:
    async with world.client("admin-1") as client:
        answer = await client.patch(RULE, json=body)
        problem = problem_of(answer)
        assert answer.status_code == 422
        assert problem["field"].startswith(field), problem
        assert word in problem["detail"], problem
        assert (await rule(client))["settings"] == []
        assert (await client.get(f"{RULE}/history")).json()["items"] == []


async def test_an_unknown_rule_is_told_with_the_nearest(world: World) -> None:
    async with world.client("admin-1") as client:
        for answer in (
            await client.patch("/api/v1/rules/blod_pressure", json=LOWER),
            await client.get("/api/v1/rules/blod_pressure/history"),
            await client.get("/api/v1/rules/blod_pressure/shadow"),
        ):
            assert answer.status_code == 404
            assert "'blood_pressure'" in problem_of(answer)["detail"]


async def test_a_call_for_help_is_never_in_shadow(world: World) -> None:
    async with world.client("admin-1") as client:
        body = {"mode": "shadow", "reason": "误报太多"}
        answer = await client.patch("/api/v1/rules/sos", json=body)
        assert (answer.status_code, problem_of(answer)["field"]) == (422, "mode")
        assert (await rule(client, "sos"))["mode"] == "live"


async def test_a_change_that_would_push_out_another_is_refused(world: World) -> None:
    async with world.client("admin-1") as client:
        hers = {**LOWER, "params": {"low_watch_systolic_mmhg": 92}}
        assert (await client.patch(RULE, json=hers)).status_code == 200
        all_of_them = {**COUNTY, "params": {"low_systolic_mmhg": 95}}
        answer = await client.patch(RULE, json=all_of_them)
        assert answer.status_code == 422
        assert "person:person-0001 would not fit" in problem_of(answer)["detail"]
        assert (await rule(client))["params"]["low_systolic_mmhg"] == 90.0


async def test_sent_twice_it_is_said_once(world: World) -> None:
    async with world.client("manager-1") as client:
        headers = {"Idempotency-Key": "one"}
        first = await client.patch(RULE, json=LOWER, headers=headers)
        again = await client.patch(RULE, json=LOWER, headers=headers)
        assert first.json() == again.json()
        assert again.headers["idempotent-replayed"] == "true"
        assert len((await client.get(f"{RULE}/history")).json()["items"]) == 1


async def test_a_signature_is_for_the_limits_as_they_are(world: World) -> None:
    signed = {"signed_off_by": "王医生", "signed_off_on": "2026-11-22", "reason": "已核对"}
    async with world.client("admin-1") as client:
        assert (await client.patch(RULE, json=COUNTY)).json()["signed_off_by"] == ""
        answer = (await client.patch(RULE, json=signed)).json()
        assert (answer["signed_off_by"], answer["params"]["confirm_min"]) == ("王医生", 20)
        later = {**COUNTY, "params": {"confirm_min": 25}}
        assert (await client.patch(RULE, json=later)).json()["signed_off_by"] == ""
        unclinical = await client.patch("/api/v1/rules/not_up_yet", json=signed)
        assert problem_of(unclinical)["field"] == "signed_off_by"


async def test_the_feed_tells_it_where_it_may_be_heard(world: World) -> None:
    tokens = {name: await world.token(name) for name in ("duty-1", "duty-2")}
    async with world.client("admin-1") as client:
        start = world.feed.last_seq
        assert (await client.patch(RULE, json=LOWER)).status_code == 200
        body = {"mode": "shadow", "reason": "误报太多"}
        assert (await client.patch("/api/v1/rules/weight", json=body)).status_code == 200
    heard = {}
    for name, token in tokens.items():
        # From the table; what is heard live is the same payload.
        headers = {"Authorization": f"Bearer {token}", "Last-Event-ID": str(start)}
        async with StreamClient(world.app, "/api/v1/stream", headers) as stream:
            events = []
            while not events or events[-1]["entry"]["subject"] != "weight":
                event = await stream.event()
                assert event["event"] == "rule"
                events.append(json.loads(event["data"]))
            heard[name] = events
    assert [e["entry"]["subject"] for e in heard["duty-1"]] == ["blood_pressure", "weight"]
    assert [e["entry"]["subject"] for e in heard["duty-2"]] == ["weight"]
    (event,) = heard["duty-2"]
    assert (event["entry"]["fact"], event["entry"]["actor"]) == ("shadowed", "admin-1")
    assert event["entry"]["data"]["reason"] == "误报太多"
    assert (event["object"]["name"], event["object"]["mode"]) == ("weight", "shadow")
    assert "settings" not in event["object"]


async def test_precision_is_counted_by_rule_and_device(world: World) -> None:
    outcomes = {
        "1": "real_emergency",
        "2": "accidental",
        "3": "device_fault",
        "4": "test",
        "5": "no_answer_visited",
    }
    for key, outcome in outcomes.items():
        alarm = await world.raise_alarm(episode=key)
        await world.deps.desk.close(alarm, "duty-1", outcome, "")
    await world.raise_alarm(episode="6")
    silent = {"rule": "device_silent", "kind": "device_silent", "severity": "technical"}
    for key, outcome in {"7": "device_fault", "8": "outage", "9": "accidental"}.items():
        alarm = await world.raise_alarm(episode=key, **silent, device="meter-0001")
        await world.deps.desk.close(alarm, "duty-1", outcome, "")
    await world.raise_alarm("home-0002", episode="elsewhere")
    async with world.client("duty-1") as client:
        found = (await rule(client, "sos"))["precision"]
        assert found == {
            "days": 90,
            "alarms": 6,
            "real": 2,
            "false": 2,
            "other": 1,
            "open": 1,
            "recent": {"days": 30, "alarms": 6},
            "by_outcome": dict.fromkeys(outcomes.values(), 1),
            "by_device": [
                {
                    "gateway": "gw-0001",
                    "device": "button-0001",
                    "label": "床头呼叫按钮",
                    "alarms": 6,
                    "real": 2,
                    "false": 2,
                }
            ],
        }
        # Of a thing its fault is what was to be found.
        things = (await rule(client, "device_silent"))["precision"]
        assert (things["alarms"], things["real"], things["false"]) == (3, 2, 1)
        assert (await rule(client, "weight"))["precision"]["alarms"] == 0
        # On its own page a rule names devices that it was right about, too.
        detail = (await client.get("/api/v1/rules/device_silent")).json()["precision"]
        assert [d["device"] for d in detail["by_device"]] == ["meter-0001"]
        world.clock.at_ms += 31 * 86_400_000
        later = (await rule(client, "sos"))["precision"]
        assert (later["alarms"], later["recent"]["alarms"]) == (6, 0)
        world.clock.at_ms += 60 * 86_400_000
        assert (await rule(client, "sos"))["precision"]["alarms"] == 0


async def test_what_a_rule_finds_in_shadow_is_listed_and_wakes_nobody(world: World) -> None:
    body = {"mode": "shadow", "reason": "先观察一周"}
    async with world.client("admin-1") as client:
        answer = await client.patch("/api/v1/rules/fall", json=body)
        assert (answer.json()["mode"], answer.json()["shadow"]["raised"]) == ("shadow", 0)
        assert answer.json()["settings"][0]["mode"] == "shadow"
    fall = {"rule": "fall", "kind": "fall", "reason": "detected"}
    for home, key in (("home-0001", "a"), ("home-0001", "b"), ("home-0002", "c")):
        with pytest.raises(AssertionError):
            await world.raise_alarm(home, episode=key, **fall)
    async with world.client("duty-1") as client:
        found = await rule(client, "fall")
        assert found["shadow"] == {"raised": 2, "since": "2026-11-23T08:00:00.000Z"}
        page = (await client.get("/api/v1/rules/fall/shadow?limit=1")).json()
        (row,) = page["items"]
        assert (row["home"], row["episode"], row["phase"]) == ("home-0001", "b", "raised")
        older = await client.get(f"/api/v1/rules/fall/shadow?limit=1&before={page['next']}")
        assert [row["episode"] for row in older.json()["items"]] == ["a"]
        assert (await client.get("/api/v1/alarms")).json()["items"] == []
    async with world.client("admin-1") as client:
        live = {"mode": "live", "reason": "观察结束"}
        answer = (await client.patch("/api/v1/rules/fall", json=live)).json()
        assert (answer["mode"], answer["settings"]) == ("live", [])
        assert answer["shadow"] == {"raised": 0, "since": None}
    assert await world.raise_alarm(episode="d", **fall) == "d"
