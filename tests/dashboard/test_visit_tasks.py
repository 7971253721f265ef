"""The morning's tasks of the plan: once a day, however often the hub begins."""

from pathlib import Path

import pytest

from contract.errors import ContractError
from hearthwatch.hub_config import load
from hearthwatch.visit_tasks import NOTE, MorningTasks
from tests.dashboard.conftest import NOW_MS, World

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
SEVEN = 7 * 60
# Monday, 23 November 2026, 16:00 in the county: visits of Mondays and Thursdays.


def morning(world: World, at_minute: int | None = SEVEN) -> MorningTasks:
    engine, clock = world.deps.engine, world.clock
    return MorningTasks(engine, world.writer, world.book.visiting, clock.now_ms, at_minute)


async def tasks(world: World) -> list[tuple[str, str, str]]:
    found = await world.query("SELECT assignee, state, note FROM task ORDER BY number")
    return [(str(a), str(b), str(c)) for a, b, c in found]


async def test_the_day_s_visits_become_tasks_once(world: World) -> None:
    await morning(world).look()
    assert await tasks(world) == [
        ("visitor-1", "open", NOTE),
        ("visitor-2", "open", NOTE),
    ]
    # The hub begins again, in the middle of it too.
    await morning(world).look()
    await world.execute("DELETE FROM meta WHERE key = 'visit_tasks_day'")
    await morning(world).look()
    assert len(await tasks(world)) == 2


async def test_before_the_hour_and_without_one_nothing_is_made(world: World) -> None:
    await morning(world, 16 * 60 + 1).look()
    await morning(world, None).look()
    assert await tasks(world) == []


async def test_what_nobody_began_is_cancelled_and_what_was_begun_stays(world: World) -> None:
    watch = morning(world)
    await watch.look()
    [(begun,)] = await world.query("SELECT id FROM task WHERE assignee = 'visitor-1'")
    await world.deps.desk.move_task(begun, "visitor-1", "accept")
    world.clock.at_ms = NOW_MS + DAY_MS
    await watch.look()
    # Both visits were missed, so both are planned again for this day or one to come.
    states = [(who, state) for who, state, _note in await tasks(world)]
    assert states[:2] == [("visitor-1", "accepted"), ("visitor-2", "cancelled")]
    assert ("visitor-1", "open") not in states


async def test_what_the_visitor_has_begun_there_gets_no_second_task(world: World) -> None:
    async with world.client("visitor-1") as visitor:
        answer = await visitor.post("/api/v1/plan/start", json={"service_user": "person-0001"})
        assert answer.status_code == 201
    await morning(world).look()
    assert sorted(who for who, _state, _note in await tasks(world)) == ["visitor-1", "visitor-2"]


@pytest.mark.parametrize(("text", "minute"), [("07:00", 420), ("6:30", 390)])
def test_the_hour_is_configured(tmp_path: Path, text: str, minute: int) -> None:
    path = tmp_path / "hub.toml"
    path.write_text(f'data_dir = "d"\n[visits]\nmorning_tasks = "{text}"\n')
    assert load(path).morning_tasks == minute


@pytest.mark.parametrize("text", ["25:00", "morning", "7"])
def test_no_hour_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "hub.toml"
    path.write_text(f'data_dir = "d"\n[visits]\nmorning_tasks = "{text}"\n')
    with pytest.raises(ContractError, match="morning_tasks"):
        load(path)
