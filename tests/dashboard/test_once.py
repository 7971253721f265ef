"""`Idempotency-Key`: sent twice, done once."""

import asyncio
from dataclasses import replace

import httpx2
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from dashboard import one_at_a_time
from dashboard.app import create_app
from dashboard.once import KEPT_MS
from ledger.cursor import BookUnreachableError
from ledger.pg_key_turns import PgKeyTurns
from ledger.place import PostgresBook
from tests.acceptance.rig import wait_until
from tests.adapters.postgres import Postgres
from tests.adapters.processes import until
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


class SlowDesk:
    """Visits wait until the gate is open; `begun` of them were recorded or wait."""

    def __init__(self, world: World) -> None:
        self.gate = asyncio.Event()
        self.begun = 0
        self._record = world.deps.desk.record_visit
        world.deps.desk.record_visit = self._slowly  # type: ignore[method-assign]  # a slow disk

    async def _slowly(self, visit: object, actor: str) -> str:
        self.begun += 1
        await self.gate.wait()
        return await self._record(visit, actor)  # type: ignore[arg-type]  # passed on as it came


async def posted(app: FastAPI, world: World, key: str = "k1") -> httpx2.Response:
    headers = {"Idempotency-Key": key, "Authorization": f"Bearer {await world.token('visitor-1')}"}
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://hub") as client:
        return await client.post("/api/v1/visits", json=VISIT, headers=headers)


async def test_at_the_same_moment_the_second_gets_the_firsts_answer(world: World) -> None:
    slow = SlowDesk(world)
    await world.token("visitor-1")
    both = [asyncio.create_task(posted(world.app, world)) for _ in range(2)]
    other = asyncio.create_task(posted(world.app, world, "k2"))
    await until(lambda: slow.begun == 2, "the first and the other one work")
    slow.gate.set()
    first, second = await asyncio.gather(*both)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert (await other).json()["id"] != first.json()["id"]
    assert await world.query("SELECT count(*) FROM visit") == [(2,)]
    assert not world.app.state.in_flight.keys


async def test_who_waited_too_long_is_told_so(world: World, monkeypatch) -> None:
    monkeypatch.setattr(one_at_a_time, "WAIT_S", 0.05)
    slow = SlowDesk(world)
    first = asyncio.create_task(posted(world.app, world))
    await until(lambda: slow.begun == 1, "the first works")
    second = await posted(world.app, world)
    assert (second.status_code, problem_of(second)["type"]) == (409, "in_progress")
    slow.gate.set()
    assert (await first).status_code == 201
    assert not world.app.state.in_flight.keys


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
async def test_at_two_processes_at_the_same_moment(world: World, place: PostgresBook) -> None:
    """Each has its own session with the server that they share, and knows nothing of the other."""
    shared = replace(place, shared=True)
    turns = [shared.open_key_turns() for _ in range(2)]
    apps = [
        create_app(replace(world.deps, key_turns=its, registry=CollectorRegistry()))
        for its in turns
    ]
    slow = SlowDesk(world)
    await world.token("visitor-1")
    async with apps[0].router.lifespan_context(apps[0]), apps[1].router.lifespan_context(apps[1]):
        both = [asyncio.create_task(posted(app, world)) for app in apps]
        await until(lambda: all(app.state.in_flight.keys for app in apps), "both have it")
        others = [asyncio.create_task(posted(app, world, f"k{app is apps[0]}")) for app in apps]
        await until(lambda: slow.begun == 3, "the others wait for nobody")
        slow.gate.set()
        first, second = await asyncio.gather(*both)
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.content == second.content
        assert await world.query("SELECT count(*) FROM visit") == [(3,)]
        replays = ["idempotent-replayed" in answer.headers for answer in (first, second)]
        assert sorted(replays) == [False, True]
        assert all(answer.status_code == 201 for answer in await asyncio.gather(*others))
    for its in turns:
        assert its is not None
        its.close()


def test_a_key_of_a_process_that_was_killed_is_free(postgres: Postgres) -> None:
    book = replace(postgres.fresh(), shared=True)
    killed, other = book.open_key_turns(), book.open_key_turns()
    assert killed is not None
    assert other is not None
    assert killed.take("k")
    assert not other.take("k")
    assert other.take("another")
    postgres.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'hearthwatch-keys' AND datname = current_database()",
        book.url.database,
    )
    # Both sessions are gone; each comes back by itself, and what was held then is nobody's.
    wait_until(lambda: other.take("k"), 20, "the key is free")
    killed.give("k")
    assert not killed.take("k")
    other.give("k")
    assert killed.take("k")
    killed.close()
    other.close()


def test_nobody_can_say_where_the_server_is_away() -> None:
    turns = PgKeyTurns("host=127.0.0.1 port=1 dbname=book connect_timeout=2")
    with pytest.raises(BookUnreachableError, match="refused"):
        turns.take("k")
    turns.give("k")
    turns.close()


async def test_a_book_that_is_away_is_told_and_nothing_is_done(world: World) -> None:
    away = PgKeyTurns("host=127.0.0.1 port=1 dbname=book connect_timeout=2")
    app = create_app(replace(world.deps, key_turns=away, registry=CollectorRegistry()))
    slow = SlowDesk(world)
    async with app.router.lifespan_context(app):
        answer = await posted(app, world)
    assert (answer.status_code, problem_of(answer)["type"]) == (503, "unavailable")
    assert slow.begun == 0
    assert not app.state.in_flight.keys


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
