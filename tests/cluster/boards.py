"""Open boards, as browsers have them: behind the balancer, by `Last-Event-ID` where they lose their
process. What each was told is kept in the order in which it came."""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Final

import httpx2

# What a browser waits before it connects again, as the stream tells it.
RETRY_S: Final = 1.0
# A stream that is alive says so more often.
SILENCE_S: Final = 60.0
_REFUSED_S: Final = 0.2


@dataclass(slots=True)
class Outage:
    """`ready_s`: the board hears again, and has been told what it missed; None: not yet."""

    lost_s: float
    ready_s: float | None = None


class Board:
    def __init__(self, name: str, address: str, token: str) -> None:
        self.name = name
        # Entries behind this one are the board's.
        self.first: int | None = None
        self.order: list[int] = []
        self.last: str | None = None
        self.resets = 0
        self.refused = 0
        self.outages: list[Outage] = []
        self.ready = asyncio.Event()
        self._address = f"{address}/api/v1/stream"
        self._headers = {"Authorization": f"Bearer {token}"}

    async def run(self) -> None:
        """Until cancelled."""
        limits = httpx2.Timeout(5.0, read=SILENCE_S)
        async with httpx2.AsyncClient(timeout=limits) as client:
            while True:
                try:
                    await self._listen(client)
                except httpx2.HTTPError:
                    self.ready.clear()
                if self.first is not None and not self._away:
                    self.outages.append(Outage(time.monotonic()))
                await asyncio.sleep(RETRY_S)

    @property
    def _away(self) -> bool:
        return bool(self.outages) and self.outages[-1].ready_s is None

    async def _listen(self, client: httpx2.AsyncClient) -> None:
        headers = dict(self._headers)
        if self.last is not None:
            headers["Last-Event-ID"] = self.last
        async with client.stream("GET", self._address, headers=headers) as answer:
            if answer.status_code != 200:
                self.refused += 1
                return
            fields: dict[str, str] = {}
            async for line in answer.aiter_lines():
                if line:
                    self._line(line, fields)
                else:
                    self._dispatch(fields)
                    fields.clear()
        self.ready.clear()

    def _line(self, line: str, fields: dict[str, str]) -> None:
        if line.startswith(": ready"):
            fields["ready"] = ""
            return
        name, _colon, value = line.partition(":")
        if name:
            fields[name] = value.removeprefix(" ")

    def _dispatch(self, fields: dict[str, str]) -> None:
        """A whole event; its number holds for the next attempt, also where nothing is told."""
        if "id" in fields:
            self.last = fields["id"]
        if fields.get("event") == "reset":
            self.resets += 1
        elif "data" in fields:
            self.order.append(int(json.loads(fields["data"])["entry"]["seq"]))
        if "ready" in fields:
            if self.first is None:
                self.first = int(fields["id"])
            if self._away:
                self.outages[-1].ready_s = time.monotonic()
            self.ready.set()

    def newest(self) -> int:
        return int(self.last or 0)
