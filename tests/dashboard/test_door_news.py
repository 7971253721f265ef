"""What somebody hears of tries at her account and of comings in from elsewhere, whoever came in
between; and what ends with a password."""

from typing import Any

import httpx2

from dashboard.login_delay import FREE_FAILURES
from dashboard.signing_in.one_time_code import STEP_MS, code_at
from tests.dashboard.conftest import CSRF, PASSWORD, World, problem_of
from tests.dashboard.test_api_tokens import NEW, URL, program

GOOD = {"username": "duty-1", "password": PASSWORD}
BAD = {**GOOD, "password": "not the password"}
NEW_PASSWORD = "a much better secret"


def browser(world: World, address: str) -> httpx2.AsyncClient:
    """One that keeps its cookies, at this address."""
    transport = httpx2.ASGITransport(world.app, client=(address, 1))
    return httpx2.AsyncClient(transport=transport, base_url="http://hub", headers=CSRF)


async def came_in(client: httpx2.AsyncClient) -> dict[str, Any]:
    answer = await client.post("/api/v1/login", json=GOOD)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_who_knows_the_password_wipes_nothing_out_by_coming_in(world: World) -> None:
    async with browser(world, "10.0.0.1") as desk, browser(world, "10.6.6.6") as thief:
        first = await came_in(desk)
        assert (first["failed"]["count"], first["elsewhere"]["count"]) == (0, 0)
        for _ in range(3):
            world.clock.at_ms += 1000
            assert (await thief.post("/api/v1/login", json=BAD)).status_code == 401
        world.clock.at_ms += 1000
        # He hears what anybody would: nothing at the desk is told of for that.
        assert (await came_in(thief))["failed"]["count"] == 3
        told = await came_in(desk)
        assert told["failed"] == {
            "count": 3,
            "last_at": "2026-11-23T08:00:03.000Z",
            "last_from": "10.6.6.6",
        }
        assert told["elsewhere"] == {
            "count": 1,
            "last_at": "2026-11-23T08:00:04.000Z",
            "last_from": "10.6.6.6",
        }
        # Said once.
        again = await came_in(desk)
        assert (again["failed"]["count"], again["elsewhere"]["count"]) == (0, 0)


async def test_one_browser_of_two_people_tells_each_of_her_own(world: World) -> None:
    async with browser(world, "10.0.0.1") as desk, browser(world, "10.6.6.6") as thief:
        await came_in(desk)
        await thief.post("/api/v1/login", json=BAD)
        other = {"username": "manager-1", "password": PASSWORD}
        answer = await desk.post("/api/v1/login", json=other)
        assert answer.json()["failed"]["count"] == 0
        assert (await came_in(desk))["failed"]["count"] == 1


async def test_the_list_of_ones_own_account(world: World) -> None:
    async with browser(world, "10.0.0.1") as desk, browser(world, "10.6.6.6") as other:
        await came_in(desk)
        await other.post("/api/v1/login", json=BAD)
        await came_in(other)
        await came_in(desk)
        listed = (await desk.get("/api/v1/me/sign-ins")).json()["items"]
        assert [(one["came_in"], one["from"], one["new_browser"]) for one in listed] == [
            (True, "10.0.0.1", False),
            (True, "10.6.6.6", True),
            (False, "10.6.6.6", False),
            (True, "10.0.0.1", False),
        ]
        assert [one["how"] for one in listed] == ["password", "password", "", "password"]
    # Of nobody else, and to no program.
    async with world.client("visitor-1") as visitor:
        items = (await visitor.get("/api/v1/me/sign-ins")).json()["items"]
        assert len(items) == 1
        token = (await visitor.post(URL, json={**NEW, "scopes": ["task.read"]})).json()["token"]
    async with program(world, token) as client:
        assert (await client.get("/api/v1/me/sign-ins")).status_code == 403


async def test_programs_end_with_the_password_but_for_those_that_are_named(world: World) -> None:
    async with world.client("manager-1") as client:
        made = [(await client.post(URL, json={**NEW, "name": f"程序 {n}"})).json() for n in (1, 2)]
        body = {"old": PASSWORD, "new": NEW_PASSWORD, "keep_tokens": [made[1]["id"]]}
        answer = await client.post("/api/v1/me/password", json=body)
        assert answer.json()["ended_tokens"] == ["程序 1"], answer.text
        states = (await client.get("/api/v1/me/security")).json()["tokens"]
        assert {one["name"]: one["state"] for one in states} == {
            "程序 1": "revoked",
            "程序 2": "alive",
        }
    for one, status in zip(made, (401, 200), strict=True):
        async with program(world, one["token"]) as bot:
            assert (await bot.get("/api/v1/alarms")).status_code == status
    assert ("manager-1", "revoked_token", f"token:{made[0]['id']}") in await world.audited()


async def test_programs_end_where_nothing_is_said_and_where_somebody_else_sets_it(
    world: World,
) -> None:
    async with world.client("manager-1") as client:
        first = (await client.post(URL, json=NEW)).json()["token"]
        body = {"old": PASSWORD, "new": NEW_PASSWORD}
        assert (await client.post("/api/v1/me/password", json=body)).status_code == 200
    async with program(world, first) as bot:
        assert (await bot.get("/api/v1/alarms")).status_code == 401
    async with world.client("visitor-1") as client:
        second = (await client.post(URL, json={**NEW, "scopes": ["alarm.read"]})).json()["token"]
    async with world.client("admin-1") as admin:
        body = {"password": NEW_PASSWORD}
        assert (await admin.patch("/api/v1/users/visitor-1", json=body)).status_code == 200
    async with program(world, second) as bot:
        assert (await bot.get("/api/v1/alarms")).status_code == 401


async def test_who_confirms_an_app_too_often_hears_how_long_to_wait(world: World) -> None:
    async with world.client("duty-1") as client:
        secret = (await client.post("/api/v1/me/totp")).json()["secret"]
        step = world.clock.wall_at_ms // STEP_MS
        right = {code_at(secret, step + n) for n in (-1, 0, 1)}
        wrong = next(f"{n:06}" for n in range(9) if f"{n:06}" not in right)
        url = "/api/v1/me/totp/confirm"
        answers = [await client.post(url, json={"code": wrong}) for _ in range(FREE_FAILURES + 1)]
    assert [one.status_code for one in answers] == [403] * FREE_FAILURES + [429]
    assert problem_of(answers[-1])["type"] == "too_many_failures"
    assert int(answers[-1].headers["Retry-After"]) >= 1
