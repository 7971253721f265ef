"""Who asks too much is refused, and whatever they do a gateway's press comes in."""

import asyncio
import threading
from dataclasses import replace

import httpx2
import pytest
from prometheus_client import CollectorRegistry
from starlette.concurrency import run_in_threadpool

from dashboard.app import create_app
from dashboard.request_rate import REMEMBERED_MAX, Buckets, Rate, rate_of, who_is_at
from tests.dashboard.conftest import World, problem_of

RATE = Rate(per_s=2, burst=5)
ENVELOPE = b'{"v":1,"spool":"s","items":[]}'
# Only a broken hub takes this long.
DEADLINE_S = 30


def flooded(world: World, **rates: Rate) -> World:
    """The same hub, which counts requests."""
    deps = replace(world.deps, registry=CollectorRegistry(), **rates)
    app = create_app(deps)
    app.state.audit = world.app.state.audit
    return replace(world, app=app, deps=deps)


def test_a_bucket_fills_with_time_and_to_its_brim() -> None:
    buckets = Buckets(RATE)
    assert [buckets.wait_ms("a", 0) for _ in range(6)] == [0, 0, 0, 0, 0, 500]
    assert buckets.wait_ms("b", 0) == 0
    assert buckets.wait_ms("a", 499) > 0
    assert buckets.wait_ms("a", 1_000) == 0
    assert [buckets.wait_ms("a", 10**9) for _ in range(6)][-2:] == [0, 500]


def test_a_clock_that_was_set_back_fills_nothing_and_locks_nobody_out() -> None:
    buckets = Buckets(RATE)
    for _ in range(5):
        assert buckets.wait_ms("a", 10**9) == 0
    assert buckets.wait_ms("a", 0) == 500
    assert buckets.wait_ms("a", 500) == 0


def test_names_without_end_take_bounded_memory() -> None:
    buckets = Buckets(RATE)
    for number in range(REMEMBERED_MAX + 100):
        buckets.wait_ms(f"address-{number}", 0)
    assert len(buckets._buckets) == REMEMBERED_MAX


@pytest.mark.parametrize(
    ("address", "who"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("unknown", "unknown"),
    ],
)
def test_who_counts_as_one(address: str, who: str) -> None:
    assert who_is_at(address) == who


def test_a_hub_may_ask_for_another_rate_or_none() -> None:
    assert rate_of(RATE, 0) is None
    assert rate_of(RATE, 4) == Rate(per_s=4, burst=10)


async def test_an_account_that_asks_too_much_waits_and_no_other(world: World) -> None:
    hub = flooded(world, account_rate=RATE)
    async with hub.client("duty-1") as busy, hub.client("duty-2") as calm:
        answers = [(await busy.get("/api/v1/me")).status_code for _ in range(8)]
        assert answers == [200] * 5 + [429] * 3
        assert (await calm.get("/api/v1/me")).status_code == 200
        refused = await busy.get("/api/v1/me")
        assert problem_of(refused)["type"] == "too_many_requests"
        assert refused.headers["retry-after"] == "1"
        world.clock.wall_at_ms += 3_000
        assert (await busy.get("/api/v1/me")).status_code == 200


async def test_an_account_has_one_allowance_for_all_its_sessions(world: World) -> None:
    hub = flooded(world, account_rate=RATE)
    answers = []
    for _ in range(3):
        hub.tokens.clear()
        async with hub.client("duty-1") as client:
            answers += [(await client.get("/api/v1/me")).status_code for _ in range(3)]
    assert answers.count(200) == 5


async def test_an_address_that_floods_is_refused_before_its_session_is_looked_up(
    world: World,
) -> None:
    hub = flooded(world, address_rate=RATE)
    async with hub.anonymous(client=("203.0.113.9", 1)) as stranger:
        answers = [(await stranger.get("/api/v1/me")).status_code for _ in range(7)]
        assert answers == [401] * 5 + [429] * 2
        # Who watches the hub is always told.
        assert (await stranger.get("/healthz")).status_code == 200
    async with hub.anonymous(client=("203.0.113.10", 1)) as neighbour:
        assert (await neighbour.get("/api/v1/me")).status_code == 401


async def test_a_press_comes_in_from_the_very_address_that_floods(
    world: World, gateway_key: str
) -> None:
    hub = flooded(world, account_rate=RATE, address_rate=RATE)
    async with hub.anonymous() as client:
        while (await client.get("/api/v1/me")).status_code != 429:
            pass
        for _ in range(20):
            answer = await client.post(
                "/api/v1/activations",
                content=ENVELOPE,
                headers={"Authorization": f"Bearer {gateway_key}"},
            )
            assert answer.status_code == 200


async def test_a_press_comes_in_while_every_thread_of_the_hub_is_taken(
    world: World, gateway_key: str
) -> None:
    """Forty readers that never end, as forty slow reports are; the press waits behind none."""
    let_go, taken = threading.Event(), threading.Semaphore(0)

    def stuck() -> None:
        taken.release()
        let_go.wait(DEADLINE_S)

    readers = [asyncio.create_task(run_in_threadpool(stuck)) for _ in range(60)]
    try:
        async with asyncio.timeout(DEADLINE_S):
            for _ in range(40):
                await asyncio.to_thread(taken.acquire)
            async with world.anonymous() as client:
                answer = await client.post(
                    "/api/v1/activations",
                    content=ENVELOPE,
                    headers={"Authorization": f"Bearer {gateway_key}"},
                )
        assert not let_go.is_set()
        assert answer.status_code == 200
    finally:
        let_go.set()
        await asyncio.gather(*readers)


async def test_more_readers_than_threads_leave_connections_for_gateways(world: World) -> None:
    """Every thread may hold one, and those that look at keys get theirs at once."""
    engine = world.deps.engine
    connections = [await asyncio.to_thread(engine.connect) for _ in range(48)]
    for connection in connections:
        connection.close()


async def test_without_a_limit_nobody_is_counted(world: World) -> None:
    async with world.client("duty-1") as client:
        answers: list[httpx2.Response] = [await client.get("/api/v1/me") for _ in range(30)]
    assert {answer.status_code for answer in answers} == {200}
