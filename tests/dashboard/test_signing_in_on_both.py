"""What is used up is used up once, whichever database keeps the book."""

import asyncio

import pytest

from tests.adapters.authenticator import Authenticator
from tests.dashboard.conftest import World
from tests.dashboard.test_second_factor import code_of, set_up, sign_in

ON_BOTH = True


@pytest.mark.parametrize("paper", [False, True])
async def test_of_four_at_once_with_one_code_one_comes_in(world: World, paper: bool) -> None:
    async with world.client("admin-1") as client:
        secret, codes = await set_up(world, client)
    code = codes[0] if paper else code_of(world, secret)
    answers = await asyncio.gather(*(sign_in(world, code=code) for _ in range(4)))
    assert sorted(a.status_code for a in answers) == [200, 401, 401, 401]


async def test_a_passkey_a_token_and_a_known_device(world: World) -> None:
    key = Authenticator()
    async with world.anonymous() as client:
        client.base_url = "http://localhost"  # type: ignore[assignment]
        body = {"username": "duty-1", "password": "correct horse battery"}
        token = (await client.post("/api/v1/login", json=body)).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        options = (await client.post("/api/v1/me/passkeys/options")).json()
        body = {"credential": key.create(options), "name": "手机"}
        added = await client.post("/api/v1/me/passkeys", json=body)
        client.headers["Authorization"] = f"Bearer {added.json()['token']}"
        wanted = {"name": "夜间报表", "scopes": ["alarm.read"], "days": 1}
        assert (await client.post("/api/v1/me/tokens", json=wanted)).status_code == 201
        shown = (await client.get("/api/v1/me/security")).json()
        assert [len(shown[part]) for part in ("passkeys", "tokens", "sessions")] == [1, 1, 1]
        del client.headers["Authorization"]
        options = (await client.post("/api/v1/login/passkey/options")).json()
        came = await client.post("/api/v1/login/passkey", json={"credential": key.get(options)})
        assert came.status_code == 200, came.text
    assert await world.query("SELECT count(*) FROM known_device") == [(1,)]
