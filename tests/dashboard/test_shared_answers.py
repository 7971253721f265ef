"""Counters that all boards ask for at once are made once, and never hide a commit."""

import asyncio
import threading

import pytest

from dashboard.shared_answers import AGE_MAX_S, KEPT_MAX, SharedAnswers
from ledger.feed import Feed, FeedEvent


class Counted:
    """Makes answers that can be told apart; waits for the test when `held`."""

    def __init__(self, *, held: bool = False) -> None:
        self.times = 0
        self.go_on = threading.Event()
        if not held:
            self.go_on.set()

    def make(self) -> bytes:
        self.times += 1
        made = str(self.times)
        assert self.go_on.wait(20)
        return made.encode()


class Seconds:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


class HubTime:
    """As a demonstration's: it is set forth and back."""

    def __init__(self) -> None:
        self.ms = 0

    def __call__(self) -> int:
        return self.ms


def commit(feed: Feed, seq: int) -> None:
    feed.publish([FeedEvent(seq=seq, topic="alarm", region=None, payload=b"{}")])


async def test_who_asks_at_the_same_moment_gets_the_same() -> None:
    shared, made = SharedAnswers(Feed(), HubTime()), Counted(held=True)
    asked = [asyncio.create_task(shared.get("a", made.make)) for _ in range(50)]
    gone = asked[0]
    await asyncio.sleep(0)
    gone.cancel()
    made.go_on.set()
    assert await asyncio.gather(*asked[1:]) == [b"1"] * 49
    assert made.times == 1


async def test_a_commit_is_never_hidden_and_nothing_grows_old() -> None:
    feed, now, hub, made = Feed(), Seconds(), HubTime(), Counted()
    shared = SharedAnswers(feed, hub, now)
    assert await shared.get("a", made.make) == b"1"
    assert await shared.get("a", made.make) == b"1"
    commit(feed, 1)
    assert await shared.get("a", made.make) == b"2"
    now.at += AGE_MAX_S
    assert await shared.get("a", made.make) == b"3"
    hub.ms += int(1000 * AGE_MAX_S)
    assert await shared.get("a", made.make) == b"4"
    hub.ms -= 1
    assert await shared.get("a", made.make) == b"5"
    assert await shared.get("another region", made.make) == b"6"


async def test_one_that_began_before_a_commit_is_not_for_those_who_ask_after_it() -> None:
    feed, made = Feed(), Counted(held=True)
    shared = SharedAnswers(feed, HubTime())
    before = asyncio.create_task(shared.get("a", made.make))
    await asyncio.sleep(0)
    commit(feed, 1)
    after = asyncio.create_task(shared.get("a", made.make))
    await asyncio.sleep(0)
    made.go_on.set()
    assert await before != await after


async def test_a_failure_is_told_and_not_kept() -> None:
    shared, made = SharedAnswers(Feed(), HubTime(), Seconds()), Counted()

    def fail() -> bytes:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await shared.get("a", fail)
    assert await shared.get("a", made.make) == b"1"


async def test_what_is_kept_has_an_end() -> None:
    now, made = Seconds(), Counted()
    shared = SharedAnswers(Feed(), HubTime(), now)
    for number in range(3 * KEPT_MAX):
        now.at += AGE_MAX_S
        await shared.get(number, made.make)
    assert len(shared._made) <= KEPT_MAX
