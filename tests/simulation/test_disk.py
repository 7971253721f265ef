"""The simulated disk keeps what a real one keeps: SQLite reads what a crash has left."""

import random
import sqlite3

import pytest

from tests.simulation.disk import Crash, Disk


class Bench:
    def __init__(self, root, level: str, seed: int = 1) -> None:
        self.commits: list[bool] = []
        self.disk = Disk(
            root, random.Random(seed), lambda _c, durable: self.commits.append(durable)
        )
        self.level = level
        self.connection = self.open()
        self.connection.execute("CREATE TABLE row (n INTEGER)")
        self.put(1)
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def open(self):
        connection = self.disk.connect(self.disk.folder / "a.db", isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={self.level}")
        return connection

    def put(self, number: int) -> None:
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.execute("INSERT INTO row VALUES (?)", (number,))
        self.connection.execute("COMMIT")

    def after(self, kind: str) -> list[int]:
        self.disk.crash(kind)
        self.connection.close()
        self.disk.boot()
        self.connection = self.open()
        assert self.connection.look("PRAGMA integrity_check") == [("ok",)]
        return [n for (n,) in self.connection.look("SELECT n FROM row ORDER BY n")]


@pytest.mark.parametrize(
    ("level", "kind", "left"),
    [
        ("FULL", "kill", [1, 2, 3]),
        ("FULL", "power", [1, 2, 3]),
        ("NORMAL", "kill", [1, 2, 3]),
        ("NORMAL", "power", [1]),
        ("OFF", "kill", [1, 2, 3]),
        ("OFF", "power", []),
    ],
)
def test_only_what_was_synced_survives_the_power(tmp_path, level, kind, left):
    bench = Bench(tmp_path, level)
    bench.put(2)
    bench.put(3)
    assert set(bench.commits[1:]) == {level == "FULL"}
    if level == "OFF" and kind == "power":
        bench.disk.crash(kind)  # never synced: not even the table is there
        assert (
            list(bench.disk.folder.glob("a.db")) == []
            or b"row" not in (bench.disk.folder / "a.db").read_bytes()
        )
        return
    assert bench.after(kind) == left


def test_an_open_transaction_is_gone(tmp_path):
    bench = Bench(tmp_path, "FULL")
    bench.connection.execute("BEGIN IMMEDIATE")
    bench.connection.execute("INSERT INTO row VALUES (2)")
    assert bench.after("kill") == [1]


def test_a_commit_cut_by_the_power_is_there_whole_or_not_at_all(tmp_path):
    """Before it, torn in its midst, or written and never heard of: all three occur."""
    ends = set()
    for seed in range(20):
        bench = Bench(tmp_path / str(seed), "FULL", seed)
        told = len(bench.commits)
        bench.disk.plan_crash(3, "power")
        with pytest.raises(Crash):
            bench.put(2)
        heard = len(bench.commits) > told
        left = bench.after("power")
        assert left == ([1, 2] if heard else [1])
        ends.add(heard)
    assert ends == {True, False}


def test_a_dead_process_can_do_nothing_more(tmp_path):
    bench = Bench(tmp_path, "FULL")
    bench.disk.crash("kill")
    for statement in ("BEGIN IMMEDIATE", "ROLLBACK", "SELECT 1"):
        with pytest.raises(Crash):
            bench.connection.execute(statement)
    with pytest.raises(Crash):
        bench.disk.connect(bench.disk.folder / "a.db")


def test_a_full_disk_refuses_writing_and_still_reads(tmp_path):
    bench = Bench(tmp_path, "FULL")
    bench.disk.full = True
    with pytest.raises(sqlite3.OperationalError, match="full") as caught:
        bench.connection.execute("INSERT INTO row VALUES (2)")
    assert caught.value.sqlite_errorcode == sqlite3.SQLITE_FULL
    assert bench.connection.execute("SELECT n FROM row").fetchall() == [(1,)]
