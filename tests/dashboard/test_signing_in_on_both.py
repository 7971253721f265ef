"""What is used up is used up once, whichever database keeps the book."""

import asyncio

import pytest

from tests.adapters.authenticator import Authenticator
from tests.dashboard.conftest import CSRF, PASSWORD, World
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


async def test_a_screen_on_a_wall_and_news_at_the_door(world: World) -> None:
    async with world.anonymous() as screen, world.client("manager-1") as manager:
        code = (await screen.post("/api/v1/screen/code")).json()["code"]
        said = {"code": code, "name": "大屏", "region": "610926101"}
        made = await manager.post("/api/v1/screens", json=said)
        assert made.status_code == 201, made.text
        assert (await screen.post("/api/v1/screen/enter", headers=CSRF)).status_code == 200
        assert (await screen.get("/api/v1/screen/board")).status_code == 200
        assert len((await manager.get("/api/v1/screens")).json()["items"]) == 1
        ended = await manager.delete(f"/api/v1/screens/{made.json()['id']}")
        assert ended.json()["state"] == "revoked"
        assert (await screen.get("/api/v1/screen/board")).status_code == 401
    async with world.anonymous() as desk, world.anonymous() as other:
        good = {"username": "duty-1", "password": PASSWORD}
        await desk.post("/api/v1/login", json=good)
        await other.post("/api/v1/login", json={**good, "password": "wrong"})
        await other.post("/api/v1/login", json=good)
        told = (await desk.post("/api/v1/login", json=good)).json()
        assert (told["failed"]["count"], told["elsewhere"]["count"]) == (1, 1)
