"""A hub whose disk is full: nothing is acknowledged, it says so, and goes on when there is room."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.place import SqliteBook
from ledger.schema import EVENT
from tests.adapters.heard_of_hub import Line, send
from tests.adapters.hub_bench import Bench, press
from tests.adapters.tiny_disk import fill, tiny_disk

# The log's own room is 8 MiB.
DISK_BYTES = 24 << 20
# Presses that must fail before anybody believes that the disk is full; the log has room for some.
TRIES_MAX = 20_000


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    with tiny_disk(tmp_path / "disk", DISK_BYTES) as folder:
        yield folder


async def test_a_full_disk_acknowledges_nothing_and_room_makes_it_go_on(small: Path) -> None:
    bench = Bench(small, SqliteBook(path=small / "hub" / "hub.db"))
    bench.hub._loop = asyncio.get_running_loop()
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
