"""Who is told what, in which order, by which other way; and when nobody is told any more."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alarms.lifecycle import Outcome
from alarms.limits import Limit, Limits
from alarms.message import decode
from alarms.notifier import Refused, RetryLater
from alarms.outbox_rows import (
    ATTEMPTS_MAX,
    KEEP_FAILED_MS,
    KEEP_SENT_MS,
    due,
    prune,
    send_again,
)
from alarms.telling import TellingSettings, digest_of, send_code
from ledger.schema import AUDIT, OUTBOX, REPLY_LINK
from tests.adapters.processes import until
from tests.adapters.telling_bench import URL, Office

PHONE = "+8613800000001"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    office = Office(tmp_path)
    office.account("duty-1")
    yield office
    await office.close()


def test_a_step_is_written_once_with_a_text_and_a_link(office: Office) -> None:
    alarm = office.alarm()
    for _again in range(2):
        office.tell(alarm, "duty-1", "aliyun_sms", PHONE)
    [row] = office.rows()
    said = decode(row["body"])
    assert (row["state"], row["urgent"], row["quiet"], row["step"]) == ("pending", 1, 0, "1.0")
    assert said.link == f"https://hub.example/r/{said.reply}"
    [link] = office.bench.rows(REPLY_LINK)
    assert link["digest"] == digest_of(said.reply)
    assert (link["alarm"], link["responder"]) == (alarm, "duty-1")
    # Another step or round is another notification.
    office.tell(alarm, "duty-1", "aliyun_sms", PHONE, step=1)
    office.tell(alarm, "duty-1", "aliyun_sms", PHONE, step=0, round_=2)
    assert len(office.rows()) == 3


def test_somebody_hears_of_every_alarm_before_anybody_hears_of_one_again(office: Office) -> None:
    watch = office.alarm("w", severity="watch")
    office.tell(watch, "duty-1", "wecom_bot", "calm", urgent=False)
    office.bench.clock.at_ms += 1_000
    first, second = office.alarm("1"), office.alarm("2")
    for alarm in (first, second):
        for person in range(3):
            office.tell(alarm, f"person-{person}", "aliyun_sms", f"+86138{person}")
    office.bench.clock.at_ms += 1_000
    chosen = office.bench.change(lambda unit: due(unit, limits=Limits({})))
    alarms = [row.alarm for row in chosen]
    assert set(alarms[:2]) == set(alarms[2:4]) == set(alarms[4:6]) == {first, second}
    assert alarms[6] == watch


def test_a_contact_of_the_family_has_a_link_and_no_other_way_to_answer(office: Office) -> None:
    office.tell(office.alarm(), "contact:person-1/1", "aliyun_sms", PHONE)
    [row] = office.rows()
    said = decode(row["body"])
    assert said.link == f"{URL}/r/{said.reply}"
    assert "回1" not in said.short
    assert "登录" not in said.text
    [link] = office.bench.rows(REPLY_LINK)
    assert link["responder"] == "contact:person-1/1"


def test_without_an_address_of_ours_a_contact_is_only_told(tmp_path: Path) -> None:
    office = Office(tmp_path, TellingSettings(replies=True))
    office.tell(office.alarm(), "contact:person-1/1", "aliyun_sms", PHONE)
    said = decode(office.rows()[0]["body"])
    assert (said.link, said.reply) == ("", "")
    assert office.bench.rows(REPLY_LINK) == []
    office.hub.close()


async def test_a_dead_way_is_marked_and_the_next_one_taken(office: Office) -> None:
    first = office.point("duty-1", "aliyun_sms", PHONE)
    office.point("duty-1", "wecom_bot", "unproven", verified=False)
    office.point("duty-1", "wecom_bot", "duty")
    office.channels["aliyun_sms"].answers[PHONE] = Refused(detail="nobody", dead_contact=True)
    office.tell(office.alarm(), "duty-1", "aliyun_sms", PHONE)
    office.start()
    await until(
        lambda: office.states() == [(PHONE, "refused"), ("duty", "delivered")], "the next way"
    )
    dead = office.points()[first]
    assert dead["dead_reason"] == "nobody"
    assert dead["dead_since_ms"] is not None
    assert ("system", "contact_point_dead") in [
        (row["actor"], row["action"]) for row in office.bench.rows(AUDIT)
    ]


async def test_what_does_not_leave_at_once_takes_the_next_way_and_goes_on(office: Office) -> None:
    office.point("duty-1", "aliyun_sms", PHONE)
    office.point("duty-1", "wecom_bot", "duty")
    office.channels["aliyun_sms"].answers[PHONE] = RetryLater(detail="down")
    office.tell(office.alarm(), "duty-1", "aliyun_sms", PHONE)
    office.start()
    await until(lambda: ("duty", "delivered") in office.states(), "the next way")
    del office.channels["aliyun_sms"].answers[PHONE]
    office.pass_ms(1_000)
    await until(lambda: (PHONE, "delivered") in office.states(), "the first way, later")
    assert office.channels["wecom_bot"].targets() == ["duty"]


async def test_what_is_not_urgent_takes_no_other_way(office: Office) -> None:
    office.point("duty-1", "aliyun_sms", PHONE)
    office.point("duty-1", "wecom_bot", "duty")
    office.channels["aliyun_sms"].answers[PHONE] = Refused(detail="no")
    office.tell(office.alarm(severity="watch"), "duty-1", "aliyun_sms", PHONE, urgent=False)
    office.start()
    await until(lambda: office.states() == [(PHONE, "refused")], "the refusal")


async def test_a_full_bot_is_bypassed_by_an_urgent_call(office: Office) -> None:
    """Nineteen news fill half of the bot; twenty calls the rest; the next call goes elsewhere."""
    office.limits = Limits({"wecom_bot": [Limit(count=20, per_s=60)]})
    office.point("duty-1", "wecom_bot", "duty")
    office.point("duty-1", "aliyun_sms", PHONE)
    for number in range(19):
        alarm = office.alarm(f"w{number}", severity="watch")
        office.tell(alarm, "duty-1", "wecom_bot", "duty", urgent=False)
    office.start()
    await until(lambda: office.states().count(("duty", "delivered")) == 10, "half of the bot")
    for number in range(11):
        office.tell(office.alarm(f"u{number}"), "duty-1", "wecom_bot", "duty")
    office.sending.wake()
    await until(lambda: office.states().count(("duty", "delivered")) == 20, "the whole bot")
    await until(lambda: (PHONE, "delivered") in office.states(), "the one too many")
    assert office.channels["wecom_bot"].sent[10:] == [
        n for n in office.channels["wecom_bot"].sent if n.urgent
    ]
    assert len(office.channels["aliyun_sms"].sent) == 1
    office.pass_ms(60_000)
    await until(lambda: len(office.channels["wecom_bot"].sent) > 20, "a minute later")
    assert office.channels["wecom_bot"].sent[20].urgent


async def test_a_limit_is_remembered_over_a_restart(office: Office) -> None:
    office.limits = Limits({"wecom_bot": [Limit(count=2, per_s=60)]})
    for number in range(2):
        office.tell(office.alarm(f"a{number}"), "duty-1", "wecom_bot", "duty")
    office.start()
    await until(lambda: office.states() == [("duty", "delivered")] * 2, "two")
    office._running.cancel()
    await asyncio.gather(office._running, return_exceptions=True)
    office.limits = Limits({"wecom_bot": [Limit(count=2, per_s=60)]})
    office.tell(office.alarm("a3"), "duty-1", "wecom_bot", "duty")
    office.tell(office.alarm("a4"), "duty-1", "aliyun_sms", PHONE)
    office.start()
    await until(lambda: (PHONE, "delivered") in office.states(), "another channel")
    assert ("duty", "pending") in office.states()
    office.pass_ms(60_000)
    await until(lambda: ("duty", "pending") not in office.states(), "a minute later")


def sent_to(office: Office) -> list[str]:
    return sorted(office.channels["aliyun_sms"].targets())


async def test_nobody_hears_of_what_somebody_has_taken_but_the_first(office: Office) -> None:
    taken, closed, open_ = (office.alarm(key) for key in ("t", "c", "o"))
    for alarm in (taken, closed, open_):
        office.tell(alarm, "duty-1", "aliyun_sms", f"first-{alarm[:4]}", step=1)
        office.tell(alarm, "duty-1", "aliyun_sms", f"second-{alarm[:4]}", step=2)
    book = office.hub.book
    office.bench.change(lambda unit: book.acknowledge(unit, taken, "duty-1"))
    office.bench.change(lambda unit: book.close(unit, closed, "duty-1", Outcome.TEST, ""))
    # What is told of a case in hand is meant for who has it, until it is closed.
    office.tell(taken, "duty-1", "aliyun_sms", "holder", step=3)
    office.start()
    wanted = sorted([*(f"first-{a[:4]}" for a in (taken, closed, open_)), "holder"])
    wanted = sorted([*wanted, f"second-{open_[:4]}"])
    await until(lambda: sent_to(office) == wanted, "what is needed")
    dropped = {row["target"]: row["detail"] for row in office.rows() if row["state"] == "dropped"}
    assert set(dropped) == {f"second-{taken[:4]}", f"second-{closed[:4]}"}


async def test_the_night_is_quiet_but_for_what_is_urgent(office: Office) -> None:
    night = [True]
    office.tell(office.alarm("w", severity="watch"), "duty-1", "aliyun_sms", "quiet", urgent=False)
    office.tell(office.alarm("u"), "duty-1", "aliyun_sms", "loud")
    point = office.point("duty-1", "aliyun_sms", "proving", verified=False)
    row = office.points()[point]
    office.bench.change(lambda unit: send_code(unit, row, "123456", "code-1"))
    office.start(quiet=lambda _now_ms: night[0])
    await until(lambda: sent_to(office) == ["loud", "proving"], "the loud ones")
    assert ("quiet", "pending") in office.states()
    night[0] = False
    office.sending.wake()
    await until(lambda: "quiet" in sent_to(office), "in the morning")


async def test_a_code_is_forgotten_when_it_has_gone_out(office: Office) -> None:
    point = office.point("duty-1", "aliyun_sms", PHONE, verified=False)
    row = office.points()[point]
    office.bench.change(lambda unit: send_code(unit, row, "123456", "code-1"))
    assert "123456" in office.rows()[0]["body"]
    office.start()
    await until(lambda: office.states() == [(PHONE, "delivered")], "the code")
    assert office.rows()[0]["body"] == ""


def test_a_channel_that_believes_everything_carries_nothing_urgent(tmp_path: Path) -> None:
    office = Office(tmp_path, TellingSettings(urgent=frozenset({"aliyun_sms"})))
    office.account("duty-1")
    office.point("duty-1", "apprise", "mail")
    alarm = office.alarm()
    office.tell(alarm, "duty-1", "apprise", "mail")
    assert office.rows() == []
    office.tell(alarm, "duty-1", "apprise", "mail", urgent=False)
    assert len(office.rows()) == 1
    office.hub.close()


async def test_a_provider_may_ask_for_time_but_not_for_ever(office: Office) -> None:
    office.channels["aliyun_sms"].answers[PHONE] = RetryLater(detail="busy", after_s=1e9)
    office.tell(office.alarm(), "duty-1", "aliyun_sms", PHONE)
    office.start()
    await until(lambda: office.rows()[0]["attempts"] == 1, "the first attempt")
    row = office.rows()[0]
    assert row["next_at_ms"] - row["tried_at_ms"] == 3_600_000
    # A clock that is set back makes nothing wait longer.
    office.pass_ms(-2 * 3_600_000)
    await until(lambda: office.rows()[0]["attempts"] == 2, "at once")


async def test_what_was_given_up_is_listed_and_can_be_sent_again(office: Office) -> None:
    office.channels["aliyun_sms"].answers[PHONE] = RetryLater(detail="down")
    office.tell(office.alarm(), "duty-1", "aliyun_sms", PHONE)
    row_id = office.rows()[0]["id"]
    office.bench.change(
        lambda unit: unit.execute("UPDATE outbox SET attempts = ?", (ATTEMPTS_MAX - 1,))
    )
    office.start()
    await until(lambda: office.states() == [(PHONE, "dead")], "the end of patience")
    assert office.rows()[0]["detail"] == "down"
    office.channels["aliyun_sms"].answers.clear()
    assert office.bench.change(lambda unit: send_again(unit, row_id, "manager-1"))
    office.sending.wake()
    await until(lambda: office.states() == [(PHONE, "delivered")], "once more")
    assert not office.bench.change(lambda unit: send_again(unit, row_id, "manager-1"))


def test_what_was_settled_long_ago_is_pruned(office: Office) -> None:
    now_ms = office.bench.clock.at_ms

    def put(unit) -> None:
        for state, done_ms in (
            ("delivered", now_ms - KEEP_SENT_MS - 1),
            ("delivered", now_ms),
            ("dead", now_ms - KEEP_SENT_MS - 1),
            ("dead", now_ms - KEEP_FAILED_MS - 1),
            ("pending", None),
        ):
            unit.execute(
                "INSERT INTO outbox (id, channel, target, body, state, attempts, created_at_ms,"
                " next_at_ms, done_at_ms, detail) VALUES (?,?,?,?,?,?,?,?,?,?)",
                (f"{state}{done_ms}", "x", "y", "{}", state, 1, 0, 0, done_ms, ""),
            )

    office.bench.change(put)
    assert office.bench.change(prune) is False
    assert sorted(row["state"] for row in office.bench.rows(OUTBOX)) == [
        "dead",
        "delivered",
        "pending",
    ]
