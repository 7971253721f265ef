"""What a page of another site makes a browser send changes nothing, cookie or not."""

import pytest
from starlette.datastructures import Headers

from dashboard.callers import COOKIE_PLAIN, CSRF_HEADER, CSRF_VALUE
from dashboard.same_origin import is_foreign
from tests.dashboard.conftest import PASSWORD, World, problem_of

OURS = {"host": "hub.county.example"}


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ({}, False),  # a program
        ({"sec-fetch-site": "same-origin"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "same-site"}, True),  # another name of the county's
        # The browser's own word wins: some proxies write another host.
        ({"sec-fetch-site": "same-origin", "origin": "https://other.example"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "https://hub.county.example"}, True),
        ({"origin": "https://hub.county.example"}, False),
        ({"origin": "https://hub.county.example:443"}, False),
        ({"origin": "https://hub.county.example:8443"}, True),
        ({"origin": "https://hub.county.example.evil.example"}, True),
        ({"origin": "https://evil.example"}, True),
        ({"origin": "https://evil.example/hub.county.example"}, True),
        ({"origin": "https://[::1"}, True),
        ({"origin": "null"}, True),  # a page in a frame without rights, or of a file
        ({"origin": ""}, True),
        ({"origin": "https://evil.example", "authorization": "Bearer abc"}, False),
        ({"origin": "https://evil.example", "authorization": "Basic abc"}, True),
    ],
)
def test_who_has_sent_a_change(headers: dict[str, str], foreign: bool) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert is_foreign(method, "/api/v1/logout", Headers({**OURS, **headers})) == foreign


@pytest.mark.parametrize(
    ("path", "headers", "foreign"),
    [
        ("/api/v1/alarms", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, True),
        ("/api/v1/alarms", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}, True),
        ("/api/v1/alarms", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, False),
        ("/api/v1/alarms", {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}, False),
        ("/f/link", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, False),
        ("/api/v1/alarms", {}, False),
    ],
)
def test_who_reads(path: str, headers: dict[str, str], foreign: bool) -> None:
    assert is_foreign("GET", path, Headers({**OURS, **headers})) == foreign


@pytest.mark.parametrize("header", ["Origin", "Sec-Fetch-Site"])
async def test_a_foreign_page_with_a_live_cookie_signs_nobody_out(
    world: World, header: str
) -> None:
    """Also where it found a way to send our own header."""
    token = await world.token("duty-1")
    async with world.anonymous() as client:
        client.cookies.set(COOKIE_PLAIN, token)
        client.headers[CSRF_HEADER] = CSRF_VALUE
        said = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}[header]
        answer = await client.post("/api/v1/logout", headers={header: said})
        assert (answer.status_code, problem_of(answer)["type"]) == (403, "csrf")
        assert (await client.get("/api/v1/me")).status_code == 200
        own = {"Origin": "http://hub", "Sec-Fetch-Site": "same-origin"}[header]
        assert (await client.post("/api/v1/logout", headers={header: own})).status_code == 200


async def test_a_foreign_page_signs_nobody_in(world: World) -> None:
    """Into the attacker's account, where the victim would write her records."""
    credentials = {"username": "duty-1", "password": PASSWORD}
    async with world.anonymous() as client:
        answer = await client.post(
            "/api/v1/login", json=credentials, headers={"Origin": "https://evil.example"}
        )
        assert answer.status_code == 403
        assert not client.cookies


async def test_the_cookie_stays_at_home(world: World) -> None:
    """Neither other sites' requests nor scripts nor plain connections carry it."""
    async with world.anonymous() as client:
        client.base_url = "https://hub"
        answer = await client.post(
            "/api/v1/login", json={"username": "duty-1", "password": PASSWORD}
        )
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("__host-")
    assert {"httponly", "secure", "path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "samesite=lax" in cookie or "samesite=strict" in cookie
    assert "domain" not in cookie
