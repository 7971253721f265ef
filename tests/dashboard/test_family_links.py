"""Links for the family: made while the person agrees, looked at on record, over at once."""

import json
from typing import Any

import pytest

from dashboard.look_limit import LOOKS_MAX, WINDOW_MS, WRONG_MAX, LookLimit
from dashboard.routes import family_links
from tests.dashboard.conftest import NOW_MS, World, problem_of
from tests.dashboard.test_unseen_routes import MIDNIGHT_MS, thinks

API = "/api/v1"
DAY_MS = 86_400_000
PERSON = f"{API}/service-users/person-0001"
LINKS = f"{PERSON}/family-links"
CONSENT = {
    "purpose": "family_view",
    "given_by": "张桂英",
    "relation": "self",
    "how": "signed",
    "given_on": "2026-11-20",
}


async def agree(world: World, **more: Any) -> str:
    async with world.client("manager-1") as client:
        answer = await client.post(f"{PERSON}/consents", json={**CONSENT, **more})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["items"][0]["id"])


async def make(world: World, **said: Any) -> dict[str, Any]:
    async with world.client("manager-1") as client:
        answer = await client.post(LINKS, json={"relation": "女儿", **said})
    assert answer.status_code == 201, answer.text
    return answer.json()


def token_of(made: dict[str, Any]) -> str:
    return made["made"]["address"].rpartition("/f/")[2]


async def look(world: World, token: str, status: int = 200) -> Any:
    async with world.anonymous() as client:
        answer = await client.get(f"{API}/family/{token}")
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_link_is_told_once_and_its_secret_kept_by_nobody(world: World) -> None:
    await agree(world)
    made = await make(world)
    assert made["made"]["address"].startswith("http://hub/f/")
    assert made["made"]["code"].startswith("<svg")
    async with world.client("duty-1") as client:
        found = (await client.get(LINKS)).json()
    assert "made" not in found
    assert [one["relation"] for one in found["items"]] == ["女儿"]
    token = token_of(made)
    for table in ("family_link", "audit", "entry", "idempotency"):
        for row in await world.query(f"SELECT * FROM {table}"):  # noqa: S608 - names above
            assert token not in str(row)


@pytest.mark.parametrize("answer", [None, "no"])
async def test_without_a_consent_no_link_is_made(world: World, answer: str | None) -> None:
    if answer:
        await agree(world, answer=answer)
    async with world.client("manager-1") as client:
        refused = problem_of(await client.post(LINKS, json={"relation": "女儿"}))
    assert refused["type"] == ("consent_refused" if answer else "consent_unasked")


async def test_what_the_family_sees_and_nothing_else(world: World) -> None:
    await agree(world)
    token = token_of(await make(world))
    thinks(world, power_sign_ms=MIDNIGHT_MS + 7 * 3_600_000 + 123_456)
    await world.visited("v-1", visited_at_ms=NOW_MS - DAY_MS)
    await world.visited("v-2", visited_at_ms=NOW_MS, kind="repair")
    alarm = await world.raise_alarm()
    await world.raise_alarm(
        episode="b", rule="low_battery", kind="low_battery", severity="technical", reason="low"
    )
    async with world.client("duty-1") as client:
        await client.post(f"{API}/alarms/{alarm}/acknowledge", json={})
    seen = await look(world, token)
    assert set(seen) == {
        *("name", "today", "last_visit", "next_visit_on", "alarms", "alarms_of"),
        *("looks", "at", "expires_at", "timezone"),
    }
    assert seen["name"] == "张**"
    # The hour, not the minute of a reading.
    assert seen["today"] == {"state": "seen", "hour_at": "2026-11-22T23:00:00.000Z"}
    assert (seen["last_visit"]["met"], seen["last_visit"]["by"]) == (True, "人visitor-1")
    assert seen["next_visit_on"] is not None
    # Of the staff how many, and not who.
    assert set(seen["looks"]) == {"days", "people", "times"}
    [one] = seen["alarms"]
    assert (one["word"], one["answered_by"], one["outcome"]) == ("call", "人duty-1", None)
    text = json.dumps(seen, ensure_ascii=False)
    for hidden in (
        "张桂英",
        "龙头村",
        "13800000001",
        "13900000001",
        "高血压",
        "home-0001",
        'duty-1"',
    ):
        assert hidden not in text.replace("人duty-1", "")


