"""Asking first: what a question keeps back, what ends it, and what it can never touch."""

import itertools
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alarms.lifecycle import Outcome
from alarms.question import ANSWER_SLACK_MS, DUE_MAX, answers, asking, calls_for_help, due, may_ask
from tests.adapters.book import NEW_HOME, Book, finding

ASKS_S = 300
UNTIL_MS = 1_000_000 + ASKS_S * 1000
SILENT = {"rule": "no_sign_of_life", "reason": "no_activity", "device": "meter-1"}


def row(**changes) -> dict:
    asked = {"id": "a", "state": "open", "answer": None}
    return {**asked, "asked_at_ms": 1000, "ask_until_ms": 301_000, **changes}


@pytest.mark.parametrize(
    ("changes", "stands"),
    [
        ({}, True),
        ({"ask_until_ms": None, "asked_at_ms": None}, False),
        ({"answer": "well"}, False),
        ({"answer": "none"}, False),
        ({"answer": "help"}, False),
        ({"state": "acknowledged"}, False),
        ({"state": "in_response"}, False),
        ({"state": "closed"}, False),
    ],
)
def test_a_question_stands_while_nobody_has_answered_or_taken_it(changes, stands) -> None:
    assert asking(row(**changes)) is stands
    assert due([row(**changes)], 301_000) == (["a"] if stands else [])


@pytest.mark.parametrize(
    ("now_ms", "over"),
    [
        (1000, False),
        (300_999, False),
        (301_000, True),
        (10_000_000, True),
        (999, True),  # a clock set back: early is allowed, late is not
        (-(10**12), True),
    ],
)
def test_its_time_is_never_late(now_ms, over) -> None:
    assert due([row()], now_ms) == (["a"] if over else [])


def test_the_longest_overdue_come_first_and_a_round_is_bounded() -> None:
    rows = [row(id=f"{n:03}", ask_until_ms=9000 - n) for n in range(DUE_MAX + 7)]
    found = due(rows, 10_000)
    assert len(found) == DUE_MAX
    assert found[0] == f"{DUE_MAX + 6:03}"


@pytest.mark.parametrize(
    ("at_ms", "counts"),
    [
        (1_000_000 - ANSWER_SLACK_MS, True),
        (1_000_000 - ANSWER_SLACK_MS - 1, False),  # before it was asked: a sign of its own time
        (1_100_000, True),
        (1_150_000 + ANSWER_SLACK_MS, True),
        (1_150_000 + ANSWER_SLACK_MS + 1, False),  # a clock that is wrong proves nothing
    ],
)
def test_an_answer_is_of_the_time_of_the_question(at_ms, counts) -> None:
    asked = row(asked_at_ms=1_000_000, ask_until_ms=1_300_000)
    assert answers(asked, at_ms, 1_150_000) is counts


@pytest.mark.parametrize(
    ("changes", "may"),
    [
        (SILENT, True),
        ({}, False),  # sos
        ({"rule": "custom", "kind": "fall"}, False),
        ({"rule": "custom", "kind": "smoke"}, False),
        ({**SILENT, "home": "gateway:gw-1"}, False),
        ({**SILENT, "home": "unbound:gw-1/x"}, False),
    ],
)
def test_a_call_or_detector_never_waits_whatever_is_configured(changes, may) -> None:
    assert may_ask(finding(**changes), ASKS_S) is may
    assert not may_ask(finding(**changes), 0)


def test_a_test_press_is_no_call_for_help() -> None:
    assert calls_for_help(finding())
    assert calls_for_help(finding(phase="repeated"))
    assert not calls_for_help(finding(reason="test_press"))
    assert not calls_for_help(finding(rule="smoke", phase="cleared"))
    assert not calls_for_help(finding(rule="blood_pressure"))


