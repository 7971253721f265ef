"""Copies of a sealed book: opened with their key file alone, and nobody comes back by one."""

import datetime
import shutil
import sqlite3
from pathlib import Path

import pytest

from hearthwatch.__main__ import main
from hearthwatch.copies import back_up, restore
from hearthwatch.doctor_book import book as doctor_book
from hearthwatch.hub_config import HubConfig, load
from hearthwatch.sealed_book import eraser_of
from ledger.chain_check import check
from ledger.erasure import kept
from ledger.persons import files
from ledger.schema import AUDIT
from ledger.sealing.key_file import KeyFileError
from ledger.unit_of_work import UnitOfWork
from tests.adapters.hub_bench import NOW_MS, Bench
from tests.adapters.sealed import key_path, sealed_file

TODAY = datetime.date(2026, 11, 23)
PHONE = "13899990001"


def quiet(_table: str, _rows: int) -> None:
    """Nobody watches."""


def bench(folder: Path) -> Bench:
    folder.mkdir(exist_ok=True)
    return Bench(folder, sealed_file(folder / "hub" / "hub.db", key_path(folder)))


def add(unit: UnitOfWork) -> None:
    for person in ("p-1", "p-2"):
        register = {"home": "home-1", "name": f"张{person}", "phone": PHONE}
        edit = files.Edit(person=person, actor="a", today=TODAY, register=register, file={})
        files.create(unit, edit)


def erase(hub: Bench, person: str) -> None:
    eraser = eraser_of(hub.hub.config)

    def apply(unit: UnitOfWork):
        confirm = eraser.plan(unit, person).confirm
        return eraser.erase(unit, person, confirm=confirm, actor="admin-1", reason="asked")

    eraser.committed(hub.change(apply))


def names(hub: Bench) -> dict[str, tuple[str, str]]:
    known = {p: hub.change(lambda unit, p=p: files.find(unit, p)) for p in ("p-1", "p-2")}
    return {p: (k.register["name"], k.register["phone"]) for p, k in known.items()}


@pytest.fixture
def copied(tmp_path: Path) -> tuple[Path, Path]:
    """The folder of a hub, and a copy that was made before somebody was erased there."""
    old = bench(tmp_path / "old")
    old.change(add)
    file = tmp_path / "copy.zip"
    back_up(old.hub.config, file, NOW_MS, quiet)
    erase(old, "p-1")
    assert names(old) == {"p-1": ("已删除", ""), "p-2": ("张p-2", PHONE)}
    old.hub.close()
    return tmp_path / "old", file


def new_hub(tmp_path: Path, old: Path) -> HubConfig:
    new = tmp_path / "new"
    new.mkdir()
    shutil.copytree(key_path(old).parent, key_path(new).parent)
    return HubConfig(data_dir=new / "hub", book=sealed_file(new / "hub" / "hub.db", key_path(new)))


def test_who_was_erased_does_not_come_back_by_a_copy(tmp_path: Path, copied) -> None:
    old, file = copied
    config = new_hub(tmp_path, old)
    restore(config, file, quiet)
    # Before any hub runs, and after.
    raw = b"".join(p.read_bytes() for p in (tmp_path / "new" / "hub").glob("hub.db*"))
    assert "张p-1".encode() not in raw
    # Nobody's name is in it; who was not erased is there under her id.
    assert "张p-2".encode() not in raw
    assert b"p-2" in raw
    again = bench(tmp_path / "new")
    assert names(again) == {"p-1": ("已删除", ""), "p-2": ("张p-2", PHONE)}
    with again.hub.reader.connect() as connection:
        assert all(state.holds for state in check(connection))
    again.hub.close()


def test_who_came_back_by_a_disks_own_copy_is_erased_at_the_start(tmp_path: Path) -> None:
    """Somebody copied the files by hand."""
    old = bench(tmp_path / "old")
    old.change(add)
    old.hub.close()
    shutil.copytree(tmp_path / "old" / "hub", tmp_path / "kept")
    old.open()
    erase(old, "p-1")
    old.hub.close()
    shutil.rmtree(tmp_path / "old" / "hub")
    shutil.copytree(tmp_path / "kept", tmp_path / "old" / "hub")
    again = bench(tmp_path / "old")
    assert names(again)["p-1"] == ("已删除", "")
    again.hub.close()


