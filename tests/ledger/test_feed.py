"""The live feed: what was committed without its hearing of it is read from the book."""

import pytest

from ledger.feed import Feed, FeedEvent, Overflow


def event(seq: int) -> FeedEvent:
    return FeedEvent(seq=seq, topic="alarm", region=None, payload=b"{}")


async def test_entries_come_in_order_and_without_a_look_at_the_book() -> None:
    feed = Feed(7)
    listener = feed.subscribe()
    feed.publish([event(8), event(9)])
    feed.publish([event(10)])
    assert [found.seq for found in await listener.take(0)] == [8, 9, 10]
    assert await listener.take(0) == []


async def test_a_hole_sends_the_listener_to_the_book_after_what_it_has() -> None:
    """The server's answer to a COMMIT was lost, and the entry is there."""
    feed = Feed(7)
    listener = feed.subscribe()
    feed.publish([event(8)])
    feed.publish([event(10)])
    assert [found.seq for found in await listener.take(0)] == [8]
    with pytest.raises(Overflow):
        await listener.take(0)
    assert feed.last_seq == 10
