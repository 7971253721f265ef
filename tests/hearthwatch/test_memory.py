"""Free memory is given back now and then; what lives long is not looked through all the time."""

import asyncio
import gc

import pytest

from hearthwatch.memory import (
    GIVE_BACK_EVERY,
    SETTLE_S,
    SWEEP_EVERY,
    give_back,
    keep_tidy,
    settle,
    sweep,
)


@pytest.fixture
def thawed():
    yield
    gc.unfreeze()


class Circle:
    """One that only the collector can end; it says when it has gone."""

    def __init__(self, gone) -> None:
        self.gone, self.me = gone, self

    def __del__(self) -> None:
        self.gone.append(self)


def test_each_thing_comes_as_often_as_it_may() -> None:
    paused, done = [], []

    async def pause(seconds: float) -> None:
        paused.append(seconds)
        if len(paused) > SWEEP_EVERY + 1:
            raise asyncio.CancelledError

    def note(what):
        return lambda: done.append((what, len(paused)))

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(keep_tidy(pause, note("give"), note("settle"), note("sweep")))
    assert set(paused) == {SETTLE_S}
    assert [minute for what, minute in done if what == "sweep"] == [SWEEP_EVERY]
    assert [minute for what, minute in done if what == "settle"] == [
        minute for minute in range(1, SWEEP_EVERY + 2) if minute != SWEEP_EVERY
    ]
    assert [minute for what, minute in done if what == "give"] == [
        *range(GIVE_BACK_EVERY, SWEEP_EVERY + 1, GIVE_BACK_EVERY)
    ]


def test_giving_back_harms_nothing() -> None:
    kept = [bytes(1000) for _ in range(100)]
    give_back()
    assert kept == [bytes(1000)] * 100


@pytest.mark.usefixtures("thawed")
def test_what_has_settled_is_looked_through_by_nobody_until_all_is() -> None:
    gone: list[Circle] = []
    one = Circle(gone)
    gc.collect()
    settle()
    assert not any(found is one for found in gc.get_objects())
    del one
    gc.collect()
    assert gone == []
    sweep()
    assert len(gone) == 1


@pytest.mark.usefixtures("thawed")
def test_what_is_young_and_has_come_apart_does_not_settle() -> None:
    gone: list[Circle] = []
    Circle(gone)
    settle()
    assert len(gone) == 1
