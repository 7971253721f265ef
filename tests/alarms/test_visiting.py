"""Tasks at the door: the visitor's press, labels, follow-ups, somebody else, who could go."""

import dataclasses

import pytest

from alarms.arrival import (
    CLOCK_SKEW_MS,
    PRESS_WITHIN_MS,
    Proof,
    distance_km,
    gps_proof,
    label_code,
    label_proof,
)
from alarms.lifecycle import IllegalMove, Outcome, TaskMove
from alarms.outbox import TableOutbox
from alarms.response import called_from_ms
from alarms.suggestion import Candidate, suggest
from alarms.visiting import DAY_MS, NewTask
from contract.codec import decode_command
from tests.adapters.book import NEW_HOME, Book, finding


@dataclasses.dataclass(frozen=True)
class Item:
    device: str = "button-1"
    kind: str = "sos"
    measured_at_ms: int = 0
    attrs: dict = dataclasses.field(default_factory=lambda: {"action": "press"})


@pytest.fixture
def book(tmp_path):
    book = Book(tmp_path / "hub.db").start()
    yield book
    book.writer.close()


def raised(book, key="1", **changes):
    one = finding(key, **{"at_ms": book.now_ms, **changes})
    return book.do(lambda u: book.alarms.take(u, one, gateway="gw-1", replayable=False))


def on_the_way(book, **changes):
    """An urgent alarm whose visitor has set out; its id and its task's."""
    alarm = raised(book, **changes)
    (task,) = book.rows("SELECT id FROM task WHERE alarm = ?", alarm)
    for move in (TaskMove.ACCEPT, TaskMove.DEPART):
        book.do(lambda u, m=move: book.alarms.move_task(u, task["id"], "visitor1", m, ""))
    return alarm, task["id"]


def asked(book, task):
    book.do(lambda u: book.alarms.visiting.ask_press(u, task, "visitor1"))


def press(book, key="2", *, home="home-1", item=None, **changes):
    """What the urgent lane does with one: heard first, then perhaps a proof."""
    item = item or Item(measured_at_ms=book.now_ms)
    one = finding(key, home=home, at_ms=item.measured_at_ms, **changes)

    def both(unit):
        alarm = book.alarms.take(unit, one, gateway="gw-1", replayable=False)
        return alarm, book.alarms.visiting.pressed(unit, home, "gw-1", item, alarm)

    return book.do(both)


def task_row(book, task):
    return dict(book.rows("SELECT * FROM task WHERE id = ?", task)[0])


def test_the_visitors_press_is_heard_and_proves_the_arrival(book) -> None:
    alarm, task = on_the_way(book)
    asked(book, task)
    book.now_ms += 30_000
    assert press(book) == (alarm, task)
    row = task_row(book, task)
    assert (row["state"], row["proof"], row["proof_of"]) == ("arrived", "button", "gw-1/button-1")
    assert (row["arrived_at_ms"], row["proof_at_ms"]) == (book.now_ms, book.now_ms)
    # It belongs to the alarm and is heard again, as every press.
    assert book.outbox.raised == [alarm, alarm]
    (kept,) = book.rows("SELECT event_count FROM alarm")
    assert kept["event_count"] == 2


def test_only_the_first_press_is_the_proof(book) -> None:
    alarm, task = on_the_way(book)
    asked(book, task)
    press(book)
    assert press(book, "3") == (alarm, None)
    assert book.outbox.raised == [alarm] * 3


def test_a_press_joins_the_urgent_alarm_that_brought_the_visitor(book) -> None:
    alarm, task = on_the_way(
        book, rule="no_sign_of_life", reason="no_activity", evidence={"silent_h": 30}
    )
    asked(book, task)
    assert press(book) == (alarm, task)
    (row,) = book.rows("SELECT * FROM alarm")
    assert (row["event_count"], row["reason"]) == (2, "no_activity")
    assert '"silent_h":30' in row["evidence"]
    # The next one is a call of its own: the elder, or a visitor who needs help.
    second, proved = press(book, "3")
    assert (second != alarm, proved) == (True, None)
    assert len(book.rows("SELECT id FROM alarm WHERE kind = 'sos' AND state = 'open'")) == 1


