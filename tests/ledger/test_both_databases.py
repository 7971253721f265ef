"""The book on SQLite and on PostgreSQL: the same presses, the same entries, the same refusals."""

import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select

from alarms.lifecycle import Outcome, TaskMove
from alarms.limits import Limits
from alarms.outbox import WebhookTarget
from alarms.outbox_rows import due
from alarms.rota.model import Change, Desk, Hours, ShiftKey
from alarms.rota.plan import weekly
from alarms.rota.watch import verified_ways
from dashboard.rota_reads import read_plan
from hearthwatch.admin import add_user
from hearthwatch.book_change import change_book
from hearthwatch.hub_pages import Duty
from ingest.quarantine import Unreadable
from ingest.readings.port import StoreError
from ingest.urgent_lane import decode_message
from ledger.database import insert_sql
from ledger.place import Place, SqliteBook
from ledger.schema import (
    ALARM,
    ENTRY,
    EVENT,
    HANDOVER_LINE,
    HANDOVER_MARK,
    META,
    OUTBOX,
    QUARANTINE,
    RULE_STATE,
    SPOOL_MARK,
    TASK,
)
from ledger.unit_of_work import UnitOfWork
from ledger.writer import WriterClosed
from rules.local_time import day_of
from tests.adapters.hub_bench import NOW_MS, Bench, press
from tests.adapters.processes import until