class Home:
    """home-1 with a button that says well, at a gateway that can ask; home-2 has neither."""

    def __init__(self, folder: Path) -> None:
        self.book = Book(folder / "hub.db")
        self.book.asks_for_s = {"no_sign_of_life": ASKS_S}
        self.numbers = itertools.count()
        self.do(self.furnish)

    @staticmethod
    def furnish(unit) -> None:
        unit.execute("INSERT INTO region (code, name, level) VALUES ('1', 'c', 'county')")
        for home in ("home-1", "home-2"):
            unit.execute(NEW_HOME, (home, "1"))
        unit.execute("INSERT INTO gateway (id, name, online, status) VALUES ('gw-1', '', 1, '{}')")
        for device, home, asks in (("well-1", "home-1", 1), ("meter-1", "home-1", 0)):
            unit.execute(
                'INSERT INTO "device" (gateway, device, home, kind, model, label, asks)'
                " VALUES ('gw-1', ?, ?, '', '', '', ?)",
                (device, home, asks),
            )

    def do(self, apply):
        future = self.book.writer.submit(apply)
        self.book.writer.step()
        return future.result(0)

    def take(self, **changes) -> str:
        one = finding(str(next(self.numbers)), at_ms=self.book.now_ms, **changes)
        return self.do(lambda u: self.book.alarms.take(u, one, gateway="gw-1", replayable=False))

    def well(self, at_ms: int | None = None, home: str = "home-1") -> None:
        moment = self.book.now_ms if at_ms is None else at_ms
        self.do(lambda u: self.book.alarms.said_well(u, home, "gw-1/well-1", moment))

    def later(self, seconds: int) -> None:
        self.book.now_ms += seconds * 1000
        self.tick()

    def tick(self) -> None:
        while self.do(self.book.alarms.fire_due):
            continue

    def restart(self) -> None:
        self.book.writer.close()
        self.book.open()

    def alarm(self, alarm: str) -> dict:
        return dict(self.book.rows("SELECT * FROM alarm WHERE id = ?", alarm)[0])

    def tasks(self) -> list[str]:
        return [r["alarm"] for r in self.book.rows("SELECT alarm FROM task ORDER BY number")]

    def facts(self, alarm: str) -> list[str]:
        """Without who was told, which has tests of its own."""
        sql = (
            "SELECT fact FROM entry WHERE topic = 'alarm' AND subject = ? AND fact <> 'told'"
            " ORDER BY seq"
        )
        return [r["fact"] for r in self.book.rows(sql, alarm)]


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path)
    yield home
    home.book.writer.close()


def test_it_is_seen_at_once_and_nobody_is_sent_or_woken(home) -> None:
    alarm = home.take(**SILENT)
    seen = home.alarm(alarm)
    assert (seen["state"], seen["severity"], seen["task"]) == ("open", "urgent", None)
    assert (seen["asked_at_ms"], seen["ask_until_ms"]) == (1_000_000, UNTIL_MS)
    assert home.facts(alarm) == ["raised", "asked"]
    assert (home.tasks(), home.book.outbox.raised) == ([], [])
    assert home.book.outbox.asked == [(alarm, "gw-1", "well-1")]
    home.later(ASKS_S - 1)
    assert home.facts(alarm) == ["raised", "asked"]


def test_the_elders_own_answer_closes_it(home) -> None:
    alarm = home.take(**SILENT)
    home.later(100)
    home.well()
    home.well()
    seen = home.alarm(alarm)
    assert (seen["state"], seen["outcome"], seen["closed_by"]) == ("closed", "answered_well", None)
    assert (seen["answer"], seen["answered_at_ms"], seen["cleared_at_ms"]) == (
        "well",
        1_100_000,
        1_100_000,
    )
    assert home.facts(alarm) == ["raised", "asked", "answered_well", "closed"]
    (entry,) = home.book.rows("SELECT data FROM entry WHERE fact = 'answered_well'")
    assert "gw-1/well-1" in entry["data"]
    home.later(10_000)
    assert (home.tasks(), home.book.outbox.raised) == ([], [])
    assert home.book.outbox.over == [alarm]


