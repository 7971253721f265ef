"""Signing in, staying signed in, and being signed out."""

import pytest

from dashboard.login_delay import (
    FREE_FAILURES,
    FREE_FAILURES_ADDRESS,
    MEMORY_MS,
    WAIT_MAX_MS,
    LoginDelay,
)
from dashboard.sessions import ABSOLUTE_MS, IDLE_MS
from tests.dashboard.conftest import CSRF, PASSWORD, World, problem_of

GOOD = {"username": "duty-1", "password": PASSWORD}
BAD = {"username": "duty-1", "password": "wrong password"}


async def test_a_cookie_and_a_token(world: World) -> None:
    async with world.anonymous() as client:
        answer = await client.post("/api/v1/login", json=GOOD)
        assert answer.json()["role"] == "duty"
        assert answer.json()["expires_at"] == "2026-11-23T20:00:00.000Z"
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Secure" not in cookie
        me = (await client.get("/api/v1/me")).json()
        assert (me["username"], me["region"]) == ("duty-1", "610926101")
        assert "alarm.close" in me["can"]
    [[digest]] = await world.query("SELECT digest FROM session")
    assert answer.json()["token"] not in digest


async def test_over_https_the_cookie_is_secure(world: World) -> None:
    async with world.anonymous() as client:
        answer = await client.post("https://hub/api/v1/login", json=GOOD)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-hearthwatch=")
        assert "Secure" in cookie
        assert "Domain" not in cookie
        assert "max-age=31536000" in answer.headers["strict-transport-security"]
        assert (await client.get("https://hub/api/v1/me")).status_code == 200


async def test_wrong_and_unknown_sound_the_same(world: World) -> None:
    await world.execute("UPDATE account SET disabled = 1 WHERE username = 'visitor-1'")
    answers = []
    async with world.anonymous() as client:
        for body in (
            BAD,
            {"username": "stranger", "password": PASSWORD},
            {"username": "visitor-1", "password": PASSWORD},
        ):
            answers.append(await client.post("/api/v1/login", json=body))
    assert {a.status_code for a in answers} == {401}
    assert len({a.text for a in answers}) == 1
    rows = await world.query("SELECT actor FROM audit WHERE action = 'login_refused'")
    # What was typed as a name may have been a password.
    assert [row[0] for row in rows] == ["duty-1", "unknown", "visitor-1"]


async def test_unknown_users_cost_a_verification_too(world: World) -> None:
    verified: list[str | None] = []
    real = world.deps.passwords.verify

    def counting(stored: str | None, password: str) -> bool:
        verified.append(stored)
        return real(stored, password)

    world.deps.passwords.verify = counting  # type: ignore[method-assign]  # a spy on the real one
    async with world.anonymous() as client:
        await client.post("/api/v1/login", json={"username": "stranger", "password": PASSWORD})
    assert verified == [None]


async def test_guesses_are_slowed_down_and_nobody_is_locked_out(world: World) -> None:
    async with world.anonymous() as client:
        for _ in range(FREE_FAILURES):
            assert (await client.post("/api/v1/login", json=BAD)).status_code == 401
        answer = await client.post("/api/v1/login", json=GOOD)
        assert (answer.status_code, problem_of(answer)["type"]) == (429, "too_many_failures")
        wait_s = int(answer.headers["retry-after"])
        world.clock.wall_at_ms += wait_s * 1000
        assert (await client.post("/api/v1/login", json=GOOD)).status_code == 200


async def test_the_session_slides_and_ends(world: World) -> None:
    async with world.anonymous() as client:
        await client.post("/api/v1/login", json=GOOD)
        begun = world.clock.wall_at_ms
        while world.clock.wall_at_ms + IDLE_MS <= begun + ABSOLUTE_MS:
            assert (await client.get("/api/v1/me")).status_code == 200
            world.clock.wall_at_ms += IDLE_MS
        world.clock.wall_at_ms = begun + ABSOLUTE_MS
        answer = await client.get("/api/v1/me")
    assert (answer.status_code, problem_of(answer)["type"]) == (401, "signed_out")


async def test_an_idle_cookie_ends_a_bearer_token_lasts(world: World) -> None:
    async with world.anonymous() as client:
        token = (await client.post("/api/v1/login", json=GOOD)).json()["token"]
        world.clock.wall_at_ms += IDLE_MS + 1
        assert (await client.get("/api/v1/me")).status_code == 401
    async with world.anonymous() as client:
        client.headers["Authorization"] = f"Bearer {token}"
        assert (await client.get("/api/v1/me")).status_code == 200


async def test_domain_time_signs_nobody_out(world: World) -> None:
    async with world.client("duty-1") as client:
        world.clock.at_ms += 30 * ABSOLUTE_MS
        assert (await client.get("/api/v1/me")).status_code == 200


