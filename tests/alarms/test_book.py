"""The book of alarms on a real file: one alarm and one task for a cause, whatever is replayed."""

import json

import pytest

from alarms.book import AlarmBook
from alarms.lifecycle import IllegalMove, Outcome, TaskMove
from alarms.outbox import TableOutbox
from alarms.response import answered_within_ms, waits_from_ms
from tests.adapters.book import Book, finding
from tests.adapters.escalation import escalating, one_clock


@pytest.fixture
def book(tmp_path):
    book = Book(tmp_path / "hub.db").start()
    yield book
    book.writer.close()


def press(book, key="1", at_ms=1000, **changes):
    one = finding(key, at_ms=at_ms, **changes)
    return book.do(lambda u: book.alarms.take(u, one, gateway="gw-1", replayable=False))


def test_a_press_is_one_alarm_one_task_and_entries(book) -> None:
    alarm = press(book)
    (row,) = book.rows("SELECT * FROM alarm")
    (task,) = book.rows("SELECT * FROM task")
    assert (row["id"], row["state"], row["task"]) == (alarm, "open", task["id"])
    assert (task["kind"], task["state"], task["alarm"]) == ("emergency", "open", alarm)
    assert book.facts("alarm") == ["raised"]
    assert book.facts("task") == ["created"]
    assert [e.topic for e in book.events] == ["alarm", "task", "alarm"]


def test_a_second_press_joins_and_is_heard_again(book) -> None:
    first = press(book)
    assert press(book, "2", at_ms=2000) == first
    (row,) = book.rows("SELECT * FROM alarm")
    assert row["event_count"] == 2
    assert book.facts("alarm") == ["raised", "repeated"]
    assert book.outbox.raised == [first, first]
    assert len(book.rows("SELECT * FROM task")) == 1


def test_a_replayed_finding_of_readings_changes_nothing(book) -> None:
    one = finding("bp", rule="blood_pressure", at_ms=5000)
    for _ in range(2):
        book.do(lambda u: book.alarms.take(u, one))
    (row,) = book.rows("SELECT * FROM alarm")
    assert row["event_count"] == 1
    assert book.facts("alarm") == ["raised"]


def test_a_replay_after_the_alarm_was_closed_opens_nothing(book) -> None:
    one = finding("bp", rule="blood_pressure")
    alarm = book.do(lambda u: book.alarms.take(u, one))
    book.do(lambda u: book.alarms.close(u, alarm, "duty1", Outcome.SOCIAL, ""))
    assert book.do(lambda u: book.alarms.take(u, one)) is None
    assert len(book.rows("SELECT * FROM alarm")) == 1


def test_a_press_after_closing_is_a_new_alarm(book) -> None:
    first = press(book)
    book.do(lambda u: book.alarms.close(u, first, "duty1", Outcome.ACCIDENTAL, "by mistake"))
    second = press(book, "2")
    assert second != first
    assert [r["state"] for r in book.rows("SELECT state FROM alarm ORDER BY number")] == [
        "closed",
        "open",
    ]
    assert [r["state"] for r in book.rows("SELECT state FROM task ORDER BY number")] == [
        "cancelled",
        "open",
    ]


def test_clearing_never_closes_a_persons_alarm(book) -> None:
    silent = {"rule": "no_sign_of_life"}
    alarm = press(book, **silent)
    cleared = finding(at_ms=3000, phase="cleared", reason="activity", **silent)
    book.do(lambda u: book.alarms.take(u, cleared))
    (row,) = book.rows("SELECT * FROM alarm")
    assert (row["id"], row["state"], row["cleared_at_ms"]) == (alarm, "open", 3000)


def test_a_silent_gateway_ends_with_its_cause(book) -> None:
    gateway = {"home": "gateway:gw-1", "rule": "gateway_silent", "severity": "technical"}
    press(book, **gateway)
    cleared = finding(at_ms=3000, phase="cleared", reason="heard", **gateway)
    book.do(lambda u: book.alarms.take(u, cleared))
    (row,) = book.rows("SELECT * FROM alarm")
    assert (row["state"], row["outcome"], row["closed_by"]) == ("closed", "recovered", None)
    assert book.rows("SELECT * FROM task") == []


def test_the_first_to_acknowledge_wins_and_the_second_is_told_who(book) -> None:
    alarm = press(book)
    book.do(lambda u: book.alarms.acknowledge(u, alarm, "duty1"))
    with pytest.raises(IllegalMove, match="by duty1"):
        book.do(lambda u: book.alarms.acknowledge(u, alarm, "duty2"))
    (row,) = book.rows("SELECT * FROM alarm")
    assert (row["state"], row["acknowledged_by"]) == ("acknowledged", "duty1")
    assert book.outbox.reassured == [alarm]


