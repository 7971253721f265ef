"""Signing in, staying signed in, and being signed out."""

import asyncio

import pytest

from dashboard.login_delay import (
    FREE_FAILURES,
    FREE_FAILURES_ADDRESS,
    MEMORY_MS,
    WAIT_MAX_MS,
    LoginDelay,
)
from dashboard.sessions import ABSOLUTE_MS
from dashboard.signing_in.settings import IDLE_MIN, SigningIn
from tests.dashboard.conftest import CSRF, PASSWORD, World, problem_of

IDLE_MS = IDLE_MIN * 60_000
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


async def test_the_desk_signs_in_while_a_stranger_keeps_guessing(world: World) -> None:
    """From the browser where it has signed in before, and by a second administrator's word."""
    async with world.anonymous() as desk, world.anonymous() as bot, world.anonymous() as new:
        await desk.post("/api/v1/login", json=GOOD)
        await desk.post("/api/v1/logout", headers=CSRF)
        # The hub started again: nothing is in memory.
        world.app.state.login_delay = LoginDelay()
        heard = [(await bot.post("/api/v1/login", json=BAD)).status_code for _ in range(30)]
        assert heard.count(401) == FREE_FAILURES
        assert (await new.post("/api/v1/login", json=GOOD)).status_code == 429
        assert (await desk.post("/api/v1/login", json=GOOD)).status_code == 200
        async with world.client("admin-1") as admin:
            await bot.post("/api/v1/login", json=BAD)
            assert (await admin.post("/api/v1/users/duty-1/free")).status_code == 200
        assert (await new.post("/api/v1/login", json=GOOD)).status_code == 200


async def test_guesses_at_once_are_all_counted(world: World) -> None:
    async with world.anonymous() as client:
        sent = [client.post("/api/v1/login", json=BAD) for _ in range(40)]
        heard = [answer.status_code for answer in await asyncio.gather(*sent)]
    assert heard.count(401) == FREE_FAILURES
    assert heard.count(429) == 40 - FREE_FAILURES


async def test_who_comes_in_is_told_what_was_tried_meanwhile(world: World) -> None:
    async with world.anonymous() as client, world.anonymous() as bot:
        for _ in range(3):
            await bot.post("/api/v1/login", json=BAD)
        failed = (await client.post("/api/v1/login", json=GOOD)).json()["failed"]
        assert (failed["count"], failed["last_at"]) == (3, "2026-11-23T08:00:00.000Z")
        assert (await client.get("/api/v1/me/failures")).json()["count"] == 0


async def test_ones_sessions_are_listed_and_ended(world: World) -> None:
    async with world.anonymous() as here, world.anonymous() as there, world.anonymous() as third:
        for client, agent in ((here, "Desk"), (there, "Phone"), (third, "Tablet")):
            client.headers["User-Agent"] = agent
            await client.post("/api/v1/login", json=GOOD)
        listed = (await here.get("/api/v1/me/security")).json()["sessions"]
        assert {one["agent"]: one["own"] for one in listed} == {
            "Desk": True,
            "Phone": False,
            "Tablet": False,
        }
        phone = next(one["id"] for one in listed if one["agent"] == "Phone")
        async with world.client("visitor-1") as other:
            assert (await other.delete(f"/api/v1/me/sessions/{phone}")).status_code == 404
        url = f"/api/v1/me/sessions/{phone}"
        assert (await here.delete(url, headers=CSRF)).status_code == 200
        assert (await there.get("/api/v1/me")).status_code == 401
        assert (await third.get("/api/v1/me")).status_code == 200
        assert (await here.delete("/api/v1/me/sessions", headers=CSRF)).status_code == 200
        assert (await third.get("/api/v1/me")).status_code == 401
        assert (await here.get("/api/v1/me")).status_code == 200


async def test_a_session_id_that_was_brought_is_never_taken_over(world: World) -> None:
    async with world.anonymous() as client:
        client.headers["Cookie"] = "hearthwatch=chosen-by-a-stranger"
        token = (await client.post("/api/v1/login", json=GOOD)).json()["token"]
        assert len(token) * 6 >= 128
    async with world.anonymous() as stranger:
        stranger.headers["Authorization"] = "Bearer chosen-by-a-stranger"
        assert (await stranger.get("/api/v1/me")).status_code == 401


