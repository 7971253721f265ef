"""Connections that are held for nothing: half a head, silence, answers that nobody takes, and more
of them than the hub has files. Over real sockets; the looks come as often as the tests like."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from hearthwatch import http_connection
from hearthwatch.http_server import Server, http_of
from hearthwatch.hub_config import HttpConfig, HubConfig
from ledger.place import SqliteBook
from ledger.sealing.ring import Ring

DEADLINE_S = 30
GET = b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n"


async def hello(request: Request) -> PlainTextResponse:
    assert request.client is not None
    return PlainTextResponse(f"{request.url.scheme} {request.client.host}")


async def endless(_request: Request) -> StreamingResponse:
    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65_536
            await asyncio.sleep(0)

    return StreamingResponse(pieces())


def config_of(folder: Path, http: HttpConfig) -> HubConfig:
    book = SqliteBook(path=folder / "hub.db", ring=Ring(folder / "key.json"))
    return HubConfig(data_dir=folder, book=book, http=http)


class Hub:
    """The server as a hub has it, before an application of two routes."""

    def __init__(self, folder: Path, http: HttpConfig | None = None) -> None:
        app = Starlette(
            routes=[
                Route("/", hello, methods=["GET", "POST"]),
                Route("/endless", endless),
            ]
        )
        self.config = http_of(config_of(folder, http or HttpConfig()), app)
        self.config.port = 0
        self.config.lifespan = "off"
        self.writers: list[asyncio.StreamWriter] = []
        self.server = Server(self.config)
        self.port = 0

    async def __aenter__(self) -> "Hub":
        self._serving = asyncio.create_task(self.server.serve())
        async with asyncio.timeout(DEADLINE_S):
            while not self.server.started:  # noqa: ASYNC110 - uvicorn tells it no other way
                await asyncio.sleep(0.01)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        for writer in self.writers:
            writer.transport.abort()
        await asyncio.gather(*(w.wait_closed() for w in self.writers), return_exceptions=True)
        self.server.should_exit = True
        await self._serving

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        return reader, writer

    async def ask(self, request: bytes = GET) -> bytes:
        reader, writer = await self.connect()
        writer.write(request)
        async with asyncio.timeout(DEADLINE_S):
            answer = await reader.readuntil(b"\r\n\r\n")
            answer += await reader.read(1000)
        return answer


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connection, "LOOK_S", 0.05)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: hub\r\nX-Slow: ",
        # Behind an answer, bytes of a body that nobody has asked for.
        b"POST / HTTP/1.1\r\nHost: hub\r\nContent-Length: 1000000\r\n\r\n1",
    ],
    ids=["silence", "half a head", "a body behind its answer"],
)
async def test_who_sends_no_whole_request_is_sent_away(
    tmp_path: Path, often: None, sent: bytes
) -> None:
    """Also who goes on sending a byte now and then, which keeps uvicorn's own clock from ending."""
    async with Hub(tmp_path) as hub, asyncio.timeout(DEADLINE_S):
        reader, writer = await hub.connect()
        writer.write(sent)

        async def drip() -> None:
            while True:
                writer.write(b"a")
                await asyncio.sleep(0.01)

        dripping = asyncio.create_task(drip() if sent else asyncio.Event().wait())
        with contextlib.suppress(ConnectionError):
            while await reader.read(1000):
                pass
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)
        assert b"200 OK" in await hub.ask()


async def test_who_takes_no_answer_is_cut_off(tmp_path: Path, often: None) -> None:
    async with Hub(tmp_path) as hub, asyncio.timeout(DEADLINE_S):
        # A socket that is never read from.
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(("127.0.0.1", hub.port))
            deaf.sendall(GET.replace(b"/ ", b"/endless "))
            connections = hub.server.server_state.connections
            while not connections:  # noqa: ASYNC110 - the server's own set
                await asyncio.sleep(0.01)
            while connections:  # noqa: ASYNC110 - likewise
                await asyncio.sleep(0.01)