def test_no_answer_goes_on_as_an_alarm_that_never_asked(home) -> None:
    alarm = home.take(**SILENT)
    home.later(ASKS_S)
    seen = home.alarm(alarm)
    assert (seen["state"], seen["answer"], seen["answered_at_ms"]) == ("open", "none", None)
    assert home.facts(alarm) == ["raised", "asked", "not_answered"]
    assert home.tasks() == [alarm]
    assert (home.book.outbox.raised, home.book.outbox.over) == ([alarm], [alarm])
    home.well()  # too late: a sign of life for the rule, and somebody is on the way
    assert home.alarm(alarm)["state"] == "open"


def test_an_old_well_answers_nothing(home) -> None:
    alarm = home.take(**SILENT)
    home.well(at_ms=1_000_000 - 3_600_000)
    home.well(home="home-2")
    assert asking(home.alarm(alarm))


def test_a_call_ends_the_question_and_is_a_call_as_ever(home) -> None:
    soft = home.take(**SILENT)
    home.later(10)
    elsewhere = home.take(home="home-2")
    assert asking(home.alarm(soft))
    call = home.take()
    assert home.facts(call) == ["raised"]
    assert home.alarm(call)["kind"] == "sos"
    assert home.facts(soft) == ["raised", "asked", "answered_help"]
    assert (home.alarm(soft)["answer"], home.alarm(soft)["state"]) == ("help", "open")
    assert home.tasks() == [elsewhere, call, soft]
    assert home.book.outbox.raised == [elsewhere, call, soft]


@pytest.mark.parametrize("move", ["acknowledge", "assign", "close"])
def test_a_human_ends_the_question_by_taking_it(home, move) -> None:
    alarm = home.take(**SILENT)
    act = {
        "acknowledge": lambda u: home.book.alarms.acknowledge(u, alarm, "duty1"),
        "assign": lambda u: home.book.alarms.assign(u, alarm, "duty1", "visitor1"),
        "close": lambda u: home.book.alarms.close(u, alarm, "duty1", Outcome.SOCIAL, ""),
    }[move]
    home.do(act)
    assert home.book.outbox.over == [alarm]
    assert home.tasks() == ([] if move == "close" else [alarm])
    home.later(ASKS_S)
    home.well()
    assert home.alarm(alarm)["answer"] is None
    assert {"acknowledged", "assigned", "closed"} & set(home.facts(alarm))


def test_a_question_outlives_a_restart_and_a_crash_in_its_answer(home) -> None:
    alarm = home.take(**SILENT)
    home.restart()

    def fails(unit) -> None:
        home.book.alarms.said_well(unit, "home-1", "gw-1/well-1", home.book.now_ms)
        raise LookupError("planted")

    with pytest.raises(LookupError):
        home.do(fails)
    assert asking(home.alarm(alarm))
    home.later(ASKS_S)
    assert home.tasks() == [alarm]


@pytest.mark.parametrize("days", [1, 400])
def test_a_clock_set_back_over_a_restart_is_early_and_not_late(home, days) -> None:
    alarm = home.take(**SILENT)
    home.restart()
    home.book.now_ms -= days * 86_400_000
    home.tick()
    assert home.tasks() == [alarm]


def test_a_clock_set_back_within_the_question_is_known_by_heartbeats(home) -> None:
    alarm = home.take(**SILENT)
    home.do(lambda u: u.execute("UPDATE gateway SET status_at_ms = ?", (1_200_000,)))
    home.restart()
    home.book.now_ms = 1_010_000  # five minutes ago, says the wall
    home.tick()
    assert home.tasks() == [alarm]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE gateway SET online = 0",
        'UPDATE "device" SET asks = 0',
        "UPDATE \"device\" SET fault = 'offline' WHERE device = 'well-1'",
        'INSERT INTO "device" (gateway, device, kind, model, label, fault)'
        " VALUES ('gw-1', 'gw-1', '', '', '', 'output_failed')",
    ],
)
def test_who_cannot_be_asked_is_not_made_to_wait(home, sql) -> None:
    home.do(lambda u: u.execute(sql))
    alarm = home.take(**SILENT)
    assert (home.tasks(), home.alarm(alarm)["ask_until_ms"]) == ([alarm], None)
    assert home.book.outbox.raised == [alarm]


