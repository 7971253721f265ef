"""Notifications on SQLite and PostgreSQL: urgent first, dropped, bypassed, pruned, sent again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alarms import contact_points
from alarms.escalation.retention import KEEP_STEPS_MS, StepRetention
from alarms.lifecycle import Outcome
from alarms.limits import Limit, Limits
from alarms.notifier import Refused
from alarms.outbox_rows import due, prune, send_again, sent_lately
from alarms.replies import Replies
from alarms.telling import ACTOR_LENGTH_MAX, send_code
from dashboard.permissions import may
from ledger.place import Place, SqliteBook
from ledger.schema import ESCALATION_STEP, REPLY_LINK
from tests.adapters.processes import until
from tests.adapters.telling_bench import Office

PHONE = "+8613800000001"


@pytest.fixture(params=["sqlite", "postgres"])
async def office(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Office]:
    book: Place = SqliteBook(path=tmp_path / "hub" / "hub.db")
    if request.param == "postgres":
        book = request.getfixturevalue("postgres").fresh()
    office = Office(tmp_path, book=book)
    office.account("duty-1")
    yield office
    await office.close()


async def test_a_notification_lives_alike_on_both(office: Office) -> None:
    first = office.point("duty-1", "aliyun_sms", PHONE)
    office.point("duty-1", "wecom_bot", "duty")
    calm, urgent, taken = office.alarm("w", severity="watch"), office.alarm("u"), office.alarm("t")
    office.tell(calm, "duty-1", "wecom_bot", "calm", urgent=False)
    office.bench.clock.at_ms += 10
    office.tell(urgent, "duty-1", "aliyun_sms", PHONE)
    office.tell(taken, "duty-1", "wecom_bot", "later", step=2)
    book = office.hub.book
    office.bench.change(lambda unit: book.acknowledge(unit, taken, "duty-1"))
    loud = office.bench.change(lambda unit: due(unit, limits=Limits({}), quiet=True))
    # Beside the word to the elder at the gateway.
    assert [row.target for row in loud if row.recipient] == [PHONE]
    both = office.bench.change(lambda unit: due(unit, limits=Limits({})))
    told = [(row.target, row.urgent) for row in both if row.recipient]
    assert told == [(PHONE, True), ("calm", False)]
    limited = Limits({"wecom_bot": [Limit(count=2, per_s=60)]})
    limited.restore([("wecom_bot", "calm", office.bench.clock.at_ms)] * 2)
    few = office.bench.change(lambda unit: due(unit, limits=limited))
    assert [row.target for row in few if row.recipient] == [PHONE]
    office.bench.clock.at_ms += 60_000
    office.channels["aliyun_sms"].answers[PHONE] = Refused(detail="nobody", dead_contact=True)
    office.start()
    wanted = [
        (PHONE, "refused"),
        ("calm", "delivered"),
        ("duty", "delivered"),
        ("later", "dropped"),
    ]
    await until(lambda: office.states() == wanted, "each its end")
    assert office.points()[first]["dead_since_ms"] is not None
    channels = frozenset({"wecom_bot"})
    sent = office.bench.change(lambda unit: sent_lately(unit, channels, 60_000))
    assert sorted(target for _channel, target, _at in sent) == ["calm", "duty"]
    office.channels["aliyun_sms"].answers.clear()
    [refused] = [row["id"] for row in office.rows() if row["state"] == "refused"]
    assert office.bench.change(lambda unit: send_again(unit, refused, "manager-1"))
    office.sending.wake()
    await until(lambda: (PHONE, "delivered") in office.states(), "once more")
    office.pass_ms(200 * 86_400_000)
    assert office.bench.change(prune) is False
    assert office.rows() == []


async def test_a_way_is_proved_and_an_answer_taken_alike_on_both(office: Office) -> None:
    point = office.point("duty-1", "aliyun_sms", PHONE, verified=False)

    def code(unit) -> None:
        row = contact_points.expect_code(unit, "duty-1", point, "123456")
        send_code(unit, row, "123456", "code-1")

    office.bench.change(code)
    for given, wanted in (("000000", False), ("123456", True), ("123456", False)):
        proved = office.bench.change(
            lambda unit, given=given: contact_points.check_code(
                unit, "duty-1", point, given, actor="duty-1"
            )
        )
        assert proved is wanted
    alarm = office.alarm()
    office.tell(alarm, "duty-1", "aliyun_sms", PHONE)
    book = office.hub.book
    replies = Replies(office.hub.writer, book, book.handing.cannot_come, may, book.contacts.says)
    number = office.row(alarm)["number"]
    # As an older program left it, before the catching up has come to it.
    office.bench.change(lambda unit: unit.execute("UPDATE contact_point SET address_code = ''"))
    answered = await replies.by_sms(PHONE, f"1 {number}")
    assert answered is not None
    assert (answered.alarm, answered.responder, answered.again) == (alarm, "duty-1", False)
    again = await replies.by_sms(PHONE, f"1 {number}")
    assert again is not None
    assert again.again
    assert office.row(alarm)["acknowledged_by"] == "duty-1"


async def test_contacts_answer_and_old_steps_go_alike_on_both(office: Office) -> None:
    alarm = office.alarm()
    longest = f"contact:{'p' * (ACTOR_LENGTH_MAX - 10)}/1"
    office.tell(alarm, longest, "aliyun_sms", PHONE)
    office.tell(alarm, f"contact:{'p' * 64}/1", "wecom_bot", "duty")
    links = {row["responder"] for row in office.bench.rows(REPLY_LINK)}
    # Whose name no entry could hold is told and has no link.
    assert links == {longest}
    book = office.hub.book
    said = [office.bench.change(lambda u: book.contacts.says(u, alarm, longest, "going"))]
    said += [office.bench.change(lambda u: book.contacts.says(u, alarm, longest, "going"))]
    assert said == [True, False]
    assert office.row(alarm)["state"] == "open"
    steps = office.bench.count(ESCALATION_STEP)
    assert steps > 0
    office.bench.change(lambda u: book.close(u, alarm, "duty-1", Outcome.TEST, ""))
    kept = StepRetention()
    office.bench.change(kept.forget)
    assert office.bench.count(ESCALATION_STEP) == steps
    office.bench.clock.at_ms += KEEP_STEPS_MS + 1
    office.bench.change(kept.forget)
    assert office.bench.count(ESCALATION_STEP) == 0
