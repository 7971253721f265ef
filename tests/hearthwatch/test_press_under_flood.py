"""A real hub behind real sockets, flooded by strangers and by somebody with an account: the press
of a gateway comes in, is an alarm, and is answered."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx2
from sqlalchemy import func, select

from dashboard.accounts import create_user, issue_gateway_key
from dashboard.passwords import Passwords
from hearthwatch.hub_config import HttpConfig
from ledger.place import SqliteBook
from ledger.schema import ALARM, EVENT
from ledger.unit_of_work import UnitOfWork
from tests.adapters.hub_bench import Bench, press

# Only a hub that has been silenced takes this long.
DEADLINE_S = 60
PASSWORD = "correct horse battery"
PRESSES = 10


def prepare(unit: UnitOfWork) -> None:
    create_user(
        unit,
        username="duty-1",
        name="duty-1",
        role="duty",
        region="1",
        phone="",
        password_hash=Passwords().hash(PASSWORD),
        actor="system",
    )


@contextlib.asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[tuple[Bench, str, str]]:
    """The hub, its address, and a gateway's key. So few requests a second that a test floods it."""
    bench = Bench(folder, SqliteBook(path=folder / "hub" / "hub.db"))
    bench.change(prepare)
    key = bench.change(lambda unit: issue_gateway_key(unit, "gw-1", actor="system"))
    few = HttpConfig(account_per_s=5, address_per_s=10)
    bench.hub.config = replace(bench.hub.config, http=few)
    bench.hub.to_loop.open()
    server = bench.hub._server()
    server.config.port = 0
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:  # noqa: ASYNC110 - uvicorn tells it no other way
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield bench, f"http://127.0.0.1:{port}", str(key)
    finally:
        bench.hub.app.state.streams.close()
        server.should_exit = True
        await task
        await asyncio.to_thread(bench.hub.close)


async def ask_on(address: str, token: str | None, seen: Counter[int], stop: asyncio.Event) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(base_url=address, headers=headers, timeout=30) as client:
        while not stop.is_set():
            for path in ("/api/v1/alarms", "/api/v1/homes", "/api/v1/summary", "/"):
                with contextlib.suppress(httpx2.HTTPError):
                    seen[(await client.get(path)).status_code] += 1


async def hold_half_a_head(port: int, held: list[asyncio.StreamWriter]) -> None:
    for _ in range(50):
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /api/v1/activations HTTP/1.1\r\nHost: hub\r\nX-Slow: ")
        held.append(writer)


async def test_a_press_comes_in_while_the_hub_is_flooded(tmp_path: Path) -> None:
    seen: Counter[int] = Counter()
    held: list[asyncio.StreamWriter] = []
    async with serving(tmp_path) as (bench, address, key), asyncio.timeout(DEADLINE_S):
        async with httpx2.AsyncClient(base_url=address) as client:
            credentials = {"username": "duty-1", "password": PASSWORD}
            token = (await client.post("/api/v1/login", json=credentials)).json()["token"]
        await hold_half_a_head(int(address.rpartition(":")[2]), held)
        stop = asyncio.Event()
        flood = [
            asyncio.create_task(ask_on(address, one, seen, stop)) for one in [None, token] * 10
        ]
        while seen[429] < 20:  # noqa: ASYNC110 - others count
            await asyncio.sleep(0.01)
        async with httpx2.AsyncClient(base_url=address, timeout=DEADLINE_S) as gateway:
            for number in range(1, PRESSES + 1):
                answer = await gateway.post(
                    "/api/v1/activations",
                    content=press(number),
                    headers={"Authorization": f"Bearer {key}"},
                )
                assert answer.status_code == 200, answer.text
                assert json.loads(answer.content)["ids"] == [f"press-{number}"]
        assert seen[429] > 20
        stop.set()
        await asyncio.gather(*flood)
        for writer in held:
            writer.transport.abort()
        await asyncio.gather(*(w.wait_closed() for w in held), return_exceptions=True)
        with bench.hub.reader.connect() as connection:
            assert connection.scalar(select(func.count()).select_from(EVENT)) == PRESSES
            assert connection.scalar(select(func.count()).select_from(ALARM)) >= 1
