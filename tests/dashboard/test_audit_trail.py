"""The audit trail of views: written beside the requests, bounded, and whole at the end."""

import asyncio

from dashboard.audit import OBJECT_LENGTH_MAX, QUEUE_MAX, AuditTrail
from tests.dashboard.conftest import World


async def test_what_is_queued_is_written_before_the_end(world: World) -> None:
    trail = AuditTrail(world.writer)
    for n in range(10):
        trail.note("duty-1", "viewed", f"home:{n}")
    task = asyncio.create_task(trail.run())
    await trail.close(task)
    noted = await world.query("SELECT count(*) FROM audit WHERE object LIKE ?", "home:%")
    assert noted == [(10,)]


async def test_notes_of_worker_threads_are_written_without_being_asked(world: World) -> None:
    trail = AuditTrail(world.writer)
    task = asyncio.create_task(trail.run())
    await asyncio.sleep(0)
    await asyncio.to_thread(trail.note, "duty-1", "viewed", "x" * 500)
    async with asyncio.timeout(20):
        while not (found := await world.query("SELECT object FROM audit WHERE action='viewed'")):
            pass
    assert found == [("x" * OBJECT_LENGTH_MAX,)]
    await trail.close(task)


async def test_a_stuck_book_costs_a_bounded_queue(world: World) -> None:
    trail = AuditTrail(world.writer)
    for _ in range(QUEUE_MAX + 5):
        trail.note("duty-1", "viewed", "home:1")
    assert trail.lost == 5


async def test_one_flush_is_one_transaction(world: World) -> None:
    trail = AuditTrail(world.writer)
    for n in range(50):
        trail.note("duty-1", "viewed", f"home:{n}")
    before = world.writer.commits
    await trail.flush()
    assert world.writer.commits == before + 1