async def test_others_of_the_home_who_were_not_asked_are_not_told_of(world: World) -> None:
    await agree(world)
    token = token_of(await make(world))
    call = await world.raise_alarm()
    health = {"rule": "blood_pressure", "kind": "blood_pressure", "reason": "crisis"}
    await world.raise_alarm(episode="b", **health)
    async with world.client("duty-1") as client:
        await client.post(f"{API}/alarms/{call}/acknowledge", json={})
        said = {"outcome": "social", "note": "想说说话"}
        await client.post(f"{API}/alarms/{call}/close", json=said)
    alone = await look(world, token)
    assert alone["alarms_of"] == "person"
    assert {one["word"] for one in alone["alarms"]} == {"call", "health"}
    assert {one["outcome"] for one in alone["alarms"]} == {"social", None}

    await world.execute("UPDATE service_user SET home = 'home-0001' WHERE id = 'person-0002'")
    seen = await look(world, token)
    assert seen["alarms_of"] == "home"
    # Of the staff how many, and not who.
    assert set(seen["looks"]) == {"days", "people", "times"}
    [one] = seen["alarms"]
    assert (one["word"], one["state"], one["outcome"]) == ("call", "closed", None)

    # Who moved out within the days that are told still lived there.
    await world.execute("UPDATE service_user SET left_on = '2026-11-10' WHERE id = 'person-0002'")
    assert (await look(world, token))["alarms_of"] == "home"
    await world.execute("UPDATE service_user SET left_on = '2026-10-01' WHERE id = 'person-0002'")
    assert (await look(world, token))["alarms_of"] == "person"

    # Who agreed as well is as the person herself.
    await world.execute("UPDATE service_user SET left_on = '' WHERE id = 'person-0002'")
    async with world.client("manager-1") as client:
        path = f"{API}/service-users/person-0002/consents"
        assert (await client.post(path, json=CONSENT)).status_code == 201
    assert (await look(world, token))["alarms_of"] == "person"


@pytest.mark.parametrize(
    ("state", "sign_ms", "told"),
    [
        ("silent", MIDNIGHT_MS - 1, "silent"),
        ("well", MIDNIGHT_MS - 1, "not_yet"),
        ("cannot_judge", MIDNIGHT_MS - 1, "unknown"),
        ("well", MIDNIGHT_MS, "seen"),
    ],
)
async def test_today_in_a_word(world: World, state: str, sign_ms: int, told: str) -> None:
    await agree(world)
    token = token_of(await make(world))
    thinks(world, state=state, power_sign_ms=sign_ms)
    assert (await look(world, token))["today"]["state"] == told


async def test_who_is_away_is_called_away(world: World) -> None:
    await agree(world)
    token = token_of(await make(world))
    async with world.client("duty-1") as client:
        stay = {"kind": "hospital", "until": "2026-11-25T08:00:00Z"}
        await client.post(f"{API}/homes/home-0001/stays", json=stay)
    assert (await look(world, token))["today"]["state"] == "away"


async def test_each_look_is_on_record(world: World) -> None:
    await agree(world)
    made = await make(world)
    await look(world, token_of(made))
    await look(world, token_of(made))
    looked = [row for row in await world.audited() if row[2] == "family:person-0001"]
    assert looked == [(made["made"]["id"], "viewed", "family:person-0001")] * 2
    async with world.client("duty-1") as client:
        [link] = (await client.get(LINKS)).json()["items"]
    assert link["looks"] == 2


async def test_looks_by_a_link_are_found_by_whose_it_is(world: World) -> None:
    await agree(world)
    made = await make(world)
    await look(world, token_of(made))
    async with world.client("duty-1") as client:
        await client.get(LINKS)
    async with world.client("admin-1") as client:
        found = (await client.get(f"{API}/audit?person=person-0001")).json()["items"]
    told = {(one["actor"], one["object"], one["name"], one["detail"]) for one in found}
    assert (made["made"]["id"], "family:person-0001", "张桂英", "女儿") in told
    assert ("duty-1", "family_links:person-0001", "张桂英", "") in told


async def test_revoked_it_opens_nothing(world: World) -> None:
    await agree(world)
    made = await make(world)
    async with world.client("manager-1") as client:
        path = f"{LINKS}/{made['made']['id']}/revoke"
        answer = await client.post(path, json={})
        # Of somebody else's person it ends nothing.
        await client.post(path.replace("person-0001", "person-0002"), json={})
    assert answer.json()["items"][0]["open"] is False
    assert (await look(world, token_of(made), 404))["type"] == "not_found"


