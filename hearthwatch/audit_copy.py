"""The trail goes somewhere else as it is written: to a file on another machine's disk, or to a
collector over HTTPS.

Where the copy ends is read from the copy itself (a file), or kept in the book once it was taken (an
address). What no longer agrees is told to the log and the copy goes on: it is the witness.
"""

import asyncio
import hashlib
import json
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import httpx2
from sqlalchemy import Engine, select

from alarms.notifier import Delivered, Notification
from alarms.notifiers.webhook import Webhook
from contract.config import ConfigError, check_keys, get
from hearthwatch.secret_files import read_secret
from ledger.database import upsert_sql
from ledger.schema import META
from ledger.trail_copy import TABLES, Place, Portion, places_in, portion
from ledger.writer import Writer

# Who deletes a row has this long before it is elsewhere.
EVERY_S: Final = 2.0
# A collector that is away is not asked more often.
AGAIN_S: Final = 30.0
# Lines are below 2 KB each; the last of both tables are within the end of the file.
END_BYTES: Final = 4 * 1024 * 1024
# A collector takes so much in one request; lines of it are repeated where one was lost.
LINES_MAX: Final = 200
_META: Final = upsert_sql(META)
_KEY: Final = "audit_copy"

Log = Callable[[str, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCopyConfig:
    """`path`: a file, best on a disk of another machine; `url`: a collector that takes signed
    Standard Webhooks."""

    path: Path | None = None
    url: str = ""
    secret: str = field(default="", repr=False)
    private: bool = False


def audit_copy_config(table: Mapping[str, Any], where: str, base: Path) -> AuditCopyConfig | None:
    """ConfigError. None: the trail stays where it is."""
    if not table:
        return None
    check_keys(table, ("path", "url", "secret_file", "private"), where)
    path, url = get(table, "path", str, where, ""), get(table, "url", str, where, "")
    if bool(path) == bool(url):
        raise ConfigError(where, "one of path (a file elsewhere) and url (a collector)")
    private = get(table, "private", bool, where, default=False)
    if not url:
        return AuditCopyConfig(path=base / path)
    if not private and not url.startswith("https://"):
        raise ConfigError(f"{where}.url", "expected https://…; of your own network: private = true")
    key = read_secret(table, "secret", "HEARTHWATCH_AUDIT_COPY_SECRET", where, base)
    if not key:
        raise ConfigError(f"{where}.secret_file", "missing; what is sent is always signed")
    return AuditCopyConfig(url=url, secret=key, private=private)


class Away(Exception):  # noqa: N818 - it comes back
    """It could not be taken just now."""


class Sink(Protocol):
    async def places(self) -> dict[str, Place]: ...
    async def take(self, name: str, found: Portion) -> None: ...


class FileSink:
    def __init__(self, path: Path) -> None:
        self.path = path

    async def places(self) -> dict[str, Place]:
        try:
            return await asyncio.to_thread(self._places)
        except OSError as error:
            raise Away(f"{self.path}: {error.strerror}") from error

    async def take(self, name: str, found: Portion) -> None:  # noqa: ARG002 - the lines say it
        try:
            await asyncio.to_thread(self._append, found.lines)
        except OSError as error:
            raise Away(f"{self.path}: {error.strerror}") from error

    def _places(self) -> dict[str, Place]:
        if not self.path.exists():
            return {}
        with self.path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - END_BYTES))
            return places_in(file.read().decode("utf-8", "replace").splitlines())

    def _append(self, lines: Sequence[str]) -> None:
        """On the disk before it counts as copied. A line that was cut off ends there."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        with os.fdopen(os.open(self.path, flags, 0o600), "ab") as out:
            text = "\n".join(lines)
            out.write(f"{'' if self._ended() else chr(10)}{text}\n".encode())
            out.flush()
            os.fsync(out.fileno())

    def _ended(self) -> bool:
        with self.path.open("rb") as file:
            if file.seek(0, os.SEEK_END) == 0:
                return True
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"


class WebSink:
    """`told`: the newest place that the collector has taken, in the book."""

    def __init__(
        self,
        config: AuditCopyConfig,
        client: httpx2.AsyncClient,
        writer: Writer,
        reader: Engine,
        now_s: Callable[[], int],
    ) -> None:
        private = frozenset({config.url}) if config.private else frozenset()
        self._webhook = Webhook(client, {config.url: config.secret}, now_s, private)
        self._url, self._writer, self._reader = config.url, writer, reader
        self._key = f"{_KEY}:{hashlib.sha256(config.url.encode()).hexdigest()[:16]}"

    async def places(self) -> dict[str, Place]:
        return await asyncio.to_thread(self._places)

    async def take(self, name: str, found: Portion) -> None:
        for start in range(0, len(found.lines), LINES_MAX):
            some = found.lines[start : start + LINES_MAX]
            digest = hashlib.sha256("\n".join(some).encode()).hexdigest()
            body = f'{{"type":"audit","lines":[{",".join(some)}]}}'
            sent = Notification(id=digest[:32], target=self._url, body=body, urgent=False)
            result = await self._webhook.send(sent)
            if not isinstance(result, Delivered):
                raise Away(f"the collector: {result.detail}")
        value = json.dumps({"seq": found.place.seq, "link": found.place.link})
        key = f"{self._key}:{name}"[:64]
        await self._writer.change(lambda unit: unit.execute(_META, (key, value)))

    def _places(self) -> dict[str, Place]:
        found = {}
        with self._reader.connect() as connection:
            for name in TABLES:
                key = f"{self._key}:{name}"[:64]
                value = connection.scalar(select(META.c.value).where(META.c.key == key))
                if value is not None:
                    found[name] = Place(**json.loads(value))
        return found


class AuditCopy:
    """`copier`: a reader that sees what is stored. One sink."""

    def __init__(self, copier: Engine, sink: Sink, log: Log) -> None:
        self._copier, self._sink, self._log = copier, sink, log
        self._places: dict[str, Place] | None = None
        self._told: set[str] = set()

    async def run(self, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Until it is cancelled. What stops the copy does not stop the hub."""
        away = False
        while True:
            try:
                more = await self.step()
                away = False
            except Exception as error:  # noqa: BLE001 - whatever it is, presses are heard
                if not away:
                    said = str(error) if isinstance(error, Away) else type(error).__name__
                    self._log("audit_not_copied", said)
                away, more = True, False
                self._places = None
            await pause(AGAIN_S if away else 0.0 if more else EVERY_S)

    async def step(self) -> bool:
        """A portion of each table; True while there is more. Away."""
        if self._places is None:
            self._places = await self._sink.places()
        more = False
        for name in TABLES:
            after = self._places.get(name, Place())
            found = await asyncio.to_thread(self._read, name, after)
            self._tell(name, after, found)
            if found.lines:
                await self._sink.take(name, found)
                self._places[name] = found.place
                more = True
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


async def copy_trail(
    config: AuditCopyConfig | None,
    copier: Callable[[], Engine],
    writer: Writer,
    now_s: Callable[[], int],
    log: Log,
) -> None:
    """Until it is cancelled; ends at once where no copy is wanted."""
    if config is None:
        return
    engine = copier()
    try:
        async with httpx2.AsyncClient() as client:
            sink: Sink = (
                FileSink(config.path)
                if config.path is not None
                else WebSink(config, client, writer, engine, now_s)
            )
            await AuditCopy(engine, sink, log).run()
    finally:
        engine.dispose()
