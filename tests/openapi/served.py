"""The county of the matrix behind a port, as a real hub serves it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2

from contract.moment import from_iso
from hearthwatch.hub_config import HttpConfig
from rules.finding import Finding
from tests.adapters import access_county
from tests.adapters.access_county import API, County
from tests.adapters.hub_bench import Bench
from tests.adapters.real_hub import serving_hub
from tests.dashboard.conftest import PASSWORD
from tests.dashboard.county import ACCOUNTS, ROSTER

NOW_MS: Final = from_iso("2026-11-23T08:00:00Z")
# A request that takes longer hangs, on however busy a machine.
TIMEOUT_S: Final = 120


@dataclass(slots=True, kw_only=True)
class Served:
    """What `access_county.fill` asks of a hub, of one at an address."""

    address: str
    bench: Bench
    county: County = field(default_factory=County)
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def app(self) -> Any:
        return self.bench.hub.app

    @property
    def deps(self) -> Any:
        return self.app.state.deps

    @property
    def clock(self) -> Any:
        return self.bench.clock

    async def token(self, username: str) -> str:
        if username not in self.tokens:
            async with httpx2.AsyncClient(base_url=self.address, timeout=TIMEOUT_S) as client:
                said = {"username": username, "password": PASSWORD}
                answer = await client.post(f"{API}/login", json=said)
            self.tokens[username] = answer.json()["token"]
        return self.tokens[username]

    def anonymous(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(base_url=self.address, timeout=TIMEOUT_S)

    @asynccontextmanager
    async def client(self, username: str) -> AsyncIterator[httpx2.AsyncClient]:
        headers = {"Authorization": f"Bearer {await self.token(username)}"}
        options: Any = {"headers": headers, "timeout": TIMEOUT_S}
        async with httpx2.AsyncClient(base_url=self.address, **options) as client:
            yield client

    async def execute(self, sql: str, *parameters: Any) -> None:
        self.bench.change(lambda unit: unit.execute(sql, parameters))

    async def query(self, sql: str, *parameters: Any) -> Any:
        def read(unit: Any) -> Any:
            unit.execute(sql, parameters)
            return unit.cursor.fetchall()

        return self.bench.change(read)

    async def raise_alarm(self, home: str, episode: str = "", *, gateway: str) -> Any:
        finding = Finding(
            episode=episode or f"alarm-{home}",
            home=home,
            rule="sos",
            kind="sos",
            severity="urgent",
            phase="raised",
            reason="pressed",
            raised_at_ms=NOW_MS,
            at_ms=NOW_MS,
            device="button-0001",
        )
        book = self.bench.hub.book
        return self.bench.change(
            lambda unit: book.take(unit, finding, gateway=gateway, replayable=False)
        )


@contextmanager
def serving_county(folder: Path) -> Iterator[Served]:
    # As many requests as one likes: what rates refuse is tested elsewhere.
    http = HttpConfig(account_per_s=0, address_per_s=0)
    accounts = dict(ACCOUNTS)
    with serving_hub(folder, ROSTER, accounts, PASSWORD, http=http) as (address, bench):
        bench.clock.at_ms = NOW_MS
        served = Served(address=address, bench=bench)
        served.county = asyncio.run(access_county.fill(served))
        yield served