def test_an_empty_battery_can_still_be_asked(home) -> None:
    home.do(lambda u: u.execute("UPDATE \"device\" SET fault = 'battery_low'"))
    assert asking(home.alarm(home.take(**SILENT)))


def test_what_repeats_waits_and_what_worsens_does_not(home) -> None:
    watch = {**SILENT, "severity": "watch"}
    alarm = home.take(**watch)
    home.take(**watch)
    assert home.book.outbox.raised == []
    home.take(**SILENT)
    assert home.facts(alarm) == ["raised", "asked", "repeated", "worsened", "not_answered"]
    assert (home.tasks(), home.book.outbox.raised) == ([alarm], [alarm])


def test_another_kind_is_answered_and_left_to_a_human(home) -> None:
    home.book.asks_for_s["morning"] = ASKS_S
    alarm = home.take(rule="morning", reason="late")
    home.well()
    seen = home.alarm(alarm)
    assert (seen["state"], seen["answer"], seen["cleared_at_ms"]) == ("open", "well", 1_000_000)
    assert home.facts(alarm) == ["raised", "asked", "answered_well"]


def test_many_questions_end_in_rounds_between_which_others_are_served(home) -> None:
    for number in range(DUE_MAX + 3):
        home.do(lambda u, n=number: u.execute(NEW_HOME, (f"many-{n}", "1")))
        home.do(
            lambda u, n=number: u.execute(
                'INSERT INTO "device" (gateway, device, home, kind, model, label, asks)'
                " VALUES ('gw-1', ?, ?, '', '', '', 1)",
                (f"w-{n}", f"many-{n}"),
            )
        )
        home.take(**{**SILENT, "home": f"many-{number}"})
    home.book.now_ms = UNTIL_MS
    assert home.do(home.book.alarms.fire_due) is True
    assert len(home.tasks()) == DUE_MAX
    assert home.do(home.book.alarms.fire_due) is False
    assert len(home.tasks()) == DUE_MAX + 3


MOVES = ("silent", "sos", "well", "later", "acknowledge", "close", "restart", "clear", "set_back")


def play(home: Home, move: str) -> None:
    alarms = home.book.alarms
    rows = home.book.rows(
        "SELECT id FROM alarm WHERE rule = 'no_sign_of_life' AND state = 'open' ORDER BY number"
    )
    match move:
        case "silent":
            home.take(**SILENT)
        case "well":
            home.well()
        case "later":
            home.later(120)
        case "set_back":
            home.book.now_ms -= 3_600_000
            home.restart()
            home.tick()
        case "restart":
            home.restart()
        case "clear":
            home.take(**{**SILENT, "phase": "cleared", "reason": "moved"})
        case "acknowledge" if rows:
            home.do(lambda u: alarms.acknowledge(u, rows[0]["id"], "duty1"))
        case "close" if rows:
            home.do(lambda u: alarms.close(u, rows[0]["id"], "duty1", Outcome.SOCIAL, ""))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(moves=st.lists(st.sampled_from(MOVES), max_size=14))
def test_a_press_is_a_call_whatever_the_question_does(tmp_path_factory, moves) -> None:
    home = Home(tmp_path_factory.mktemp("asking"))
    try:
        for move in moves:
            heard = len(home.book.outbox.raised)
            if move == "sos":
                call = home.take()
                seen = home.alarm(call)
                assert (seen["kind"], seen["state"], seen["asked_at_ms"]) == ("sos", "open", None)
                assert call in home.tasks()
                assert call in home.book.outbox.raised[heard:]
            else:
                play(home, move)
            for row_ in map(dict, home.book.rows("SELECT * FROM alarm")):
                assert asking(row_) or row_["task"] is not None or row_["state"] == "closed"
                if row_["state"] == "closed" and row_["closed_by"] is None:
                    assert (row_["kind"], row_["answer"]) == ("no_sign_of_life", "well")
        assert len(home.tasks()) == len(set(home.tasks()))
    finally:
        home.book.writer.close()