async def test_withdrawn_consent_closes_every_link_at_once(world: World) -> None:
    consent = await agree(world)
    token = token_of(await make(world))
    await look(world, token)
    async with world.client("manager-1") as client:
        said = {"withdrawn_by": "张桂英", "reason": "不愿意"}
        answer = await client.post(f"{PERSON}/consents/{consent}/withdraw", json=said)
        assert answer.status_code == 200, answer.text
    await look(world, token, 404)


async def test_a_new_consent_opens_no_link_of_before(world: World) -> None:
    consent = await agree(world)
    token = token_of(await make(world))
    async with world.client("manager-1") as client:
        said = {"withdrawn_by": "张桂英", "reason": "不愿意"}
        await client.post(f"{PERSON}/consents/{consent}/withdraw", json=said)
    await agree(world)
    await look(world, token, 404)
    await look(world, token_of(await make(world)))


async def test_a_second_consent_that_holds_keeps_the_links(world: World) -> None:
    first = await agree(world)
    await agree(world)
    token = token_of(await make(world))
    async with world.client("manager-1") as client:
        said = {"withdrawn_by": "张桂英", "reason": "登记了两次"}
        await client.post(f"{PERSON}/consents/{first}/withdraw", json=said)
    await look(world, token)


async def test_it_runs_out_by_itself_and_with_the_service(world: World) -> None:
    await agree(world)
    token = token_of(await make(world, days=2))
    world.clock.at_ms = NOW_MS + 2 * DAY_MS - 1
    await look(world, token)
    world.clock.at_ms += 1
    await look(world, token, 404)
    token = token_of(await make(world))
    await world.execute("UPDATE service_user SET left_on = '2026-11-24'")
    await look(world, token, 404)


@pytest.mark.parametrize("token", ["nothing", "x" * 65, "中文"])
async def test_what_is_no_link_says_the_same(world: World, token: str) -> None:
    assert (await look(world, token, 404))["detail"] == "there is no such link, or it is over"


async def test_looking_too_often_waits_and_harms_no_other_link(world: World) -> None:
    await agree(world)
    token, other = token_of(await make(world)), token_of(await make(world))
    for _ in range(LOOKS_MAX):
        await look(world, token)
    await look(world, token, 429)
    await look(world, other)
    world.clock.wall_at_ms += WINDOW_MS
    await look(world, token)


async def test_who_looks_too_often_has_nothing_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await agree(world)
    token = token_of(await make(world))
    for _ in range(LOOKS_MAX):
        await look(world, token)
    monkeypatch.setattr(family_links, "family_document", None)
    await look(world, token, 429)


async def test_trying_links_waits(world: World) -> None:
    for _ in range(WRONG_MAX):
        await look(world, "wrong", 404)
    await look(world, "wrong", 429)


async def test_who_tries_links_locks_no_family_out(world: World) -> None:
    await agree(world)
    made = await make(world)
    for _ in range(WRONG_MAX):
        await look(world, "wrong", 404)
    await look(world, "wrong", 429)
    await look(world, token_of(made))


async def test_only_who_keeps_the_file_makes_and_ends_links(world: World) -> None:
    await agree(world)
    for username in ("duty-1", "visitor-1"):
        async with world.client(username) as client:
            assert problem_of(await client.post(LINKS, json={"relation": "x"}))["status"] == 403
    async with world.client("duty-2") as client:
        assert problem_of(await client.get(LINKS))["status"] == 404
    async with world.client("auditor-1") as client:
        assert problem_of(await client.get(LINKS))["status"] == 403
    async with world.client("manager-1") as client:
        for wrong in ({"relation": ""}, {"relation": "x", "days": 367}, {"relation": "x" * 21}):
            assert problem_of(await client.post(LINKS, json=wrong))["status"] == 422


def test_a_clock_that_was_set_back_locks_nobody_out() -> None:
    limit = LookLimit()
    for _ in range(LOOKS_MAX):
        limit.count("a", NOW_MS)
    assert limit.wait_ms("a", LOOKS_MAX, NOW_MS) == WINDOW_MS
    assert limit.wait_ms("a", LOOKS_MAX, NOW_MS - 1) == 0
