"""Answers from outside the login: the same rights, once, and reading changes nothing."""

import pytest

from alarms.contact_points import ADDRESS
from alarms.telling import REPLY_VALID_MS, digest_of
from ledger.unit_of_work import UnitOfWork
from tests.adapters.dashboard_ports import ListedNotices
from tests.dashboard.conftest import World, problem_of

TOKEN = "0123456789abcdef"
PATH = f"/api/v1/replies/{TOKEN}"
UPLINK = f"/api/v1/uplink/aliyun/{ListedNotices.uplink}"


async def link(world: World, alarm: str, responder: str, token: str = TOKEN) -> None:
    now_ms = world.clock.at_ms
    await world.execute(
        "INSERT INTO reply_link (digest, alarm, responder, created_at_ms, expires_at_ms)"
        " VALUES (?,?,?,?,?)",
        *(digest_of(token), alarm, responder, now_ms, now_ms + REPLY_VALID_MS),
    )


async def alarm_row(world: World, alarm: str) -> tuple:
    [row] = await world.query(
        "SELECT state, acknowledged_by, assignee FROM alarm WHERE id = ?", alarm
    )
    return tuple(row)


async def test_looking_at_a_link_changes_nothing_and_shows_nobody(world: World) -> None:
    alarm = await world.raise_alarm(kind="blood_pressure", rule="blood_pressure")
    await link(world, alarm, "duty-1")
    before = await world.query("SELECT count(*) FROM entry")
    async with world.anonymous() as client:
        for _look in range(3):
            seen = await client.get(PATH)
    assert seen.json() == {
        "number": 1,
        "severity": "urgent",
        "word": "health",
        "place": "龙头村",
        "state": "open",
        "raised_at": seen.json()["raised_at"],
        "contact": False,
        "yours": False,
        "answer": None,
        "expires_at": seen.json()["expires_at"],
        "timezone": "Asia/Shanghai",
    }
    assert await alarm_row(world, alarm) == ("open", None, None)
    assert await world.query("SELECT count(*) FROM entry") == before


async def test_a_duty_officer_takes_the_alarm_once(world: World) -> None:
    alarm = await world.raise_alarm()
    await link(world, alarm, "duty-1")
    await link(world, alarm, "duty-1", "another-link-1234")
    async with world.anonymous() as client:
        for token in (TOKEN, TOKEN, "another-link-1234"):
            done = await client.post(f"/api/v1/replies/{token}", json={"answer": "accept"})
            assert done.status_code == 200, done.text
            assert (done.json()["yours"], done.json()["answer"]) == (True, "accept")
        other = await client.post(PATH, json={"answer": "decline"})
        assert problem_of(other)["type"] == "answered"
    assert await alarm_row(world, alarm) == ("acknowledged", "duty-1", None)
    facts = await world.query("SELECT fact, actor FROM entry WHERE fact = 'acknowledged'")
    assert facts == [("acknowledged", "duty-1")]
    assert world.outbox.reassured == [alarm]
    audited = [row for row in await world.audited() if row[1].startswith("replied")]
    assert audited == [("duty-1", "replied_accept", f"alarm:{alarm}")]


async def test_a_visitor_takes_the_task(world: World) -> None:
    alarm = await world.raise_alarm()
    await link(world, alarm, "visitor-1")
    async with world.anonymous() as client:
        done = await client.post(PATH, json={"answer": "accept", "way": "push"})
    assert done.status_code == 200
    assert await alarm_row(world, alarm) == ("in_response", "visitor-1", "visitor-1")


