"""Heads, bodies, depth and time: each too much of it is refused with its own word, and no more is
read than that takes."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from dashboard.app import BODY_BYTES_MAX, OTHER_BODIES, STRANGERS_BYTES_MAX
from dashboard.images import UPLOAD_BYTES_MAX
from dashboard.json_depth import DEPTH_MAX, JsonDepth, may_begin
from dashboard.problems import BodyRefused
from dashboard.request_limits import (
    BODY_BYTES_PER_S_MIN,
    BODY_GRACE_S,
    HEAD_FIELDS_MAX,
    RequestLimits,
)
from tests.dashboard.conftest import CSRF, World, problem_of
from tests.dashboard.test_permissions import routes

JSON_TYPE = {"Content-Type": "application/json"}


def limit_of(path: str) -> int:
    return next((most for paths, most in OTHER_BODIES if paths.match(path)), BODY_BYTES_MAX)


def test_each_exception_is_of_a_route_that_exists() -> None:
    paths = {f"{prefix}{route.path}" for prefix, route in routes()}
    for pattern, _most in OTHER_BODIES:
        assert any(pattern.match(path) for path in paths), pattern.pattern


def test_only_those_who_bring_files_may_send_much() -> None:
    large = {
        route.path
        for prefix, route in routes()
        if limit_of(f"{prefix}{route.path}") > BODY_BYTES_MAX
    }
    assert large == {
        "/visits/{visit_id}/attachments",
        "/service-users/{person_id}/photo",
        "/person-imports",
        "/regions/outlines",
    }
    assert limit_of("/api/v1/login") == STRANGERS_BYTES_MAX
    assert limit_of("/api/v1/enrolment") == STRANGERS_BYTES_MAX
    assert limit_of("/api/v1/enrolment/renewal") == STRANGERS_BYTES_MAX
    assert limit_of("/api/v1/loginx") == BODY_BYTES_MAX


@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("/api/v1/login", STRANGERS_BYTES_MAX),
        ("/api/v1/replies/x", STRANGERS_BYTES_MAX),
        ("/api/v1/uplink/aliyun/x", BODY_BYTES_MAX),
        ("/api/v1/tasks", BODY_BYTES_MAX),
        ("/api/v1/visits/x/attachments", UPLOAD_BYTES_MAX),
    ],
)
async def test_a_byte_more_is_too_much(world: World, path: str, size: int) -> None:
    headers = {**CSRF, "Authorization": f"Bearer {await world.token('admin-1')}"}
    async with world.anonymous() as client:
        answer = await client.post(path, content=b" " * (size + 1), headers=headers)
        assert (answer.status_code, problem_of(answer)["type"]) == (413, "too_large")
        assert answer.headers["connection"] == "close"
        answer = await client.post(path, content=b" " * 100, headers=headers)
        assert answer.status_code != 413


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({f"X-{n}": "1" for n in range(HEAD_FIELDS_MAX + 1)}, 431),
        ({"Cookie": "a=" + "b" * 17_000}, 431),
        ({"Last-Event-ID": "9" * 65}, 422),
        ({"Idempotency-Key": "k" * 91}, 422),
    ],
)
async def test_a_head_that_is_too_large(world: World, headers: dict[str, str], status: int) -> None:
    async with world.client("duty-1") as client:
        if status == 431:
            answer = await client.get("/api/v1/me", headers=headers)
        elif "Last-Event-ID" in headers:
            answer = await client.get("/api/v1/stream", headers=headers)
        else:
            alarm = await world.raise_alarm()
            path = f"/api/v1/alarms/{alarm}/acknowledge"
            answer = await client.post(path, headers=headers)
    assert answer.status_code == status
    problem_of(answer)


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


@pytest.mark.parametrize("body", [nested(DEPTH_MAX + 1), b"[" * 200, nested(5_000)])
async def test_json_that_nests_too_deep_is_parsed_by_nobody(world: World, body: bytes) -> None:
    async with world.client("admin-1") as client:
        answer = await client.post("/api/v1/tasks", content=body, headers=JSON_TYPE)
    if len(body) > BODY_BYTES_MAX:
        assert answer.status_code == 413
    else:
        assert (answer.status_code, problem_of(answer)["type"]) == (422, "too_deep")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32-be"])
async def test_json_of_which_nothing_is_said_is_known_by_its_beginning(
    world: World, encoding: str
) -> None:
    body = (" " + nested(DEPTH_MAX + 1).decode()).encode(encoding)
    async with world.client("admin-1") as client:
        answer = await client.post("/api/v1/tasks", content=body)
    assert problem_of(answer)["type"] == "too_deep"


def test_no_photo_begins_like_json() -> None:
    assert not may_begin(b"\xff\xd8\xff\xe0" + b"[" * 99)
    assert not may_begin(b"\x89PNG\r\n" + b"[" * 99)


def depth_of(value: object) -> int:
    inner = (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    )
    return 0 if inner is None else 1 + max(map(depth_of, inner), default=0)


texts = st.text(alphabet='[]{}"\\,:a\n中', max_size=12)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=20,
)


@given(documents, st.integers(0, 40), st.integers(1, 9), st.booleans())
def test_depth_is_what_a_parser_finds(
    document: object, around: int, portion: int, ascii_only: bool
) -> None:
    """Whatever stands in texts, and however the body is cut."""
    for _ in range(around):
        document = [document]
    body = json.dumps(document, ensure_ascii=ascii_only).encode()
    depth = JsonDepth()
    portions = [body[at : at + portion] for at in range(0, len(body), portion)]
    assert any(depth.too_deep(part) for part in portions) == (depth_of(document) > DEPTH_MAX)


class SlowClient:
    """Sends a byte now and then; time passes as it says."""

    def __init__(self, wait_s: float, portions: Iterator[bytes]) -> None:
        self.now_s = 0.0
        self.sent = 0
        self._wait_s = wait_s
        self._portions = portions

    def seconds(self) -> float:
        return self.now_s

    async def receive(self) -> Message:
        self.now_s += self._wait_s
        portion = next(self._portions, b"")
        self.sent += len(portion)
        return {"type": "http.request", "body": portion, "more_body": bool(portion)}


async def read_all(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass


def posted() -> Scope:
    return {
        "type": "http",
        "method": "POST",
        "path": "/x",
        "raw_path": b"/x",
        "query_string": b"",
        "headers": [],
    }


async def never(_message: Message) -> None:
    raise AssertionError("nothing is answered here")


async def sent_by(client: SlowClient) -> None:
    limits = RequestLimits(read_all, bytes_max=10**9, others=(), seconds=client.seconds)
    await limits(posted(), client.receive, never)


async def test_a_body_of_a_byte_a_second_ends() -> None:
    client = SlowClient(1.0, iter([b"x"] * 100_000))
    with pytest.raises(BodyRefused) as refused:
        await sent_by(client)
    assert refused.value.problem.status == 408
    assert client.sent <= BODY_GRACE_S + 1


async def test_a_large_photo_over_a_thin_line_comes_in() -> None:
    portions = 12 * 1024 * 1024 // (BODY_BYTES_PER_S_MIN * 2)
    client = SlowClient(1.0, iter([b"x" * BODY_BYTES_PER_S_MIN * 2] * portions))
    await sent_by(client)
    assert client.now_s > 100 * BODY_GRACE_S


async def test_who_listens_to_a_stream_is_no_slow_body() -> None:
    """Behind the whole body only the end of the connection is waited for."""
    gone = asyncio.Event()
    messages = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Message:
        for message in messages:
            return message
        await gone.wait()
        return {"type": "http.disconnect"}

    async def listen(_scope: Scope, receive: Receive, _send: Send) -> None:
        await receive()
        asyncio.get_running_loop().call_later(0, gone.set)
        assert (await receive())["type"] == "http.disconnect"

    ages = iter([0.0, 0.0] + [10.0**9] * 5)
    limits = RequestLimits(listen, bytes_max=10, others=(), seconds=lambda: next(ages))
    await limits(posted(), receive, never)
