"""Where the trail is copied to: a file on another machine's disk, or a collector over HTTPS
(syslog.py has the third)."""

import asyncio
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

import httpx2
from sqlalchemy import Engine, select

from alarms.notifier import Delivered, Notification
from alarms.notifiers.webhook import Webhook
from hearthwatch.audit_copy.config import AuditCopyConfig
from ledger.database import upsert_sql
from ledger.schema import META
from ledger.trail_copy import TABLES, Place, Portion, places_in
from ledger.writer import Writer

# Lines are below 2 KB each; the last of both tables are within the end of the file.
END_BYTES: Final = 4 * 1024 * 1024
# A collector takes so much in one request; lines of it are repeated where one was lost.
LINES_MAX: Final = 200
_META: Final = upsert_sql(META)
_KEY: Final = "audit_copy"


class Away(Exception):  # noqa: N818 - it comes back
    """It could not be taken just now."""


class Sink(Protocol):
    async def places(self) -> dict[str, Place]: ...
    async def take(self, name: str, found: Portion) -> None: ...


class FileSink:
    """The file itself says up to where it has the trail."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def places(self) -> dict[str, Place]:
        try:
            return await asyncio.to_thread(places_of_file, self.path)
        except OSError as error:
            raise Away(f"{self.path}: {error.strerror}") from error

    async def take(self, name: str, found: Portion) -> None:  # noqa: ARG002 - the lines say it
        try:
            await asyncio.to_thread(self._append, found.lines)
        except OSError as error:
            raise Away(f"{self.path}: {error.strerror}") from error

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


class KeptPlaces:
    """Up to where a collector has taken it, in the book: it says so itself to nobody."""

    def __init__(self, writer: Writer, reader: Engine, config: AuditCopyConfig) -> None:
        self._writer, self._reader, self._config = writer, reader, config

    async def load(self) -> dict[str, Place]:
        return await asyncio.to_thread(kept_places, self._reader, self._config)

    async def keep(self, name: str, place: Place) -> None:
        key, value = _kept_key(self._config, name), json.dumps(_as_json(place))
        await self._writer.change(lambda unit: unit.execute(_META, (key, value)))


class WebSink:
    """Signed Standard Webhooks."""

    def __init__(
        self,
        config: AuditCopyConfig,
        client: httpx2.AsyncClient,
        kept: KeptPlaces,
        now_s: Callable[[], int],
    ) -> None:
        private = frozenset({config.url}) if config.private else frozenset()
        self._webhook = Webhook(client, {config.url: config.secret}, now_s, private)
        self._url, self._kept = config.url, kept

    async def places(self) -> dict[str, Place]:
        return await self._kept.load()

    async def take(self, name: str, found: Portion) -> None:
        for start in range(0, len(found.lines), LINES_MAX):
            some = found.lines[start : start + LINES_MAX]
            digest = hashlib.sha256("\n".join(some).encode()).hexdigest()
            body = f'{{"type":"audit","lines":[{",".join(some)}]}}'
            sent = Notification(id=digest[:32], target=self._url, body=body, urgent=False)
            result = await self._webhook.send(sent)
            if not isinstance(result, Delivered):
                raise Away(f"the collector: {result.detail}")
        await self._kept.keep(name, found.place)


def places_of_file(path: Path) -> dict[str, Place]:
    """OSError."""
    if not path.exists():
        return {}
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - END_BYTES))
        return places_in(file.read().decode("utf-8", "replace").splitlines())


def kept_places(reader: Engine, config: AuditCopyConfig) -> dict[str, Place]:
    found = {}
    with reader.connect() as connection:
        for name in TABLES:
            wanted = select(META.c.value).where(META.c.key == _kept_key(config, name))
            value = connection.scalar(wanted)
            if value is not None:
                found[name] = Place(**json.loads(value))
    return found


def _kept_key(config: AuditCopyConfig, name: str) -> str:
    """Another collector begins at the beginning."""
    place = config.url if config.syslog is None else config.place
    return f"{_KEY}:{hashlib.sha256(place.encode()).hexdigest()[:16]}:{name}"[:64]


def _as_json(place: Place) -> dict[str, int | str]:
    return {"seq": place.seq, "link": place.link}
