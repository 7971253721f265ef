"""A real hub behind a port of this machine, without its broker: for pages about the register."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dashboard.accounts import create_user
from dashboard.passwords import Passwords
from hearthwatch.hub_config import HttpConfig
from ledger.unit_of_work import UnitOfWork
from tests.adapters.hub_bench import Bench
from tests.adapters.sealed import sealed_file

# Long enough for two busy cores.
START_S = 60


@contextmanager
def serving_hub(
    folder: Path,
    roster: str,
    accounts: dict[str, tuple[str, str]],
    password: str,
    names: Mapping[str, str] | None = None,
    *,
    http: HttpConfig | None = None,
) -> Iterator[tuple[str, Bench]]:
    """Its address and the hub. `accounts`: role and region by username; `names`: what somebody is
    called, if not by the username."""
    bench = Bench(folder, sealed_file(folder / "hub" / "hub.db"), roster, http=http)
    stored = Passwords().hash(password)

    def add(unit: UnitOfWork) -> None:
        for username, (role, region) in accounts.items():
            create_user(
                unit,
                username=username,
                name=(names or {}).get(username, username),
                role=role,
                region=region,
                phone="",
                password_hash=stored,
                actor="system",
            )

    bench.change(add)
    started, address, stop = threading.Event(), [], []

    async def run() -> None:
        bench.hub.to_loop.open()
        server = bench.hub._server()
        server.config.port = 0
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn tells it no other way
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        address.append(f"http://127.0.0.1:{port}")
        stop.append(_stopper(server, bench, asyncio.get_running_loop()))
        started.set()
        await serving

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    assert started.wait(START_S)
    try:
        yield address[0], bench
    finally:
        stop[0]()
        thread.join(START_S)
        bench.hub.close()


def _stopper(server, bench: Bench, loop: asyncio.AbstractEventLoop) -> Callable[[], None]:
    def end() -> None:
        bench.hub.app.state.streams.close()
        server.should_exit = True

    return lambda: loop.call_soon_threadsafe(end)