def test_an_accepted_task_puts_its_alarm_in_response(book) -> None:
    alarm = press(book)
    (task,) = book.rows("SELECT id FROM task")
    for move in (TaskMove.ACCEPT, TaskMove.DEPART, TaskMove.ARRIVE, TaskMove.COMPLETE):
        book.do(lambda u, m=move: book.alarms.move_task(u, task["id"], "visitor1", m, "fine"))
    (row,) = book.rows("SELECT * FROM alarm")
    (done,) = book.rows("SELECT * FROM task")
    assert (row["state"], row["assignee"]) == ("in_response", "visitor1")
    assert (done["state"], done["finding"]) == ("completed", "fine")
    assert book.facts("task") == ["created", "accepted", "departed", "arrived", "completed"]
    assert row["id"] == alarm


def test_worse_evidence_raises_the_severity_and_sends_somebody(book) -> None:
    watch = finding("w", rule="blood_pressure", at_ms=1000, severity="watch")
    worse = finding("u", rule="blood_pressure", at_ms=2000)
    book.do(lambda u: book.alarms.take(u, watch))
    assert book.rows("SELECT * FROM task") == []
    assert book.rows("SELECT worsened_at_ms FROM alarm")[0][0] is None
    raised_ms, book.now_ms = book.now_ms, book.now_ms + 3_600_000
    book.do(lambda u: book.alarms.take(u, worse))
    (row,) = book.rows("SELECT * FROM alarm")
    assert (row["severity"], row["event_count"]) == ("urgent", 2)
    assert (row["raised_at_ms"], row["ingested_at_ms"]) == (1000, raised_ms)
    assert row["worsened_at_ms"] == raised_ms + 3_600_000
    assert len(book.rows("SELECT * FROM task")) == 1
    assert book.facts("alarm") == ["raised", "worsened"]


def test_what_is_milder_joins_and_does_not_hide_what_the_alarm_is_about(book) -> None:
    urgent = finding(
        "u", rule="blood_pressure", reason="high_confirmed", evidence={"systolic_mmhg": 190.0}
    )
    mean = finding(
        "m",
        rule="blood_pressure",
        reason="mean_high",
        severity="watch",
        at_ms=2000,
        evidence={"systolic_mmhg": 121.0, "readings": [[1, 121.0]]},
    )
    book.do(lambda u: book.alarms.take(u, urgent))
    book.do(lambda u: book.alarms.take(u, mean))
    (row,) = book.rows("SELECT * FROM alarm")
    assert (row["severity"], row["reason"], row["event_count"]) == ("urgent", "high_confirmed", 2)
    assert json.loads(row["evidence"]) == {
        "systolic_mmhg": 190.0,
        "milder": {"reason": "mean_high", "systolic_mmhg": 121.0},
    }
    assert book.facts("alarm") == ["raised", "repeated"]


def test_what_grew_worse_is_answered_from_then_on(book) -> None:
    watch = finding("w", rule="blood_pressure", at_ms=1000, severity="watch")
    alarm = book.do(lambda u: book.alarms.take(u, watch))
    book.now_ms += 7_200_000
    book.do(lambda u: book.alarms.take(u, finding("u", rule="blood_pressure", at_ms=2000)))
    worse_ms, book.now_ms = book.now_ms, book.now_ms + 40_000
    again = finding("v", rule="blood_pressure", at_ms=3000)
    book.do(lambda u: book.alarms.take(u, again))
    book.do(lambda u: book.alarms.acknowledge(u, alarm, "duty1"))
    (row,) = book.rows("SELECT * FROM alarm")
    assert waits_from_ms(row) == worse_ms
    assert answered_within_ms(row) == 40_000


def test_somebody_who_had_it_before_it_grew_worse_answered_at_once(book) -> None:
    watch = finding("w", rule="blood_pressure", at_ms=1000, severity="watch")
    alarm = book.do(lambda u: book.alarms.take(u, watch))
    (row,) = book.rows("SELECT * FROM alarm")
    assert answered_within_ms(row) is None
    book.do(lambda u: book.alarms.acknowledge(u, alarm, "duty1"))
    book.now_ms += 60_000
    book.do(lambda u: book.alarms.take(u, finding("u", rule="blood_pressure", at_ms=2000)))
    (row,) = book.rows("SELECT * FROM alarm")
    assert answered_within_ms(row) == 0


def test_a_restart_finds_the_open_alarms_again(book) -> None:
    alarm = press(book)
    book.writer.close()
    book.open()
    book.start()
    assert press(book, "2", at_ms=2000) == alarm
    assert len(book.rows("SELECT * FROM alarm")) == 1


