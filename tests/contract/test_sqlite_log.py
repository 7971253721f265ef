"""A log of SQLite's after power cuts, flipped bits, and syncs that failed."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from contract.sqlite_log import lost_commits

FRAME = 24 + 4096
COMMITS = 12


def log_of(folder: Path, rows: tuple[int, ...], start: Path | None = None) -> tuple[bytes, int]:
    """The log after a commit of so many rows each, and how many of its frames are good. A row
    takes a page."""
    folder.mkdir()
    book = folder / "a.db"
    if start is not None:
        for name in ("a.db", "a.db-wal"):
            shutil.copy(start / name, folder / name)
    with closing(sqlite3.connect(book, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("CREATE TABLE IF NOT EXISTS t (a BLOB)")
        for many in rows:
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO t VALUES (?)", [(b"x" * 4000,)] * many)
            connection.execute("COMMIT")
        kept = folder / "kept"
        kept.mkdir()
        for name in ("a.db", "a.db-wal"):
            shutil.copy(folder / name, kept / name)
    raw = (kept / "a.db-wal").read_bytes()
    return raw, (len(raw) - 32) // FRAME


def test_a_whole_log_has_lost_nothing(tmp_path: Path) -> None:
    raw, frames = log_of(tmp_path / "a", (1,) * COMMITS)
    assert lost_commits(raw, frames) == 0
    assert lost_commits(raw[:20], 0) == 0


def test_the_last_commit_cut_off_has_lost_nothing(tmp_path: Path) -> None:
    good, believed = log_of(tmp_path / "a", (2,) * COMMITS)
    raw, _ = log_of(tmp_path / "b", (5,), tmp_path / "a" / "kept")
    torn = raw[: len(good)] + bytes(FRAME) + raw[len(good) + FRAME :]
    assert lost_commits(torn, believed) == 0


@pytest.mark.parametrize("spoilt", ["page", "sum"])
def test_commits_behind_a_bad_frame_are_counted(tmp_path: Path, spoilt: str) -> None:
    raw, frames = log_of(tmp_path / "a", (1,) * COMMITS)
    at = frames // 2
    bad = bytearray(raw)
    bad[32 + at * FRAME + (100 if spoilt == "page" else 17)] ^= 1
    # At least half of the commits are behind it; the last one could have been cut off.
    assert lost_commits(bytes(bad), at) >= COMMITS // 2 - 2


@pytest.mark.parametrize("at", [3, 6, 8, 10, 13, 17, 22, 27])
def test_commits_behind_a_damaged_header_are_counted(tmp_path: Path, at: int) -> None:
    """SQLite takes it for an empty log: the first byte wrong in any of its fields loses all."""
    raw, frames = log_of(tmp_path / "a", (1,) * COMMITS)
    bad = bytearray(raw)
    bad[at] ^= 1
    assert lost_commits(bytes(bad), 0) >= COMMITS - 1
    assert frames > COMMITS


def test_commits_whose_syncs_failed_never_were(tmp_path: Path) -> None:
    """Each began where the last good one ended, and a shorter one left the rest of it behind."""
    good, believed = log_of(tmp_path / "a", (1,) * COMMITS)
    left = good
    for name, many in (("b", 10), ("c", 7), ("d", 4)):
        raw, _ = log_of(tmp_path / name, (many,), tmp_path / "a" / "kept")
        assert raw[: len(good)] == good, "they begin with the same log"
        left = raw + left[len(raw) :]
    assert (len(left) - 32) // FRAME > believed + 8
    _, last = log_of(tmp_path / "e", (4,), tmp_path / "a" / "kept")
    assert lost_commits(left, believed) == 0, "none of them was good"
    assert lost_commits(left, last) == 0, "the last of them was"
