"""`Idempotency-Key`: sent twice, done once."""

import asyncio

from dashboard.once import KEPT_MS
from tests.dashboard.conftest import World, problem_of

VISIT = {
    "home": "home-0001",
    "service_user": "person-0001",
    "way": "home_visit",
    "visited_at": "2026-11-23T07:30:00Z",
    "record": {"mood": "好", "blood_pressure": {"systolic": 131, "taken": True}, "needs": ["药"]},
}


async def test_the_same_request_is_answered_the_same(world: World) -> None:
    alarm = await world.raise_alarm()
    url = f"/api/v1/alarms/{alarm}/acknowledge"
    async with world.client("duty-1") as client:
        headers = {"Idempotency-Key": "k1"}
        first = await client.post(url, headers=headers)
        second = await client.post(url, headers=headers)
    assert first.status_code == second.status_code == 200
    assert first.content == second.content
    assert second.headers["idempotent-replayed"] == "true"
    facts = await world.query("SELECT fact FROM entry WHERE subject = ?", alarm)
    assert [f for (f,) in facts].count("acknowledged") == 1


async def test_another_request_with_the_same_key_is_refused(world: World) -> None:
    await world.raise_alarm(episode="a", rule="a")
    await world.raise_alarm(episode="b", rule="b")
    headers = {"Idempotency-Key": "k1"}
    async with world.client("duty-1") as client:
        await client.post("/api/v1/alarms/a/close", json={"outcome": "test"}, headers=headers)
        for path, body in (("a", {"outcome": "social"}), ("b", {"outcome": "test"})):
            answer = await client.post(f"/api/v1/alarms/{path}/close", json=body, headers=headers)
            assert (answer.status_code, problem_of(answer)["type"]) == (422, "key_reused")


async def test_a_key_belongs_to_its_account(world: World) -> None:
    await world.raise_alarm()
    headers = {"Idempotency-Key": "k1"}
    url = "/api/v1/alarms/alarm-home-0001/acknowledge"
    async with world.client("duty-1") as one, world.client("manager-1") as other:
        assert (await one.post(url, headers=headers)).status_code == 200
        assert (await other.post(url, headers=headers)).status_code == 409


async def test_a_refusal_is_not_remembered(world: World) -> None:
    headers = {"Idempotency-Key": "k1"}
    url = "/api/v1/alarms/alarm-home-0001/acknowledge"
    async with world.client("duty-1") as client:
        assert (await client.post(url, headers=headers)).status_code == 404
        await world.raise_alarm()
        assert (await client.post(url, headers=headers)).status_code == 200


async def test_a_visit_sent_twice_is_one_visit_even_if_the_answer_was_lost(world: World) -> None:
    headers = {"Idempotency-Key": "phone-42"}
    async with world.client("visitor-1") as client:
        first = await client.post("/api/v1/visits", json=VISIT, headers=headers)
        assert first.status_code == 201
        # The hub died between the visit and the note of its answer.
        await world.execute("DELETE FROM idempotency")
        second = await client.post("/api/v1/visits", json=VISIT, headers=headers)
        assert second.json() == first.json()
        without = await client.post("/api/v1/visits", json=VISIT)
    assert without.json()["id"] != first.json()["id"]
    assert await world.query("SELECT count(*) FROM visit") == [(2,)]


async def test_at_the_same_moment(world: World) -> None:
    headers = {"Idempotency-Key": "k1"}
    gate = asyncio.Event()
    real = world.deps.desk.record_visit

    async def slow(visit: object, actor: str) -> str:
        await gate.wait()
        return await real(visit, actor)  # type: ignore[arg-type]  # passed on as it came

    world.deps.desk.record_visit = slow  # type: ignore[method-assign]  # a slow disk
    async with world.client("visitor-1") as client:
        first = asyncio.create_task(client.post("/api/v1/visits", json=VISIT, headers=headers))
        async with asyncio.timeout(20):
            while not world.app.state.in_flight:  # noqa: ASYNC110 - it is a plain set
                await asyncio.sleep(0)
        second = await client.post("/api/v1/visits", json=VISIT, headers=headers)
        gate.set()
        assert (await first).status_code == 201
    assert (second.status_code, problem_of(second)["type"]) == (409, "in_progress")
    assert not world.app.state.in_flight


async def test_keys_are_forgotten_in_time(world: World) -> None:
    async with world.client("visitor-1") as client:
        headers = {"Idempotency-Key": "old"}
        await client.post("/api/v1/visits", json=VISIT, headers=headers)
        world.clock.wall_at_ms += KEPT_MS + 1
    world.tokens.clear()
    async with world.client("visitor-1") as client:
        await client.post("/api/v1/visits", json=VISIT, headers={"Idempotency-Key": "new"})
    assert await world.query("SELECT key FROM idempotency") == [("visitor-1:new",)]


async def test_a_key_is_short_and_visible(world: World) -> None:
    async with world.client("visitor-1") as client:
        for key in ("", "a b", "k" * 91):
            answer = await client.post(
                "/api/v1/visits", json=VISIT, headers={"Idempotency-Key": key}
            )
            assert (answer.status_code, problem_of(answer)["type"]) == (422, "bad_key"), key
