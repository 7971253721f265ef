"""The live stream: everything once, in order, whatever happens around the subscription."""

import asyncio
import json
import random
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from dashboard.app import create_app
from dashboard.stream import MISSED_MAX, STREAMS_PER_ACCOUNT_MAX
from ledger.feed import QUEUE_MAX
from ledger.schema import ENTRY
from ledger.unit_of_work import Entry
from tests.adapters.asgi_stream import DEADLINE_S, StreamClient
from tests.dashboard.conftest import World

# What only the alarm's own page asks for.
DETAIL = {"timeline", "people", "notices", "events", "task_detail", "chain"}


async def listen(world: World, username: str = "duty-1", last_id: int | None = None) -> Any:
    headers = {"Authorization": f"Bearer {await world.token(username)}"}
    if last_id is not None:
        headers["Last-Event-ID"] = str(last_id)
    return StreamClient(world.app, "/api/v1/stream", headers)


async def newest(world: World) -> int:
    [[seq]] = await world.query("SELECT coalesce(max(seq), 0) FROM entry")
    return int(seq)


async def published(world: World) -> None:
    """Wait until the feed has announced what the book holds."""
    last = await newest(world)
    async with asyncio.timeout(DEADLINE_S):
        while world.feed.last_seq < last:  # noqa: ASYNC110 - the feed has no event to wait for
            await asyncio.sleep(0)


async def test_an_event_is_the_entry_and_the_object_after_it(world: World) -> None:
    async with await listen(world) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["x-accel-buffering"] == "no"
        await stream.comment("ready")
        alarm = await world.raise_alarm()
        first, second = await stream.event(), await stream.event()
        async with world.client("duty-1") as client:
            shown = (await client.get(f"/api/v1/alarms/{alarm}")).json()
    assert (first["event"], second["event"]) == ("alarm", "task")
    data = json.loads(first["data"])
    assert data["entry"]["fact"] == "raised"
    assert data["entry"]["seq"] == int(first["id"])
    # What is heard and what is loaded is one and the same object.
    assert data["object"] == {key: shown[key] for key in data["object"]}
    assert set(data["object"]) == set(shown) - DETAIL


async def test_resuming_gives_what_was_missed(world: World) -> None:
    await world.raise_alarm()
    await published(world)
    heard = await newest(world)
    async with world.client("duty-1") as client:
        await client.post("/api/v1/alarms/alarm-home-0001/acknowledge")
    async with await listen(world, last_id=heard) as stream:
        event = await stream.event()
        data = json.loads(event["data"])
        assert (data["entry"]["fact"], data["object"]["state"]) == ("acknowledged", "acknowledged")
        live = await world.raise_alarm(episode="second", rule="fall")
        assert json.loads((await stream.event())["data"])["object"]["id"] == live


async def test_without_an_id_it_starts_now_and_says_where(world: World) -> None:
    await world.raise_alarm()
    await published(world)
    async with await listen(world) as stream:
        ready = await stream.comment("ready")
        assert int(ready["id"]) == await newest(world)
        await world.raise_alarm(episode="second", rule="fall")
        # The first of three: raised, its task, who was told.
        assert int((await stream.event())["id"]) == await newest(world) - 2


@pytest.mark.parametrize("seed", range(8))
async def test_no_gap_and_no_double_while_entries_are_committed(world: World, seed: int) -> None:
    """Clients come, go and resume at random moments of a busy hub; together the connections of
    each hear every entry exactly once and in order."""
    rng = random.Random(seed)
    # Of each alarm two entries: raised, and who was told.
    alarms, total = 40, 80

    async def commit() -> None:
        for n in range(alarms):
            await world.raise_alarm(episode=f"e{n}", rule=f"r{n}", severity="watch")
            for _ in range(rng.randrange(4)):
                await asyncio.sleep(0)

    async def follow(own: random.Random) -> list[int]:
        heard: list[int] = []
        last = 0
        while len(heard) < total:
            async with await listen(world, last_id=last) as stream:
                for _ in range(own.randrange(1, 12)):
                    if len(heard) == total:
                        break
                    event = await stream.event()
                    last = int(event["id"])
                    heard.append(last)
        return heard

    await world.token("duty-1")
    followers = [asyncio.create_task(follow(random.Random(f"{seed}-{n}"))) for n in range(3)]
    async with asyncio.timeout(DEADLINE_S * 2):
        await commit()
        results = await asyncio.gather(*followers)
    everything = [row[0] for row in await world.query("SELECT seq FROM entry ORDER BY seq")]
    assert len(everything) == total
    for heard in results:
        assert heard == everything


