"""A copy of everything, taken back by an empty hub on either database."""

import io
import json
import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from dashboard.callers import Caller
from dashboard.report_reads import Asked, county_report, region_rows
from hearthwatch.__main__ import main
from hearthwatch.copies import back_up, restore, try_out
from hearthwatch.hub_config import HubConfig
from ledger.archive import LEFT_OUT, MANIFEST, ArchiveError
from ledger.care.book import CareBook
from ledger.chain_check import check
from ledger.database import insert_sql
from ledger.place import Place, SqliteBook
from ledger.reports.spans import parse_span
from ledger.schema import ENTRY, EVENT, METADATA, PERSON_PHOTO, REGION, SERVICE_USER, VISIT
from ledger.unit_of_work import Entry, UnitOfWork
from ledger.views import to_json
from tests.adapters.hub_bench import NOW_MS, Bench, press
from tests.adapters.postgres import Postgres

# With what no text has.
FACE = b"\xff\xd8\0\xff\xd9"


def quiet(_table: str, _rows: int) -> None:
    """Nobody watches."""


def everything(place: Place) -> dict[str, list[tuple[object, ...]]]:
    reader = place.open_reader()
    with reader.connect() as connection:
        found = {
            table.name: [
                tuple(bytes(v) if isinstance(v, memoryview) else v for v in row)
                for row in connection.execute(select(table).order_by(*table.primary_key.columns))
            ]
            for table in METADATA.sorted_tables
            if table.name not in LEFT_OUT
        }
    reader.dispose()
    return found


def report_of(place: Place) -> bytes:
    """What the county reads of its month, with the rows of every kind in it."""
    reader = place.open_reader()
    caller = Caller(username="m", name="", role="admin", region="", digest="", via="bearer")
    asked = Asked(caller=caller, region="", span=parse_span("2026-11"))
    hub = SimpleNamespace(clock=SimpleNamespace(now_ms=lambda: NOW_MS))
    with reader.connect() as connection:
        document = county_report(connection, hub, asked, region_rows(connection, REGION))
    reader.dispose()
    return to_json(document)


def config_of(folder: Path, place: Place) -> HubConfig:
    return HubConfig(data_dir=folder / "hub", book=place, homes=folder / "homes.toml")


def lived(folder: Path, place: Place) -> Bench:
    """A hub that has seen some presses, a look and nonsense."""
    folder.mkdir(exist_ok=True)
    bench = Bench(folder, place)
    bench.deliver(press(1), press(2), b"\x00 nonsense")
    bench.change(lambda unit: unit.audit("duty1", "viewed", "person:王"))
    bench.change(visited)
    return bench


def visited(unit: UnitOfWork) -> None:
    """Somebody lives in the home, was visited and had a need that was passed on."""
    person = {"id": "person-1", "home": "home-1", "name": "王秀兰", "born": "1941-03-02"}
    person["photo"] = "p-1"
    face = {"person": "person-1", "mime": "image/jpeg", "bytes": FACE, "size": len(FACE)}
    face |= {"sha256": "p-1", "width": 3, "height": 4, "added_at_ms": NOW_MS, "added_by": "m"}
    visit = {"id": "visit-1", "service_user": "person-1", "home": "home-1", "kind": "routine"}
    visit |= {"way": "home_visit", "visitor": "visitor-1", "visited_at_ms": NOW_MS - 3_600_000}
    visit |= {"recorded_at_ms": NOW_MS, "record": '{"satisfaction":"satisfied","services":[7]}'}
    for table, row in ((SERVICE_USER, person), (VISIT, visit), (PERSON_PHOTO, face)):
        filled = {c.name: c.default.arg for c in table.columns if c.default is not None} | row
        unit.execute(insert_sql(table, list(filled)), tuple(filled.values()))
    need = {"id": "r-1", "person": "person-1", "region": "1", "service": "meals", "need": "送餐"}
    CareBook().propose(unit, {**need, "visit": "visit-1"}, "visitor-1")


