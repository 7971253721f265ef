"""Free memory is given back now and then, and where it can't be nothing happens."""

import asyncio

import pytest

from hearthwatch.memory import TIDY_S, give_back, keep_tidy


def test_it_is_given_back_after_each_pause() -> None:
    paused, given = [], []

    async def pause(seconds: float) -> None:
        paused.append(seconds)
        if len(paused) > 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(keep_tidy(pause, lambda: given.append(len(paused))))
    assert paused == [TIDY_S] * 4
    assert given == [1, 2, 3]


def test_giving_back_harms_nothing() -> None:
    kept = [bytes(1000) for _ in range(100)]
    give_back()
    assert kept == [bytes(1000)] * 100