async def test_who_takes_an_answer_slowly_gets_it(tmp_path: Path, often: None) -> None:
    async with Hub(tmp_path) as hub, asyncio.timeout(DEADLINE_S):
        reader, writer = await hub.connect()
        writer.write(GET.replace(b"/ ", b"/endless "))
        for _ in range(3 * http_connection.STUCK_LOOKS_MAX):
            assert len(await reader.readexactly(400_000)) == 400_000
            [connection] = hub.server.server_state.connections
            look = connection._look
            while connection._look is look:  # noqa: ASYNC110 - a look has no event
                await asyncio.sleep(0.01)


async def test_a_connection_is_kept_for_the_next_request(tmp_path: Path) -> None:
    async with Hub(tmp_path) as hub, asyncio.timeout(DEADLINE_S):
        reader, writer = await hub.connect()
        for _ in range(3):
            writer.write(GET)
            assert b"200 OK" in await reader.readuntil(b"127.0.0.1")


async def test_held_connections_never_keep_a_new_one_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest that has no request goes; one that has its answer under way stays."""
    monkeypatch.setattr(http_connection, "most_connections", lambda: 20)
    async with Hub(tmp_path) as hub, asyncio.timeout(DEADLINE_S):
        stream_reader, stream_writer = await hub.connect()
        stream_writer.write(GET.replace(b"/ ", b"/endless "))
        await stream_reader.readuntil(b"\r\n\r\n")
        held = [await hub.connect() for _ in range(60)]
        for _ in range(5):
            assert b"200 OK" in await hub.ask()
        assert len(hub.server.server_state.connections) <= 21
        with pytest.raises((ConnectionError, EOFError)):
            await held[0][0].readexactly(1)
        assert await stream_reader.readexactly(200_000)


async def test_a_head_of_a_megabyte_is_refused(tmp_path: Path) -> None:
    async with Hub(tmp_path) as hub:
        answer = await hub.ask(b"GET / HTTP/1.1\r\nHost: hub\r\nX: " + b"y" * 1_000_000)
        assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 4\r\nContent-Length: 5\r\n",
        b"Content-Length: 4, 5\r\n",
        b"Content-Length: -4\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"X: a\r\n\0: d\r\n",
    ],
)
async def test_where_a_message_ends_is_said_once(tmp_path: Path, fields: bytes) -> None:
    """A proxy before us that takes the other word would see another request than we do."""
    async with Hub(tmp_path) as hub:
        answer = await hub.ask(b"POST / HTTP/1.1\r\nHost: hub\r\n" + fields + b"\r\n1234")
        assert answer.startswith(b"HTTP/1.1 400 "), answer[:60]


async def test_the_server_says_nothing_about_itself(tmp_path: Path) -> None:
    async with Hub(tmp_path) as hub:
        for request in (GET, b"nonsense\r\n\r\n"):
            assert b"uvicorn" not in (await hub.ask(request)).lower()


async def test_no_web_socket_is_opened(tmp_path: Path) -> None:
    upgrade = b"GET / HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    key = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    async with Hub(tmp_path) as hub:
        assert b" 101 " not in await hub.ask(upgrade + key)


FORWARDED = b"X-Forwarded-Proto: https\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n"


@pytest.mark.parametrize(
    ("trusted", "told"),
    [
        (("127.0.0.1",), b"https 203.0.113.7"),
        (("127.0.0.0/8",), b"https 203.0.113.7"),
        (("192.0.2.1",), b"http 127.0.0.1"),
        ((), b"http 127.0.0.1"),
    ],
)
async def test_only_a_trusted_proxy_is_believed(
    tmp_path: Path, trusted: tuple[str, ...], told: bytes
) -> None:
    """Anybody else could call itself any address, and so escape its limits."""
    async with Hub(tmp_path, HttpConfig(trusted_proxies=trusted)) as hub:
        assert told in await hub.ask(GET.replace(b"\r\n\r\n", b"\r\n" + FORWARDED))


def test_the_config_is_uvicorns(tmp_path: Path) -> None:
    config: uvicorn.Config = http_of(config_of(tmp_path, HttpConfig()), None)
    assert config.h11_max_incomplete_event_size is not None
    assert config.ws == "none"