async def test_logout_ends_the_session_itself(world: World) -> None:
    async with world.anonymous() as client:
        token = (await client.post("/api/v1/login", json=GOOD)).json()["token"]
        assert (await client.post("/api/v1/logout", headers=CSRF)).status_code == 200
        client.headers["Authorization"] = f"Bearer {token}"
        assert (await client.get("/api/v1/me")).status_code == 401


async def test_a_new_login_replaces_the_old_session(world: World) -> None:
    async with world.anonymous() as client:
        old = (await client.post("/api/v1/login", json=GOOD)).json()["token"]
        await client.post("/api/v1/login", json=GOOD)
    async with world.anonymous() as client:
        client.headers["Authorization"] = f"Bearer {old}"
        assert (await client.get("/api/v1/me")).status_code == 401


async def test_changes_by_cookie_need_the_header(world: World) -> None:
    alarm = await world.raise_alarm()
    async with world.anonymous() as client:
        await client.post("/api/v1/login", json=GOOD)
        url = f"/api/v1/alarms/{alarm}/acknowledge"
        answer = await client.post(url)
        assert (answer.status_code, problem_of(answer)["type"]) == (403, "csrf")
        answer = await client.post(url, headers={"X-Requested-With": "XMLHttpRequest"})
        assert answer.status_code == 403
        assert (await client.post(url, headers=CSRF)).status_code == 200


@pytest.mark.parametrize(
    "changes", [{"disabled": True}, {"role": "auditor"}, {"password": "another long secret"}]
)
async def test_less_power_takes_effect_at_once(world: World, changes: dict[str, object]) -> None:
    async with world.client("duty-1") as duty, world.client("admin-1") as admin:
        assert (await duty.get("/api/v1/me")).status_code == 200
        answer = await admin.patch("/api/v1/users/duty-1", json=changes)
        assert answer.status_code == 200, answer.text
        assert (await duty.get("/api/v1/me")).status_code == 401


async def test_a_disabled_account_is_out_whatever_became_of_its_sessions(world: World) -> None:
    async with world.client("duty-1") as client:
        await world.execute("UPDATE account SET disabled = 1 WHERE username = 'duty-1'")
        assert (await client.get("/api/v1/me")).status_code == 401


async def test_ones_own_password(world: World) -> None:
    new = "a much better secret"
    async with world.client("duty-1") as client, world.anonymous() as other:
        await other.post("/api/v1/login", json=GOOD)
        url = "/api/v1/me/password"
        answer = await client.post(url, json={"old": "wrong", "new": new})
        assert (answer.status_code, problem_of(answer)["field"]) == (403, "old")
        answer = await client.post(url, json={"old": PASSWORD, "new": "short"})
        assert (answer.status_code, problem_of(answer)["type"]) == (422, "weak_password")
        assert (await client.post(url, json={"old": PASSWORD, "new": new})).status_code == 200
        assert (await client.get("/api/v1/me")).status_code == 200
        assert (await other.get("/api/v1/me")).status_code == 401
        answer = await other.post("/api/v1/login", json={"username": "duty-1", "password": new})
        assert answer.status_code == 200


def test_waits_grow_to_a_minute_and_no_further() -> None:
    delay, now_ms, waits = LoginDelay(), 0, []
    for _ in range(FREE_FAILURES + 12):
        wait_ms = delay.attempt("duty", "here", now_ms)
        if wait_ms:
            waits.append(wait_ms)
            now_ms += wait_ms
            assert delay.attempt("duty", "here", now_ms) == 0
    assert waits[:4] == [1000, 2000, 4000, 8000]
    assert set(waits[-3:]) == {WAIT_MAX_MS}


def test_attempts_at_once_count_before_they_fail() -> None:
    delay = LoginDelay()
    heard = [delay.attempt("duty", f"address-{n}", 0) for n in range(50)]
    assert heard.count(0) == FREE_FAILURES


def test_a_stranger_does_not_lock_out_the_desk() -> None:
    delay = LoginDelay()
    assert delay.attempt("duty", "desk", 0) == 0
    delay.succeeded("duty", "desk")
    for n in range(1000):
        delay.attempt("duty", f"bot-{n}", n)
    assert delay.attempt("duty", "bot-x", 1000) > 0
    assert delay.attempt("duty", "desk", 1000) == 0


def test_one_address_trying_many_names_waits_too() -> None:
    delay = LoginDelay()
    heard = [delay.attempt(f"name-{n}", "bot", 0) for n in range(100)]
    assert heard.count(0) == FREE_FAILURES_ADDRESS


def test_failures_are_forgotten() -> None:
    delay = LoginDelay()
    for _ in range(FREE_FAILURES):
        delay.attempt("duty", "here", 0)
    assert delay.attempt("duty", "here", 1) > 0
    assert delay.attempt("duty", "here", MEMORY_MS + 1) == 0
    assert delay.attempt("duty", "here", MEMORY_MS + 2) == 0