@pytest.mark.parametrize(
    "item",
    [
        {"attrs": {"action": "hold"}},
        {"kind": "fall"},
        {"measured_at_ms": -CLOCK_SKEW_MS - 1},
    ],
    ids=["held", "another detector", "pressed before"],
)
def test_what_is_no_press_of_now_proves_nothing(book, item) -> None:
    alarm, task = on_the_way(book)
    asked(book, task)
    at_ms = book.now_ms + item.pop("measured_at_ms", 0)
    one = Item(**{"measured_at_ms": at_ms, **item})
    assert press(book, item=one) == (alarm, None)
    assert task_row(book, task)["state"] == "departed"


def test_a_press_after_two_minutes_or_of_another_home_is_a_call(book) -> None:
    alarm, task = on_the_way(book, rule="no_sign_of_life")
    asked(book, task)
    other, proved = press(book, home="home-2")
    assert (other != alarm, proved) == (True, None)
    book.now_ms += PRESS_WITHIN_MS + 1
    called, proved = press(book, "3")
    assert (called not in (alarm, other), proved) == (True, None)
    assert task_row(book, task)["state"] == "departed"


def test_the_question_outlives_a_restart(book) -> None:
    alarm, task = on_the_way(book)
    asked(book, task)
    book.writer.close()
    book.open()
    book.start()
    assert press(book) == (alarm, task)


def test_nobody_can_ask_where_a_press_could_only_be_a_call(book) -> None:
    alarm = raised(book)
    (task,) = book.rows("SELECT id FROM task")
    with pytest.raises(IllegalMove, match="wrong_state"):
        asked(book, task["id"])
    watch = raised(book, "w", rule="pulse", severity="watch", repair_within_ms=1000)
    (other,) = book.rows("SELECT id FROM task WHERE alarm = ?", watch)
    move = book.alarms.move_task
    book.do(lambda u: move(u, other["id"], "visitor1", TaskMove.ACCEPT, ""))
    with pytest.raises(IllegalMove, match="no_open_alarm"):
        asked(book, other["id"])
    assert alarm


def test_an_arrival_that_was_only_said_can_be_proved_afterwards(book) -> None:
    _alarm, task = on_the_way(book)
    arrive = book.alarms.visiting.arrive
    book.do(lambda u: arrive(u, task, "visitor1", None))
    said = task_row(book, task)
    assert (said["state"], said["proof"]) == ("arrived", None)
    book.now_ms += 60_000
    book.do(lambda u: arrive(u, task, "visitor1", Proof(kind="label", of="print 1")))
    proved = task_row(book, task)
    assert (proved["proof"], proved["arrived_at_ms"]) == ("label", said["arrived_at_ms"])
    assert book.facts("task")[-2:] == ["arrived", "arrival_proved"]


def test_a_refused_arrival_changes_nothing(book) -> None:
    raised(book)
    (task,) = book.rows("SELECT * FROM task")
    proof = Proof(kind="label", of="print 1")
    with pytest.raises(IllegalMove):
        book.do(lambda u: book.alarms.visiting.arrive(u, task["id"], "visitor1", proof))
    assert dict(task) == task_row(book, task["id"])
    book.do(lambda u: book.alarms.move_task(u, task["id"], "visitor1", TaskMove.ACCEPT, ""))
    assert task_row(book, task["id"])["proof"] is None


def test_the_elder_hears_once_that_somebody_is_on_the_way(book) -> None:
    alarm, task = on_the_way(book)
    row = task_row(book, task)
    book.do(lambda u: book.alarms.visiting.moved(u, row, TaskMove.DEPART))
    assert book.outbox.on_the_way_told == [(alarm, task)]
    book.do(lambda u: book.alarms.visiting.moved(u, row, TaskMove.ARRIVE))
    assert book.outbox.on_the_way_told == [(alarm, task)]


def closed(book, outcome, days=None, **changes):
    alarm = raised(book, **changes)
    book.do(lambda u: book.alarms.close(u, alarm, "duty1", outcome, "a note"))
    row = dict(book.rows("SELECT * FROM alarm WHERE id = ?", alarm)[0])
    return book.do(lambda u: book.alarms.visiting.follow_up(u, row, "duty1", days))


