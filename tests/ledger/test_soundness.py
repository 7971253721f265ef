"""Bytes of the hub's book that are not what was written: named, and mended by a copy."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from hearthwatch.__main__ import main
from hearthwatch.book_look import AGAIN_S, EVERY_S, BookLook
from hearthwatch.copies import back_up, restore
from hearthwatch.doctor_book import book as doctor_of
from hearthwatch.hub_config import HubConfig
from ledger.cursor import BookDamagedError, BookUnreachableError
from ledger.place import SqliteBook
from ledger.soundness import damaged_log, damaged_pages
from tests.adapters.hub_bench import NOW_MS, Bench, press

PRESSES = 300
JUNK = b"\xa5" * 64


def lived(folder: Path) -> Bench:
    bench = Bench(folder, SqliteBook(path=folder / "hub" / "hub.db"))
    for number in range(1, PRESSES + 1, 10):
        bench.deliver(*(press(n) for n in range(number, number + 10)))
    return bench


def page_of(path: Path, table: str) -> int:
    """One in the middle of the table, not its root."""
    with closing(sqlite3.connect(path)) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?"
        (root,) = connection.execute(sql, (table,)).fetchone()
    raw = path.read_bytes()
    top = raw[(root - 1) * size : root * size]
    assert top[0] == 5, "the table has one page only"  # an inner page of a table (file format 1.6)
    cell = int.from_bytes(top[12:14], "big")
    child = int.from_bytes(top[cell : cell + 4], "big")
    return (child - 1) * size


def spoil(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(JUNK)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return lived(tmp_path)


def copied_alive(bench: Bench, folder: Path) -> Path:
    """The files as a power cut leaves them, the log with them."""
    path = bench.hub.config.data_dir / "hub.db"
    folder.mkdir()
    for name in ("hub.db", "hub.db-wal"):
        (folder / name).write_bytes((path.parent / name).read_bytes())
    return folder / "hub.db"


def state_of(
    config: HubConfig, before: str | None = None, *, pause_s: float = EVERY_S
) -> tuple[str, list[str]]:
    """After one look beside the running hub."""
    said: list[str] = []

    async def look() -> str:
        looked = asyncio.Event()

        async def pause(seconds: float) -> None:
            assert seconds == pause_s
            looked.set()
            await asyncio.Event().wait()

        what = BookLook(
            config.book, config.data_dir, before, lambda event, _text: said.append(event), pause
        )
        task = asyncio.create_task(what.run())
        await looked.wait()
        task.cancel()
        return what.state

    return asyncio.run(look()), said


def test_a_sound_book_is_said_to_be_sound(bench: Bench) -> None:
    config = bench.hub.config
    assert config.book.damaged(deep=True) == ()
    assert state_of(config) == ("ok", [])
    assert bench.hub.health()["book_file"] == "ok"
    bench.hub.close()


def test_a_damaged_page_is_named_by_its_table_and_a_copy_mends_it(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, path = bench.hub.config, bench.hub.config.data_dir / "hub.db"
    copy = tmp_path / "copy.zip"
    back_up(config, copy, NOW_MS, lambda _table, _rows: None)
    bench.hub.close()
    spoil(path, page_of(path, "event"))
    found = damaged_pages(path)
    assert found
    assert all(line.startswith("table event: ") for line in found)
    state, said = state_of(config)
    assert state.startswith("table event: ")
    assert set(said) == {"book_damaged"}
    [finding] = [f for f in doctor_of(config.book) if f.check == "book pages"]
    assert (finding.verdict, "event" in finding.detail) == ("fail", True)
    assert "hearthwatch restore" in finding.remedy

    for name in ("hub.db", "hub.db-wal", "hub.db-shm"):
        (path.parent / name).unlink(missing_ok=True)
    for store in path.parent.glob("readings*"):
        store.unlink()
    restore(config, copy, lambda _table, _rows: None)
    assert config.book.damaged(deep=True) == ()
    again = Bench(tmp_path, config.book)
    assert again.hub.health()["book_file"] == "ok"
    assert len(again.deliver(press(1)).stored) == 0  # it is known
    again.hub.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowBook(SqliteBook):
    """Gigabytes, or a file in use: a look at it does what it is told."""

    look: Callable[[], tuple[str, ...]]

    def damaged(self, *, deep: bool = False) -> tuple[str, ...]:
        return self.look()


def test_a_hub_that_is_to_end_does_not_wait_for_a_look(tmp_path: Path) -> None:
    over = threading.Event()
    waited: list[bool] = []

    async def hub() -> None:
        loop, looking = asyncio.get_running_loop(), asyncio.Event()

        def look() -> tuple[str, ...]:
            loop.call_soon_threadsafe(looking.set)
            waited.append(over.wait(5))
            return ()

        book = SlowBook(path=tmp_path / "hub.db", look=look)
        task = asyncio.create_task(BookLook(book, tmp_path, None, lambda _e, _t: None).run())
        await looking.wait()
        task.cancel()

    asyncio.run(hub())
    assert waited == []
    over.set()


def test_a_file_that_cannot_be_looked_at_is_not_called_damaged_and_looked_at_again_soon(
    bench: Bench, tmp_path: Path
) -> None:
    bench.hub.close()
    path = bench.hub.config.data_dir / "hub.db"
    with pytest.raises(BookUnreachableError, match="unable to open"):
        damaged_pages(tmp_path)

    def busy() -> tuple[str, ...]:
        raise BookUnreachableError("hub.db: database is locked")

    config = replace(bench.hub.config, book=SlowBook(path=path, look=busy))
    state, said = state_of(config, pause_s=AGAIN_S)
    assert (state, said) == ("not looked at: BookUnreachableError", ["book_not_looked_at"])
    assert [f.verdict for f in doctor_of(config.book)][1:] == ["fail"]


def test_a_book_that_cannot_be_opened_says_what_to_do(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = bench.hub.config.data_dir / "hub.db"
    bench.hub.close()
    spoil(path, 0)
    with pytest.raises(BookDamagedError, match=r"hub\.db is damaged .* hearthwatch restore"):
        bench.book.open_hub()
    (tmp_path / "hub.toml").write_text('data_dir = "hub"\n[broker]\nhost = "127.0.0.1"\n')
    assert main(["hub", "--config", str(tmp_path / "hub.toml")]) == 2
    assert "hearthwatch restore" in capsys.readouterr().err
    # Nothing of it was written over, and the lock is free again.
    assert path.read_bytes()[: len(JUNK)] == JUNK
    path.unlink()
    bench.book.open_hub().close()


def test_a_log_damaged_in_its_middle_is_told_until_the_next_start(
    bench: Bench, tmp_path: Path
) -> None:
    path = copied_alive(bench, tmp_path / "after")
    bench.hub.close()
    log = path.with_name("hub.db-wal")
    raw = bytearray(log.read_bytes())
    end = raw.rfind(b"press-150")  # in the midst of what was written
    assert 0 < end < len(raw)
    raw[end] ^= 0x01
    log.write_bytes(raw)
    connection = SqliteBook(path=path).open_hub()
    assert connection.damage is not None
    assert "hub.db-wal is damaged in its middle" in connection.damage
    connection.close()
    config = HubConfig(
        data_dir=path.parent, book=SqliteBook(path=path), homes=None, notify=bench.notify
    )
    state, said = state_of(config, connection.damage)
    assert "damaged in its middle" in state
    assert "book_damaged" in said


def test_a_log_cut_off_at_its_end_is_what_a_power_cut_leaves(bench: Bench, tmp_path: Path) -> None:
    path = copied_alive(bench, tmp_path / "after")
    bench.hub.close()
    log = path.with_name("hub.db-wal")
    raw = log.read_bytes()
    end = raw.rfind(b"press-300")
    log.write_bytes(raw[:end] + bytes(len(raw) - end))
    assert damaged_log(path) is None
