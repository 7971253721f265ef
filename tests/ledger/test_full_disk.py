"""A hub whose disk is full: nothing is acknowledged, it says so, and goes on when there is room."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger.place import SqliteBook
from ledger.schema import EVENT
from ledger.unit_of_work import Entry, UnitOfWork
from ledger.writer import WELL_AGAIN_MS, Writer
from tests.adapters.heard_of_hub import Line, send
from tests.adapters.hub_bench import Bench, press
from tests.adapters.migrated import migrated
from tests.adapters.tiny_disk import fill, tiny_disk

# The log's own room is 8 MiB.
DISK_BYTES = 24 << 20
# Presses that must fail before anybody believes that the disk is full; the log has room for some.
TRIES_MAX = 20_000


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    with tiny_disk(tmp_path / "disk", DISK_BYTES) as folder:
        yield folder


def test_a_refused_press_is_not_forgotten_for_a_heartbeat_that_found_room(tmp_path: Path) -> None:
    """On PostgreSQL a table whose last page has room goes on taking rows."""
    book, now_ms = SqliteBook(path=tmp_path / "hub.db"), [1_000_000]
    migrated(book.path)
    connection = book.open_hub()
    writer = Writer(connection, lambda: now_ms[0])

    def refused(_unit: UnitOfWork) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    def mistaken(unit: UnitOfWork) -> None:
        for _twice in range(2):
            unit.execute("INSERT INTO region (code, name, level) VALUES ('1', '县', 'county')")

    def heartbeat(unit: UnitOfWork) -> None:
        unit.execute("UPDATE gateway SET online = true")

    def told(unit: UnitOfWork) -> None:
        unit.audit("admin-1", "looked", "nothing", "")
        unit.entry(
            Entry(topic="gateway", subject="gw-1", fact="online", actor="system", region="",
                  payload=lambda: b"{}")
        )  # fmt: skip

    def commit(*changes: Callable[[UnitOfWork], None]) -> bool:
        for change in changes:
            writer.submit(change)
        writer.step()
        return writer.healthy

    # A change's own mistake is none of the book's.
    assert commit(mistaken, heartbeat)
    # Beside others, in one transaction that is committed.
    assert not commit(refused, heartbeat)
    assert not commit(heartbeat)
    now_ms[0] += WELL_AGAIN_MS
    assert commit(heartbeat)
    assert not commit(refused)
    assert commit(told)
    connection.close()


async def test_a_full_disk_acknowledges_nothing_and_room_makes_it_go_on(small: Path) -> None:
    bench = Bench(small, SqliteBook(path=small / "hub" / "hub.db"))
    bench.hub.to_loop.open()
    line = Line()
    await send(bench, line, 1)
    assert line.told == ["press-1"]
    other = fill(small, leave_bytes=0)
    number = 1
    while len(line.told) == number and number < TRIES_MAX:
        number += 1
        await send(bench, line, number)
    assert f"press-{number}" not in line.told, "the disk was never full"
    assert bench.hub.health()["book"] == "last commit failed"
    # The second path is refused as well: the gateway keeps it, and sends short messages if it can.
    with pytest.raises(sqlite3.OperationalError, match="full"):
        await bench.hub.urgent.accept(press(number + 1), "gw-1")
    assert len(line.told) == number - 1 == bench.count(EVENT)
    other.unlink()
    for again in (number, number + 1, 1):
        await send(bench, line, again)
    assert bench.hub.health()["book"] == "ok"
    assert sorted(line.told[-3:]) == sorted(f"press-{n}" for n in (1, number, number + 1))
    assert bench.count(EVENT) == number + 1
    bench.hub.close()
