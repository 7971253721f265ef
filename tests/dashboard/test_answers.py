"""Errors, headers, limits, the web page, and the routes for operators."""

import logging
import mimetypes
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from dashboard.app import BODY_BYTES_MAX
from ledger.writer import WriterBusy
from tests.dashboard.conftest import PASSWORD, World, problem_of

LOGIN = "/api/v1/login"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"username": "duty-1"}, "password"),
        ({"username": 5, "password": "x"}, "username"),
        ({"username": "a", "password": "x", "remember": True}, "remember"),
        ({"username": "a" * 65, "password": "x"}, "username"),
        ([], "body"),
    ],
)
async def test_a_mistake_names_its_field_and_repeats_nothing(
    world: World, body: object, field: str
) -> None:
    async with world.anonymous() as client:
        answer = await client.post(LOGIN, json=body)
    problem = problem_of(answer)
    assert (answer.status_code, problem["field"]) == (422, field)
    assert set(problem) == {"type", "title", "status", "detail", "field"}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"nonsense", b"[" * 10_000])
async def test_a_body_that_is_not_json(world: World, body: bytes) -> None:
    async with world.anonymous() as client:
        answer = await client.post(
            LOGIN, content=body, headers={"Content-Type": "application/json"}
        )
    assert answer.status_code in (400, 422)
    problem_of(answer)


async def test_a_form_of_another_site_is_no_login(world: World) -> None:
    async with world.anonymous() as client:
        answer = await client.post(LOGIN, data={"username": "duty-1", "password": PASSWORD})
        assert answer.status_code == 422
        text = '{"username":"duty-1","password":"' + PASSWORD + '"}'
        plain = {"Content-Type": "text/plain"}
        assert (await client.post(LOGIN, content=text, headers=plain)).status_code == 422