@pytest.mark.parametrize(
    ("source", "target"), [("sqlite", "postgres"), ("postgres", "sqlite"), ("sqlite", "sqlite")]
)
def test_a_copy_is_the_same_book_on_any_database(
    source: str, target: str, postgres: Postgres, tmp_path: Path
) -> None:
    def place(kind: str, folder: Path, filled: bool) -> Place:
        if kind == "sqlite":
            return SqliteBook(path=folder / "hub" / "hub.db")
        return postgres.fresh() if filled else postgres.empty()

    old, new = tmp_path / "old", tmp_path / "new"
    bench = lived(old, place(source, old, filled=True))
    file = tmp_path / "copy.zip"
    manifest = back_up(bench.hub.config, file, NOW_MS, quiet)
    was, told = everything(bench.book), report_of(bench.book)
    bench.hub.close()
    assert (manifest.made_at_ms, manifest.rows["event"]) == (NOW_MS, 2)
    assert [p.name for p in tmp_path.iterdir() if "copy" in p.name] == ["copy.zip"]
    assert file.stat().st_mode & 0o777 == 0o600

    book = place(target, new, filled=False)
    new.mkdir()
    restored = restore(config_of(new, book), file, quiet)
    assert restored == manifest
    assert everything(book) == was
    assert was["person_photo"][0][2] == FACE
    assert report_of(book) == told
    assert b'"satisfied":1' in told
    assert try_out(file, quiet)[0] == manifest

    # And it goes on there: what is known is known, what is new gets a new number.
    again = Bench(new, book)
    again.deliver(press(2), press(3))
    assert again.count(EVENT) == 3
    seqs = [row["seq"] for row in again.rows(ENTRY)]
    assert len(set(seqs)) == len(seqs)
    assert max(seqs) == seqs[-1]
    with again.hub.reader.connect() as connection:
        assert all(state.holds for state in check(connection))
    again.hub.close()


def test_a_copy_made_while_the_hub_writes_is_one_moment(tmp_path: Path) -> None:
    bench = lived(tmp_path / "old", SqliteBook(path=tmp_path / "old" / "hub" / "hub.db"))
    stop, written = threading.Event(), threading.Event()

    def go_on() -> None:
        number = 10
        while not stop.is_set():
            bench.deliver(press(number))
            number += 1
            written.set()

    writing = threading.Thread(target=go_on)
    writing.start()
    try:
        assert written.wait(30)
        for number in range(3):
            file = tmp_path / f"{number}.zip"
            manifest = back_up(bench.hub.config, file, NOW_MS, quiet)
            # The head of the chain was read in the same moment as its rows.
            assert try_out(file, quiet)[0].rows["event"] == manifest.rows["event"]
    finally:
        stop.set()
        writing.join()
        bench.hub.close()


def copied(tmp_path: Path) -> Path:
    bench = lived(tmp_path / "old", SqliteBook(path=tmp_path / "old" / "hub" / "hub.db"))
    file = tmp_path / "copy.zip"
    back_up(bench.hub.config, file, NOW_MS, quiet)
    bench.hub.close()
    return file


def changed(file: Path, name: str, change) -> Path:
    """The copy with one member changed, or left out where `change` gives None."""
    out = io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(out, "w") as new:
        for member in old.namelist():
            data = old.read(member)
            data = change(data) if member == name else data
            if data is not None:
                new.writestr(member, data)
    other = file.with_name("changed.zip")
    other.write_bytes(out.getvalue())
    return other


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("entry.jsonl", lambda data: data.replace(b"raised", b"closed"), "entry is not what was"),
        ("entry.jsonl", lambda data: data.split(b"\n", 1)[1], "entry is not what was written"),
        ("entry.jsonl", lambda _data: b"{}\n", "a line that is no row"),
        ("event.jsonl", lambda _data: None, "event is missing"),
        ("readings.db", lambda data: data[:4096] + b"x" * 4096 + data[8192:], "damaged"),
        (MANIFEST, lambda data: data[:40], "manifest is missing or damaged"),
        (MANIFEST, lambda data: data.replace(b'"format": 1', b'"format": 9'), "of form 9"),
        (MANIFEST, lambda _data: None, "no copy of a book"),
    ],
)
def test_a_damaged_copy_is_refused_and_leaves_nothing(
    name: str, change, says: str, tmp_path: Path
) -> None:
    file = changed(copied(tmp_path), name, change)
    with pytest.raises((ArchiveError, Exception), match=f"(?i){says}|malformed|database"):
        try_out(file, quiet)
    folder = tmp_path / "new"
    book = SqliteBook(path=folder / "hub" / "hub.db")
    with pytest.raises(Exception, match=f"(?i){says}|malformed|database"):
        restore(config_of(folder, book), file, quiet)
    # The same place takes a good copy afterwards.
    restore(config_of(folder, book), tmp_path / "copy.zip", quiet)


