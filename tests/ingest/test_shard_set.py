"""Shards come and go, and what one of them suffers stops no other."""

import json
from collections.abc import Mapping, Sequence
from types import SimpleNamespace

import pytest

from ingest.amqp.topology import number_of
from ingest.quarantine import Unreadable
from ingest.readings.pg_shard import ShardLostError
from ingest.readings.port import StoreError
from ingest.shard_set import FAILING_S, REST_FIRST_S, Made, ShardSet
from ingest.wire import Taken


class Source:
    """The broker's side; `gives` says which shards are ours, each by which of its channels."""

    def __init__(self) -> None:
        self.gives: dict[int, int] = {}
        self.acked: list[int] = []
        self.given_back: list[tuple[int, float]] = []

    def taken(self) -> Mapping[int, int]:
        return dict(self.gives)

    def give_back(self, shard: int, rest_s: float) -> None:
        self.given_back.append((shard, rest_s))
        self.gives.pop(shard, None)

    def ack(self, packet_ids: Sequence[int]) -> None:
        self.acked += packet_ids

    def publish(self, _topic: str, _payload: bytes) -> None: ...


class Batch:
    """As `ReadingsBatch`; `breaks` is raised by the next commit."""

    def __init__(self) -> None:
        self.loaded = False
        self.breaks: Exception | None = None
        self.engine = SimpleNamespace(let_go=lambda: None)
        self.stored = self.duplicates = self.turns = 0
        self.kept: list[str] = []
        self.activations: list[object] = []
        self.touched: list[object] = []

    def reload(self) -> None:
        self.loaded = True

    def begin(self) -> None:
        assert self.loaded, "begins with what is stored"
        self.turns += 1
        self._in_hand: list[str] = []

    def take(self, taken: Taken) -> list[str]:
        self._in_hand += [item.id for item in taken.items]
        return [item.id for item in taken.items]

    def note_activation(self, stored: object) -> None:
        self.activations.append(stored)

    def roster_changed(self, touched: object) -> None:
        self.touched.append(touched)

    def quarantine(self, _found: Unreadable) -> None: ...

    def commit(self) -> None:
        if self.breaks is not None:
            raise self.breaks
        self.kept += self._in_hand
        self.stored += len(self._in_hand)

    def maintain(self) -> None: ...


class Bench:
    def __init__(self) -> None:
        self.source = Source()
        self.batches: dict[int, list[Batch]] = {}
        self.closed: list[int] = []
        self.now_s = 100.0
        self.lost: set[int] = set()
        self.set = ShardSet(
            client=self.source,
            make=self._make,
            monotonic=lambda: self.now_s,
            log=lambda *_said: None,
        )

    def _make(self, shard: int) -> Made:
        batch = Batch()
        self.batches.setdefault(shard, []).append(batch)
        lost = shard in self.lost
        return Made(SimpleNamespace(close=lambda: self.closed.append(shard), lost=lost), batch)

    def at(self, shard: int) -> Batch:
        return self.batches[shard][-1]


def message(number: int, shard: int, opening: int = 0) -> tuple[bytes, bytes, int]:
    item = {
        "id": f"r{number}",
        "seq": number,
        "device": "meter-1",
        "kind": "power",
        "measured_at": "2026-11-23T07:59:59.900Z",
        "received_at": "2026-11-23T07:59:59.950Z",
        "values": {"power_w": 12.5},
    }
    envelope = {"v": 1, "gateway": "gw-1", "spool": "s", "clock": "synced", "items": [item]}
    body = json.dumps(envelope).encode()
    return b"hw/v1/gw-1/telemetry", body, number_of(number, shard, opening)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_silent_shard_is_worked_on_as_soon_as_it_is_ours(bench: Bench) -> None:
    bench.set.idle()
    assert not bench.batches
    bench.source.gives = {3: 0}
    bench.set.idle()
    assert bench.at(3).turns == 1
    assert bench.set.shards == [3]


def test_messages_go_to_their_shards_and_a_silent_one_has_its_turn_too(bench: Bench) -> None:
    bench.source.gives = {0: 0, 1: 0, 2: 0}
    bench.set.handle([message(1, 0), message(2, 1), message(3, 0)])
    assert (bench.at(0).kept, bench.at(1).kept, bench.at(2).kept) == (["r1", "r3"], ["r2"], [])
    assert bench.at(2).turns == 1
    assert sorted(bench.source.acked) == sorted(
        [number_of(n, s) for n, s in ((1, 0), (3, 0), (2, 1))]
    )
    assert bench.set.stored == 3


@pytest.mark.parametrize(
    "error",
    [ShardLostError("another worker"), StoreError("disk", retryable=True), MemoryError("ours")],
)
def test_one_that_fails_is_given_back_unacknowledged_and_the_others_go_on(
    bench: Bench, error: Exception
) -> None:
    bench.source.gives = {0: 0, 1: 0}
    bench.set.idle()
    failing = bench.at(0)
    failing.breaks = error
    # A batch of two is tried in halves where a mistake of ours ends it; nothing of it is kept.
    bench.set.handle([message(1, 0), message(2, 1)])
    if isinstance(error, StoreError):
        assert bench.source.acked == [number_of(2, 1)]
    bench.set.handle([])
    assert bench.source.given_back == [(0, REST_FIRST_S)]
    assert bench.at(1).kept == ["r2"]
    assert bench.closed == [0]
    assert bench.set.shards == [1]


