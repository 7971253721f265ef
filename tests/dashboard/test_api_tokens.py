"""Programs' tokens: a part of their owner's rights, for a time, ended by hand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from dashboard.signing_in.api_tokens import ALIVE_MAX, DAY_MS, DAYS_MAX
from tests.dashboard.conftest import World, problem_of

URL = "/api/v1/me/tokens"
NEW = {"name": "夜间报表", "scopes": ["alarm.read", "report.read"], "days": 30}


async def make(world: World, owner: str = "manager-1", **changes: Any) -> dict[str, str]:
    async with world.client(owner) as client:
        answer = await client.post(URL, json={**NEW, **changes})
    assert answer.status_code == 201, answer.text
    made: dict[str, str] = answer.json()
    return made


@asynccontextmanager
async def program(world: World, token: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with world.anonymous() as client:
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


async def test_it_may_what_it_was_given_and_no_more(world: World) -> None:
    made = await make(world)
    async with program(world, made["token"]) as client:
        assert (await client.get("/api/v1/alarms")).status_code == 200
        me = (await client.get("/api/v1/me")).json()
        assert me["can"] == ["alarm.read", "report.read"]
        for method, path in (
            ("GET", "/api/v1/service-users"),
            ("POST", "/api/v1/service-users"),
            ("GET", "/api/v1/users"),
            ("GET", "/api/v1/stream"),
        ):
            answer = await client.request(method, path, json={} if method == "POST" else None)
            assert (answer.status_code, problem_of(answer)["type"]) == (403, "forbidden"), path
        # What is about the account itself is its owner's alone.
        for method, path in (
            ("GET", "/api/v1/me/security"),
            ("POST", URL),
            ("POST", "/api/v1/me/totp"),
            ("POST", "/api/v1/me/password"),
            ("DELETE", "/api/v1/me/sessions"),
            ("POST", "/api/v1/me/factor"),
            ("POST", "/api/v1/logout"),
        ):
            body = {"old": "x", "new": "y", **NEW} if method == "POST" else None
            answer = await client.request(method, path, json=body)
            assert answer.status_code in (403, 422), path
        assert (await client.get("/api/v1/alarms")).status_code == 200


async def test_masked_where_it_was_not_given_names(world: World) -> None:
    alarm = await world.raise_alarm()
    made = await make(world, scopes=["alarm.read"])
    async with program(world, made["token"]) as client:
        text = (await client.get(f"/api/v1/alarms/{alarm}")).text
    assert "张桂英" not in text
    assert "13800000001" not in text


async def test_it_is_shown_once_and_only_its_digest_is_kept(world: World) -> None:
    made = await make(world)
    async with world.client("manager-1") as client:
        shown = await client.get("/api/v1/me/security")
    [token] = shown.json()["tokens"]
    assert (token["id"], token["state"], token["used_at"]) == (made["id"], "alive", None)
    assert made["token"] not in shown.text
    assert made["token"] not in str(await world.query("SELECT * FROM api_token"))
    assert ("manager-1", "made_token", f"token:{made['id']}") in await world.audited()


async def test_when_it_was_last_used_is_told(world: World) -> None:
    made = await make(world)
    world.clock.wall_at_ms += 5_000
    async with program(world, made["token"]) as client:
        await client.get("/api/v1/alarms")
    async with world.client("manager-1") as client:
        [token] = (await client.get("/api/v1/me/security")).json()["tokens"]
    assert token["used_at"] == "2026-11-23T08:00:05.000Z"


async def test_revoked_expired_disabled_demoted(world: World) -> None:
    made = await make(world)
    async with program(world, made["token"]) as client, world.client("admin-1") as admin:
        demoted = {"role": "visitor"}
        assert (await admin.patch("/api/v1/users/manager-1", json=demoted)).status_code == 200
        assert (await client.get("/api/v1/me")).json()["can"] == ["alarm.read"]
        await admin.patch("/api/v1/users/manager-1", json={"disabled": True})
        assert (await client.get("/api/v1/alarms")).status_code == 401
        await admin.patch("/api/v1/users/manager-1", json={"disabled": False})
        assert (await client.get("/api/v1/alarms")).status_code == 200
        world.clock.wall_at_ms += 30 * DAY_MS - 1
        assert (await client.get("/api/v1/alarms")).status_code == 200
        world.clock.wall_at_ms += 1
        assert (await client.get("/api/v1/alarms")).status_code == 401


async def test_revoked_by_hand_and_by_an_administrator(world: World) -> None:
    first, second = await make(world), await make(world)
    async with world.client("manager-1") as client, world.client("duty-1") as other:
        assert (await other.delete(f"{URL}/{first['id']}")).status_code == 404
        assert (await client.delete(f"{URL}/{first['id']}")).status_code == 200
        assert (await client.delete(f"{URL}/{first['id']}")).status_code == 404
    async with world.client("admin-1") as admin:
        assert (await admin.delete("/api/v1/users/manager-1/sessions")).status_code == 200
    for made in (first, second):
        async with program(world, made["token"]) as client:
            assert (await client.get("/api/v1/alarms")).status_code == 401


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"scopes": ["user.read", "rota.write", "user.write"]}, "scopes"),
        ({"scopes": ["export.order"]}, "scopes"),
        ({"days": 0}, "days"),
        ({"days": DAYS_MAX + 1}, "days"),
        ({"name": ""}, "name"),
    ],
)
async def test_what_is_not_made(world: World, changes: dict[str, Any], field: str) -> None:
    async with world.client("manager-1") as client:
        answer = await client.post(URL, json={**NEW, **changes})
    assert (answer.status_code, problem_of(answer)["field"]) == (422, field)


async def test_nobody_hands_on_the_giving_of_power(world: World) -> None:
    async with world.client("admin-1") as client:
        answer = await client.post(URL, json={**NEW, "scopes": ["user.write"]})
        assert (answer.status_code, problem_of(answer)["type"]) == (422, "too_much")
        assert "user.write" not in (await client.get("/api/v1/me/security")).json()["scopes"]


async def test_as_many_as_somebody_keeps(world: World) -> None:
    async with world.client("manager-1") as client:
        for _ in range(ALIVE_MAX):
            assert (await client.post(URL, json=NEW)).status_code == 201
        answer = await client.post(URL, json=NEW)
    assert (answer.status_code, problem_of(answer)["type"]) == (422, "too_many")


async def test_who_is_called_out_by_what_is_changed_by_no_program(world: World) -> None:
    points = "/api/v1/users/duty-1/contact-points"
    phone = {"channel": "aliyun_sms", "address": "13800000001"}
    async with world.client("duty-1") as duty:
        point = (await duty.post(points, json=phone)).json()["id"]
    made = await make(world, "duty-1", scopes=["device.read"])
    async with program(world, made["token"]) as client:
        for method, path, body in (
            ("POST", points, phone),
            ("PATCH", f"{points}/{point}", {"place": 9}),
            ("DELETE", f"{points}/{point}", None),
            ("POST", f"{points}/{point}/code", {}),
            ("POST", f"{points}/{point}/verify", {"code": "123456"}),
        ):
            answer = await client.request(method, path, json=body)
            assert (answer.status_code, problem_of(answer)["type"]) == (403, "forbidden"), path
        assert (await client.get(points)).status_code == 404
    assert await world.query("SELECT count(*) FROM contact_point") == [(1,)]
    made = await make(world, "manager-1", scopes=["user.read"])
    async with program(world, made["token"]) as client:
        [shown] = (await client.get(points)).json()["items"]
    assert "13800000001" not in str(shown)


async def test_a_card_is_for_programs_that_were_given_names(world: World) -> None:
    alarm = await world.raise_alarm()
    async with world.client("duty-1") as duty:
        [task] = (await duty.get("/api/v1/tasks")).json()["items"]
    paths = (f"/api/v1/tasks/{task['id']}/card", f"/api/v1/alarms/{alarm}/sheet")
    few = ["alarm.read", "task.read", "task.move_any"]
    for scopes, status in ((few, 403), ([*few, "person.read", "address.read"], 200)):
        made = await make(world, "duty-1", scopes=scopes)
        async with program(world, made["token"]) as client:
            for path in paths:
                answer = await client.get(path)
                assert answer.status_code == status, path
                assert ("张桂英" in answer.text) == (status == 200)