@pytest.fixture(params=["sqlite", "postgres"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    book: Place = SqliteBook(path=tmp_path / "hub" / "hub.db")
    if request.param == "postgres":
        book = request.getfixturevalue("postgres").fresh()
    bench = Bench(tmp_path, book)
    yield bench
    bench.hub.close()


def test_a_press_is_taken_whatever_the_address_of_a_system(bench: Bench) -> None:
    """Addresses of providers have a hundred characters, and a server counts them."""
    url = f"https://robot.example/cgi-bin/send?key={'0' * 80}"
    bench.hub.book._outbox._webhooks = (WebhookTarget(url=url, severities=frozenset({"urgent"})),)
    bench.deliver(press(1))
    assert bench.count(EVENT) == 1
    assert url in [row["target"] for row in bench.rows(OUTBOX)]
    rows = bench.change(lambda unit: due(unit, limits=Limits({})))
    assert url in [row.target for row in rows]


def test_a_press_is_event_alarm_task_and_entries_in_one_commit(bench: Bench) -> None:
    heard = []
    bench.hub.writer._on_commit = heard.extend
    before = bench.hub.writer.commits
    committed = bench.deliver(press(1))
    assert bench.hub.writer.commits == before + 1
    assert [ack.ids for _gateway, ack in committed.acks] == [["press-1"]]
    (event,), (alarm,), (task,) = bench.rows(EVENT), bench.rows(ALARM), bench.rows(TASK)
    assert event["alarm"] == alarm["id"] == task["alarm"]
    assert (alarm["home"], alarm["state"], alarm["task"]) == ("home-1", "open", task["id"])
    entries = bench.rows(ENTRY)
    assert [(e["topic"], e["fact"]) for e in entries] == [
        ("alarm", "raised"),
        ("task", "created"),
        # Nobody has an account yet, and the book says so.
        ("alarm", "nobody_told"),
    ]
    assert [e.seq for e in heard] == [e["seq"] for e in entries]
    assert bench.count(SPOOL_MARK) == 1
    assert ("home-1", "sos") in {(r["home"], r["rule"]) for r in bench.rows(RULE_STATE)}


def test_a_press_that_comes_again_is_one(bench: Bench) -> None:
    bench.deliver(press(1))
    committed = bench.deliver(press(1), press(2))
    assert [ack.ids for _gateway, ack in committed.acks] == [["press-1"], ["press-2"]]
    assert bench.count(EVENT) == 2
    (alarm,) = bench.rows(ALARM)
    assert alarm["event_count"] == 2


def test_what_cannot_be_read_is_kept_even_with_nul_in_it(bench: Bench) -> None:
    bench.deliver(b"\x00\xff nonsense", b'{"v": 1, "gateway": "gw-\\u0000"}')
    assert {row["raw"] for row in bench.rows(QUARANTINE)} == {
        b"\x00\xff nonsense",
        b'{"v": 1, "gateway": "gw-\\u0000"}',
    }
    bench.deliver(b"\x00\xff nonsense")
    assert sorted(row["count"] for row in bench.rows(QUARANTINE)) == [1, 2]


class Line:
    """What a hub answers: application acks, and the broker's."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.acked: list[int] = []

    def publish_soon(self, _topic: str, payload: bytes) -> bool:
        self.told += json.loads(payload)["ids"]
        return True

    def ack(self, packet_ids) -> None:
        self.acked += packet_ids


async def test_a_message_that_no_database_takes_costs_no_other_its_press(bench: Bench) -> None:
    bench.hub.to_loop.open()
    broken = decode_message(b"hw/v1/gw-2/activation", press(9).replace(b"gw-1", b"gw-2"))
    broken.items[0].seq = 2**63
    good = [decode_message(b"hw/v1/gw-1/activation", press(number)) for number in (1, 2)]
    line = Line()
    bench.hub.urgent._submit([(good[0], 11), (broken, 12), (good[1], 13)], line, line)
    await until(lambda: len(line.acked) == 3, "all are answered")
    assert sorted(line.told) == ["press-1", "press-2"]
    assert {row["gateway"] for row in bench.rows(EVENT)} == {"gw-1"}
    (alarm,) = bench.rows(ALARM)
    assert alarm["event_count"] == 2


def test_a_caller_who_went_away_does_not_end_the_writer(bench: Bench) -> None:
    """A request that was cancelled, or a hub that stops: the next press is stored all the same."""
    begun, goes_on = threading.Event(), threading.Event()

    def slow(_unit: UnitOfWork) -> None:
        begun.set()
        assert goes_on.wait(30)

    first = bench.hub.writer.submit(slow)
    assert begun.wait(30)
    applied: list[str] = []
    gone = bench.hub.writer.submit(lambda _unit: applied.append("gone"))
    assert gone.cancel()
    assert not first.cancel()
    goes_on.set()
    first.result(30)
    bench.deliver(press(1))
    assert applied == []
    assert bench.count(EVENT) == 1


def test_a_book_that_takes_nothing_is_a_store_error_for_the_readings(bench: Bench) -> None:
    lane = bench.hub.batch
    lane.begin()
    lane.quarantine(Unreadable(source="t", gateway="gw-1", code="c", detail="d", raw=b"r"))
    bench.hub.writer.close()
    with pytest.raises(StoreError):
        lane.commit()


def test_a_device_nobody_knows_is_listed_and_its_press_is_an_alarm(bench: Bench) -> None:
    bench.deliver(press(1, device="unknown-7"))
    (alarm,) = bench.rows(ALARM)
    assert alarm["subject"] == "unbound:gw-1/unknown-7"
    assert {e["fact"] for e in bench.rows(ENTRY)} == {
        "discovered",
        "raised",
        "created",
        "nobody_told",
    }


def test_people_take_an_alarm_to_its_end(bench: Bench) -> None:
    bench.deliver(press(1))
    (alarm,) = bench.rows(ALARM)
    book = bench.hub.book
    bench.change(lambda unit: book.acknowledge(unit, alarm["id"], "duty1"))
    for move in (TaskMove.ACCEPT, TaskMove.DEPART, TaskMove.ARRIVE, TaskMove.COMPLETE):
        bench.change(lambda unit, m=move: book.move_task(unit, alarm["task"], "v1", m, "平安"))
    bench.change(lambda unit: book.close(unit, alarm["id"], "duty1", Outcome.REAL_EMERGENCY, "ok"))
    (after,) = bench.rows(ALARM)
    assert (after["state"], after["closed_by"], after["outcome"]) == (
        "closed",
        "duty1",
        Outcome.REAL_EMERGENCY,
    )
    assert bench.rows(TASK)[0]["finding"] == "平安"
    seqs = [e["seq"] for e in bench.rows(ENTRY)]
    assert seqs == sorted(set(seqs))


def test_a_change_that_fails_takes_nothing_else_with_it(bench: Bench) -> None:
    def broken(unit: UnitOfWork) -> None:
        unit.execute("INSERT INTO meta (key, value) VALUES (?, ?)", ("half", "done"))
        raise LookupError("planted")

    def whole(unit: UnitOfWork) -> None:
        unit.execute("INSERT INTO meta (key, value) VALUES (?, ?)", ("whole", "done"))

    gate = bench.hub.writer.submit(lambda _unit: time.monotonic())
    futures = [bench.hub.writer.submit(change) for change in (broken, whole)]
    gate.result(30)
    assert isinstance(futures[0].exception(30), LookupError)
    assert futures[1].exception(30) is None
    found = bench.change(lambda unit: unit.execute("SELECT key FROM meta ORDER BY key").fetchall())
    assert [key for (key,) in found] == ["whole"]
    bench.deliver(press(1))
    assert bench.count(ALARM) == 1


def test_a_restart_knows_what_is_open(bench: Bench) -> None:
    bench.deliver(press(1))
    bench.hub.close()
    bench.open()
    bench.deliver(press(1), press(2))
    assert bench.hub.book.open_count == 1
    assert (bench.count(EVENT), bench.count(ALARM), bench.count(TASK)) == (2, 1, 1)


def test_presence_is_written_and_only_grows(bench: Bench) -> None:
    bench.deliver(press(1))
    presence = bench.hub.presence
    for at_ms in (NOW_MS + 5000, NOW_MS + 1000):
        presence.heard("gw-1", "button-1", at_ms)
        bench.change(presence.flush)
    bench.change(lambda unit: presence.fault(unit, ("gw-1", "button-1"), "low_battery"))
    bench.change(lambda unit: presence.fault(unit, ("gw-1", "button-1"), "low_battery"))
    found = bench.change(
        lambda unit: unit.execute('SELECT last_seen_ms, fault FROM "device"').fetchall()
    )
    assert [tuple(row) for row in found] == [(NOW_MS + 5000, "low_battery")]
    assert [e["fact"] for e in bench.rows(ENTRY)].count("fault_began") == 1


def test_a_command_changes_the_book_beside_the_hub(bench: Bench) -> None:
    add_user(bench.book, "duty1", "李敏", "duty", "", "correct horse battery staple")
    names = change_book(
        bench.book, lambda unit: unit.execute("SELECT name FROM account").fetchall()
    )
    assert [tuple(row) for row in names] == [("李敏",)]
    bench.deliver(press(1))
    assert bench.count(ALARM) == 1


def test_a_closed_writer_refuses(bench: Bench) -> None:
    bench.hub.writer.close()
    with pytest.raises(WriterClosed):
        bench.hub.writer.submit(lambda _unit: None)


def test_the_visitors_press_is_an_event_of_the_alarm_and_the_proof_of_the_arrival(
    bench: Bench,
) -> None:
    bench.deliver(press(1))
    (task,) = bench.rows(TASK)
    book = bench.hub.book
    for move in (TaskMove.ACCEPT, TaskMove.DEPART):
        bench.change(lambda unit, m=move: book.move_task(unit, task["id"], "anna", m, ""))
    bench.change(lambda unit: book.visiting.ask_press(unit, task["id"], "anna"))
    # Another button of the village, at the same moment, is nobody's arrival.
    bench.deliver(press(2, device="unbound-1"), press(3), press(4))
    events = {row["id"]: row for row in bench.rows(EVENT)}
    assert {i: row["arrival"] for i, row in events.items()} == {
        "press-1": None,
        "press-2": None,
        "press-3": task["id"],
        "press-4": None,
    }
    assert events["press-3"]["alarm"] == events["press-4"]["alarm"] == task["alarm"]
    (row,) = [row for row in bench.rows(TASK) if row["id"] == task["id"]]
    assert (row["state"], row["proof"], row["assignee"]) == ("arrived", "button", "anna")
    (alarm,) = [row for row in bench.rows(ALARM) if row["id"] == task["alarm"]]
    assert alarm["event_count"] == 3


def test_a_proof_that_fails_costs_no_press(bench: Bench) -> None:
    def broken(*_what: object) -> str:
        raise ZeroDivisionError

    bench.hub.book.visiting.pressed = broken
    bench.deliver(press(1))
    [event], [alarm] = bench.rows(EVENT), bench.rows(ALARM)
    assert (event["alarm"], event["arrival"]) == (alarm["id"], None)


def test_a_rota_a_gap_and_a_sheet(bench: Bench) -> None:
    """What is said, what is missing and what is handed over, as the hub's own watch does it."""
    add_user(bench.book, "li", "李敏", "duty", "1", "correct horse battery")
    side = bench.hub.side.rota
    day = day_of(NOW_MS)
    hours = (Hours(name="day", start_min=0, length_min=24 * 60),)
    pattern = weekly(id="p", desk="d", from_day=day, hours=hours, teams={"day": [["li"]]})
    bench.change(lambda u: side.book.set_desk(u, Desk(id="d", name="d", region="1"), "li", "x"))
    bench.change(lambda u: side.book.set_pattern(u, pattern, "li", "x"))
    duty = Duty(bench.hub)
    assert duty.there("1", NOW_MS) == ["li"]
    assert duty.shift_of("1", NOW_MS) == "day"
    assert duty.shift_of("1", NOW_MS - 30 * 86_400_000) is None
    bench.change(side.fire_due)
    told = {(a["reason"], a["kind"]) for a in bench.rows(ALARM)}
    assert told == {("no_responder", "coverage")}
    assert bench.change(lambda u: verified_ways(u.cursor)) == {}
    key = ShiftKey(desk="d", day=day, name="day")
    bench.change(lambda u: side.book.change_shifts(u, [Change(key=key, people=())], "li", "x"))
    bench.change(side.fire_due)
    assert "nobody" in {a["reason"] for a in bench.rows(ALARM)}
    bench.change(lambda u: side.book.take_back(u, key, "li", "x"))
    bench.change(side.fire_due)
    still = {a["reason"] for a in bench.rows(ALARM) if a["state"] == "open"}
    assert still == {"no_responder"}
    sheet = bench.change(lambda u: side.sheets.begin(u, "d", "li"))
    bench.change(lambda u: side.sheets.note(u, sheet, "钥匙在桌上", "li"))
    bench.change(lambda u: side.sheets.mark(u, (sheet, 1), "signed", "li"))
    assert [line["kind"] for line in bench.rows(HANDOVER_LINE)] == ["note"]
    assert [m["mark"] for m in bench.rows(HANDOVER_MARK) if m["number"]] == ["signed"]
    plan = side.book.plan
    with bench.hub.reader.connect() as connection:
        read = read_plan(connection, day, day + 1)
    assert read.of_day("d", day) == plan.of_day("d", day)


def test_many_rows_at_once_are_written_as_one_by_one(bench: Bench) -> None:
    """A backslash, a tab, a line's end, nothing at all: none is a mark of its own."""
    rows = [
        ("back\\slash", "a\tb"),
        ("two", "lines\nand \\N"),
        ("", "\\."),
        ("ü", "nul\x00"),
        ('quo"te', "\\x41"),
    ]
    written = insert_sql(META)

    def write(unit: UnitOfWork) -> None:
        unit.cursor.executemany(written, rows)
        unit.cursor.executemany(written, [])
        with contextlib.suppress(sqlite3.Error, psycopg.Error), unit.savepoint("doubled"):
            unit.cursor.executemany(written, rows[:1])

    change_book(bench.book, write)
    engine = bench.book.open_reader()
    with engine.connect() as reader:
        keys = [key for key, _value in rows]
        found = reader.execute(select(META).where(META.c.key.in_(keys))).fetchall()
    engine.dispose()
    nul = "\x00" if isinstance(bench.book, SqliteBook) else "\N{REPLACEMENT CHARACTER}"
    assert sorted(map(tuple, found)) == sorted((k, v.replace("\x00", nul)) for k, v in rows)
