"""Whom a visitor knows: her own people, whom she is sent or called to, whom she stands in for; of
others of her region that something is the matter, and not with whom."""

import json
from typing import Any

from alarms.rota.model import Change, Desk, Hours, ShiftKey
from alarms.rota.plan import weekly
from contract.moment import to_iso
from dashboard.standing import KNOWN_AFTER_TASK_MS
from tests.adapters.asgi_stream import StreamClient
from tests.adapters.rota_desk import TODAY
from tests.dashboard.conftest import NOW_MS, World

ON_BOTH = True

API = "/api/v1"
PERSON = f"{API}/service-users/person-0001"
HOUR_MS = 3_600_000
ALL_DAY = (Hours(name="day", start_min=0, length_min=24 * 60),)


async def knows(world: World, username: str = "visitor-3") -> bool:
    async with world.client(username) as client:
        statuses = {
            (await client.get(path)).status_code
            for path in (PERSON, f"{PERSON}/file", f"{API}/homes/home-0001")
        }
        listed = (await client.get(f"{API}/service-users")).text
    assert statuses in ({200}, {404}), statuses
    assert ("张桂英" in listed) == (statuses == {200})
    return statuses == {200}


async def card_of(world: World, task: str) -> int:
    async with world.client("visitor-3") as client:
        return (await client.get(f"{API}/tasks/{task}/card")).status_code


async def visiting(world: World, people: list[str]) -> None:
    """A desk of visitors for the town, with a shift all day."""

    def fill(unit: Any) -> None:
        book = world.rota.book
        desk = Desk(id="calls", name="上门组", region="610926101", kind="visit", always=False)
        book.set_desk(unit, desk, "admin-1", "new")
        teams = {"day": [people]}
        round_ = weekly(id="round", desk="calls", from_day=TODAY, hours=ALL_DAY, teams=teams)
        book.set_pattern(unit, round_, "admin-1", "new")

    await world.writer.change(fill)


async def test_a_task_opens_the_record_until_a_week_after_it(world: World) -> None:
    assert await knows(world, "visitor-1")
    assert not await knows(world)
    due = to_iso(NOW_MS + HOUR_MS)
    async with world.client("duty-1") as duty:
        body = {"kind": "routine", "home": "home-0001", "due_at": due, "assignee": "visitor-3"}
        made = await duty.post(f"{API}/tasks", json=body)
        assert made.status_code == 201, made.text
    assert await knows(world)
    task = made.json()["id"]
    async with world.client("visitor-3") as visitor:
        for move in ("accept", "depart", "arrive"):
            await visitor.post(f"{API}/tasks/{task}/{move}", json={})
        done = await visitor.post(f"{API}/tasks/{task}/complete", json={"finding": "都好"})
        assert done.status_code == 200, done.text
    world.clock.at_ms += KNOWN_AFTER_TASK_MS - 1
    assert await knows(world)
    assert await card_of(world, task) == 200
    world.clock.at_ms += 2
    assert not await knows(world)
    assert await card_of(world, task) == 403


async def test_who_was_called_to_an_open_alarm_knows_where(world: World) -> None:
    alarm = await world.raise_alarm()
    await world.execute(
        "INSERT INTO outbox (id, channel, target, body, alarm, state, attempts, created_at_ms,"
        " next_at_ms, detail, recipient)"
        " VALUES ('n', 'aliyun_sms', '1', '{}', ?, 'pending', 0, ?, ?, '', 'visitor-3')",
        alarm,
        NOW_MS,
        NOW_MS,
    )
    assert await knows(world)
    async with world.client("duty-1") as duty:
        await duty.post(f"{API}/alarms/{alarm}/acknowledge", json={})
        await duty.post(f"{API}/alarms/{alarm}/close", json={"outcome": "test"})
    assert not await knows(world)


async def test_who_took_over_a_shift_stands_in_for_who_gave_it(world: World) -> None:
    await visiting(world, ["visitor-1"])
    assert not await knows(world)
    change = Change(key=ShiftKey(desk="calls", day=TODAY, name="day"), people=("visitor-3",))
    await world.writer.change(
        lambda unit: world.rota.book.change_shifts(unit, [change], "manager-1", "换班")
    )
    assert await knows(world)
    world.clock.at_ms += 24 * HOUR_MS
    assert not await knows(world)


async def test_who_is_on_duty_knows_people_of_who_is_on_leave(world: World) -> None:
    await visiting(world, ["visitor-3"])
    assert not await knows(world)
    async with world.client("visitor-1") as away:
        span = {"from": to_iso(NOW_MS - HOUR_MS), "until": to_iso(NOW_MS + HOUR_MS)}
        made = await away.post(f"{API}/rota/leaves", json={**span, "reason": "看病"})
        assert made.status_code == 201, made.text
    assert await knows(world)
    world.clock.at_ms += 2 * HOUR_MS
    assert not await knows(world)


async def heard(stream: StreamClient, topic: str, fact: str) -> Any:
    while True:
        block = await stream.event()
        told = json.loads(block["data"])
        if (block["event"], told["entry"]["fact"]) == (topic, fact):
            return told


async def test_of_others_she_hears_that_something_is_the_matter(world: World) -> None:
    """Masked in the list and on the live feed, until she is sent there."""
    headers = {"Authorization": f"Bearer {await world.token('visitor-3')}"}
    async with StreamClient(world.app, f"{API}/stream", headers) as stream:
        await stream.comment("ready")
        alarm = await world.raise_alarm()
        told = await heard(stream, "alarm", "raised")
        assert "龙头村一组" not in json.dumps(told, ensure_ascii=False)
        assert told["object"]["persons"][0]["name"] == "张**"
        async with world.client("visitor-3") as visitor:
            [listed] = (await visitor.get(f"{API}/alarms")).json()["items"]
        assert (listed["id"], listed["persons"][0]["name"]) == (alarm, "张**")
        async with world.client("duty-1") as duty:
            await duty.post(f"{API}/alarms/{alarm}/acknowledge", json={})
            await duty.post(f"{API}/alarms/{alarm}/assign", json={"assignee": "visitor-3"})
        told = await heard(stream, "task", "assigned")
        assert told["object"]["persons"][0]["name"] == "张桂英"


async def test_what_a_device_is_called_is_told_of_known_homes_alone(world: World) -> None:
    """Also among those that a rule's false alarms came from."""
    async with world.client("admin-1") as admin:
        label = {"label": "张桂英的电表"}
        await admin.patch(f"{API}/devices/gw-0001/meter-0001", json=label)
    alarm = await world.raise_alarm(device="meter-0001")
    await world.deps.desk.close(alarm, "duty-1", "accidental", "")
    told = {}
    for username in ("visitor-1", "visitor-3", "auditor-1", "duty-1"):
        async with world.client(username) as client:
            texts = [(await client.get(f"{API}/{path}")).text for path in ("rules", "rules/sos")]
        assert all("meter-0001" in text for text in texts), texts
        told[username] = ["张桂英" in text for text in texts]
    assert told == {
        "visitor-1": [True, True],
        "visitor-3": [False, False],
        "auditor-1": [False, False],
        "duty-1": [True, True],
    }
