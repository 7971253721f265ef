"""Any history by two processes in turn leaves the book that it leaves by one, row by row with the
chain of its entries, and the memory of each is the memory of the one."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ledger.changes import Changes
from tests.adapters.postgres import Postgres
from tests.shared.histories import County, memory_of

STEPS = 120
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


@pytest.mark.parametrize("counties", range(4), indirect=True)
def test_two_in_turn_are_as_one(counties: tuple[County, County]) -> None:
    one, two = counties
    go(one, two)
    tables = one.tables()
    assert len(tables["alarm"]) > 3
    assert len(tables["entry"]) > 50


@pytest.mark.parametrize("counties", [0], indirect=True)
@pytest.mark.parametrize(
    "kind",
    ["alarm", "task", "stay", "rota", "spool", "rule_state", "rule_setting", "device", "visit"],
)
def test_what_is_not_followed_is_found_out(counties: tuple[County, County], kind: str) -> None:
    """The oracle of this file: one kind of row is kept from both processes."""
    one, two = counties
    for hub in two.hubs:
        honest = hub.writer.follow

        def deaf(unit, changes, honest=honest) -> None:
            honest(unit, Changes({k: keys for k, keys in changes.keys.items() if k != kind}))

        hub.writer.follow = deaf
    # Refused by the book itself, or not the same.
    with pytest.raises((AssertionError, psycopg.Error, LookupError)):
        go(one, two)
