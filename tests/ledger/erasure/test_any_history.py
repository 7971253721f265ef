"""Whatever was written in whatever order: who is erased is gone from the disk, everybody else reads
as before, the chain holds, and every figure stays what it was."""

import datetime
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alarms.visit_book import VisitBook
from dashboard.callers import Caller
from dashboard.report_reads import Asked, county_report, region_rows
from hearthwatch.sealed_book import prepare
from ledger.care.book import CareBook
from ledger.chain_check import check
from ledger.erasure.eraser import Eraser
from ledger.erasure.periods import Periods
from ledger.forms.consents import NewConsent
from ledger.persons import consenting, files
from ledger.place import Place, SqliteBook
from ledger.reports.spans import parse_span
from ledger.schema import METADATA, REGION
from ledger.sealing.ring import Ring
from ledger.unit_of_work import UnitOfWork
from ledger.views import to_json
from ledger.visits import Correction, NewVisit
from tests.adapters.book import PlainObjects
from tests.adapters.migrated import migrated
from tests.adapters.sealed import NOW_MS, key_path, sealed_place

TODAY = datetime.date(2026, 11, 23)
PERSONS = tuple(f"p{number}" for number in range(4))
HOMES = {"p0": "h0", "p1": "h0", "p2": "h1", "p3": "h2"}
# Written about a person; whose it is stands in it.
ACTS = ("phone", "file", "consent", "visit", "correct", "void", "care", "erase")
HISTORIES = st.lists(
    st.tuples(st.sampled_from(ACTS), st.sampled_from(PERSONS)), min_size=1, max_size=24
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    book = SqliteBook(path=migrated(folder / "hub.db"), ring=Ring(key_path(folder)))
    connection = book.open_writer()
    prepare(connection, book.ring)
    connection.close()
    return folder


class Town:
    """A sealed book with four people in three homes, changed by acts."""

    def __init__(self, folder: Path, book: Place) -> None:
        self.folder, self.book = folder, book
        self.connection = self.book.open_writer()
        # Nothing has to be kept: what stands in the way of erasing has tests of its own.
        self.eraser = Eraser(self.book.ring, self.book.forget, Periods(records=1))
        self.visits = VisitBook(None, PlainObjects(), nobody_met_days=0)
        self.number = 0
        self.made: dict[str, list[str]] = {person: [] for person in PERSONS}
        self.now_ms = NOW_MS
        self.change(self._begin)

    def change(self, apply):
        cursor = self.connection.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        done = apply(UnitOfWork(cursor, self.now_ms))
        cursor.execute("COMMIT")
        return done

    def _begin(self, unit: UnitOfWork) -> None:
        unit.execute("INSERT INTO region (code, name, level) VALUES ('61', '县', 'county')")
        for home in sorted(set(HOMES.values())):
            sql = "INSERT INTO home (id, region, address, access_note) VALUES (?, '61', ?, '')"
            unit.execute(sql, (home, f"门牌{home}"))
        for person, home in HOMES.items():
            register = {"home": home, "name": f"姓名{person}", "born": "1941-03-02"}
            files.create(unit, self._edit(person, register, {}))

    def _edit(self, person: str, register, file) -> files.Edit:
        return files.Edit(
            person=person, actor="m", today=TODAY, register=register, file=file, reason="改"
        )

    def act(self, what: str, person: str) -> None:
        self.number += 1
        mark = f"标记{person}-{self.number}"
        self.change(lambda unit: getattr(self, f"_{what}")(unit, person, mark))

    def _phone(self, unit: UnitOfWork, person: str, mark: str) -> None:
        contact = {"name": mark, "relation": "子", "phone": f"139{self.number:08d}"}
        files.change(unit, self._edit(person, {"hearing": mark, "contacts": [contact]}, {}))

    def _file(self, unit: UnitOfWork, person: str, mark: str) -> None:
        files.change(unit, self._edit(person, {}, {"support": mark, "seriously_ill": "yes"}))

    def _consent(self, unit: UnitOfWork, person: str, mark: str) -> None:
        new = NewConsent(
            purpose="health",
            given_by=mark,
            relation="self",
            how="signed",
            given_on="2026-11-01",
            until_on="",
            note=mark,
        )
        consenting.give(unit, f"c{self.number}", person, "61", new, "m", TODAY)

    def _visit(self, unit: UnitOfWork, person: str, mark: str) -> None:
        name = f"v{self.number}"
        record = {"needs": mark, "satisfaction": "satisfied", "mood": "worse", "services": [1, 3]}
        visit = NewVisit(
            id=name,
            home=HOMES[person],
            service_user=person,
            way="home_visit",
            visitor="visitor-1",
            visited_at_ms=NOW_MS - self.number * 3_600_000,
            record=record,
        )
        self.visits.record(unit, visit, "visitor-1", kind="routine")
        self.made[person].append(name)

    def _correct(self, unit: UnitOfWork, person: str, mark: str) -> None:
        if self.made[person]:
            correction = Correction(
                id=f"k{self.number}",
                visit=self.made[person][-1],
                reason=mark,
                record={"needs": mark},
            )
            self.visits.correct(unit, correction, "visitor-1")

    def _void(self, unit: UnitOfWork, person: str, mark: str) -> None:
        if self.made[person]:
            self.visits.void(unit, self.made[person].pop(), "visitor-1", mark)

    def _care(self, unit: UnitOfWork, person: str, mark: str) -> None:
        line = {
            "id": f"l{self.number}",
            "person": person,
            "region": "61",
            "service": "meals",
            "items": "[1]",
            "who": mark,
            "served_at_ms": NOW_MS - 3_600_000,
            "minutes": 30,
            "cost_fen": 1000,
            "note": mark,
            "why": "",
            "void": False,
        }
        CareBook().write_line(unit, line, "m")

    def erase(self, person: str) -> None:
        self.now_ms = NOW_MS + 40 * 86_400_000
        confirm = self.change(lambda unit: self.eraser.plan(unit, person)).confirm
        done = self.change(
            lambda unit: self.eraser.erase(
                unit, person, confirm=confirm, actor="admin", reason="本人要求"
            )
        )
        self.now_ms = NOW_MS
        self.eraser.committed(done)

    def report(self) -> bytes:
        reader = self.book.open_reader()
        caller = Caller(username="m", name="", role="admin", region="", digest="", via="bearer")
        asked = Asked(caller=caller, region="", span=parse_span("2026-11"))
        hub = SimpleNamespace(clock=SimpleNamespace(now_ms=lambda: NOW_MS))
        with reader.connect() as connection:
            document = county_report(connection, hub, asked, region_rows(connection, REGION))
            assert all(state.holds for state in check(connection))
        reader.dispose()
        assert self.book.ring.unreadable == 0
        return to_json({name: document[name] for name in ("figures", "care")})

    def files_of_others(self, gone: set[str]) -> list[object]:
        return [
            self.change(lambda unit, p=p: files.find(unit, p)) for p in PERSONS if p not in gone
        ]

    def disk(self) -> bytes:
        return b"".join(path.read_bytes() for path in sorted(self.folder.glob("hub.db*")))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(history=HISTORIES)
def test_any_history(template: Path, tmp_path_factory, history) -> None:
    folder = tmp_path_factory.mktemp("town")
    shutil.copytree(template, folder, dirs_exist_ok=True)
    town = Town(folder, SqliteBook(path=folder / "hub.db", ring=Ring(key_path(folder))))
    gone: set[str] = set()
    for what, person in history:
        if person in gone:
            continue
        if what != "erase":
            town.act(what, person)
            continue
        before, others = town.report(), town.files_of_others(gone | {person})
        town.erase(person)
        gone.add(person)
        assert town.report() == before
        assert town.files_of_others(gone) == others
    disk = town.disk()
    for person in PERSONS:
        assert f"标记{person}-".encode() not in disk, "sealed while she is there, and after"
        assert f"姓名{person}".encode() not in disk, "as everything that is known of her"
    for home in set(HOMES.values()):
        lived_in = any(HOMES[person] == home for person in PERSONS if person not in gone)
        assert (f"门牌{home}".encode() in disk) == lived_in
    assert town.book.ring.unreadable == 0
    town.connection.close()
    shutil.rmtree(folder)


def test_on_postgresql(tmp_path: Path, postgres) -> None:
    """Every act, and then two who lived together are erased one after the other."""
    book = sealed_place(postgres.fresh(), key_path(tmp_path))
    connection = book.open_writer()
    prepare(connection, book.ring)
    connection.close()
    town = Town(tmp_path, book)
    for person in PERSONS:
        for what in (*ACTS[:5], "visit", *ACTS[5:-1]):
            town.act(what, person)
    gone: set[str] = set()
    for person in ("p0", "p1"):
        before, others = town.report(), town.files_of_others(gone | {person})
        town.erase(person)
        gone.add(person)
        assert town.report() == before
        assert town.files_of_others(gone) == others
    rows = repr([table_rows(town, name) for name in ("service_user", "home", "entry", "visit")])
    for person in PERSONS:
        assert f"姓名{person}" not in rows
        assert f"标记{person}-" not in rows
    assert ("门牌h0" in rows, "门牌h1" in rows) == (False, True)
    town.connection.close()


def table_rows(town: Town, table: str) -> list[tuple[object, ...]]:
    """As they are stored."""
    engine = town.book.open_copier()
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(METADATA.tables[table].select())]
    engine.dispose()
    return found
