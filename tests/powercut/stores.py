"""The stores under the rig: who writes them, and what is found in them after a reboot."""

import contextlib
import sqlite3
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from gateway.spool.lane import Lane, LaneSettings
from gateway.spool.row import Row, decode
from hearthwatch.embedded_broker import free_port
from ledger.chain_check import check
from ledger.database import migrate, open_reader, sqlite_url
from tests.powercut.book_writer import CONFIG, roster
from tests.powercut.spool_writer import wall_ms

# By lane: the number of each row that is there.
Rows = dict[str, dict[str, int]]


@dataclass(slots=True)
class Found:
    """After one reboot. `torn`: what is there and is not what was written."""

    rows: Rows = field(default_factory=dict)
    torn: list[str] = field(default_factory=list)


class Store(Protocol):
    """`lanes`: what its writer tells of."""

    name: str
    lanes: tuple[str, ...]

    def prepare(self, root: Path) -> None:
        """Once, before the first writer."""

    def command(self, root: Path, level: str, life: int) -> list[str]: ...

    def ended(self) -> None:
        """The writer has been killed."""

    def look(self, root: Path) -> Found:
        """As the product finds it after the power is back."""
        ...


class SpoolStore:
    name = "spool"
    lanes = ("activation", "telemetry")

    def prepare(self, root: Path) -> None:
        """The spool makes its own files."""

    def command(self, root: Path, level: str, life: int) -> list[str]:
        return [sys.executable, "-m", "tests.powercut.spool_writer", str(root), level, str(life)]

    def ended(self) -> None:
        """Nothing else runs."""

    def look(self, root: Path) -> Found:
        found = Found()
        for name, keep_acked in (("activation", True), ("telemetry", False)):
            path = root / "spool" / f"{name}.db"
            if path.exists():
                found.rows[name] = self._lane(path, keep_acked, found.torn)
        return found

    def _lane(self, path: Path, keep_acked: bool, torn: list[str]) -> dict[str, int]:
        settings = LaneSettings(keep_acked=keep_acked)
        lane = Lane(path, settings, uuid.uuid4, wall_ms())
        if lane.rescued:
            torn.append(f"{path.name}: file set aside")
        rows = {}
        with contextlib.closing(sqlite3.connect(path)) as connection:
            for seq, name, body, crc in connection.execute("SELECT seq, id, body, crc FROM item"):
                if decode(Row(seq, name, body, crc)) is None:
                    torn.append(f"{path.name}: row {seq}")
                rows[name] = seq
            torn += _integrity(connection, path.name)
        numbers = sorted(rows.values())
        if numbers and numbers != list(range(numbers[0], lane.last_seq + 1)):
            torn.append(f"{path.name}: numbers are not dense up to {lane.last_seq}")
        lane.close()
        return rows


class BookStore:
    """The hub's book in SQLite."""

    name = "book"
    lanes = ("event", "taken")

    def prepare(self, root: Path) -> None:
        (root / "hub").mkdir()

    def command(self, root: Path, level: str, life: int) -> list[str]:
        config = configure(root, self.name, "")
        return [sys.executable, "-m", "tests.powercut.book_writer", config, level, str(life)]

    def ended(self) -> None:
        """Nothing else runs."""

    def look(self, root: Path) -> Found:
        path = root / "hub" / "hub.db"
        found = Found()
        if path.exists():
            # An open transaction of the schema's is all or nothing too.
            migrate(sqlite_url(path))
            with contextlib.closing(sqlite3.connect(path)) as connection:
                found.torn += _integrity(connection, path.name)
            read_book(sqlite_url(path), found)
        return found


def configure(root: Path, name: str, book: str) -> str:
    """The hub's files that nobody writes while it runs, beside the drive."""
    places = (root.parent / f"{name}.toml", root.parent / f"{name}-homes.toml")
    port = free_port()
    text = CONFIG.format(data=root / "hub", roster=places[1], book=book, port=port)
    for place, content in zip(places, (text, roster()), strict=True):
        place.write_text(content)
    return str(places[0])


def _integrity(connection: sqlite3.Connection, name: str) -> Iterator[str]:
    for (line,) in connection.execute("PRAGMA integrity_check"):
        if line != "ok":
            yield f"{name}: {line}"
    for row in connection.execute("PRAGMA foreign_key_check"):
        yield f"{name}: {row[0]} points at nothing"


def read_book(url: str, found: Found) -> None:
    engine = open_reader(url)
    try:
        with engine.connect() as connection:
            events = connection.exec_driver_sql("SELECT id, seq, alarm FROM event").fetchall()
            found.rows["event"] = {name: seq for name, seq, _alarm in events}
            taken = connection.exec_driver_sql("SELECT id FROM alarm WHERE state <> 'open'")
            found.rows["taken"] = {row[0]: 1 for row in taken}
            alarms = {row[0] for row in connection.exec_driver_sql("SELECT id FROM alarm")}
            tasks = {row[0] for row in connection.exec_driver_sql("SELECT alarm FROM task")}
            for name, _seq, alarm in events:
                if alarm not in alarms or alarm not in tasks:
                    found.torn.append(f"event {name} has no alarm or no task")
            for chain in check(connection):
                if not chain.holds:
                    found.torn.append(f"chain of {chain.table}: broken at {chain.broken[:3]}")
    finally:
        engine.dispose()
