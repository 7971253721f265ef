"""Every answer of every route, of files, of refusals and of mistakes has the same protection."""

import re
from pathlib import Path

import httpx2
import pytest

from dashboard.middleware import HEADERS
from dashboard.standby import create_standby
from tests.adapters.asgi_stream import StreamClient
from tests.dashboard.conftest import World
from tests.dashboard.test_permissions import CHOSEN, routes

# The answer never ends, or ends the session that asks.
ASKED_ELSEWHERE = {"/stream", "/logout"}

# Answered before any route: by each of the guards, by the page, by nobody.
OUTSIDE_ROUTES = (
    ("GET", "/", {}, b"", 200),
    ("GET", "/alarms/anything", {}, b"", 200),
    ("GET", "/assets/app.js", {}, b"", 200),
    ("GET", "/assets/missing.js", {}, b"", 404),
    ("GET", "/a%00b", {}, b"", 200),
    ("GET", "/../../etc/passwd", {}, b"", 200),
    ("GET", "/api/v1/nothing", {}, b"", 404),
    ("POST", "/", {}, b"", 405),
    ("TRACE", "/", {}, b"", 405),
    ("POST", "/api/v1/login", {"Sec-Fetch-Site": "cross-site"}, b"{}", 403),
    ("POST", "/api/v1/login", {"Content-Type": "application/json"}, b"[" * 99, 422),
    ("POST", "/api/v1/login", {}, b" " * 300_000, 413),
    ("GET", "/api/v1/me", {"X-Long": "x" * 20_000}, b"", 431),
    ("GET", "/?" + "x" * 9_000, {}, b"", 414),
)


def unprotected(answer: httpx2.Response) -> list[str]:
    """The names of headers that are missing or changed."""
    wrong = [name for name, value in HEADERS.items() if answer.headers.get(name) != value]
    return wrong + [name for name in ("cache-control",) if name not in answer.headers]


@pytest.fixture
def page(world: World) -> Path:
    folder = world.deps.static_dir
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>page</title>")
    (folder / "assets" / "app.js").write_text("1;")
    return folder


async def test_every_route_as_it_answers_those_who_may_and_those_who_may_not(world: World) -> None:
    wrong, asked = [], 0
    async with world.client("admin-1") as admin, world.anonymous() as nobody:
        for prefix, route in routes():
            if route.path in ASKED_ELSEWHERE:
                continue
            for client in (admin, nobody):
                path = re.sub(r"\{(\w+)\}", lambda m: str(CHOSEN.get(m[1], "nothing")), route.path)
                [method] = route.methods - {"HEAD"}
                answer = await client.request(method, f"{prefix}{path}", json={})
                asked += 1
                wrong += [f"{route.path}: {answer.status_code} {unprotected(answer)}"] * bool(
                    unprotected(answer)
                )
    assert not wrong, "\n".join(wrong)
    assert asked > 200


async def test_the_live_stream(world: World) -> None:
    headers = {"Authorization": f"Bearer {await world.token('duty-1')}"}
    async with StreamClient(world.app, "/api/v1/stream", headers) as stream:
        assert stream.status == 200
        assert {name.lower() for name in HEADERS} <= set(stream.headers)


async def test_what_is_answered_outside_routes(world: World, page: Path) -> None:
    async with world.anonymous() as client:
        for method, path, headers, body, status in OUTSIDE_ROUTES:
            answer = await client.request(method, path, headers=headers, content=body)
            assert answer.status_code == status, (method, path[:80])
            assert not unprotected(answer), (method, path[:80])


async def test_a_mistake_of_ours(world: World) -> None:
    """Planted: what the error says of the inside stays inside."""

    def broken() -> float:
        raise RuntimeError("/var/lib/hearthwatch/hub.db line 7: SELECT phone FROM person")

    world.clock.speed = broken  # type: ignore[method-assign]  # a fault in a port
    async with world.client("duty-1") as client:
        answer = await client.get("/api/v1/clock")
    assert answer.status_code == 500
    assert not unprotected(answer)
    assert set(answer.json()) == {"type", "title", "status", "detail"}
    for inside in ("hub.db", "SELECT", "RuntimeError", "Traceback", ".py", "line"):
        assert inside not in answer.text, inside


async def test_over_https_browsers_come_by_https_alone_for_a_year(world: World) -> None:
    transport = httpx2.ASGITransport(world.app)
    async with httpx2.AsyncClient(transport=transport, base_url="https://hub") as client:
        for path in ("/healthz", "/api/v1/me", "/api/v1/nothing", "/"):
            told = (await client.get(path)).headers["strict-transport-security"]
            assert "max-age=31536000" in told, path
            assert "includeSubDomains" in told, path


async def test_a_hub_that_waits_for_its_turn() -> None:
    transport = httpx2.ASGITransport(create_standby())
    async with httpx2.AsyncClient(transport=transport, base_url="http://hub") as client:
        for path in ("/healthz", "/readyz", "/api/v1/alarms", "/"):
            assert not unprotected(await client.get(path)), path
