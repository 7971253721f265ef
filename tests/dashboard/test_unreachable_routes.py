"""Who can't be reached: attempts in vain, nobody to ring, contacts that got nothing."""

from typing import Any

import pytest

from contract.moment import to_iso
from tests.dashboard.conftest import NOW_MS, World, problem_of

ON_BOTH = True

API = "/api/v1/unreachable"
DAY_MS = 86_400_000
HOUR_MS = 3_600_000


async def attempt(world: World, days_ago: float, *, met: bool = False, **more: Any) -> None:
    more = {"visited_at_ms": NOW_MS - round(days_ago * DAY_MS), "met": met, **more}
    await world.visited(f"v-{days_ago}-{met}", **more)


async def sent(world: World, state: str, days_ago: float = 1, contact: int = 1) -> None:
    await world.execute(
        "INSERT INTO outbox (id, channel, target, body, state, attempts, created_at_ms,"
        " next_at_ms, detail, recipient) VALUES (?, 'aliyun_sms', '', '', ?, 1, ?, 0, '', ?)",
        f"o-{state}-{days_ago}",
        state,
        NOW_MS - round(days_ago * DAY_MS),
        f"contact:person-0001/{contact}",
    )


async def listed(world: World, username: str = "duty-1", **asked: Any) -> dict[str, Any]:
    async with world.client(username) as client:
        answer = await client.get(API, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_two_attempts_in_vain_since_she_was_met_last(world: World) -> None:
    await attempt(world, 20)
    await attempt(world, 9, met=True)
    await attempt(world, 3)
    assert (await listed(world))["items"] == []
    await attempt(world, 1, way="phone")
    [item] = (await listed(world))["items"]
    assert (item["reasons"], item["attempts"]) == (["attempts"], 2)
    assert item["met_at"] == to_iso(NOW_MS - 9 * DAY_MS)
    assert (item["last_attempt"]["way"], item["last_attempt"]["by"]["name"]) == (
        "phone",
        "人visitor-1",
    )
    assert item["visitor"]["username"] == "visitor-1"
    await attempt(world, 0.5, met=True, service_user=None)
    assert (await listed(world))["items"] == []


@pytest.mark.parametrize(
    "more",
    [
        {"voided_at_ms": NOW_MS},
        {"duplicate_of": "another"},
        {"kind": "repair"},
        {"visited_at_ms": NOW_MS + DAY_MS},
        {"visited_at_ms": NOW_MS - 200 * DAY_MS},
    ],
)
async def test_what_is_no_attempt_counts_nothing(world: World, more: dict[str, Any]) -> None:
    await attempt(world, 1)
    await attempt(world, 2, **more)
    assert (await listed(world))["items"] == []


async def test_nobody_to_ring(world: World) -> None:
    await world.execute("UPDATE service_user SET phone = '' WHERE id = 'person-0001'")
    assert (await listed(world))["items"] == []
    await world.execute(
        'UPDATE service_user SET contacts = \'[{"name": "张伟", "phone": ""}]\''
        " WHERE id = 'person-0001'"
    )
    found = await listed(world)
    [item] = found["items"]
    assert item["reasons"] == ["no_phone"]
    assert found["counts"] == {
        "people": 1,
        "found": 1,
        "attempts": 0,
        "no_phone": 1,
        "contact_failed": 0,
    }


async def test_what_a_rule_thinks_of_somebody_who_cant_be_heard_is_of_before(world: World) -> None:
    await sent(world, "dead", 2)
    await world.execute("UPDATE gateway SET online = ?", True)
    [item] = (await listed(world))["items"]
    assert (item["heard"], item["dark"]) == (True, False)
    await world.execute("UPDATE gateway SET online = ?", False)
    alarm = await world.raise_alarm()
    dark = "UPDATE alarm SET kind = 'village_dark', home = NULL, region = ? WHERE id = ?"
    await world.execute(dark, "610926101001", alarm)
    [item] = (await listed(world))["items"]
    assert (item["heard"], item["dark"]) == (False, True)


async def test_a_contact_who_did_not_get_what_was_sent_last(world: World) -> None:
    await sent(world, "refused", 40)
    assert (await listed(world))["items"] == []
    await sent(world, "dead", 2)
    [item] = (await listed(world))["items"]
    assert item["reasons"] == ["contact_failed"]
    assert item["contacts_failed"] == [
        {"name": "张伟", "channel": "aliyun_sms", "at": to_iso(NOW_MS - 2 * DAY_MS)}
    ]
    await sent(world, "delivered", 1)
    assert (await listed(world))["items"] == []
    # Of somebody whom the register has no more.
    await sent(world, "refused", 0.5, contact=7)
    assert (await listed(world))["items"] == []


async def test_what_comes_next_and_why_she_may_be_out(world: World) -> None:
    await attempt(world, 2)
    await attempt(world, 1)
    [item] = (await listed(world))["items"]
    assert (item["task"], item["stay"]) == (None, None)
    async with world.client("duty-1") as duty:
        for days in (5, 2):
            task = {
                "kind": "follow_up",
                "home": "home-0001",
                "due_at": to_iso(NOW_MS + days * DAY_MS),
                "assignee": "visitor-1",
            }
            made = await duty.post("/api/v1/tasks", json=task)
            assert made.status_code == 201, made.text
        stay = {"kind": "away", "until": "2026-12-05T00:00:00Z"}
        assert (await duty.post("/api/v1/homes/home-0001/stays", json=stay)).status_code == 201
    [item] = (await listed(world))["items"]
    assert item["task"]["due_at"] == to_iso(NOW_MS + 2 * DAY_MS)
    assert (item["task"]["kind"], item["task"]["assignee"]["name"]) == ("follow_up", "人visitor-1")
    assert item["stay"]["kind"] == "away"


async def test_filters(world: World) -> None:
    await attempt(world, 2)
    await attempt(world, 1)
    for asked, total in (
        ({"reason": "attempts"}, 1),
        ({"reason": "no_phone,attempts"}, 1),
        ({"reason": "no_phone"}, 0),
        ({"visitor": "visitor-3"}, 0),
        ({"region": "610926101001"}, 1),
        ({"region": "610926102"}, 0),
    ):
        assert (await listed(world, **asked))["total"] == total, asked
    async with world.client("duty-1") as duty:
        wrong = await duty.get(API, params={"reason": "lazy"})
    assert (wrong.status_code, problem_of(wrong)["field"]) == (422, "reason")


async def test_it_is_nobody_elses_business(world: World) -> None:
    await attempt(world, 2)
    await attempt(world, 1)
    await sent(world, "dead")
    assert (await listed(world, "duty-2"))["items"] == []
    [item] = (await listed(world, "auditor-1"))["items"]
    assert (item["person"]["name"], item["home"]["address"]) == ("张**", "***")
    assert item["contacts_failed"][0]["name"] == "***"
