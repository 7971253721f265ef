"""Passkeys: made, used, renamed, removed; and everything that must not be taken for one."""

from typing import Any

import httpx2
import pytest

from dashboard.signing_in import challenges
from dashboard.signing_in.settings import SigningIn
from dashboard.signing_in.webauthn import relying_party
from tests.adapters.authenticator import PRESENT, Authenticator, b64, unb64
from tests.dashboard.conftest import CSRF, PASSWORD, World, problem_of

HERE = "http://localhost/api/v1"


async def sign_in(client: httpx2.AsyncClient, username: str = "duty-1") -> None:
    body = {"username": username, "password": PASSWORD}
    answer = await client.post(f"{HERE}/login", json=body)
    assert answer.status_code == 200, answer.text


async def add(client: httpx2.AsyncClient, key: Authenticator, name: str = "值班手机") -> Any:
    options = (await client.post(f"{HERE}/me/passkeys/options", headers=CSRF)).json()
    body = {"credential": key.create(options), "name": name}
    return await client.post(f"{HERE}/me/passkeys", json=body, headers=CSRF)


async def use(client: httpx2.AsyncClient, key: Authenticator) -> Any:
    options = (await client.post(f"{HERE}/login/passkey/options")).json()
    return await client.post(f"{HERE}/login/passkey", json={"credential": key.get(options)})


async def test_made_used_renamed_removed(world: World) -> None:
    key = Authenticator()
    async with world.anonymous() as client:
        await sign_in(client)
        assert (await add(client, key)).status_code == 201
        [shown] = (await client.get(f"{HERE}/me/security")).json()["passkeys"]
        assert (shown["name"], shown["used_at"]) == ("值班手机", None)
        assert "person" not in str(key.handle)
    async with world.anonymous() as client:
        answer = await use(client, key)
        assert answer.status_code == 200, answer.text
        me = (await client.get(f"{HERE}/me")).json()
        assert (me["username"], me["limit"]) == ("duty-1", "")
        url = f"{HERE}/me/passkeys/{shown['id']}"
        renamed = await client.patch(url, json={"name": "旧手机"}, headers=CSRF)
        assert renamed.status_code == 200
        [shown] = (await client.get(f"{HERE}/me/security")).json()["passkeys"]
        assert shown["name"] == "旧手机"
        assert shown["used_at"] is not None
        assert (await client.delete(url, headers=CSRF)).status_code == 200
        assert (await client.delete(url, headers=CSRF)).status_code == 404
        assert (await use(client, key)).status_code == 401


async def test_an_account_with_a_passkey_is_not_opened_by_its_password_alone(world: World) -> None:
    async with world.anonymous() as client:
        await sign_in(client)
        await add(client, Authenticator())
        body = {"username": "duty-1", "password": PASSWORD}
        answer = await client.post(f"{HERE}/login", json=body)
    assert (answer.status_code, problem_of(answer)["type"]) == (401, "second_factor")


async def test_the_same_answer_opens_once(world: World) -> None:
    key = Authenticator(count_by=0)
    async with world.anonymous() as client:
        await sign_in(client)
        await add(client, key)
        options = (await client.post(f"{HERE}/login/passkey/options")).json()
        shown = {"credential": key.get(options)}
        assert (await client.post(f"{HERE}/login/passkey", json=shown)).status_code == 200
        again = await client.post(f"{HERE}/login/passkey", json=shown)
    assert (again.status_code, problem_of(again)["type"]) == (401, "bad_passkey")


