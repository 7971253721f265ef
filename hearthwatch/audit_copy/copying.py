"""The trail goes somewhere else as it is written.

Where the copy ends is read from the copy itself (a file), or kept in the book once it was taken (a
collector). What no longer agrees is told to the log and the copy goes on: it is the witness.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import httpx2
from sqlalchemy import Engine

from hearthwatch.audit_copy.config import AuditCopyConfig
from hearthwatch.audit_copy.sinks import Away, FileSink, KeptPlaces, Sink, WebSink
from hearthwatch.audit_copy.syslog import SyslogSink
from ledger.trail_copy import TABLES, Place, Portion, portion
from ledger.writer import Writer

# Who deletes a row has this long before it is elsewhere.
EVERY_S: Final = 2.0
# A collector that is away is not asked more often.
AGAIN_S: Final = 30.0

Log = Callable[[str, str], None]


class AuditCopy:
    """`copier`: a reader that sees what is stored. One sink. `known`: up to where it has come, as
    far as anybody knows; `trouble`: why it does not go on, empty: it does; `differences`: what was
    found of the book that is not as it was copied."""

    def __init__(self, copier: Engine, sink: Sink, log: Log) -> None:
        self._copier, self._sink, self._log = copier, sink, log
        self._places: dict[str, Place] | None = None
        self._told: set[str] = set()
        self.known: dict[str, Place] | None = None
        self.trouble = ""

    @property
    def differences(self) -> int:
        return len(self._told)

    async def run(self, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Until it is cancelled. What stops the copy does not stop the hub."""
        away = False
        while True:
            try:
                more = await self.step()
                away, self.trouble = False, ""
            except Exception as error:  # noqa: BLE001 - whatever it is, presses are heard
                said = str(error) if isinstance(error, Away) else type(error).__name__
                if not away:
                    self._log("audit_not_copied", said)
                self.trouble = said
                away, more = True, False
                self._places = None
            await pause(AGAIN_S if away else 0.0 if more else EVERY_S)

    async def step(self) -> bool:
        """A portion of each table; True while there is more. Away."""
        if self._places is None:
            self._places = await self._sink.places()
            self.known = dict(self._places)
        more = False
        for name in TABLES:
            after = self._places.get(name, Place())
            found = await asyncio.to_thread(self._read, name, after)
            self._tell(name, after, found)
            if found.lines:
                await self._sink.take(name, found)
                self._places[name] = found.place
                more = True
        self.known = dict(self._places)
        return more

    def _read(self, name: str, after: Place) -> Portion:
        with self._copier.connect() as connection:
            return portion(connection, name, after)

    def _tell(self, name: str, after: Place, found: Portion) -> None:
        """Once for each: it stays true, and is looked at every two seconds."""
        said = [f"{name} {seq} does not follow from the row before" for seq in found.broken]
        if found.gone:
            said.append(f"{name} {after.seq} was copied and is not there any more, or otherwise")
        for one in said:
            if one not in self._told:
                self._told.add(one)
                self._log("audit_differs_from_copy", one)


@asynccontextmanager
async def audit_copy(
    config: AuditCopyConfig,
    copier: Engine,
    writer: Writer,
    now_s: Callable[[], int],
    log: Log,
) -> AsyncIterator[AuditCopy]:
    """The copy that is configured, with what it needs."""
    kept = KeptPlaces(writer, copier, config)
    async with httpx2.AsyncClient() as client:
        sink: Sink
        if config.syslog is not None:
            sink = SyslogSink(config.syslog, kept)
        elif config.path is not None:
            sink = FileSink(config.path)
        else:
            sink = WebSink(config, client, kept, now_s)
        yield AuditCopy(copier, sink, log)