def test_what_the_file_of_erasures_lost_is_added_from_the_book(tmp_path: Path, copied) -> None:
    old, _file = copied
    path = kept.beside(key_path(old))
    [before] = kept.read(path)
    # Cut in the middle of the line by a power failure.
    path.write_bytes(path.read_bytes()[:-9])
    assert kept.read(path) == []
    hub = bench(old)
    assert kept.read(path) == [before]
    hub.hub.close()


def test_a_damaged_file_of_erasures_is_told(tmp_path: Path, copied) -> None:
    old, _file = copied
    path = kept.beside(key_path(old))
    path.write_text("nonsense\n" + path.read_text())
    with pytest.raises(kept.KeptError, match="line 1 is damaged"):
        bench(old)


def test_a_sealed_copy_without_its_key_file_is_not_taken_back(tmp_path: Path, copied) -> None:
    old, file = copied
    config = new_hub(tmp_path, old)
    config.book.ring.path.unlink()
    with pytest.raises(KeyFileError, match="no such key file"):
        restore(config, file, quiet)
    # Nothing was committed: it is taken back once the file is there.
    shutil.copy(key_path(old), config.book.ring.path)
    restore(config, file, quiet)


def toml_of(folder: Path) -> Path:
    path = folder / "hub.toml"
    path.write_text('data_dir = "hub"\n[sealing]\nkey_file = "keys/persons.json"\n')
    return path


def test_the_commands_show_rotate_and_erase(tmp_path: Path, capsys) -> None:
    hub = bench(tmp_path / "old")
    hub.change(add)
    hub.hub.close()
    path = toml_of(tmp_path / "old")
    config = ["--config", str(path)]
    assert main(["keys", "show", *config]) == 0
    [_, before] = capsys.readouterr().out.splitlines()
    assert "4 keys" in before
    assert main(["keys", "rotate", *config, "--drop-old"]) == 0
    dropped, _, after = capsys.readouterr().out.splitlines()
    assert dropped == f"dropped: {before.split()[0]}"
    assert "4 keys" in after
    assert main(["erase", *config, "p-1"]) == 0
    confirm = capsys.readouterr().out.split("--confirm ")[1].strip()
    assert main(["erase", *config, "p-1", "--confirm", confirm]) == 1
    assert main(["erase", *config, "p-1", "--confirm", "0" * 16, "--reason", "asked"]) == 1
    assert main(["erase", *config, "p-1", "--confirm", confirm, "--reason", "asked"]) == 0
    assert main(["erase", *config, "nobody"]) == 1
    assert "no such person" in capsys.readouterr().err
    again = bench(tmp_path / "old")
    trail = [(row["actor"], row["action"], row["object"]) for row in again.rows(AUDIT)]
    assert trail.count(("admin-command", "erased", "person:p-1")) == 1
    assert names(again) == {"p-1": ("已删除", ""), "p-2": ("张p-2", PHONE)}
    # While a hub runs its memory would still have her.
    assert main(["erase", *config, "p-2"]) == 1
    again.hub.close()


def test_doctor_tells_of_a_key_file_that_is_not_the_books(tmp_path: Path) -> None:
    hub = bench(tmp_path / "old")
    hub.change(add)
    hub.hub.close()
    place = load(toml_of(tmp_path / "old")).book

    def said() -> dict[str, str]:
        return {f.check: f.verdict for f in doctor_book(place) if f.check.startswith("key")}

    assert said() == {"key file": "ok", "key folder": "ok"}
    # Somebody takes the row of a key out, and what it opens reads as nothing.
    [keys] = [f for f in doctor_book(place) if f.check == "persons' keys"]
    assert keys.verdict == "ok"
    with sqlite3.connect(tmp_path / "old" / "hub" / "hub.db") as book:
        book.execute("DELETE FROM person_key WHERE owner = 'p-1'")
    book.close()
    [keys] = [f for f in doctor_book(place) if f.check == "persons' keys"]
    assert (keys.verdict, keys.detail) == ("fail", "1 are not there")
    place.ring.path.parent.chmod(0o755)
    assert said() == {"key file": "ok", "key folder": "warn"}
    place.ring.path.rename(tmp_path / "away.json")
    assert said() == {"key file": "fail"}