async def test_only_what_role_and_region_give(world: World) -> None:
    async with (
        await listen(world, "duty-2") as other,
        await listen(world, "installer-1") as installer,
        await listen(world, "duty-1") as own,
    ):
        for stream in (other, installer, own):
            await stream.comment("ready")
        await world.raise_alarm("home-0001")
        await world.raise_alarm("home-0002")
        async with world.client("admin-1") as admin:
            answer = await admin.patch("/api/v1/devices/gw-0001/meter-0001", json={"label": "表"})
            assert answer.status_code == 200
        heard = [json.loads((await own.event())["data"]) for _ in range(4)]
        assert [h["entry"]["topic"] for h in heard] == ["alarm", "task", "alarm", "device"]
        assert heard[3]["object"]["label"] == "表"
        event = json.loads((await other.event())["data"])
        assert event["object"]["home"]["id"] == "home-0002"
        assert (await installer.event())["event"] == "device"


@pytest.mark.parametrize("first", ["program", "board"])
async def test_what_a_program_may_not_hear_a_board_hears(world: World, first: str) -> None:
    """Of one account, woken by the same commit, whichever of the two is told first."""
    async with world.client("duty-1") as client:
        wanted = {"name": "大屏灯", "scopes": ["stream.read", "device.read"], "days": 1}
        token = (await client.post("/api/v1/me/tokens", json=wanted)).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    program = StreamClient(world.app, "/api/v1/stream", headers)
    board = await listen(world)
    both = (program, board) if first == "program" else (board, program)
    async with both[0], both[1]:
        for stream in both:
            await stream.comment("ready")
        await world.raise_alarm()
        assert (await board.event())["event"] == "alarm"
        async with world.client("admin-1") as admin:
            answer = await admin.patch("/api/v1/devices/gw-0001/meter-0001", json={"label": "表"})
            assert answer.status_code == 200
        assert (await program.event())["event"] == "device"


async def test_what_is_resumed_is_filtered_too(world: World) -> None:
    await world.raise_alarm("home-0001")
    await world.raise_alarm("home-0002")
    await published(world)
    async with await listen(world, "duty-2", last_id=0) as stream:
        for topic in ("alarm", "task", "alarm"):
            event = await stream.event()
            assert event["event"] == topic
            assert json.loads(event["data"])["object"]["home"]["id"] == "home-0002"
        assert (await stream.block())["comment"] == "ready"
    async with await listen(world, "installer-1", last_id=0) as stream:
        while "comment" not in (block := await stream.block()):
            assert "data" not in block


async def test_every_topic_can_be_resumed(world: World) -> None:
    await world.raise_alarm()
    async with world.client("admin-1") as admin:
        await admin.patch("/api/v1/devices/gw-0001/meter-0001", json={"home": None})
        visit = {"home": "home-0001", "way": "phone", "visited_at": "2026-11-23T07:00:00Z"}
        assert (await admin.post("/api/v1/visits", json=visit)).status_code == 201
    await world.execute(
        "INSERT INTO entry (at_ms, topic, subject, fact, actor, reason, region, data)"
        " VALUES (1, 'gateway', 'gw-0001', 'online', 'system', '', NULL, '{}')"
    )
    await world.execute(
        "INSERT INTO entry (at_ms, topic, subject, fact, actor, reason, region, data)"
        " VALUES (1, 'device', 'gone', 'online', 'system', '', NULL, '{}')"
    )
    async with await listen(world, last_id=0) as stream:
        events = [await stream.event() for _ in range(7)]
    objects = {e["event"]: json.loads(e["data"])["object"] for e in events[:6]}
    assert set(objects) == {"alarm", "task", "device", "visit", "gateway"}
    assert objects["device"]["state"] == "unbound"
    assert objects["gateway"]["devices"] == 2
    assert json.loads(events[6]["data"])["object"] is None


async def _flood(world: World, count: int) -> None:
    row = (1, "gateway", "gw-0001", "online", "system", "", "610926101001", "{}")
    columns = ", ".join(c.name for c in ENTRY.columns if c.name not in ("seq", "link"))
    sql = f"INSERT INTO entry ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - constants
    await world.writer.run(lambda cursor: cursor.executemany(sql, [row] * count))


async def test_too_much_missed_is_a_reset(world: World) -> None:
    await _flood(world, MISSED_MAX + 1)
    last = await newest(world)
    async with await listen(world, last_id=0) as stream:
        event = await stream.event()
        assert (event["event"], event["id"]) == ("reset", str(last))
        await stream.comment("ready")
        await world.raise_alarm()
        assert (await stream.event())["event"] == "alarm"


async def test_just_not_too_much_is_all_of_it(world: World) -> None:
    await _flood(world, MISSED_MAX)
    async with await listen(world, last_id=0) as stream:
        seen = [int((await stream.event())["id"]) for _ in range(MISSED_MAX)]
    assert seen == list(range(1, MISSED_MAX + 1))


