"""A second factor: set up, asked for, used up, shown again, lost."""

from dataclasses import replace

import httpx2
import pytest

from dashboard.login_delay import CODE_WAIT_MAX_MS, FREE_FAILURES
from dashboard.signing_in.one_time_code import STEP_MS, code_at
from dashboard.signing_in.policy import OWN_FRESH_MS
from dashboard.signing_in.settings import SigningIn
from tests.dashboard.conftest import PASSWORD, World, problem_of

GOOD = {"username": "admin-1", "password": PASSWORD}


def code_of(world: World, secret: str, steps: int = 0) -> str:
    return code_at(secret, world.clock.wall_at_ms // STEP_MS + steps)


async def set_up(world: World, client: httpx2.AsyncClient) -> tuple[str, list[str]]:
    """The secret and the codes on paper; the client goes on under its new token."""
    secret = (await client.post("/api/v1/me/totp")).json()["secret"]
    body = {"code": code_of(world, secret)}
    answer = await client.post("/api/v1/me/totp/confirm", json=body)
    assert answer.status_code == 200, answer.text
    client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    world.clock.wall_at_ms += STEP_MS
    return secret, answer.json()["recovery_codes"]


async def sign_in(world: World, **more: str) -> httpx2.Response:
    async with world.anonymous() as client:
        return await client.post("/api/v1/login", json={**GOOD, **more})


def require(world: World, **settings: object) -> None:
    wanted = SigningIn(second_factor="staff", **settings)  # type: ignore[arg-type]
    object.__setattr__(world.deps, "signing_in", wanted)


async def test_the_code_is_asked_for_and_each_opens_once(world: World) -> None:
    async with world.client("admin-1") as client:
        secret, _ = await set_up(world, client)
        assert (await client.get("/api/v1/me")).json()["factor"]["set"] is True
    answer = await sign_in(world)
    assert (answer.status_code, problem_of(answer)["type"]) == (401, "second_factor")
    code = code_of(world, secret)
    assert (await sign_in(world, code=code)).status_code == 200
    again = await sign_in(world, code=code)
    assert (again.status_code, problem_of(again)["type"]) == (401, "bad_code")
    wrong_password = await sign_in(world, password="wrong password", code=code_of(world, secret, 1))
    assert problem_of(wrong_password)["type"] == "bad_credentials"
    world.clock.wall_at_ms += STEP_MS
    assert (await sign_in(world, code=code_of(world, secret))).status_code == 200


async def test_the_secret_is_sealed_in_the_book(world: World) -> None:
    async with world.client("admin-1") as client:
        secret, codes = await set_up(world, client)
    # What is sealed is opened where it is read; a sign before it keeps it as it is stored.
    [[stored]] = await world.query("SELECT '=' || secret FROM totp")
    assert str(stored).startswith("=sealed:1:t:account:admin-1:")
    assert secret not in str(stored)
    rows = await world.query("SELECT digest FROM recovery_code")
    assert len(rows) == len(codes)
    assert not {str(row[0]) for row in rows} & set(codes)


async def test_codes_on_paper_open_once_each_and_old_paper_nothing(world: World) -> None:
    async with world.client("admin-1") as client:
        _, codes = await set_up(world, client)
        answer = await sign_in(world, code=codes[0].upper().replace("-", " "))
        assert answer.status_code == 200, answer.text
        assert problem_of(await sign_in(world, code=codes[0]))["type"] == "bad_code"
        shown = (await client.get("/api/v1/me/security")).json()
        assert shown["recovery_left"] == len(codes) - 1
        assert (await client.post("/api/v1/me/recovery-codes")).status_code == 200
    assert problem_of(await sign_in(world, code=codes[1]))["type"] == "bad_code"
    assert ("admin-1", "used_recovery_code", "account:admin-1") in await world.audited()


async def test_guessing_codes_is_slowed_down(world: World) -> None:
    async with world.client("admin-1") as client:
        secret, _ = await set_up(world, client)
    right = {code_of(world, secret, n) for n in (-1, 0, 1)}
    guesses = [g for n in range(20) if (g := f"{n:06}") not in right]
    heard = []
    for guess in guesses:
        answer = await sign_in(world, code=guess)
        heard.append(answer.status_code)
    assert heard.count(401) == FREE_FAILURES
    assert set(heard[FREE_FAILURES:]) == {429}
    world.clock.wall_at_ms += CODE_WAIT_MAX_MS
    assert (await sign_in(world, code=code_of(world, secret))).status_code == 200


async def test_other_sessions_have_to_show_it_as_well(world: World) -> None:
    other = (await sign_in(world)).json()["token"]
    async with world.client("admin-1") as client, world.anonymous() as elsewhere:
        secret, _ = await set_up(world, client)
        elsewhere.headers["Authorization"] = f"Bearer {other}"
        answer = await elsewhere.get("/api/v1/alarms")
        assert (answer.status_code, problem_of(answer)["type"]) == (403, "second_factor")
        me = (await elsewhere.get("/api/v1/me")).json()
        assert (me["limit"], me["can"]) == ("factor", [])
        assert (await elsewhere.post("/api/v1/me/totp")).status_code == 403
        answer = await elsewhere.post("/api/v1/me/factor", json={"code": code_of(world, secret)})
        assert answer.status_code == 200, answer.text
        # The old token ended with that.
        assert (await elsewhere.get("/api/v1/me")).status_code == 401
        elsewhere.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        assert (await elsewhere.get("/api/v1/alarms")).status_code == 200


async def test_who_takes_out_reveals_or_gives_power_shows_it_again(world: World) -> None:
    async with world.client("admin-1") as client:
        secret, _ = await set_up(world, client)
        new = {"username": "duty-9", "name": "新", "role": "duty", "password": "zebra lamp moon 4"}
        assert (await client.post("/api/v1/users", json=new)).status_code == 201
        world.clock.wall_at_ms += SigningIn().step_up_ms + 1
        for method, path, body in (
            ("POST", "/api/v1/users", new),
            ("POST", "/api/v1/service-users/person-0001/file/reveal", {"reason": "送医登记"}),
            ("GET", "/api/v1/exports/persons.csv", None),
        ):
            answer = await client.request(method, path, json=body)
            assert (answer.status_code, problem_of(answer)["type"]) == (403, "step_up"), path
        assert (await client.get("/api/v1/alarms")).status_code == 200
        answer = await client.post("/api/v1/me/factor", json={"code": "000000"})
        assert (answer.status_code, problem_of(answer)["type"]) == (403, "bad_code")
        answer = await client.post("/api/v1/me/factor", json={"code": code_of(world, secret)})
        client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        revealed = await client.get("/api/v1/exports/persons.csv")
        assert problem_type(revealed) != "step_up"


def problem_type(answer: httpx2.Response) -> str:
    return str(problem_of(answer)["type"]) if answer.status_code >= 400 else ""


async def test_what_one_signs_in_by_is_changed_shortly_after_showing_it(world: World) -> None:
    async with world.client("duty-1") as client:
        world.clock.wall_at_ms += OWN_FRESH_MS + 1
        for method, path in (("POST", "totp"), ("POST", "passkeys/options"), ("DELETE", "totp")):
            answer = await client.request(method, f"/api/v1/me/{path}")
            assert problem_of(answer)["type"] == "step_up", path
        wrong = await client.post("/api/v1/me/factor", json={"password": "wrong password"})
        assert problem_of(wrong)["type"] == "bad_credentials"
        answer = await client.post("/api/v1/me/factor", json={"password": PASSWORD})
        client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        await set_up(world, client)
        # With a second factor the password alone shows nothing any more.
        world.clock.wall_at_ms += OWN_FRESH_MS + 1
        answer = await client.post("/api/v1/me/factor", json={"password": PASSWORD})
        assert problem_of(answer)["field"] == "code"


async def test_where_it_is_asked_there_is_a_grace_and_then_nothing_else(world: World) -> None:
    require(world, grace_days=3)
    token = (await sign_in(world)).json()["token"]
    async with world.anonymous() as client:
        client.headers["Authorization"] = f"Bearer {token}"
        me = (await client.get("/api/v1/me")).json()
        assert (me["limit"], me["factor"]["due_at"]) == ("", "2026-11-26T08:00:00.000Z")
        assert (await client.get("/api/v1/alarms")).status_code == 200
    world.clock.wall_at_ms += 3 * 86_400_000
    token = (await sign_in(world)).json()["token"]
    async with world.anonymous() as client:
        client.headers["Authorization"] = f"Bearer {token}"
        answer = await client.get("/api/v1/alarms")
        assert (answer.status_code, problem_of(answer)["type"]) == (403, "factor_wanted")
        await set_up(world, client)
        assert (await client.get("/api/v1/alarms")).status_code == 200


async def test_a_grace_that_ends_in_a_shift_darkens_no_board(world: World) -> None:
    require(world, grace_days=3)
    await sign_in(world, username="duty-1")
    world.clock.wall_at_ms += 3 * 86_400_000 - 60_000
    token = (await sign_in(world, username="duty-1")).json()["token"]
    async with world.anonymous() as client:
        client.headers["Authorization"] = f"Bearer {token}"
        for later_ms in (0, 60_000, 11 * 3_600_000):
            world.clock.wall_at_ms += later_ms
            assert (await client.get("/api/v1/alarms")).status_code == 200
    token = (await sign_in(world, username="duty-1")).json()["token"]
    async with world.anonymous() as client:
        client.headers["Authorization"] = f"Bearer {token}"
        assert (await client.get("/api/v1/alarms")).status_code == 403


async def test_who_has_a_password_keeps_its_owner_from_no_desk_of_hers(world: World) -> None:
    async with world.client("admin-1") as client:
        secret, _ = await set_up(world, client)
    async with world.anonymous() as desk, world.anonymous() as thief:
        body = {**GOOD, "code": code_of(world, secret)}
        assert (await desk.post("/api/v1/login", json=body)).status_code == 200
        world.clock.wall_at_ms += STEP_MS
        heard = []
        for _ in range(3 * FREE_FAILURES):
            answer = await thief.post("/api/v1/login", json={**GOOD, "code": "000000"})
            heard.append(answer.status_code)
        assert heard.count(401) <= FREE_FAILURES
        body = {**GOOD, "code": code_of(world, secret)}
        assert (await thief.post("/api/v1/login", json=body)).status_code == 429
        assert (await desk.post("/api/v1/login", json=body)).status_code == 200


async def test_it_is_not_asked_of_programs_and_other_offices(world: World) -> None:
    require(world, grace_days=1)
    for _ in range(2):
        world.tokens.clear()
        async with world.client("exchange-1") as client:
            me = (await client.get("/api/v1/me")).json()
            assert (me["limit"], me["factor"]["due_at"]) == ("", None)
        world.clock.wall_at_ms += 5 * 86_400_000


async def test_an_administrator_lets_in_who_has_lost_it(world: World) -> None:
    async with world.client("duty-1") as duty, world.client("admin-1") as admin:
        await set_up(world, duty)
        assert (await admin.get("/api/v1/users/duty-1/doors")).json()["has_factor"] is True
        answer = await admin.delete("/api/v1/users/duty-1/factors")
        assert (answer.status_code, answer.json()["has_factor"]) == (200, False)
        assert (await duty.get("/api/v1/me")).status_code == 401
        own = await admin.delete("/api/v1/users/admin-1/factors")
        assert (own.status_code, problem_of(own)["type"]) == (409, "own_account")
        assert (await sign_in(world, username="duty-1")).status_code == 200
    told = await world.query("SELECT detail FROM audit WHERE action = 'removed_factor'")
    assert told == [("all, by an administrator",)]


@pytest.mark.parametrize("path", ["doors", "free", "factors", "sessions", "sign-on"])
async def test_of_accounts_elsewhere_there_is_nothing_to_open(world: World, path: str) -> None:
    await world.execute("UPDATE account SET role = 'admin' WHERE username = 'manager-1'")
    method = {"doors": "GET", "free": "POST", "sign-on": "PUT"}.get(path, "DELETE")
    async with world.client("manager-1") as town:
        answer = await town.request(
            method,
            f"/api/v1/users/duty-2/{path}",
            json={"subject": "s"} if method == "PUT" else None,
        )
    assert answer.status_code == 404


def test_settings_are_one_value() -> None:
    assert replace(SigningIn(), origin="https://hub.example:8443").relying_party == "hub.example"
