"""Any history by two processes in turn leaves the book that it leaves by one, row by row with the
chain of its entries, and the memory of each is the memory of the one."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hearthwatch.hub import Hub
from ledger.changes import Changes
from tests.adapters.postgres import Postgres
from tests.shared.histories import County
from tests.shared.process_memory import memory_of

STEPS = 90
# Memory is compared after so many.
LOOK_EVERY = 30


@pytest.fixture
def counties(
    request: pytest.FixtureRequest, postgres: Postgres, tmp_path: Path
) -> Iterator[tuple[County, County]]:
    one = County(tmp_path / "one", postgres.fresh(), 1, request.param)
    two = County(tmp_path / "two", postgres.fresh(), 2, request.param)
    yield one, two
    one.close()
    two.close()


def differences(one: County, two: County) -> list[str]:
    """Names of tables and of parts of memory that are not the same."""
    wanted, mine = one.tables(), two.tables()
    found = [name for name in wanted if wanted[name] != mine[name]]
    memory = memory_of(one.hubs[0])
    for number, hub in enumerate(two.hubs):
        theirs = memory_of(hub)
        found += [f"memory {number}: {name}" for name in memory if memory[name] != theirs[name]]
    return found


def go(one: County, two: County) -> None:
    for step in range(STEPS):
        one.step()
        two.step()
        if step % LOOK_EVERY == LOOK_EVERY - 1:
            assert differences(one, two) == []


@pytest.mark.parametrize("counties", range(2), indirect=True)
def test_two_in_turn_are_as_one(counties: tuple[County, County]) -> None:
    one, two = counties
    go(one, two)
    tables = one.tables()
    assert len(tables["alarm"]) > 3
    assert len(tables["entry"]) > 50


# By kind of row: what one of three does that writes it. (Of the rows of a press each is read by
# other memory.)
ONE_MOVE: dict[str, Callable[[County, Hub], object]] = {
    "alarm": County.press,
    "task": County.press,
    "spool": County.press,
    "rule_state": County.press,
    "stay": lambda county, hub: county.goes_away(hub),
    "rota": lambda county, hub: county.makes_desk(hub),
    "rule_setting": lambda county, hub: county.puts_in_shadow(hub, "fall"),
    "device": lambda county, hub: county.binds(hub, "new-1"),
    "visit": lambda county, hub: county.calls(hub),
}


@pytest.mark.parametrize("kind", ONE_MOVE)
def test_each_kind_of_row_is_followed_and_who_does_not_is_found_out(
    postgres: Postgres, tmp_path: Path, kind: str
) -> None:
    county = County(tmp_path, postgres.fresh(), 3, 1)
    does, follows, is_deaf = county.hubs
    honest = is_deaf.writer.follow
    is_deaf.writer.follow = lambda unit, changes: honest(
        unit, Changes({k: keys for k, keys in changes.keys.items() if k != kind})
    )
    before = memory_of(follows)
    ONE_MOVE[kind](county, does)
    wanted = memory_of(does)
    assert wanted != before
    assert memory_of(follows) == wanted
    assert memory_of(is_deaf) != wanted, "this oracle would see nothing"
    county.close()
