"""A record opened in an emergency: only while the alarm is open and by who is near, for an hour, to
be read alone, told to the managers, and reviewed by somebody else."""

from typing import Any

import pytest

from alarms.openings import OPEN_FOR_MS, OPENINGS_MAX
from tests.dashboard.conftest import World, problem_of

ON_BOTH = True

API = "/api/v1"
OPENINGS = f"{API}/emergency-openings"
PERSON = f"{API}/service-users/person-0001"
WHY = "隔壁镇值班，老人按铃后电话没人接"


async def opened(world: World, username: str, alarm: str, status: int = 201) -> dict[str, Any]:
    async with world.client(username) as client:
        answer = await client.post(OPENINGS, json={"alarm": alarm, "reason": WHY})
    assert answer.status_code == status, answer.text
    return answer.json()


async def status_of(world: World, username: str, path: str, method: str = "GET") -> int:
    async with world.client(username) as client:
        body = {"phone": "13811112222"} if method == "PATCH" else None
        return (await client.request(method, path, json=body)).status_code


async def number_of(world: World, alarm: str) -> str:
    [[number]] = await world.query("SELECT number FROM alarm WHERE id = ?", alarm)
    return str(number)


async def test_a_neighbour_reads_the_record_for_an_hour(world: World) -> None:
    alarm = await world.raise_alarm()
    number = await number_of(world, alarm)
    assert await status_of(world, "duty-2", PERSON) == 404
    said = await opened(world, "duty-2", number)
    assert (said["persons"], said["number"]) == (["person-0001"], int(number))
    for path in (PERSON, f"{PERSON}/file", f"{API}/homes/home-0001", f"{API}/alarms/{alarm}"):
        assert await status_of(world, "duty-2", path) == 200, path
    async with world.client("duty-2") as duty:
        assert (await duty.get(PERSON)).json()["contacts"][0]["phone"] == "13900000001"
        [mine] = (await duty.get(f"{OPENINGS}/mine")).json()["items"]
        assert mine["id"] == said["id"]
        # The lists stay those of the own town.
        assert alarm not in (await duty.get(f"{API}/alarms")).text
    world.clock.at_ms += OPEN_FOR_MS
    assert await status_of(world, "duty-2", PERSON) == 404
    trail = await world.audited()
    assert ("duty-2", "record_opened", "home:home-0001") in trail
    assert ("duty-2", "viewed", "person:person-0001") in trail


async def test_what_was_opened_is_changed_by_nobody(world: World) -> None:
    alarm = await world.raise_alarm()
    await world.execute("UPDATE account SET role = 'manager' WHERE username = 'duty-2'")
    await opened(world, "duty-2", alarm)
    assert await status_of(world, "duty-2", PERSON) == 200
    for path in (PERSON, f"{API}/homes/home-0001"):
        assert await status_of(world, "duty-2", path, "PATCH") in {404, 422}
    async with world.client("manager-1") as manager:
        assert (await manager.get(PERSON)).json()["phone"] == "13800000001"


async def test_a_visitor_of_the_same_town_opens_whom_she_is_not_responsible_for(
    world: World,
) -> None:
    alarm = await world.raise_alarm()
    assert await status_of(world, "visitor-3", PERSON) == 404
    async with world.client("visitor-3") as visitor:
        masked = (await visitor.get(f"{API}/alarms/{alarm}")).text
    assert "张桂英" not in masked
    assert "龙头村一组" not in masked
    await opened(world, "visitor-3", alarm)
    assert await status_of(world, "visitor-3", PERSON) == 200
    async with world.client("visitor-3") as visitor:
        assert "张桂英" in (await visitor.get(f"{API}/alarms/{alarm}")).text


async def test_it_is_loud(world: World) -> None:
    alarm = await world.raise_alarm()
    point = "/users/manager-1/contact-points"
    async with world.client("manager-1") as manager:
        body = {"channel": "aliyun_sms", "address": "13600000001"}
        assert (await manager.post(f"{API}{point}", json=body)).is_success
    await world.execute("UPDATE contact_point SET verified_at_ms = 1")
    await opened(world, "duty-2", alarm)
    sent = await world.query("SELECT recipient, body FROM outbox WHERE step = 'opened'")
    assert [recipient for recipient, _ in sent] == ["manager-1"]
    assert "张桂英" not in sent[0][1]
    async with world.client("duty-1") as duty:
        timeline = (await duty.get(f"{API}/alarms/{alarm}")).json()["timeline"]
    [told] = [entry for entry in timeline if entry["fact"] == "record_opened"]
    assert (told["actor"], told["data"]) == ("duty-2", {"reason": WHY})


