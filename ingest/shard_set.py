"""The shards of readings that the broker has given this worker, each with a store and rules of its
own: what one of them suffers stops no other."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from ingest.amqp.topology import opening_of, shard_of
from ingest.mqtt.packets import MqttError
from ingest.mqtt.session import Message
from ingest.readings.port import ReadingsStore, StoreError
from ingest.readings_batch import ReadingsBatch
from ingest.shard_work import Answers, ShardWork
from ingest.urgent_lane import Stored
from ledger.register_changes import Touched
from rules.engine import Engine

# A shard that can't be worked on goes to another worker, and comes back to us no sooner.
REST_FIRST_S: Final = 0.5
REST_MAX_S: Final = 10.0
# Who failed with a shard, and has had none since for so long, is not needed for it: others have it.
# Longer than a rest and what it takes until the others give one back.
FAILING_S: Final = 60.0


class ShardedSource(Answers, Protocol):
    """`taken`: the shards that are ours now, each with a number that is another one after it was
    somebody else's in between."""

    def taken(self) -> Mapping[int, int]: ...

    def give_back(self, shard: int, rest_s: float) -> None: ...


class Made(NamedTuple):
    store: ReadingsStore
    batch: ReadingsBatch


class _Failed(NamedTuple):
    """`lost`: another worker had it by then, which is no failure of ours."""

    at_s: float
    rest_s: float
    lost: bool


class _Mine(NamedTuple):
    opening: int
    store: ReadingsStore
    work: ShardWork


class ShardSet:
    """The lane's thread's; `note_activations`, `roster_changed` and what is read of it from any."""

    def __init__(
        self,
        *,
        client: ShardedSource,
        make: Callable[[int], Made],
        monotonic: Callable[[], float],
        log: Callable[[str, str], None],
    ) -> None:
        self._client, self._make, self._log = client, make, log
        self._monotonic = monotonic
        # Made anew with each change: other threads look at it.
        self._mine: dict[int, _Mine] = {}
        # Those whose last turn failed, and those that are ours and had a good one; both made anew
        # likewise.
        self._failed: dict[int, _Failed] = {}
        self._well: frozenset[int] = frozenset()
        # By which channel each was ours that was given back: so it is still told for a moment.
        self._gave: dict[int, int] = {}
        self._stored = self._duplicates = 0

    # From any thread.

    def note_activations(self, stored: Sequence[Stored]) -> None:
        for mine in self._mine.values():
            mine.work.note_activations(stored)

    def roster_changed(self, touched: Touched | None = None) -> None:
        for mine in self._mine.values():
            mine.work.roster_changed(touched)

    @property
    def shards(self) -> list[int]:
        return sorted(self._mine)

    @property
    def failing(self) -> list[int]:
        """Those whose last turn here failed, a moment ago."""
        since_s = self._monotonic() - FAILING_S
        return sorted(s for s, f in self._failed.items() if f.at_s >= since_s and not f.lost)

    @property
    def state(self) -> str:
        """ "ok", or that nothing is done here with whatever shard is had."""
        failing = self.failing
        if not failing or self._well:
            return "ok"
        return f"every shard fails here, of late {', '.join(map(str, failing))}: see the log"

    @property
    def engines(self) -> list[Engine]:
        return [mine.work.batch.engine for mine in self._mine.values()]

    @property
    def stored(self) -> int:
        return self._stored + sum(mine.work.batch.stored for mine in self._mine.values())

    @property
    def duplicates(self) -> int:
        return self._duplicates + sum(mine.work.batch.duplicates for mine in self._mine.values())

    # The lane's.

    def prepare(self) -> None:
        """Which shards are ours the broker will say."""

    def handle(self, messages: list[Message]) -> None:
        self._follow()
        by_shard: dict[int, list[Message]] = {}
        for message in messages:
            number = message[2]
            mine = self._mine.get(shard_of(number))
            # What is no longer ours comes to whoever has the shard now.
            if mine is not None and mine.opening == opening_of(number):
                by_shard.setdefault(shard_of(number), []).append(message)
        for shard, its in by_shard.items():
            self._try(shard, lambda work, its=its: work.handle(its))  # type: ignore[misc]
        # Beside others that never pause, a silent one has its timers too.
        for shard in self._mine.keys() - by_shard.keys():
            self._try(shard, lambda work: work.handle([]))

    def idle(self) -> None:
        self._follow()
        for shard in self._mine:
            self._try(shard, lambda work: work.idle())

    def disconnected(self) -> None:
        """Without the broker nobody knows whose a shard is: whoever has it next reads back what is
        stored."""
        for shard in [*self._mine]:
            self._drop(shard)
        self._gave.clear()

    close = disconnected

    def _follow(self) -> None:
        taken = self._client.taken()
        for shard, mine in [*self._mine.items()]:
            if taken.get(shard) != mine.opening:
                self._log("shard_gone", str(shard))
                self._drop(shard)
        self._gave = {s: by for s, by in self._gave.items() if taken.get(s) == by}
        for shard, opening in sorted(taken.items()):
            if shard not in self._mine and shard not in self._gave:
                store, batch = self._make(shard)
                work = ShardWork(client=self._client, batch=batch, log=self._log)
                # Known before it is read back: what is in the book meanwhile is told to it.
                self._mine = {**self._mine, shard: _Mine(opening, store, work)}
                self._log("shard_taken", str(shard))

    def _try(self, shard: int, do: Callable[[ShardWork], None]) -> None:
        mine = self._mine.get(shard)
        if mine is None:
            return
        try:
            do(mine.work)
        except StoreError as error:
            self._fail(shard, str(error))
        except (OSError, MqttError):
            raise
        except Exception as error:  # noqa: BLE001 - the other shards go on
            self._fail(shard, f"{type(error).__name__}: {error}")
        else:
            if shard not in self._well:
                self._well |= {shard}
                self._failed = {s: f for s, f in self._failed.items() if s != shard}

    def _fail(self, shard: int, detail: str) -> None:
        self._log("shard_failed", f"{shard}: {detail}")
        self._gave[shard] = self._mine[shard].opening
        lost = bool(getattr(self._mine[shard].store, "lost", False))
        self._drop(shard)
        before = self._failed.get(shard)
        rest_s = REST_FIRST_S if before is None else min(before.rest_s * 2, REST_MAX_S)
        self._failed = {**self._failed, shard: _Failed(self._monotonic(), rest_s, lost)}
        self._client.give_back(shard, rest_s)

    def _drop(self, shard: int) -> None:
        mine = self._mine[shard]
        self._mine = {s: m for s, m in self._mine.items() if s != shard}
        self._well -= {shard}
        self._stored += mine.work.batch.stored
        self._duplicates += mine.work.batch.duplicates
        mine.work.batch.engine.let_go()
        mine.store.close()
