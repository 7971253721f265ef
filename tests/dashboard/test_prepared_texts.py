"""What the screens are sent, made while its commit is under way."""

from dataclasses import replace

import pytest

from dashboard import stream
from dashboard.callers import Caller
from dashboard.stream import PREPARED_MAX, Streams
from ledger.feed import Feed, FeedEvent

DUTY = Caller(username="duty-1", name="值班", role="duty", region="3301", digest="d", via="bearer")


class Made:
    """Which events were turned into text, in which order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.payloads: list[bytes] = []
        frame = stream.frame

        def noted(event: FeedEvent) -> bytes:
            self.payloads.append(event.payload)
            return frame(event)

        monkeypatch.setattr(stream, "frame", noted)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    return Made(monkeypatch)


def told(payload: bytes, seq: int = 7) -> list[FeedEvent]:
    return [FeedEvent(seq=seq, topic="alarm", region="3301", payload=payload)]


async def test_a_text_is_made_before_its_commit_and_not_again(made: Made) -> None:
    feed = Feed(6)
    streams = Streams(feed, 20)
    with streams.opened(DUTY):
        subscription = feed.subscribe()
        events = told(b"{}")
        feed.prepare(events)
        assert made.payloads == [b"{}"]
        feed.publish(events)
        # As a stream takes them: another list of the same events.
        heard = list(await subscription.take(1))
        assert streams.text(DUTY, heard) == b"id: 7\nevent: alarm\ndata: {}\n\n"
        assert made.payloads == [b"{}"]


async def test_what_was_not_committed_is_sent_to_nobody_under_its_number(made: Made) -> None:
    feed = Feed(6)
    streams = Streams(feed, 20)
    with streams.opened(DUTY):
        subscription = feed.subscribe()
        feed.prepare(told(b'"never"'))
        committed = told(b'"ever"')
        feed.publish(committed)
        text = streams.text(DUTY, await subscription.take(1))
        assert text == b'id: 7\nevent: alarm\ndata: "ever"\n\n'


def test_alike_are_prepared_once_and_of_others_a_few(made: Made) -> None:
    feed = Feed(6)
    streams = Streams(feed, 1000)
    feed.subscribe()
    screens = [streams.opened(replace(DUTY, username=f"duty-{n}")) for n in range(3)]
    screens += [streams.opened(replace(DUTY, region="3301"[:n])) for n in range(4)]
    screens += [streams.opened(replace(DUTY, scopes=frozenset({f"{n}"}))) for n in range(20)]
    for screen in screens:
        screen.__enter__()
    for kept in (told(b"{}"), told(b'"2"')):
        before = len(made.payloads)
        feed.prepare(kept)
        # A program's token may hear nothing of alarms here; the others are alike or wider.
        assert len(made.payloads) - before == 5 <= PREPARED_MAX
    for screen in screens:
        screen.__exit__(None, None, None)
    feed.prepare(told(b'"nobody"'))
    assert b'"nobody"' not in made.payloads
    assert streams.count == 0


def test_whom_the_caller_knows_is_looked_up_first(made: Made) -> None:
    feed = Feed(6)
    streams = Streams(feed, 20)
    feed.subscribe()
    with streams.opened(replace(DUTY, role="visitor", homes=frozenset({"home-1"}))):
        feed.prepare(told(b'{"object":{"home":"home-1"}}'))
    assert made.payloads == []


def test_nothing_is_prepared_where_nobody_listens(made: Made) -> None:
    feed = Feed(6)
    Streams(feed, 20)
    feed.prepare(told(b"{}"))
    assert made.payloads == []
