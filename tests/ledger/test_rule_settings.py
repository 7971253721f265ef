"""Settings of rules from HTTP to the alarm, on SQLite and on PostgreSQL: live in both lanes, kept
by a restart, dropped with a commit that failed, and never in the way of a press."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.accounts import create_user
from hearthwatch.rule_settings import RuleSettings
from ingest.urgent_lane import decode_message
from ledger.place import Place, SqliteBook
from ledger.rule_settings import NewSetting, append
from ledger.schema import ALARM, AUDIT, ENTRY, OUTBOX, RULE_SETTING, SHADOW_FINDING, TASK
from ledger.unit_of_work import UnitOfWork
from rules.config import default_rules
from tests.adapters.hub_bench import press
from tests.ledger.elders import ELDERS, HASHER, PASSWORD, STEP_MS, Elders

LOWER = {"urgent_systolic_mmhg": 150, "crisis_systolic_mmhg": 155}


@pytest.fixture(params=["sqlite", "postgres"])
def elders(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Elders]:
    book: Place = SqliteBook(path=tmp_path / "hub" / "hub.db")
    if request.param == "postgres":
        book = request.getfixturevalue("postgres").fresh()
    elders = Elders(tmp_path, book, ELDERS)

    def account(unit: UnitOfWork) -> None:
        create_user(
            unit,
            username="boss",
            name="陈主任",
            role="manager",
            region="",
            phone="",
            password_hash=HASHER.hash(PASSWORD),
            actor="system",
        )

    elders.change(account)
    yield elders
    elders.hub.close()


def test_a_limit_of_one_person_alarms_only_there_and_at_once(elders: Elders) -> None:
    for number in (1, 2):
        elders.measure(number, 160)
    assert elders.alarms() == []
    answer = elders.patch("blood_pressure", scope="person:person-1", params=LOWER)
    assert answer.status_code == 200, answer.text
    for number in (1, 2):
        elders.measure(number, 160)
    assert elders.alarms() == [("home-1", "blood_pressure")]
    # Who changed it, in the book and for the auditors.
    (entry,) = [row for row in elders.rows(ENTRY) if row["topic"] == "rule"]
    assert (entry["actor"], entry["fact"], entry["region"]) == ("boss", "changed", "1")
    assert json.loads(entry["data"])["params"] == LOWER
    assert "医生建议" in next(r["detail"] for r in elders.rows(AUDIT) if "rule:" in r["object"])
    # What was learned is kept: the mean has the readings from before.
    (view,) = [
        v
        for v in elders.hub.batch.engine.view("home-1", elders.clock.at_ms)
        if v.rule == "blood_pressure"
    ]
    assert view.explanation["limits_unconfirmed"] is True


def test_after_a_restart_it_is_as_it_was(elders: Elders) -> None:
    elders.patch("blood_pressure", scope="category:失能", params=LOWER)
    elders.patch("low_battery", mode="shadow")
    before = [elders.rule(name) for name in ("blood_pressure", "low_battery")]
    elders.hub.close()
    elders.open()
    assert [elders.rule(name) for name in ("blood_pressure", "low_battery")] == before
    elders.measure(1, 160)
    elders.measure(2, 160)
    elders.battery(3)
    assert elders.alarms() == [("home-2", "blood_pressure")]


def test_what_was_taken_back_alarms_no_more(elders: Elders) -> None:
    elders.patch("blood_pressure", scope="home:home-1", params=LOWER)
    elders.patch("blood_pressure", scope="home:home-1", params={})
    elders.measure(1, 160)
    assert elders.alarms() == []
    assert elders.rule("blood_pressure")["settings"] == []
    assert elders.count(RULE_SETTING) == 2


def test_who_comes_into_a_category_has_its_limits_at_once(elders: Elders) -> None:
    elders.patch("blood_pressure", scope="category:失能", params=LOWER)

    def disabled(unit: UnitOfWork) -> None:
        unit.execute(
            "UPDATE service_user SET categories = ? WHERE id = ?", ('["失能"]', "person-1")
        )
        elders.hub.roster_changed(unit)

    elders.change(disabled)
    elders.measure(1, 160)
    assert elders.alarms() == [("home-1", "blood_pressure")]


def test_a_signed_limit_is_shown_as_signed_only_where_it_is(elders: Elders) -> None:
    signed = {"signed_off_by": "王医生", "signed_off_on": "2026-11-20"}
    elders.patch("blood_pressure", scope="person:person-1", params=LOWER, **signed)
    elders.batch(lambda _batch: None)
    shown = {}
    for home in ("home-1", "home-2"):
        views = elders.hub.batch.engine.view(home, elders.clock.at_ms)
        (view,) = [view for view in views if view.rule == "blood_pressure"]
        shown[home] = view.explanation.get("limits_unconfirmed", False)
    assert shown == {"home-1": False, "home-2": True}


def test_a_question_lasts_as_long_as_the_home_was_given(elders: Elders) -> None:
    elders.patch("no_sign_of_life", scope="home:home-1", params={"ask_first_s": 600})
    asks = elders.hub.side.settings.asks_for_s
    assert [asks("no_sign_of_life", home) for home in ("home-1", "home-2")] == [600, 300]
    elders.patch("no_sign_of_life", scope="county", params={"ask_first_s": 0})
    assert [asks("no_sign_of_life", home) for home in ("home-1", "home-2")] == [600, 0]
    assert asks("sos", "home-1") == 0


def test_a_rule_in_shadow_wakes_nobody_and_leaves_its_alarms(elders: Elders) -> None:
    elders.battery(3)
    assert elders.alarms() == [("home-1", "low_battery")]
    tasks, sent, entries = (elders.count(table) for table in (TASK, OUTBOX, ENTRY))
    elders.patch("low_battery", mode="shadow")
    elders.patch("fall", mode="shadow")
    elders.patch("blood_pressure", mode="shadow")
    elders.battery(100)
    elders.battery(3)
    elders.measure(1, 220)
    elders.deliver(elders.item("fall-1", "fall", action="press"))
    found = [(row["rule"], row["phase"], row["home"]) for row in elders.rows(SHADOW_FINDING)]
    assert found == [
        ("low_battery", "cleared", "home-1"),
        ("low_battery", "raised", "home-1"),
        ("blood_pressure", "raised", "home-1"),
        ("fall", "raised", "home-1"),
    ]
    # The open alarm is for humans to close; nothing else was opened, sent or told.
    assert elders.alarms() == [("home-1", "low_battery")]
    assert elders.rows(ALARM)[0]["cleared_at_ms"] is None
    assert (elders.count(TASK), elders.count(OUTBOX)) == (tasks, sent)
    assert elders.count(ENTRY) == entries + 3
    assert elders.rule("fall")["shadow"]["raised"] == 1
    elders.patch("fall", mode="live")
    elders.deliver(elders.item("fall-1", "fall", action="press"))
    assert ("home-1", "fall") in elders.alarms()


def test_the_urgent_lane_follows_with_the_commit_and_is_never_deaf(elders: Elders) -> None:
    elders.patch("fall", params={"listens_to": ["smoke"]})
    elders.deliver(elders.item("fall-1", "fall", action="press"))
    (alarm,) = elders.rows(ALARM)
    assert (alarm["kind"], alarm["severity"], alarm["reason"]) == ("fall", "urgent", "no_rule")


def test_what_is_found_again_after_a_crash_between_the_lanes_is_one(elders: Elders) -> None:
    elders.patch("blood_pressure", mode="shadow")
    elders.clock.at_ms += STEP_MS
    decoded = decode_message(b"hw/v1/gw-1/telemetry", elders.pressure(1, 220))
    batch = elders.hub.batch
    batch.begin()
    batch.take(decoded)
    # The book has the finding; the readings, marks and states are lost with the process.
    batch._for_book.tell()
    assert elders.count(SHADOW_FINDING) == 1
    moment_ms = elders.clock.at_ms
    elders.hub.close()
    elders.open()
    elders.clock.at_ms = moment_ms
    elders.batch(lambda batch: batch.take(decoded))
    assert elders.count(SHADOW_FINDING) == 1
    assert elders.alarms() == []


def test_what_was_not_committed_is_in_force_nowhere(elders: Elders) -> None:
    new = NewSetting(
        rule="blood_pressure", scope="home:home-1", actor="boss", reason="test", params=LOWER
    )
    shadow = NewSetting(rule="fall", scope="county", actor="boss", reason="test", mode="shadow")

    def fails(unit: UnitOfWork) -> None:
        elders.hub.side.change_rule(unit, new)
        elders.hub.side.change_rule(unit, shadow)
        # The readings lane comes by meanwhile.
        elders.hub.batch.begin()
        raise LookupError("planted")

    with pytest.raises(LookupError):
        elders.change(fails)
    assert elders.count(RULE_SETTING) == 0
    elders.measure(1, 160)
    elders.deliver(elders.item("fall-1", "fall", action="press"))
    assert elders.alarms() == [("home-1", "fall")]


def test_what_cannot_be_used_any_more_is_told_and_stops_nothing(elders: Elders) -> None:
    def broken(unit: UnitOfWork) -> None:
        for rule, params in (("gone", {"x": 1}), ("pulse", {"gone": 1}), ("weight", {})):
            new = NewSetting(
                rule=rule, scope="home:home-1", actor="boss", reason="old", params=params
            )
            append(unit, new)
        unit.execute("UPDATE rule_setting SET params = ? WHERE rule = ?", ("[[[", "weight"))
        sos = NewSetting(rule="sos", scope="county", actor="boss", reason="old", mode="shadow")
        append(unit, sos)

    elders.change(broken)
    elders.hub.close()
    elders.open()
    told: list[str] = []
    settings = RuleSettings(
        default_rules(), elders.hub.register, lambda _event, text: told.append(text)
    )
    elders.change(lambda unit: settings.reload(unit.cursor))
    elders.change(lambda unit: settings.reload(unit.cursor))
    assert len(told) == 3, told
    elders.deliver(press(1))
    assert elders.alarms() == [("home-1", "sos")]
    # The rules can be changed as ever, and read.
    answer = elders.patch("pulse", scope="home:home-1", params={})
    assert answer.status_code == 200, answer.text
