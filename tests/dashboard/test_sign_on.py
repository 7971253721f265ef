"""Single sign-on against a provider that really runs: who it lets in, and every lie that it doesn't
believe."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from dashboard.signing_in import flow_cookie
from dashboard.signing_in.settings import SigningIn, SignOnSettings
from dashboard.signing_in.sign_on import SignOn
from tests.adapters.identity_provider import CLIENT, SECRET, Provider, providing
from tests.dashboard.conftest import PASSWORD, World, problem_of
from tests.dashboard.test_second_factor import set_up

START, BACK = "/api/v1/sign-on/start", "/api/v1/sign-on/back"


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with providing() as provider:
        yield provider


@pytest.fixture
async def provider(world: World, running: Provider) -> Provider:
    """Truthful, and known to the hub, where duty-1 is its subject-1."""
    running.who, running.down = "subject-1", False
    running.claims, running.header, running.signed_by = {}, {}, None
    running.now_s = world.clock.wall_at_ms // 1000
    use(world, running)
    async with world.client("admin-1") as admin:
        body = {"subject": "subject-1"}
        linked = await admin.put("/api/v1/users/duty-1/sign-on", json=body)
        assert linked.status_code == 200, linked.text
    return running


def use(world: World, provider: Provider, **more: Any) -> None:
    settings = SignOnSettings(
        issuer=provider.address, client_id=CLIENT, client_secret=SECRET, name="县认证", **more
    )
    object.__setattr__(world.deps, "signing_in", SigningIn(sign_on=settings))
    world.app.state.sign_on = SignOn(settings)


async def agree(client: httpx2.AsyncClient) -> str:
    """Off to the provider, which agrees: the address that leads back."""
    begun = await client.get(START)
    assert begun.status_code == 303, begun.text
    async with httpx2.AsyncClient(trust_env=False) as browser:
        return str((await browser.get(begun.headers["location"])).headers["location"])


async def come(client: httpx2.AsyncClient) -> httpx2.Response:
    return await client.get(await agree(client))


def why(answer: httpx2.Response) -> str:
    assert answer.status_code == 303
    assert "hearthwatch=" not in answer.headers.get("set-cookie", "")
    return parse_qs(urlsplit(answer.headers["location"]).query)["sign_on"][0]


async def test_whom_an_administrator_linked_comes_in(world: World, provider: Provider) -> None:
    async with world.anonymous() as client:
        ways = (await client.get("/api/v1/login/ways")).json()
        assert ways["sign_on"] == {"name": "县认证"}
        answer = await come(client)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        me = (await client.get("/api/v1/me")).json()
        assert (me["username"], me["limit"]) == ("duty-1", "")
        [session] = (await client.get("/api/v1/me/security")).json()["sessions"]
        assert session["method"] == "sign_on"
    assert provider.asked["scope"] == "openid"
    assert len(provider.asked["state"]) >= 32


async def test_nobody_is_made_and_nobody_else_is_meant(world: World, provider: Provider) -> None:
    before = await world.query("SELECT count(*) FROM account")
    for who in ("subject-2", "duty-1", "admin-1"):
        provider.who = who
        async with world.anonymous() as client:
            assert why(await come(client)) == "no_account"
    provider.who = "subject-1"
    await world.execute("UPDATE account SET disabled = 1 WHERE username = 'duty-1'")
    async with world.anonymous() as client:
        assert why(await come(client)) == "no_account"
    assert await world.query("SELECT count(*) FROM account") == before


STRANGER = rsa.generate_private_key(65537, 2048)


@pytest.mark.parametrize(
    "lie",
    [
        {"claims": {"iss": "https://evil.example"}},
        {"claims": {"iss": None}},
        {"claims": {"aud": "another-client"}},
        {"claims": {"aud": None}},
        {"claims": {"aud": [CLIENT, "another"], "azp": "another"}},
        {"claims": {"exp": -61}},
        {"claims": {"exp": None}},
        {"claims": {"nonce": "of another sign-in"}},
        {"claims": {"nonce": None}},
        {"claims": {"sub": None}},
        {"claims": {"sub": ""}},
        {"claims": {"sub": ["subject-1"]}},
        {"header": {"alg": "none"}},
        {"header": {"alg": "HS256"}, "secret_as_key": SECRET.encode()},
        {"header": {"kid": "key-9"}},
        {"signed_by": STRANGER},
    ],
    ids=str,
)
async def test_what_is_not_believed(world: World, provider: Provider, lie: dict[str, Any]) -> None:
    for name, value in lie.items():
        setattr(provider, name, value)
    if "exp" in provider.claims and provider.claims["exp"] is not None:
        provider.claims = {"exp": provider.now_s + provider.claims["exp"]}
    made = provider.tokens_made
    async with world.anonymous() as client:
        assert why(await come(client)) == "token"
        assert (await client.get("/api/v1/me")).status_code == 401
    # It was the token that was refused, not something before it.
    assert provider.tokens_made == made + 1


async def test_a_state_is_of_one_browser_and_good_once(world: World, provider: Provider) -> None:
    async with world.anonymous() as client, world.anonymous() as victim:
        address = await agree(client)
        # A stranger's link with the stranger's own code signs nobody in (login CSRF).
        assert why(await victim.get(address)) == "state"
        assert why(await client.get(address.replace("state=", "state=x"))) == "state"
        # Whatever became of it, it has to be begun again.
        assert why(await client.get(address)) == "state"
        address = await agree(client)
        assert (await client.get(address)).headers["location"] == "/"
        assert why(await client.get(address)) == "state"


async def test_a_code_is_good_with_its_own_verifier_only(world: World, provider: Provider) -> None:
    """A code that leaked, brought by a browser that began a sign-in of its own."""
    async with world.anonymous() as victim, world.anonymous() as thief:
        leaked = parse_qs(urlsplit(await agree(victim)).query)["code"][0]
        own = parse_qs(urlsplit(await agree(thief)).query)["state"][0]
        answer = await thief.get(BACK, params={"code": leaked, "state": own})
        assert why(answer) == "refused"


async def test_it_is_too_late_after_ten_minutes(world: World, provider: Provider) -> None:
    async with world.anonymous() as client:
        address = await agree(client)
        world.clock.wall_at_ms += flow_cookie.LIFE_MS
        assert why(await client.get(address)) == "state"


async def test_new_keys_of_the_provider_are_found(world: World, provider: Provider) -> None:
    async with world.anonymous() as client:
        assert (await come(client)).headers["location"] == "/"
        provider.rotate()
        assert (await come(client)).headers["location"] == "/"


async def test_a_provider_that_is_down_keeps_nobody_from_the_password(
    world: World, provider: Provider
) -> None:
    provider.down = True
    async with world.anonymous() as client:
        assert why(await client.get(START)) == "unavailable"
        body = {"username": "duty-1", "password": PASSWORD}
        assert (await client.post("/api/v1/login", json=body)).status_code == 200
    provider.down = False
    async with world.anonymous() as client:
        address = await agree(client)
        provider.down = True
        assert why(await client.get(address)) == "unavailable"


async def test_who_refuses_there_is_told(world: World, provider: Provider) -> None:
    async with world.anonymous() as client:
        state = parse_qs(urlsplit(await agree(client)).query)["state"][0]
        answer = await client.get(BACK, params={"error": "access_denied", "state": state})
        assert why(answer) == "refused"


async def test_a_second_step_of_ones_own_is_asked_for_all_the_same(
    world: World, provider: Provider
) -> None:
    async with world.client("duty-1") as client:
        await set_up(world, client)
    provider.now_s = world.clock.wall_at_ms // 1000
    for amr, limit in ((["pwd"], "factor"), (["pwd", "mfa"], "")):
        provider.claims = {"amr": amr}
        async with world.anonymous() as client:
            await come(client)
            assert (await client.get("/api/v1/me")).json()["limit"] == limit
    use(world, provider, trusts_factor=True)
    provider.claims = {}
    async with world.anonymous() as client:
        await come(client)
        assert (await client.get("/api/v1/me")).json()["limit"] == ""


async def test_links_are_one_to_one(world: World, provider: Provider) -> None:
    async with world.client("admin-1") as admin:
        body = {"subject": "subject-1"}
        answer = await admin.put("/api/v1/users/visitor-1/sign-on", json=body)
        assert (answer.status_code, problem_of(answer)["type"]) == (409, "taken")
        assert (await admin.delete("/api/v1/users/duty-1/sign-on")).status_code == 200
        assert (await admin.delete("/api/v1/users/duty-1/sign-on")).status_code == 404
    async with world.anonymous() as client:
        assert why(await come(client)) == "no_account"


async def test_without_a_provider_there_is_nothing(world: World) -> None:
    async with world.anonymous() as client:
        assert (await client.get(START)).status_code == 404
        assert (await client.get(BACK)).status_code == 404