async def _pieces(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b" " * 1024


async def test_a_body_may_be_so_large(world: World, gateway_key: str) -> None:
    headers = {"Authorization": f"Bearer {gateway_key}"}
    async with world.anonymous() as client:
        for path in (LOGIN, "/api/v1/activations"):
            for content in (b" " * (BODY_BYTES_MAX + 1), _pieces(BODY_BYTES_MAX // 1024 + 1)):
                answer = await client.post(path, content=content, headers=headers)
                assert answer.status_code == 413, path
                assert problem_of(answer)["type"] == "too_large"
        body = b'{"spool":"s","items":[]}'
        fits = body + b" " * (BODY_BYTES_MAX - len(body))
        answer = await client.post("/api/v1/activations", content=fits, headers=headers)
        assert answer.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/", 404),
        ("POST", "/nothing", 405),
        ("DELETE", "/api/v1/alarms", 405),
        ("GET", "/api/v1/alarms/", 404),
        ("GET", "/api/v1/alarms/a%00b", 422),
        ("GET", "/api/v1/alarms?limit=0", 422),
        ("GET", "/api/v1/alarms?before=99999999999999999999", 422),
        ("GET", "/api/v1/visits?from=yesterday", 422),
        ("GET", "/api/v1/visits?before=x", 422),
        ("GET", "/api/v1/readings", 422),
    ],
)
async def test_every_refusal_is_a_problem(
    world: World, method: str, path: str, status: int
) -> None:
    async with world.client("admin-1") as client:
        answer = await client.request(method, path)
    assert answer.status_code == status
    problem_of(answer)


@pytest.mark.parametrize(
    "path", ["/", "/api/v1/me", "/api/v1/nothing", "/healthz", "/metrics", "/openapi.json"]
)
async def test_every_answer_has_the_security_headers(world: World, path: str) -> None:
    async with world.anonymous() as client:
        headers = (await client.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cache-control"] in ("no-store", "no-cache")
    assert "strict-transport-security" not in headers


async def test_a_mistake_of_ours_is_a_problem_with_headers(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> float:
        raise RuntimeError("张桂英 lives here")

    world.clock.speed = broken  # type: ignore[method-assign]  # a fault in a port
    async with world.client("duty-1") as client:
        with caplog.at_level(logging.ERROR):
            answer = await client.get("/api/v1/clock")
    assert (answer.status_code, problem_of(answer)["type"]) == (500, "internal")
    assert "张桂英" not in answer.text
    assert "content-security-policy" in answer.headers
    assert "/clock failed" in caplog.text


@pytest.mark.parametrize("error", [WriterBusy(), OperationalError("", {}, Exception("disk full"))])
async def test_a_busy_book_asks_to_come_again(world: World, error: Exception) -> None:
    alarm = await world.raise_alarm()

    async def refuse(alarm_id: str, actor: str) -> None:
        raise error

    world.deps.desk.acknowledge = refuse  # type: ignore[method-assign]  # a fault in a port
    async with world.client("duty-1") as client:
        answer = await client.post(f"/api/v1/alarms/{alarm}/acknowledge")
    assert (answer.status_code, problem_of(answer)["type"]) == (503, "unavailable")
    assert answer.headers["retry-after"] == "2"


async def test_reading_goes_on_when_the_book_cannot_be_written(world: World) -> None:
    """The duty desk needs the address more than we need the row of the audit trail."""
    alarm = await world.raise_alarm()
    async with world.client("duty-1") as client:
        await world.app.state.audit.flush()

        async def refuse(apply: object) -> None:
            raise WriterBusy

        real = world.writer.change
        world.writer.change = refuse  # type: ignore[method-assign]  # a fault in a port
        world.clock.wall_at_ms += 120_000
        answer = await client.get(f"/api/v1/alarms/{alarm}")
        await world.app.state.audit.flush()
        world.writer.change = real  # type: ignore[method-assign]  # mended
        metrics = (await client.get("/metrics")).text
    assert answer.json()["home"]["address"] == "龙头村一组 12 号"
    assert "hearthwatch_audit_rows_lost 1.0" in metrics


async def test_health_and_readiness(world: World) -> None:
    async with world.anonymous() as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["checks"]["broker"]) == (200, "ok")
        world.health["broker"] = "not connected for 40 s"
        ready = await client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["checks"]["broker"] == "not connected for 40 s"
        assert (await client.get("/healthz")).status_code == 200


async def test_metrics_name_routes_and_nobody(world: World) -> None:
    await world.raise_alarm()
    async with world.client("duty-1") as client:
        await client.get("/api/v1/homes/home-0001")
        await client.get("/api/v1/homes?q=张桂英")
        await client.request("BREW", "/api/v1/homes/home-0001")
        text = (await client.get("/metrics")).text
    line = 'hearthwatch_http_requests_total{method="GET",route="/homes/{home_id}",status="200"} 1.0'
    assert line in text
    assert 'method="other"' in text
    for secret in ("home-0001", "张桂英", "duty-1", "BREW"):
        assert secret not in text


async def test_the_interface_describes_itself(world: World) -> None:
    async with world.anonymous() as client:
        document = (await client.get("/openapi.json")).json()
        for path in ("/docs", "/redoc"):
            assert "cdn" not in (await client.get(path)).text
    assert document["openapi"].startswith("3.1")
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation.get("description"), f"{method} {path} says nothing about itself"


async def test_without_a_build_the_page_says_what_to_do(world: World) -> None:
    async with world.anonymous() as client:
        answer = await client.get("/")
    assert answer.status_code == 200
    assert "./dev web" in answer.text


@pytest.fixture
def built_page(world: World) -> Path:
    static = world.deps.static_dir
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text("<p>the page</p>")
    (static / "assets" / "app-3f2a.js").write_text("1")
    (static / "sw.js").write_text("2")
    (static.parent / "secret.txt").write_text("secret")
    return static


async def test_scripts_are_sent_packed_to_whom_takes_it(world: World, built_page: Path) -> None:
    script = built_page / "assets" / "app-3f2a.js"
    script.write_text("守望" * 5_000)
    async with world.anonymous() as client:
        for accepted, packed in (("br, gzip", True), ("gzip;q=0", False), ("identity", False)):
            for path in ("/assets/app-3f2a.js", "/assets/./app-3f2a.js"):
                answer = await client.get(path, headers={"Accept-Encoding": accepted})
                assert (answer.status_code, answer.text) == (200, "守望" * 5_000)
                assert ("content-encoding" in answer.headers) is packed
                assert answer.headers["vary"] == "Accept-Encoding"
                assert "immutable" in answer.headers["cache-control"]
                assert "javascript" in answer.headers["content-type"]
        page = await client.get("/", headers={"Accept-Encoding": "gzip"})
        assert "content-encoding" not in page.headers
        (picture := built_page / "assets" / "icon-1.svg").write_text("<svg/>")
        assert picture.read_text() == (await client.get("/assets/icon-1.svg")).text
        gone = await client.get("/assets/../../secret.txt", headers={"Accept-Encoding": "gzip"})
        assert "secret" not in gone.text


async def test_scripts_are_packed_whatever_a_machine_calls_them(
    world: World, built_page: Path
) -> None:
    before, _ = mimetypes.guess_type("app.js")
    assert before is not None
    # As /etc/mime.types of some systems has it.
    mimetypes.add_type("application/javascript", ".js")
    try:
        async with world.anonymous() as client:
            path = "/assets/app-3f2a.js"
            answer = await client.get(path, headers={"Accept-Encoding": "gzip"})
    finally:
        mimetypes.add_type(before, ".js")
    assert answer.text == (built_page / path[1:]).read_text()
    assert answer.headers["content-encoding"] == "gzip"


async def test_the_page_and_its_files(world: World, built_page: Path) -> None:
    async with world.anonymous() as client:
        for path in ("/", "/alarms", "/homes/home-0001"):
            answer = await client.get(path)
            assert (answer.status_code, answer.text) == (200, "<p>the page</p>"), path
            assert answer.headers["cache-control"] == "no-cache"
        script = await client.get("/assets/app-3f2a.js")
        assert "javascript" in script.headers["content-type"]
        assert "immutable" in script.headers["cache-control"]
        worker = await client.get("/sw.js")
        assert (worker.text, worker.headers["cache-control"]) == ("2", "no-cache")
        again = await client.get("/", headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304
        for path in ("/assets/gone-1.js", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/x%00.js"):
            missing = await client.get(path)
            assert missing.status_code == 404, path
            assert "secret" not in missing.text
        assert (await client.head("/")).status_code == 200
