"""Entries of several processes in one order, for the listeners of each."""

import threading
from collections.abc import Iterator, Sequence

import pytest

from hearthwatch import joined_feed
from hearthwatch.joined_feed import JoinedFeed
from ledger.feed import FeedEvent

PORTION = 3


def event(seq: int) -> FeedEvent:
    return FeedEvent(seq=seq, topic="alarm", region=None, payload=b"{}")


class Ear:
    """Wakes when it is told to, and may be deaf."""

    def __init__(self) -> None:
        self.woken = threading.Semaphore(0)
        self.problem: str | Exception = ""

    def wait(self, timeout_s: float) -> None:
        self.woken.acquire(timeout=timeout_s)
        if isinstance(self.problem, Exception):
            raise self.problem
        if self.problem:
            raise OSError(self.problem)

    def wake(self) -> None:
        self.woken.release()

    def close(self) -> None:
        self.closed = True


class Table:
    """What is committed, with numbers that were drawn in vain left out."""

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.reads = 0
        self.told: list[int] = []
        self.looked = threading.Event()
        self.problems: list[str] = []
        self.broken = False
        self.ear = Ear()
        self.feed = JoinedFeed(
            self.ear,
            last_seq=10,
            read_behind=self.behind,
            publish=lambda events: self.told.extend(one.seq for one in events),
            others_wrote=self.looked.set,
            log=lambda _event, text: self.problems.append(text),
        )

    def behind(self, seq: int) -> Sequence[FeedEvent]:
        self.reads += 1
        if self.broken:
            raise RuntimeError("the server restarts")
        return [event(one) for one in self.seqs if one > seq][:PORTION]

    def commit(self, *seqs: int, ours: bool) -> None:
        self.seqs += seqs
        if ours:
            self.feed.committed([event(seq) for seq in seqs])


@pytest.fixture
def table() -> Iterator[Table]:
    table = Table()
    yield table
    table.feed.close()


def test_what_follows_at_once_is_told_without_a_look(table: Table) -> None:
    table.commit(11, 12, ours=True)
    table.commit(13, ours=True)
    assert (table.told, table.reads) == ([11, 12, 13], 0)


def test_ours_waits_for_what_others_have_committed_before_it(table: Table) -> None:
    table.commit(11, ours=False)
    table.commit(12, ours=True)
    assert table.told == []
    table.feed.look()
    table.commit(13, ours=True)
    assert table.told == [11, 12, 13]


def test_numbers_that_were_taken_back_are_no_gap(table: Table) -> None:
    table.commit(14, 17, ours=False)
    table.commit(21, ours=True)
    table.feed.look()
    assert table.told == [14, 17, 21]


def test_more_than_a_portion_is_read_to_its_end(table: Table) -> None:
    table.commit(*range(11, 20), ours=False)
    table.feed.look()
    assert table.told == list(range(11, 20))


def test_what_we_tell_while_the_table_is_read_is_told_once(table: Table) -> None:
    honest = table.behind

    def meanwhile(seq: int) -> Sequence[FeedEvent]:
        if not table.told:
            table.commit(11, ours=True)
            table.commit(12, ours=False)
        return honest(seq)

    table.feed._read_behind = meanwhile
    table.feed.look()
    assert table.told == [11, 12]


@pytest.mark.parametrize("problem", ["no route", ValueError("no descriptor")])
def test_its_thread_goes_on_when_server_and_ear_are_away(
    table: Table, problem: str | Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joined_feed, "POLL_S", 0.1)
    table.broken, table.ear.problem = True, problem
    table.feed.start()
    for _ in range(3):
        table.looked.clear()
        table.ear.wake()
        assert table.looked.wait(30), "whoever is deaf looks all the same"
    assert table.feed.state != "ok"
    table.commit(11, ours=False)
    table.broken, table.ear.problem = False, ""
    for _ in range(3):
        table.looked.clear()
        table.ear.wake()
        assert table.looked.wait(30)
    table.feed.close()
    assert table.told == [11]
    assert len(set(table.problems)) == len(table.problems), "told once, not at each look"
