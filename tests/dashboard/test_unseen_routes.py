"""Not yet seen today: signs, what the rule thinks, the order, and the call that changes it."""

from typing import Any

import pytest
from sqlalchemy import event

from contract.moment import to_iso
from tests.adapters.dashboard_ports import PlainRuleView
from tests.dashboard.conftest import NOW_MS, World, problem_of

ON_BOTH = True

API = "/api/v1"
HOUR_MS = 3_600_000
# NOW is 16:00 in the county.
MIDNIGHT_MS = NOW_MS - 16 * HOUR_MS
PHONED = f"{API}/service-users/person-0001/phoned"


def thinks(world: World, home: str = "home-0001", state: str = "well", **explained: Any) -> None:
    world.rules.views[home] = [
        PlainRuleView(rule="sos", kind="sos", state="quiet", since_ms=None),
        PlainRuleView(
            rule="no_sign_of_life",
            kind="no_sign_of_life",
            state=state,
            since_ms=None,
            explanation={"reason": "activity", "window_h": 25, **explained},
        ),
    ]


async def listed(world: World, username: str = "duty-1", **asked: Any) -> dict[str, Any]:
    async with world.client(username) as client:
        answer = await client.get(f"{API}/unseen", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def only(world: World, username: str = "duty-1") -> dict[str, Any]:
    [item] = (await listed(world, username))["items"]
    return item


async def neighbour(world: World) -> None:
    """Somebody else in the town of duty-1, and gateways that are heard."""
    await world.execute("UPDATE gateway SET online = true")
    await world.execute("UPDATE home SET region = '610926101001' WHERE id = 'home-0002'")


@pytest.mark.parametrize(
    ("explained", "at_ms", "of"),
    [
        ({"power_sign_ms": NOW_MS - HOUR_MS}, NOW_MS - HOUR_MS, "power"),
        (
            {
                "power_sign_ms": NOW_MS - HOUR_MS,
                "last_sign_ms": NOW_MS - 20,
                "last_sign": "pressed",
                "last_sign_device": "button-0001",
            },
            NOW_MS - 20,
            "pressed",
        ),
        (
            {"last_sign_ms": MIDNIGHT_MS, "last_sign": "moved", "last_sign_device": "door"},
            MIDNIGHT_MS,
            "contact",
        ),
        (
            {"last_sign_ms": MIDNIGHT_MS - 1, "last_sign": "moved", "last_sign_device": "gone"},
            MIDNIGHT_MS - 1,
            "moved",
        ),
        ({}, None, None),
    ],
)
async def test_the_last_sign_and_of_what(world: World, explained, at_ms, of) -> None:
    await world.execute(
        "INSERT INTO device (gateway, device, home, kind, model, label, reports_itself, asks)"
        " VALUES ('gw-0001', 'door', 'home-0001', 'contact', '', '', false, false)"
    )
    thinks(world, **explained)
    item = await only(world)
    assert (item["sign_at"], item["sign_of"]) == (None if at_ms is None else to_iso(at_ms), of)
    assert item["seen_today"] is (at_ms is not None and at_ms >= MIDNIGHT_MS)


async def test_of_who_is_silent_by_electricity_the_last_sign_is_where_the_silence_began(
    world: World,
) -> None:
    """The kettle that was on last has left the rule's window; what was measured before it is not
    the last."""
    since_ms = NOW_MS - 37 * HOUR_MS
    told = {"no_activity": (to_iso(since_ms), "power"), "no_movement": (None, None)}
    for reason, sign in told.items():
        world.rules.views["home-0001"] = [
            PlainRuleView(
                rule="no_sign_of_life",
                kind="no_sign_of_life",
                state="silent",
                since_ms=since_ms,
                explanation={"reason": reason, "window_h": 25},
            )
        ]
        item = await only(world)
        assert (item["sign_at"], item["sign_of"], item["seen_today"]) == (*sign, False)


async def test_who_is_behind_a_gateway_that_is_away_is_told_apart(world: World) -> None:
    thinks(world, quiet_hours_left=20.0)
    await world.execute("UPDATE gateway SET online = true")
    assert (await only(world))["heard"] is True
    assert (await listed(world))["counts"]["cannot_judge"] == 0
    await world.execute("UPDATE gateway SET online = false")
    assert (await only(world))["heard"] is False
    # The page says of her that no alarm would come: its head counts her among those.
    assert (await listed(world))["counts"]["cannot_judge"] == 1
    async with world.client("duty-1") as client:
        [home] = (await client.get(f"{API}/homes")).json()["items"]
    assert (home["life"], home["heard"]) == ("well", False)
    await world.execute("DELETE FROM device")
    assert (await only(world))["heard"] is None


async def test_hours_left_are_told_only_where_the_rule_can_judge(world: World) -> None:
    thinks(world, quiet_hours_left=7.5)
    item = await only(world)
    assert (item["quiet_hours_left"], item["refuted_in_year"]) == (7.5, None)
    thinks(world, quiet_hours_left=21.5, window_h=48, refuted_in_year=3)
    item = await only(world)
    assert (item["quiet_hours_left"], item["window_h"], item["refuted_in_year"]) == (21.5, 48, 3)
    for state in ("cannot_judge", "learning", "silent"):
        thinks(world, state=state, quiet_hours_left=7.5)
        item = await only(world)
        assert (item["life"], item["quiet_hours_left"]) == (state, None)
    world.rules.views.clear()
    item = await only(world)
    assert (item["life"], item["quiet_hours_left"], item["reason"]) == ("unknown", None, None)


async def test_who_needs_somebody_first_stands_first(world: World) -> None:
    await neighbour(world)
    thinks(world, "home-0001", quiet_hours_left=20.0, power_sign_ms=NOW_MS - 9 * HOUR_MS)
    thinks(world, "home-0002", quiet_hours_left=3.0, power_sign_ms=NOW_MS - 2 * HOUR_MS)

    async def order(**asked: Any) -> list[str]:
        return [i["service_user"] for i in (await listed(world, **asked))["items"]]

    assert await order() == ["person-0002", "person-0001"]
    assert await order(order="sign") == ["person-0001", "person-0002"]
    thinks(world, "home-0001", "silent")
    assert await order() == ["person-0001", "person-0002"]
    thinks(world, "home-0001", "cannot_judge")
    assert await order() == ["person-0002", "person-0001"]
    # Of both no alarm would come: who was seen least stands first.
    thinks(world, "home-0001", quiet_hours_left=20.0, power_sign_ms=NOW_MS - 9 * HOUR_MS)
    await world.execute("UPDATE gateway SET online = false")
    assert await order() == ["person-0001", "person-0002"]


async def test_filters_and_counts(world: World) -> None:
    await neighbour(world)
    thinks(world, "home-0001", power_sign_ms=NOW_MS - HOUR_MS)
    thinks(world, "home-0002", "silent", power_sign_ms=NOW_MS - 30 * HOUR_MS)
    whole = await listed(world)
    counts = {"people": 2, "unseen": 1, "silent": 1, "cannot_judge": 0, "away": 0}
    assert (whole["total"], whole["counts"]) == (2, counts)
    for asked, who in (
        ({"seen": "false"}, ["person-0002"]),
        ({"seen": "true"}, ["person-0001"]),
        ({"visitor": "visitor-1"}, ["person-0001"]),
        ({"region": "610926102"}, []),
    ):
        found = await listed(world, **asked)
        assert [i["service_user"] for i in found["items"]] == who, asked
    assert len((await listed(world, limit=1))["items"]) == 1
    async with world.client("duty-1") as client:
        assert (await client.get(f"{API}/unseen/count")).json() == counts


async def test_whom_the_rule_holds_silent_is_never_called_seen(world: World) -> None:
    # What stirred may have been the neighbour who looks for her.
    thinks(world, state="silent", power_sign_ms=NOW_MS - HOUR_MS)
    found = await listed(world, seen="false")
    assert [i["service_user"] for i in found["items"]] == ["person-0001"]
    assert (found["counts"]["unseen"], found["counts"]["silent"]) == (1, 1)
    assert (await listed(world, seen="true"))["items"] == []


async def test_who_is_away_is_shown_with_the_day_and_not_counted(world: World) -> None:
    async with world.client("duty-1") as duty:
        stay = {"kind": "hospital", "until": "2026-12-05T00:00:00Z"}
        answer = await duty.post(f"{API}/homes/home-0001/stays", json=stay)
        assert answer.status_code == 201, answer.text
    found = await listed(world)
    assert found["items"][0]["stay"] == {"kind": "hospital", "until": "2026-12-05T00:00:00.000Z"}
    assert (found["counts"]["unseen"], found["counts"]["away"]) == (0, 1)


async def test_a_call_is_recorded_shown_and_no_home_visit(world: World) -> None:
    thinks(world, power_sign_ms=NOW_MS - 30 * HOUR_MS)
    async with world.client("duty-1") as duty:
        assert (await duty.get(f"{API}/unseen/count")).json()["unseen"] == 1
        key = {"Idempotency-Key": "k-1"}
        made = await duty.post(PHONED, json={}, headers=key)
        again = await duty.post(PHONED, json={}, headers=key)
        twice = await duty.post(PHONED, json={}, headers={"Idempotency-Key": "k-2"})
        assert [a.status_code for a in (made, again, twice)] == [201, 201, 201]
        assert made.json() == again.json() == twice.json()
        [visit] = (await duty.get(f"{API}/visits?service_user=person-0001")).json()["items"]
        assert (visit["id"], visit["way"], visit["visitor"]["username"]) == (
            made.json()["visit"],
            "phone",
            "duty-1",
        )
        standing = (await duty.get(f"{API}/plan/people")).json()["items"][0]
        assert (standing["calls"], standing["done"]) == (1, 0)
        assert (await duty.get(f"{API}/unseen/count")).json()["unseen"] == 0
    item = await only(world)
    assert (item["seen_today"], item["sign_of"], item["sign_at"]) == (True, "phone", to_iso(NOW_MS))
    assert item["contact"] == {
        "visit": visit["id"],
        "way": "phone",
        "at": to_iso(NOW_MS),
        "by": {"username": "duty-1", "name": "人duty-1"},
        "met": True,
        "said_well": True,
    }
    async with world.client("duty-1") as duty:
        void = f"{API}/visits/{visit['id']}/void"
        assert (await duty.post(void, json={"reason": "点错了"})).status_code == 201
        assert (await only(world))["contact"] is None
        third = await duty.post(PHONED, json={}, headers={"Idempotency-Key": "k-3"})
        assert third.json()["visit"] != visit["id"]


async def test_nobody_answered_is_a_contact_that_proves_nothing(world: World) -> None:
    async with world.client("duty-1") as duty:
        made = await duty.post(PHONED, json={"answered": False})
        assert made.status_code == 201, made.text
    item = await only(world)
    assert (item["seen_today"], item["contact"]["met"]) == (False, False)
    [[tasks]] = await world.query("SELECT count(*) FROM task WHERE kind = 'follow_up'")
    assert tasks == 1


async def test_who_was_met_counts_more_than_a_later_call_that_nobody_answered(
    world: World,
) -> None:
    async with world.client("duty-1") as duty:
        await duty.post(PHONED, json={})
        world.clock.at_ms += HOUR_MS
        await duty.post(PHONED, json={"answered": False})
    assert (await only(world))["contact"]["met"]


async def test_it_is_nobody_elses_business(world: World) -> None:
    async with world.client("duty-2") as stranger:
        answer = await stranger.post(PHONED, json={})
        assert (answer.status_code, problem_of(answer)["type"]) == (404, "not_found")
        assert "张桂英" not in (await stranger.get(f"{API}/unseen")).text
    thinks(world)
    item = await only(world, "auditor-1")
    assert (item["person"]["name"], item["home"]["address"]) == ("张**", "***")
    assert item["person"]["phone"] == "138****0001"
    listed_by = [row for row in await world.audited() if row[2] == "unseen"]
    assert ("duty-2", "listed", "unseen") in listed_by


async def test_a_fixed_number_of_questions(world: World) -> None:
    """However many people there are."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        asked.append(statement)

    event.listen(world.deps.engine, "before_cursor_execute", note)
    counts = []
    for people in (0, 40):
        for number in range(people):
            await world.execute(
                "INSERT INTO home (id, region, address, access_note)"
                " VALUES (?, '610926101001', '', '')",
                f"home-9{number}",
            )
            await world.execute(
                "INSERT INTO service_user (id, home, name, sex, born, phone, categories, grade,"
                " conditions, contacts) VALUES (?, ?, '某', '', '', '', '[]', '', '[]', '[]')",
                f"person-9{number}",
                f"home-9{number}",
            )
        await listed(world)
        asked.clear()
        assert (await listed(world))["total"] == people + 1
        counts.append(len(asked))
    assert counts[0] == counts[1] < 15