def test_it_rests_longer_each_time_until_it_does_well(bench: Bench) -> None:
    for opening in range(3):
        bench.source.gives = {0: opening}
        bench.set._follow()
        bench.at(0).breaks = StoreError("away", retryable=True)
        bench.set.idle()
    assert [rest_s for _shard, rest_s in bench.source.given_back] == [0.5, 1.0, 2.0]
    bench.source.gives = {0: 3}
    bench.set.idle()
    bench.at(0).breaks = StoreError("away", retryable=True)
    bench.set.idle()
    assert bench.source.given_back[-1] == (0, REST_FIRST_S)


def test_one_that_was_given_back_is_not_begun_again_while_the_broker_still_has_it_here(
    bench: Bench,
) -> None:
    """Its channel closes in another thread. Begun in between, it would be taken from whoever gets
    it, and a server that is away be waited for without a rest."""
    bench.source.gives = {0: 0}
    bench.set.idle()
    bench.source.give_back = lambda _shard, _rest_s: None
    bench.at(0).breaks = StoreError("away", retryable=True)
    bench.set.idle()
    for _turn in range(3):
        bench.set.handle([message(1, 0)])
    assert len(bench.batches[0]) == 1
    assert not bench.source.acked
    bench.source.gives = {0: 1}
    bench.set.idle()
    assert bench.set.shards == [0]
    # Another connection counts its channels anew.
    bench.at(0).breaks = StoreError("away", retryable=True)
    bench.set.idle()
    bench.set.disconnected()
    bench.set.idle()
    assert bench.set.shards == [0]


def test_what_came_before_the_shard_was_somebody_elses_is_nobodys(bench: Bench) -> None:
    """It was not acknowledged there, and comes again to whoever has the shard."""
    bench.source.gives = {0: 0}
    bench.set.idle()
    bench.source.gives = {0: 1}
    bench.set.handle([message(1, 0, opening=0), message(2, 0, opening=1)])
    assert len(bench.batches[0]) == 2, "begun anew, from what is stored"
    assert bench.at(0).kept == ["r2"]
    assert bench.source.acked == [number_of(2, 0, 1)]


def test_without_the_broker_nothing_is_ours(bench: Bench) -> None:
    bench.source.gives = {0: 0, 1: 0}
    bench.set.handle([message(1, 0)])
    bench.set.disconnected()
    assert bench.set.shards == []
    assert sorted(bench.closed) == [0, 1]
    assert bench.set.stored == 1, "what was counted stays counted"


def test_all_are_told_of_activations_and_of_the_roster(bench: Bench) -> None:
    bench.source.gives = {0: 0, 1: 0}
    bench.set.idle()
    bench.set.note_activations(["press"])
    bench.set.roster_changed(None)
    bench.set.idle()
    assert [bench.at(shard).activations for shard in (0, 1)] == [["press"], ["press"]]
    assert [bench.at(shard).touched for shard in (0, 1)] == [[None], [None]]


def test_a_connection_that_is_lost_ends_the_round(bench: Bench) -> None:
    bench.source.gives = {0: 0}
    bench.set.idle()

    def gone(_ids: Sequence[int]) -> None:
        raise ConnectionResetError

    bench.source.ack = gone
    with pytest.raises(ConnectionResetError):
        bench.set.handle([message(1, 0)])


def away(bench: Bench, *shards: int, opening: int = 0) -> None:
    bench.source.gives |= dict.fromkeys(shards, opening)
    bench.set._follow()
    for shard in shards:
        bench.at(shard).breaks = StoreError("away", retryable=True)
    bench.set.idle()


def test_who_fails_with_every_shard_says_so_until_one_does_well(bench: Bench) -> None:
    assert bench.set.state == "ok", "who has no shard waits for one"
    away(bench, 0, 2)
    assert bench.set.failing == [0, 2]
    assert bench.set.state == "every shard fails here, of late 0, 2: see the log"
    # Given again, and no better: it is not well in the moment before it is worked on.
    bench.source.gives = {0: 1}
    bench.set._follow()
    assert bench.set.state != "ok"
    bench.set.idle()
    assert (bench.set.failing, bench.set.state) == ([2], "ok")
    # The one that does well goes: what is left is what fails.
    bench.source.gives = {}
    bench.set.idle()
    assert bench.set.state != "ok"


def test_one_that_fails_beside_one_that_does_well_is_told_and_no_more(bench: Bench) -> None:
    bench.source.gives = {1: 0}
    bench.set.idle()
    away(bench, 0)
    assert (bench.set.failing, bench.set.state) == ([0], "ok")


def test_whose_shards_others_have_is_well_after_a_while(bench: Bench) -> None:
    away(bench, 0)
    bench.now_s += FAILING_S
    assert bench.set.state != "ok"
    bench.now_s += 1
    assert (bench.set.failing, bench.set.state) == ([], "ok")


def test_a_shard_that_another_worker_took_first_has_not_failed(bench: Bench) -> None:
    bench.lost = {0}
    away(bench, 0)
    assert bench.source.given_back == [(0, REST_FIRST_S)]
    assert (bench.set.failing, bench.set.state) == ([], "ok")
