"""What has had its time is taken away; whoever may be erased is proposed, and never erased."""

import asyncio
from pathlib import Path

import pytest

from contract.moment import to_iso
from hearthwatch.__main__ import main
from hearthwatch.housekeeping import keep_periods
from hearthwatch.hub_config import load
from ledger.erasure.periods import Periods
from ledger.erasure.retention import due, proposed, take_away
from ledger.place import Place, SqliteBook
from ledger.unit_of_work import Entry, UnitOfWork
from ledger.writer import Writer
from tests.adapters.sealed import NOW_MS, book_of, changed

DAY_MS = 86_400_000
PERIODS = Periods(records=100, unread=10)
OLD_MS = NOW_MS - 101 * DAY_MS
NEW_MS = NOW_MS - 99 * DAY_MS
PEOPLE = (
    *("here", "left_late", "quiet", "visited", "cared"),
    *("referred", "changed", "alarmed", "called"),
)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return book_of(request, tmp_path)


def unread(unit: UnitOfWork) -> None:
    for number, days in enumerate((30, 11, 9, 0)):
        unit.execute(
            "INSERT INTO quarantine (at_ms, source, code, detail, raw, size, digest, count)"
            " VALUES (?, 'x', 'x', '', ?, 1, ?, 1)",
            (NOW_MS - days * DAY_MS, b"x", str(number)),
        )


def people(unit: UnitOfWork) -> None:
    unit.execute("INSERT INTO region (code, name, level) VALUES ('61', '', 'county')")
    for person in (
        "here",
        "left_late",
        "quiet",
        "visited",
        "cared",
        "referred",
        "changed",
        "alarmed",
        "called",
    ):
        home = "INSERT INTO home (id, region, address, access_note) VALUES (?, '61', '', '')"
        unit.execute(home, (f"h-{person}",))
        row = (
            "INSERT INTO service_user (id, home, name, sex, born, phone, categories, grade,"
            " conditions, contacts, left_on)"
            " VALUES (?, ?, '', '', '', '', '[]', '', '[]', '[]', ?)"
        )
        left = {"here": "", "left_late": to_iso(NEW_MS)[:10]}.get(person, "2020-01-01")
        unit.execute(row, (person, f"h-{person}", left))
    visit = (
        "INSERT INTO visit (id, service_user, home, kind, way, visitor, visited_at_ms,"
        " recorded_at_ms, record) VALUES (?, ?, ?, 'routine', 'phone', 'v', ?, 0, '{}')"
    )
    unit.execute(visit, ("v1", "quiet", "h-quiet", OLD_MS))
    unit.execute(visit, ("v2", "visited", "h-visited", NEW_MS))
    unit.execute(visit, ("v3", None, "h-called", NEW_MS))
    care = (
        "INSERT INTO care_line (id, person, region, service, items, who, served_at_ms, cost_fen,"
        " note, recorded_at_ms, recorded_by, why, void)"
        " VALUES ('c', 'cared', '61', 'meals', '[]', '', ?, 0, '', 0, 'm', '', ?)"
    )
    unit.execute(care, (NEW_MS, False))
    referral = (
        "INSERT INTO referral (id, number, person, region, service, need, state, version,"
        " created_at_ms, created_by, note)"
        " VALUES ('r', 1, 'referred', '61', 'meals', '', 'serving', 1, ?, 'm', '')"
    )
    unit.execute(referral, (OLD_MS,))
    alarm = (
        "INSERT INTO alarm (id, number, subject, home, rule, kind, severity, reason, state,"
        " version, evidence, event_count, raised_at_ms, ingested_at_ms, last_event_ms)"
        " VALUES ('a', 1, 'h-alarmed', 'h-alarmed', 'sos', 'sos', 'urgent', '', 'open', 1, '{}',"
        " 1, ?, 0, 0)"
    )
    unit.execute(alarm, (OLD_MS,))
    for person, at_ms in (("quiet", OLD_MS), ("changed", NEW_MS)):
        unit.entry(
            Entry(
                topic="person", subject=person, fact="changed", payload=lambda: b"null", at_ms=at_ms
            )
        )


def test_what_could_not_be_read_goes_after_its_period(place: Place) -> None:
    changed(place, unread)
    assert changed(place, lambda unit: due(unit.cursor, PERIODS, NOW_MS)).unread == 2
    assert changed(place, lambda unit: take_away(unit, PERIODS)) == 2
    assert changed(place, lambda unit: take_away(unit, PERIODS)) == 0
    count = "SELECT count(*) FROM quarantine"
    assert changed(place, lambda unit: unit.execute(count).fetchone()[0]) == 2


def test_who_is_long_gone_is_proposed_and_nobody_else(place: Place) -> None:
    changed(place, people)
    assert changed(place, lambda unit: proposed(unit.cursor, PERIODS, NOW_MS)) == ("quiet",)
    left = "SELECT count(*) FROM service_user WHERE erased_at_ms IS NOT NULL"
    assert changed(place, lambda unit: unit.execute(left).fetchone()[0]) == 0


async def test_the_hub_does_it_every_night(tmp_path: Path) -> None:
    book = SqliteBook(path=tmp_path / "hub.db")
    book.migrate()
    changed(book, unread)
    changed(book, people)
    now_ms, told, looks = NOW_MS, [], 0
    writer = Writer(book.open_writer(), lambda: now_ms)
    writer.start()

    async def pause(_s: float) -> None:
        nonlocal now_ms, looks
        looks += 1
        if looks == 2:
            now_ms += 2 * DAY_MS
        if looks == 4:
            raise asyncio.CancelledError

    def log(event: str, text: str) -> None:
        told.append((event, text.split(maxsplit=1)[0]))

    with pytest.raises(asyncio.CancelledError):
        await keep_periods(writer, PERIODS, lambda: now_ms, log, pause)
    writer.close()
    first, second = told[:2], told[2:]
    assert first == [("retention", "2"), ("erasure_proposed", "1")]
    # Two days later one row more is over, and the records of five more people.
    assert second == [("retention", "1"), ("erasure_proposed", "6")]


def test_the_command_says_what_is_kept_and_takes_away(tmp_path: Path, capsys) -> None:
    config = tmp_path / "hub.toml"
    config.write_text('data_dir = "hub"\n[retention]\nunread_days = 10\n')
    book = load(config).book
    book.migrate()
    # By the real clock everything here is long over.
    changed(book, lambda unit: unit.execute("SELECT 1"))
    assert main(["retention", "--config", str(config), "--plan"]) == 0
    said = capsys.readouterr().out
    assert "1096 days after the last one" in said
    assert "unread: 10" not in said
    assert "could not be read: 10 days; 0 rows" in said
    assert main(["retention", "--config", str(config), "--apply"]) == 0
    assert "taken away: 0 rows" in capsys.readouterr().out


@pytest.mark.parametrize("days", ["0", "-1", "36501", '"x"', "true"])
def test_a_period_that_is_none_is_refused(tmp_path: Path, days: str, capsys) -> None:
    config = tmp_path / "hub.toml"
    config.write_text(f'data_dir = "hub"\n[retention]\nrecords_days = {days}\n')
    assert main(["retention", "--config", str(config), "--plan"]) == 1
    assert "records_days" in capsys.readouterr().err