def test_a_failed_change_leaves_no_trace_and_costs_its_neighbours_nothing(book) -> None:
    def broken(unit):
        book.alarms.take(unit, finding("x", home="home-9"), replayable=False)
        raise RuntimeError("planted")

    futures = [
        book.writer.submit(lambda u: book.alarms.take(u, finding("a"), replayable=False)),
        book.writer.submit(broken),
        book.writer.submit(
            lambda u: book.alarms.take(u, finding("b", home="home-2"), replayable=False)
        ),
    ]
    assert futures[0].result(10)
    with pytest.raises(RuntimeError):
        futures[1].result(10)
    assert futures[2].result(10)
    assert {r["home"] for r in book.rows("SELECT home FROM alarm")} == {"home-1", "home-2"}
    assert len(book.facts("alarm")) == 2


def trouble(part="gw-1/meter-1", **changes):
    fields = {
        "rule": "device_fault",
        "severity": "technical",
        "reason": "no_answer",
        "part": part,
        "device": part.partition("/")[2],
        "repair_within_ms": 72 * 3_600_000,
        **changes,
    }
    return finding(part, **fields)


def test_each_device_of_a_home_has_an_alarm_and_a_repair_of_its_own(book) -> None:
    for part in ("gw-1/meter-1", "gw-2/meter-1"):
        book.do(lambda u, part=part: book.alarms.take(u, trouble(part)))
        book.do(lambda u, part=part: book.alarms.take(u, trouble(part, at_ms=2000)))
    rows = book.rows("SELECT * FROM alarm ORDER BY number")
    assert [(r["part"], r["gateway"], r["event_count"]) for r in rows] == [
        ("gw-1/meter-1", "gw-1", 2),
        ("gw-2/meter-1", "gw-2", 2),
    ]
    tasks = book.rows("SELECT * FROM task ORDER BY number")
    assert [(t["kind"], t["due_at_ms"] - t["created_at_ms"]) for t in tasks] == [
        ("repair", 72 * 3_600_000)
    ] * 2
    # After a restart the parts still join and end by themselves, one by one.
    book.writer.close()
    book.open()
    book.start()
    assert len(book.alarms.troubles("home-1")) == 2
    ended = trouble(at_ms=3000, phase="cleared", reason="recovered", repair_within_ms=None)
    book.do(lambda u: book.alarms.take(u, ended))
    rows = book.rows("SELECT * FROM alarm ORDER BY number")
    assert [(r["state"], r["outcome"]) for r in rows] == [("closed", "recovered"), ("open", None)]
    (cancelled, _open) = book.rows("SELECT * FROM task ORDER BY number")
    assert cancelled["state"] == "cancelled"
    (entry,) = book.rows("SELECT * FROM entry WHERE fact = 'cancelled'")
    assert (entry["subject"], entry["reason"]) == (cancelled["id"], "recovered")
    assert [alarm["part"] for alarm, _task in book.alarms.troubles("home-1")] == ["gw-2/meter-1"]


def test_a_repair_that_is_late_worsens_and_keeps_its_task(book) -> None:
    alarm = book.do(lambda u: book.alarms.take(u, trouble()))
    late = trouble(at_ms=9000, phase="repeated", severity="watch")
    assert book.do(lambda u: book.alarms.take(u, late)) == alarm
    (row,) = book.rows("SELECT * FROM alarm")
    assert (row["severity"], row["event_count"]) == ("watch", 2)
    assert len(book.rows("SELECT * FROM task")) == 1
    assert book.outbox.raised == [alarm, alarm]


def test_a_completed_repair_leaves_the_alarm_to_the_device(book) -> None:
    alarm = book.do(lambda u: book.alarms.take(u, trouble()))
    (task,) = book.rows("SELECT * FROM task")
    for move in (TaskMove.ACCEPT, TaskMove.COMPLETE):
        book.do(
            lambda u, m=move: book.alarms.move_task(u, task["id"], "visitor-1", m, "plugged in")
        )
    (row,) = book.rows("SELECT * FROM alarm")
    assert (row["id"], row["state"]) == (alarm, "in_response")
    ended = trouble(at_ms=3000, phase="cleared", reason="recovered", repair_within_ms=None)
    book.do(lambda u: book.alarms.take(u, ended))
    assert book.rows("SELECT state FROM alarm")[0]["state"] == "closed"
    assert book.rows("SELECT state FROM task")[0]["state"] == "completed"


@pytest.mark.parametrize(("severity", "told"), [("urgent", 1), ("watch", 1), ("technical", 0)])
def test_nobody_at_home_hears_of_what_is_wrong_with_a_thing(book, severity, told) -> None:
    alarms = AlarmBook(book.objects, TableOutbox(), escalating(one_clock(lambda: book.now_ms)))
    book.writer.attach(alarms)
    book.do(lambda u: alarms.reload(u.cursor))
    one = finding(rule="tamper", severity=severity)
    alarm = book.do(lambda u: alarms.take(u, one, gateway="gw-1"))
    book.do(lambda u: alarms.acknowledge(u, alarm, "duty1"))
    rows = book.rows("SELECT * FROM outbox WHERE channel = 'gateway_command'")
    assert len(rows) == told