async def test_who_comes_second_is_told(world: World) -> None:
    alarm = await world.raise_alarm()
    await link(world, alarm, "duty-1")
    await link(world, alarm, "visitor-3", "another-link-1234")
    async with world.anonymous() as client:
        await client.post(PATH, json={"answer": "accept"})
        await client.post("/api/v1/replies/another-link-1234", json={"answer": "accept"})
        third = await world.raise_alarm("home-0002", "alarm-2", gateway="gw-0002")
        await link(world, third, "duty-2", "third-link-123456")
        await world.deps.desk.acknowledge(third, "admin-1")
        late = await client.post("/api/v1/replies/third-link-123456", json={"answer": "accept"})
    assert problem_of(late)["type"] == "already_taken"
    [(answer,)] = await world.query(
        "SELECT answer FROM reply_link WHERE digest = ?", digest_of("third-link-123456")
    )
    assert answer is None


async def test_declining_is_noted_and_moves_nothing(world: World) -> None:
    alarm = await world.raise_alarm()
    await link(world, alarm, "visitor-1")
    async with world.anonymous() as client:
        done = await client.post(PATH, json={"answer": "decline"})
        assert done.json()["answer"] == "decline"
    assert (await alarm_row(world, alarm))[0] == "open"
    assert ("visitor-1", "replied_decline", f"alarm:{alarm}") in await world.audited()


@pytest.mark.parametrize(
    "what", ["over", "unknown", "account closed", "moved away", "closed", "no role"]
)
async def test_a_link_that_is_worth_nothing(world: World, what: str) -> None:
    alarm = await world.raise_alarm()
    await link(world, alarm, "auditor-1" if what == "no role" else "duty-1")
    path = PATH
    wanted = {"over": 404, "unknown": 404}.get(what, 409)
    if what == "over":
        world.clock.at_ms += REPLY_VALID_MS
    if what == "unknown":
        path = "/api/v1/replies/0123456789abcdeX"
    if what == "account closed":
        await world.execute("UPDATE account SET disabled = 1 WHERE username = 'duty-1'")
    if what == "moved away":
        await world.execute("UPDATE account SET region = '610926102' WHERE username = 'duty-1'")
    if what == "closed":
        await world.deps.desk.close(alarm, "duty-1", "test", "")
    async with world.anonymous() as client:
        answered = await client.post(path, json={"answer": "accept"})
    assert answered.status_code == wanted, answered.text
    assert (await alarm_row(world, alarm))[0] == ("closed" if what == "closed" else "open")
    if wanted == 404:
        async with world.anonymous() as client:
            assert (await client.get(path)).status_code == 404


async def phone(
    world: World, owner: str, number: str, point: str, *, verified: bool = True
) -> None:
    def add(unit: UnitOfWork) -> None:
        unit.execute(
            "INSERT INTO contact_point (id, owner, channel, address, label, language, place,"
            " created_at_ms, verified_at_ms, dead_reason, address_code)"
            " VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            (*(point, owner, "aliyun_sms", number, "", "zh-CN", 1, 1, 1 if verified else None, ""),
             unit.seal.blind(ADDRESS, number)),
        )  # fmt: skip

    await world.writer.change(add)


async def sms(world: World, text: str, number: str = "13700000001", path: str = UPLINK) -> None:
    message = {"phone_number": number, "content": text, "send_time": "2026-11-23 16:00:00"}
    async with world.anonymous() as client:
        answered = await client.post(path, json=[message, "noise", {}])
    assert (answered.status_code, answered.json()["code"]) == (200, 0)


async def test_an_answer_by_short_message(world: World) -> None:
    alarm = await world.raise_alarm()
    await link(world, alarm, "duty-1")
    await phone(world, "duty-1", "+8613700000001", "p-1")
    await sms(world, "好的马上")
    await sms(world, "1 2")
    await sms(world, "1 1", number="13900000009")
    assert (await alarm_row(world, alarm))[0] == "open"
    await sms(world, "１ １号")
    await sms(world, "1 1")
    assert await alarm_row(world, alarm) == ("acknowledged", "duty-1", None)
    ways = await world.query("SELECT detail FROM audit WHERE action = 'replied_accept'")
    assert ways == [("sms",)]