async def test_without_an_open_alarm_that_is_near_there_is_nothing_to_open(world: World) -> None:
    alarm = await world.raise_alarm()
    await opened(world, "duty-2", "999999", 404)
    await opened(world, "duty-1", alarm, 409)
    await opened(world, "auditor-1", alarm, 403)
    await world.execute("UPDATE region SET parent = NULL WHERE code = '610926102'")
    await opened(world, "duty-2", alarm, 404)
    await world.execute("UPDATE region SET parent = '610926' WHERE code = '610926102'")
    async with world.client("duty-1") as duty:
        await duty.post(f"{API}/alarms/{alarm}/acknowledge", json={})
        await duty.post(f"{API}/alarms/{alarm}/close", json={"outcome": "test"})
    await opened(world, "duty-2", alarm, 404)
    assert await world.query("SELECT count(*) FROM break_glass") == [(0,)]
    refused = [action for _, action, _ in await world.audited() if action == "opening_refused"]
    assert len(refused) == 3


@pytest.mark.parametrize("reason", ["", "急", "a\x00bcd"])
async def test_it_takes_a_reason(world: World, reason: str) -> None:
    alarm = await world.raise_alarm()
    async with world.client("duty-2") as client:
        answer = await client.post(OPENINGS, json={"alarm": alarm, "reason": reason})
    assert (answer.status_code, problem_of(answer)["field"]) == (422, "reason")


async def test_who_opens_many_is_not_helping_one(world: World) -> None:
    alarms = [await world.raise_alarm(episode=f"e{n}") for n in range(OPENINGS_MAX + 1)]
    for n, alarm in enumerate(alarms):
        # Each opens another home, as far as the one who asks knows.
        await world.execute("UPDATE break_glass SET home = ? WHERE home = 'home-0001'", f"h{n}")
        last = await opened(world, "duty-2", alarm, 201 if n < OPENINGS_MAX else 429)
    assert last["type"] == "too_many"


async def test_somebody_else_of_the_region_decides_whether_it_was_right(world: World) -> None:
    alarm = await world.raise_alarm()
    said = await opened(world, "duty-2", alarm)
    await status_of(world, "duty-2", PERSON)
    # Somebody else's look is none of this opening's.
    await status_of(world, "duty-1", PERSON)
    await world.audited()
    path = f"{OPENINGS}/{said['id']}/review"
    decision = {"decision": "justified", "note": "核实过，确实联系不上"}
    async with world.client("manager-1") as manager, world.client("auditor-1") as auditor:
        [waiting] = (await manager.get(OPENINGS)).json()["items"]
        assert (waiting["by"]["username"], waiting["reason"]) == ("duty-2", WHY)
        assert waiting["looks"] == 1
        done = await manager.post(path, json=decision)
        assert (done.status_code, done.json()["decision"]) == (200, "justified")
        again = await auditor.post(path, json=decision)
        assert (again.status_code, again.json()["type"]) == (409, "decided")
        assert (await auditor.get(OPENINGS)).json()["items"] == []
        [all_] = (await auditor.get(OPENINGS, params={"state": "all"})).json()["items"]
        assert all_["reviewed_by"]["username"] == "manager-1"
    await world.execute("UPDATE account SET role = 'manager' WHERE username = 'duty-2'")
    async with world.client("duty-2") as stranger:
        assert (await stranger.get(OPENINGS)).json()["items"] == []
        assert (await stranger.post(path, json=decision)).status_code == 404


async def test_nobody_reviews_what_is_their_own(world: World) -> None:
    await world.execute(
        "UPDATE account SET role = 'manager', region = '' WHERE username = 'duty-2'"
    )
    await world.execute(
        "INSERT INTO break_glass"
        " (id, alarm, home, region, username, reason, opened_at_ms, until_ms) VALUES"
        " ('o-1', 'a', 'home-0001', '610926101001', 'duty-2', 'why so', 1, 2)"
    )
    async with world.client("duty-2") as own:
        answer = await own.post(f"{OPENINGS}/o-1/review", json={"decision": "justified"})
    assert (answer.status_code, problem_of(answer)["type"]) == (409, "own_opening")