@pytest.mark.parametrize(
    ("outcome", "days"),
    [
        (Outcome.REAL_EMERGENCY, 1),
        (Outcome.MEDICAL_ADVICE, 3),
        (Outcome.SOCIAL, 7),
        (Outcome.NO_ANSWER_VISITED, 1),
    ],
)
def test_an_outcome_that_asks_for_it_makes_a_follow_up(book, outcome, days) -> None:
    book.do(lambda u: u.execute("INSERT INTO region VALUES ('1', 'c', 'county', NULL)"))
    book.do(lambda u: u.execute(NEW_HOME, ("home-1", "1")))
    person = (
        "INSERT INTO service_user (id, home, name, sex, born, phone, categories, grade, conditions,"
        " contacts, visitor) VALUES ('p', 'home-1', 'x', '', '', '', '[]', '', '[]', '[]', 'anna')"
    )
    book.do(lambda u: u.execute(person))
    task = closed(book, outcome)
    row = task_row(book, task)
    assert (row["kind"], row["state"], row["assignee"]) == ("follow_up", "open", "anna")
    assert row["due_at_ms"] == book.now_ms + days * DAY_MS
    assert (row["note"], row["home"]) == ("a note", "home-1")


def test_what_needs_no_second_look_makes_none_unless_asked(book) -> None:
    assert closed(book, Outcome.ACCIDENTAL) is None
    assert closed(book, Outcome.SOCIAL, 0, key="2") is None
    assert closed(book, Outcome.ACCIDENTAL, 2, key="3") is not None
    assert closed(book, Outcome.REAL_EMERGENCY, key="4", home="gateway:gw-1") is None


def new(**changes) -> NewTask:
    fields = {"id": "t1", "kind": "routine", "home": "home-1", "region": "1"}
    return NewTask(**{**fields, "due_at_ms": 5_000_000, **changes})


def test_a_task_made_twice_is_one(book) -> None:
    for _ in range(2):
        book.do(lambda u: book.alarms.visiting.create(u, new(), "duty1"))
    (row,) = book.rows("SELECT * FROM task")
    assert (row["kind"], row["alarm"], row["number"]) == ("routine", None, 1)
    assert raised(book)
    assert [r["number"] for r in book.rows("SELECT number FROM task ORDER BY number")] == [1, 2]


def test_somebody_else_goes_and_begins_anew(book) -> None:
    book.do(lambda u: book.alarms.visiting.create(u, new(assignee="anna"), "duty1"))
    for move in (TaskMove.ACCEPT, TaskMove.DEPART):
        book.do(lambda u, m=move: book.alarms.move_task(u, "t1", "anna", m, ""))
    book.do(lambda u: book.alarms.visiting.reassign(u, "t1", "duty1", "ben"))
    row = task_row(book, "t1")
    assert (row["state"], row["assignee"]) == ("open", "ben")
    assert (row["accepted_at_ms"], row["departed_at_ms"]) == (None, None)
    assert book.facts("task")[-2:] == ["returned", "assigned"]
    with pytest.raises(IllegalMove):
        book.do(lambda u: book.alarms.move_task(u, "t1", "anna", TaskMove.DEPART, ""))


def test_a_task_of_an_open_alarm_is_not_cancelled(book) -> None:
    raised(book)
    (task,) = book.rows("SELECT id FROM task")
    with pytest.raises(IllegalMove, match="alarm_open"):
        book.do(lambda u: book.alarms.visiting.cancel(u, task["id"], "duty1"))
    book.do(lambda u: book.alarms.visiting.create(u, new(), "duty1"))
    book.do(lambda u: book.alarms.visiting.cancel(u, "t1", "duty1"))
    assert task_row(book, "t1")["state"] == "cancelled"


def test_a_label_is_of_one_home_and_one_print() -> None:
    code = label_code(b"secret", "home-1", 1)
    assert len(code.replace("-", "")) == 16
    assert label_proof(b"secret", "home-1", 1, code) == Proof(kind="label", of="print 1")
    # As people type it: small letters, O for 0, without the dashes.
    typed = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert label_proof(b"secret", "home-1", 1, typed).kind == "label"
    for secret, home, print_, given in (
        (b"secret", "home-2", 1, code),
        (b"secret", "home-1", 2, code),
        (b"another", "home-1", 1, code),
        (b"secret", "home-1", 0, label_code(b"secret", "home-1", 0)),
        (b"secret", "home-1", 1, "门上的码"),
        (b"secret", "home-1", 1, ""),
    ):
        with pytest.raises(IllegalMove, match="wrong_label"):
            label_proof(secret, home, print_, given)