async def test_how_long_a_browser_may_lie_idle_is_configured(world: World) -> None:
    object.__setattr__(world.deps, "signing_in", SigningIn(idle_min=5))
    async with world.anonymous() as client:
        await client.post("/api/v1/login", json=GOOD)
        world.clock.wall_at_ms += 5 * 60_000
        assert (await client.get("/api/v1/me")).status_code == 200
        world.clock.wall_at_ms += 5 * 60_000 + 1
        assert (await client.get("/api/v1/me")).status_code == 401


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


async def test_a_colleague_at_the_same_desk_guesses_no_quicker(world: World) -> None:
    """Signing in oneself in between makes nothing undone that was tried in another's name."""
    own = {**GOOD, "username": "manager-1"}
    async with world.anonymous() as desk:
        await desk.post("/api/v1/login", json=GOOD)
        heard = []
        for _ in range(4 * FREE_FAILURES):
            heard.append((await desk.post("/api/v1/login", json=BAD)).status_code)
            assert (await desk.post("/api/v1/login", json=own)).status_code == 200
    assert heard.count(401) == FREE_FAILURES


def test_addresses_of_one_line_are_one() -> None:
    delay = LoginDelay()
    heard = [delay.attempt(f"name-{n}", f"2001:db8:1:2::{n:x}", 0) for n in range(100)]
    assert heard.count(0) == FREE_FAILURES_ADDRESS
    assert delay.attempt("name", "2001:db8:1:3::1", 0) == 0


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


def test_a_known_device_waits_for_its_own_failures_only() -> None:
    delay = LoginDelay()
    for n in range(1000):
        delay.attempt("duty", "office", n)
    assert delay.attempt("duty", "office", 1000) > 0
    assert delay.attempt("duty", "office", 1000, "desk") == 0
    delay.succeeded("duty", "office", "desk")
    # Whoever has stolen its cookie guesses no quicker than anybody.
    heard = [delay.attempt("duty", "elsewhere", 2000, "desk") for _ in range(50)]
    assert heard.count(0) == FREE_FAILURES


def test_who_has_an_account_does_not_wipe_out_what_he_tries_with_others() -> None:
    delay, heard = LoginDelay(), 0
    for n in range(200):
        heard += delay.attempt(f"name-{n}", "bot", n) == 0
        if delay.attempt("bots-own", "bot", n) == 0:
            delay.succeeded("bots-own", "bot")
    assert heard == FREE_FAILURES_ADDRESS


def test_a_right_password_without_its_code_is_no_failure() -> None:
    delay = LoginDelay()
    for n in range(10 * FREE_FAILURES_ADDRESS):
        assert delay.attempt("duty", "here", n) == 0
        delay.half_way("duty", "here")


def test_spraying_one_password_over_a_county_is_heard_twenty_times_and_then_slowly() -> None:
    """One address, another name each time, a day long."""
    delay, now_ms, heard = LoginDelay(), 0, 0
    while now_ms < 86_400_000:
        wait_ms = delay.attempt(f"name-{heard}", "bot", now_ms)
        heard += wait_ms == 0
        now_ms += max(wait_ms, 1)
    assert heard <= FREE_FAILURES_ADDRESS + 10 + 86_400_000 // WAIT_MAX_MS


def test_an_administrator_frees_an_account() -> None:
    delay = LoginDelay()
    for n in range(100):
        delay.attempt("duty", f"bot-{n}", 0)
        delay.attempt("duty", "desk", 0, "duty 1764")
        delay.code_attempt("duty", 0, "duty 1764")
    assert delay.attempt("duty", "new desk", 0) > 0
    delay.free("duty")
    assert delay.attempt("duty", "new desk", 0) == 0
    assert delay.attempt("duty", "desk", 0, "duty 1764") == 0
    assert delay.code_attempt("duty", 0, "duty 1764") == 0


def test_failures_are_forgotten() -> None:
    delay = LoginDelay()
    for _ in range(FREE_FAILURES):
        delay.attempt("duty", "here", 0)
    assert delay.attempt("duty", "here", 1) > 0
    assert delay.attempt("duty", "here", MEMORY_MS + 1) == 0
    assert delay.attempt("duty", "here", MEMORY_MS + 2) == 0