async def test_a_number_from_the_future_is_a_reset_and_deaf_to_nothing(world: World) -> None:
    async with await listen(world, last_id=10**6) as stream:
        assert (await stream.event())["event"] == "reset"
        await stream.comment("ready")
        await world.raise_alarm()
        assert (await stream.event())["event"] == "alarm"


async def test_a_slow_listener_is_resumed_from_the_book(world: World) -> None:
    """More is published at once than its queue holds: it hears all of it from the table."""
    count = QUEUE_MAX + 10
    async with await listen(world) as stream:
        await stream.comment("ready")

        def change(unit: Any) -> None:
            for n in range(count):
                unit.entry(
                    Entry(
                        topic="gateway",
                        subject="gw-0001",
                        fact=f"n{n}",
                        region="610926101001",
                        payload=lambda: b"{}",
                    )
                )

        await world.writer.change(change)
        seen = [int((await stream.event())["id"]) for _ in range(count)]
    assert seen == list(range(seen[0], seen[0] + count))


async def test_silence_is_broken_by_comments_that_say_where_we_are(world: World) -> None:
    object.__setattr__(world.deps, "keepalive_s", 0.001)
    await world.raise_alarm("home-0002")
    await published(world)
    async with await listen(world, "duty-1") as stream:
        comment = await stream.comment("keepalive")
        assert int(comment["id"]) == await newest(world)


async def test_a_listening_board_stays_signed_in_and_a_disabled_one_goes(world: World) -> None:
    object.__setattr__(world.deps, "keepalive_s", 0.001)
    async with await listen(world, "duty-1") as stream:
        await stream.comment("keepalive")
        world.clock.wall_at_ms += 120_000
        for _ in range(3):
            await stream.comment("keepalive")
        [[seen]] = await world.query("SELECT seen_at_ms FROM session WHERE username = 'duty-1'")
        assert seen == world.clock.wall_at_ms
        async with world.client("admin-1") as admin:
            await admin.patch("/api/v1/users/duty-1", json={"disabled": True})
        async with asyncio.timeout(DEADLINE_S):
            await stream.ended.wait()


async def test_a_busy_board_is_signed_out_too(world: World) -> None:
    async with await listen(world, "duty-1") as stream:
        await stream.comment("ready")
        await world.execute("DELETE FROM session WHERE username = 'duty-1'")
        world.clock.wall_at_ms += 60_000
        await world.raise_alarm()
        async with asyncio.timeout(DEADLINE_S):
            await stream.ended.wait()


async def test_stopping_ends_the_streams(world: World) -> None:
    async with await listen(world) as stream:
        await stream.comment("ready")
        assert world.app.state.streams.count == 1
        world.app.state.streams.close()
        async with asyncio.timeout(DEADLINE_S):
            await stream.ended.wait()
    assert world.app.state.streams.count == 0
    assert world.feed.listeners == 0


async def test_a_client_that_goes_away_leaves_nothing_behind(world: World) -> None:
    async with await listen(world) as stream:
        await stream.comment("ready")
        assert world.feed.listeners == 1
    async with asyncio.timeout(DEADLINE_S):
        while world.feed.listeners or world.app.state.streams.count:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)


async def test_streams_are_bounded(world: World) -> None:
    async with world.client("duty-1") as client:
        streams = [await listen(world) for _ in range(STREAMS_PER_ACCOUNT_MAX)]
        for stream in streams:
            await stream.__aenter__()
            await stream.comment("ready")
        answer = await client.get("/api/v1/stream")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "5"
        assert answer.json()["type"] == "too_many_own_streams"
        for stream in streams:
            await stream.__aexit__(None, None, None)


async def test_one_more_than_a_hub_carries_is_told_so_and_gets_in_when_another_leaves(
    world: World,
) -> None:
    world.app = create_app(replace(world.deps, streams_max=1, registry=CollectorRegistry()))
    async with world.client("manager-1") as client:
        async with await listen(world) as first:
            await first.comment("ready")
            refused = await client.get("/api/v1/stream")
            assert (refused.status_code, refused.json()["type"]) == (503, "too_many_streams")
            assert refused.headers["retry-after"] == "5"
            # It goes on by asking.
            assert (await client.get("/api/v1/alarms")).status_code == 200
        async with asyncio.timeout(DEADLINE_S):
            while world.app.state.streams.count:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0)
        async with await listen(world) as second:
            await second.comment("ready")
        world.app.state.streams.close()
        stopping = await client.get("/api/v1/stream")
        assert (stopping.status_code, stopping.json()["type"]) == (503, "closing")


@pytest.mark.parametrize("last_id", ["-1", "x", "1" * 40, "1.5"])
async def test_a_last_id_is_a_number(world: World, last_id: str) -> None:
    async with world.client("duty-1") as client:
        answer = await client.get("/api/v1/stream", headers={"Last-Event-ID": last_id})
    assert answer.status_code == 422