def test_a_copy_whose_rows_were_forged_with_their_digest_is_refused(tmp_path: Path) -> None:
    import hashlib

    file = copied(tmp_path)
    with zipfile.ZipFile(file) as old:
        forged = old.read("entry.jsonl").replace(b"raised", b"closed")
    manifest = json.loads(zipfile.ZipFile(file).read(MANIFEST))
    manifest["digests"]["entry"] = hashlib.sha256(forged).hexdigest()
    other = changed(file, "entry.jsonl", lambda _data: forged)
    other = changed(other, MANIFEST, lambda _data: json.dumps(manifest).encode())
    with pytest.raises(ArchiveError, match="chain of entry"):
        try_out(other, quiet)


def test_a_copy_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    file = copied(tmp_path)
    with zipfile.ZipFile(file) as old:
        now = json.loads(old.read(MANIFEST))["revision"]
    newer = changed(file, MANIFEST, lambda data: data.replace(f'"{now}"'.encode(), b'"9999"'))
    with pytest.raises(ArchiveError, match=r"newer program \(schema 9999\)"):
        try_out(newer, quiet)


def test_what_is_there_is_never_written_over(postgres: Postgres, tmp_path: Path) -> None:
    file = copied(tmp_path)
    for place in (SqliteBook(path=tmp_path / "old" / "hub" / "hub.db"), postgres.fresh()):
        before = everything(place)
        folder = tmp_path / "elsewhere"
        folder.mkdir(exist_ok=True)
        with pytest.raises(ArchiveError, match="a book already"):
            restore(config_of(folder, place), file, quiet)
        assert everything(place) == before
    full = tmp_path / "full"
    (full / "hub").mkdir(parents=True)
    (full / "hub" / "readings.db").write_bytes(b"mine")
    with pytest.raises(ArchiveError, match="move it away"):
        restore(config_of(full, SqliteBook(path=full / "hub" / "hub.db")), file, quiet)
    assert (full / "hub" / "readings.db").read_bytes() == b"mine"


def test_the_commands_say_what_they_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench = lived(tmp_path / "old", SqliteBook(path=tmp_path / "old" / "hub" / "hub.db"))
    bench.change(_entry)
    bench.hub.close()
    configs = {}
    for name in ("old", "new"):
        (tmp_path / name).mkdir(exist_ok=True)
        configs[name] = tmp_path / name / "hub.toml"
        configs[name].write_text('data_dir = "hub"\n[broker]\nhost = "127.0.0.1"\n')
    file = str(tmp_path / "copy.zip")
    assert main(["backup", "--config", str(configs["old"]), file]) == 0
    assert main(["backup", "--check", file]) == 0
    assert main(["restore", "--config", str(configs["new"]), file]) == 0
    said = capsys.readouterr().out
    assert said.count("head of entry: ") == 3
    assert len({line for line in said.splitlines() if line.startswith("head of")}) == 2
    assert main(["restore", "--config", str(configs["new"]), file]) == 1
    assert "is there already" in capsys.readouterr().err
    assert main(["backup", "--check", str(configs["new"])]) == 1
    assert "no whole copy" in capsys.readouterr().err


def _entry(unit: UnitOfWork) -> None:
    unit.entry(Entry(topic="rule", subject="sos", fact="changed", payload=lambda: b"{}"))