def test_a_place_proves_only_nearby_and_exactly() -> None:
    home = {"lat": 32.38, "lon": 109.36}
    # A thousandth of a degree of latitude is 111 m.
    assert gps_proof(home, 32.381, 109.36, 20).of == "111 m"
    with pytest.raises(IllegalMove, match="too_far"):
        gps_proof(home, 32.382, 109.36, 20)
    with pytest.raises(IllegalMove, match="not_exact"):
        gps_proof(home, 32.38, 109.36, 500)
    with pytest.raises(IllegalMove, match="no_place"):
        gps_proof({"lat": None, "lon": None}, 32.38, 109.36, 20)


def test_distances() -> None:
    # Xi'an to Beijing, 914 km by the great circle.
    assert distance_km(34.3416, 108.9398, 39.9042, 116.4074) == pytest.approx(914, rel=0.01)
    assert distance_km(32.0, 109.0, 32.0, 109.0) == 0


def candidate(username: str, **changes) -> Candidate:
    return Candidate(**{"username": username, "name": username, "role": "visitor", **changes})


def test_who_goes_first_and_why() -> None:
    home = (32.38, 109.36)
    people = [
        candidate("far", place=(32.48, 109.36), whence="village"),
        candidate("near", place=(32.39, 109.36), whence="homes"),
        candidate("unknown"),
        candidate("desk", role="duty", on_duty=True),
        candidate("chief", role="manager", place=home, whence="village"),
        candidate("shift", on_duty=True, place=(32.48, 109.36), whence="village"),
        candidate("hers", responsible=True, place=(32.58, 109.36), whence="homes"),
        candidate("busy", responsible=True, busy=True, place=home, whence="visit"),
    ]
    found = suggest(home, people)
    names = [one.candidate.username for one in found]
    assert names == ["hers", "shift", "near", "far", "unknown", "busy", "desk", "chief"]
    assert found[0].why == [{"code": "responsible"}, {"code": "near", "km": 22.2, "from": "homes"}]
    assert found[5].why[-1] == {"code": "busy"}
    assert suggest(None, people)[0].km is None


def row(**changes):
    fields = dict.fromkeys(
        (
            "worsened_at_ms",
            "acknowledged_at_ms",
            "asked_at_ms",
            "ask_until_ms",
            "answered_at_ms",
            "answer",
            "held_at_ms",
            "released_at_ms",
        )
    )
    return {**fields, "ingested_at_ms": 1000, **changes}


@pytest.mark.parametrize(
    ("changes", "since_ms"),
    [
        ({}, 1000),
        ({"worsened_at_ms": 5000}, 5000),
        ({"asked_at_ms": 1000, "ask_until_ms": 9000}, None),
        ({"asked_at_ms": 1000, "ask_until_ms": 9000, "answer": "well"}, None),
        ({"asked_at_ms": 1000, "ask_until_ms": 9000, "answer": "none"}, 9000),
        ({"asked_at_ms": 1000, "ask_until_ms": 9000, "acknowledged_at_ms": 2000}, 1000),
        ({"held_at_ms": 1000}, None),
        ({"held_at_ms": 1000, "released_at_ms": 7000}, 7000),
    ],
)
def test_a_call_begins_when_people_are_called(changes, since_ms) -> None:
    assert called_from_ms(row(**changes)) == since_ms


def test_what_goes_to_the_gateway_says_that_somebody_is_on_the_way(book) -> None:
    alarm, task = on_the_way(book)
    outbox = TableOutbox()
    for version in (1, 2):
        # Whoever sets out again is the second to do so.
        row = {**dict(book.rows("SELECT * FROM alarm")[0]), "version": version}
        book.do(lambda u, r=row: outbox.on_the_way(u, r, task))
    silent = {**row, "kind": "no_sign_of_life"}
    book.do(lambda u: outbox.on_the_way(u, silent, "another"))
    [sent] = book.rows("SELECT * FROM outbox")
    command = decode_command(sent["body"].encode())
    assert (sent["channel"], sent["target"], command.command) == (
        "gateway_command",
        "gw-1",
        "reassure",
    )
    assert dict(command.args) == {"alarm": alarm, "stage": "on_the_way"}