async def test_one_that_was_copied_is_noticed_by_its_count(world: World) -> None:
    key = Authenticator()
    async with world.anonymous() as client:
        await sign_in(client)
        await add(client, key)
        copy = Authenticator(key=key.key, handle=key.handle, count=key.count)
        assert (await use(client, key)).status_code == 200
        assert (await use(client, key)).status_code == 200
        answer = await use(client, copy)
    assert (answer.status_code, problem_of(answer)["type"]) == (401, "copied_passkey")
    assert ("duty-1", "login_refused", "account:duty-1") in await world.audited()


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://evil.example"},
        {"host": "evil.example"},
        {"flags": PRESENT},
        {"handle": b"somebody else's handle"},
        {"key": Authenticator().key},
        {"id": b"credential-9999"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
async def test_what_is_not_taken_for_it(world: World, wrong: dict[str, Any]) -> None:
    """Another page, another host, nobody's finger, another account, another key, unknown."""
    key = Authenticator()
    async with world.anonymous() as client:
        await sign_in(client)
        await add(client, key)
        for name, value in wrong.items():
            setattr(key, name, value)
        answer = await use(client, key)
        assert (answer.status_code, problem_of(answer)["type"]) == (401, "bad_passkey")


@pytest.mark.parametrize("wrong", [{"origin": "https://evil.example"}, {"flags": PRESENT}])
async def test_what_is_not_kept(world: World, wrong: dict[str, Any]) -> None:
    async with world.anonymous() as client:
        await sign_in(client)
        answer = await add(client, Authenticator(**wrong))
    assert (answer.status_code, problem_of(answer)["type"]) == (422, "bad_passkey")


async def test_a_challenge_is_for_one_purpose_one_account_and_a_while(world: World) -> None:
    key = Authenticator()
    async with world.anonymous() as client, world.anonymous() as other:
        await sign_in(client)
        await add(client, key)
        # Asked for this session, brought to the login.
        options = (await client.post(f"{HERE}/me/factor/passkey/options", headers=CSRF)).json()
        body = {"credential": key.get(options)}
        assert (await client.post(f"{HERE}/login/passkey", json=body)).status_code == 401
        # Asked by one account, brought by another.
        await sign_in(other, "visitor-1")
        options = (await client.post(f"{HERE}/me/passkeys/options", headers=CSRF)).json()
        new = {"credential": Authenticator(id=b"credential-2").create(options), "name": "x"}
        answer = await other.post(f"{HERE}/me/passkeys", json=new, headers=CSRF)
        assert answer.status_code == 422
        options = (await client.post(f"{HERE}/login/passkey/options")).json()
        world.clock.wall_at_ms += challenges.LIFE_MS
        body = {"credential": key.get(options)}
        late = await client.post(f"{HERE}/login/passkey", json=body)
        assert (late.status_code, problem_of(late)["type"]) == (401, "too_late")


async def test_shown_again_in_a_session(world: World) -> None:
    key = Authenticator()
    async with world.anonymous() as client:
        await sign_in(client)
        await add(client, key)
        world.clock.wall_at_ms += 20 * 60_000
        answer = await client.post(f"{HERE}/me/recovery-codes", headers=CSRF)
        assert problem_of(answer)["type"] == "step_up"
        options = (await client.post(f"{HERE}/me/factor/passkey/options", headers=CSRF)).json()
        body = {"credential": key.get(options)}
        before = client.cookies["hearthwatch"]
        answer = await client.post(f"{HERE}/me/factor/passkey", json=body, headers=CSRF)
        assert answer.status_code == 200, answer.text
        assert client.cookies["hearthwatch"] != before
        answer = await client.post(f"{HERE}/me/recovery-codes", headers=CSRF)
        assert problem_of(answer)["type"] == "no_factor"


@pytest.mark.parametrize(
    "credential",
    [
        {},
        {"rawId": 7},
        {"rawId": "%%%"},
        {"rawId": "a" * 5000},
        {"rawId": b64(b"credential-0001"), "response": "no"},
        {"rawId": b64(b"credential-0001"), "id": "x", "response": {"clientDataJSON": "e30"}},
    ],
)
async def test_rubbish_is_refused(world: World, credential: dict[str, Any]) -> None:
    async with world.anonymous() as client:
        await sign_in(client)
        await add(client, Authenticator())
        answer = await client.post(f"{HERE}/login/passkey", json={"credential": credential})
    assert (answer.status_code, problem_of(answer)["type"]) == (401, "bad_passkey")


async def test_without_an_origin_there_are_none_but_on_this_machine(world: World) -> None:
    async with world.anonymous() as client:
        answer = await client.post("http://hub.example/api/v1/login/passkey/options")
        assert (answer.status_code, problem_of(answer)["type"]) == (409, "no_passkeys")
        settings = SigningIn(origin="https://hub.example")
        object.__setattr__(world.deps, "signing_in", settings)
        answer = await client.post("http://hub.example/api/v1/login/passkey/options")
        assert answer.json()["publicKey"]["rpId"] == "hub.example"
        # Nobody is named before one has shown who one is.
        assert not answer.json()["publicKey"].get("allowCredentials")


def test_an_origin_is_taken_whole() -> None:
    party = relying_party("https://hub.example:8443", "localhost")
    assert party is not None
    assert party.accepts("https://hub.example:8443")
    for other in ("https://hub.example", "http://hub.example:8443", "https://a.hub.example:8443"):
        assert not party.accepts(other)


def test_a_challenge_that_was_touched_is_nobodys() -> None:
    key = bytes(challenges.KEY_BYTES)
    made = challenges.made(key, "sign in", bytes(16), 1_000)
    assert challenges.ends_at_ms(key, "sign in", made) == 1_000 + challenges.LIFE_MS
    for place in range(len(made)):
        touched = made[:place] + bytes([made[place] ^ 1]) + made[place + 1 :]
        assert challenges.ends_at_ms(key, "sign in", touched) is None
    assert challenges.ends_at_ms(key, "register:duty-1", made) is None
    assert unb64(b64(made)) == made