async def test_a_short_message_without_a_number_is_for_the_only_open_call(world: World) -> None:
    first, second = await world.raise_alarm(), await world.raise_alarm(episode="alarm-b", part="b")
    await phone(world, "duty-1", "+8613700000001", "p-1")
    await link(world, first, "duty-1")
    await link(world, second, "duty-1", "another-link-1234")
    await sms(world, "1")
    assert (await alarm_row(world, first))[0] == (await alarm_row(world, second))[0] == "open"
    await sms(world, "1 2")
    await sms(world, "1")
    assert (await alarm_row(world, first))[0] == (await alarm_row(world, second))[0]
    assert (await alarm_row(world, first))[0] == "acknowledged"


async def test_only_a_proved_telephone_that_was_told_may_answer(world: World) -> None:
    alarm = await world.raise_alarm()
    await phone(world, "duty-1", "+8613700000001", "p-1", verified=False)
    await phone(world, "visitor-3", "+8613700000002", "p-2")
    await link(world, alarm, "duty-1")
    await sms(world, "1 1")
    await sms(world, "1 1", number="+86 137 0000 0002")
    assert (await alarm_row(world, alarm))[0] == "open"


async def test_the_uplink_has_a_secret_address_and_the_other_form(world: World) -> None:
    alarm = await world.raise_alarm()
    await phone(world, "duty-1", "+8613700000001", "p-1")
    await link(world, alarm, "duty-1")
    async with world.anonymous() as client:
        wrong = await client.post("/api/v1/uplink/aliyun/nothing", json=[])
        assert wrong.status_code == 404
        path = f"/api/v1/uplink/tencent/{ListedNotices.uplink}"
        body = {"mobile": "13700000001", "nationcode": "86", "text": "1 1", "time": 1}
        done = await client.post(path, json=body)
        assert done.json() == {"result": 0, "errmsg": "OK"}
        assert (await client.post(path, content=b"{")).status_code == 422
    assert (await alarm_row(world, alarm))[0] == "acknowledged"


async def test_a_contact_of_the_register_says_what_it_does(world: World) -> None:
    """Its link is narrower than anybody's: it takes nothing, ends nothing and shows nobody."""
    alarm = await world.raise_alarm()
    await link(world, alarm, "contact:person-1/1")
    async with world.anonymous() as client:
        seen = (await client.get(PATH)).json()
        assert (seen["contact"], seen["answer"], seen["yours"]) == (True, None, False)
        taken = await client.post(PATH, json={"answer": "accept"})
        assert problem_of(taken)["type"] == "not_allowed"
        for said in ("going", "going", "with_person"):
            done = await client.post(PATH, json={"answer": said})
            assert (done.status_code, done.json()["answer"]) == (200, said)
        assert (await client.post(PATH, json={"answer": "close"})).status_code == 422
    assert await alarm_row(world, alarm) == ("open", None, None)
    facts = await world.query("SELECT actor, reason FROM entry WHERE fact = 'contact_said'")
    who = "contact:person-1/1"
    assert facts == [(who, "going"), (who, "with_person")]
    audited = [row for row in await world.audited() if row[1].startswith("replied")]
    assert audited == [
        (who, "replied_going", f"alarm:{alarm}"),
        (who, "replied_with_person", f"alarm:{alarm}"),
    ]
    async with world.client("duty-1") as client:
        closed = {"outcome": "real_emergency", "note": ""}
        assert (await client.post(f"/api/v1/alarms/{alarm}/close", json=closed)).status_code == 200
    async with world.anonymous() as client:
        over = await client.post(PATH, json={"answer": "decline"})
        assert problem_of(over)["type"] == "already_closed"


async def test_staff_do_not_answer_as_contacts_do(world: World) -> None:
    alarm = await world.raise_alarm()
    await link(world, alarm, "duty-1")
    async with world.anonymous() as client:
        answered = await client.post(PATH, json={"answer": "going"})
    assert problem_of(answered)["type"] == "not_allowed"
    assert await alarm_row(world, alarm) == ("open", None, None)
