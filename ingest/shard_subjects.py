"""Who is watched in a shard, and what is handed between shards. No I/O of its own: the table is
`ingest.readings.pg_subjects`.

A gateway is heard in the shard that the broker's hash says. Its home is watched there: a home with
several gateways in the shard of the one that reads its meter, or else of the first by name. Who was
never heard is watched by a hash of the name, so that somebody misses them; a village by the hash of
its code. Whoever hears of somebody who is watched elsewhere hands it over by the table.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any, Final, Protocol
from zlib import crc32

from ingest.device_news import Heartbeat
from ingest.marks import SpoolMark
from ingest.watched import NOTHING_NEW, Handed, Turn
from ledger.register_changes import Touched
from rules.rule import Observation

# What others have handed over is judged so soon, and who has moved is taken up.
LOOK_MS: Final = 1_000
# Who is moved or taken with one batch: a second's work.
MOVED_MAX: Final = 5_000
# Rows of nobody are looked for this often.
_FORGET_MS: Final = 10 * 60_000

Heard = tuple[str, Sequence[str]]  # a subject, and the gateways by which it is heard


class News(Protocol):
    @property
    def came(self) -> Mapping[str, int]: ...
    @property
    def gateways(self) -> Mapping[str, int]: ...
    @property
    def passed(self) -> Sequence[tuple[int, str, bytes]]: ...


class SubjectTable(Protocol):
    """`ingest.readings.pg_subjects`, whose words are there."""

    def load(self) -> News: ...
    def look(self) -> News: ...
    def claim(
        self, subjects: Sequence[str], book_spool: str, shards: int | None = None
    ) -> dict[str, int]: ...
    def states_of(self, subjects: Iterable[str]) -> list[tuple[str, str, bytes]]: ...
    def mark_of(self, spool: str) -> SpoolMark | None: ...
    def forget(self) -> None: ...
    def heard(self, gateway: str) -> None: ...
    def pass_on(self, subject: str, body: bytes) -> None: ...
    def done(self, seq: int) -> None: ...
    def give(self, shards: Mapping[str, int], through: int) -> None: ...
    def settle(self, subjects: Iterable[str]) -> None: ...
    @property
    def changed(self) -> bool: ...


class Roster(Protocol):
    """The register, as far as it says by which gateways somebody is heard."""

    def subjects(self, touched: Touched | None) -> Iterable[Heard]: ...
    def moves(
        self, shard: int, mine: Set[str], heard_in: Mapping[str, int], shards: int
    ) -> Iterable[Heard]: ...
    def of_gateways(self, gateways: Iterable[str]) -> Iterable[Heard]: ...
    def touching(self, subjects: Iterable[str]) -> Touched: ...
    def village_of(self, home: str) -> str | None: ...
    def knows(self, subject: str) -> bool: ...


def shard_for(
    subject: str, gateways: Sequence[str], heard_in: Mapping[str, int], shards: int
) -> int:
    """Where somebody is to be watched."""
    for gateway in gateways:
        shard = heard_in.get(gateway, shards)
        if shard < shards:
            return shard
    name = gateways[0] if gateways else subject
    return crc32(name.encode()) % shards


class ShardSubjects:
    """`shards`: how many there are now; 0 while it is not known."""

    def __init__(
        self,
        shard: int,
        *,
        shards: Callable[[], int],
        table: SubjectTable,
        roster: Roster,
        book_spool: str,
    ) -> None:
        self._shard, self._shards = shard, shards
        self._table, self._roster, self._book_spool = table, roster, book_spool
        self._mine: set[str] = set()
        self._heard_in: dict[str, int] = {}
        # Looked for in other shards already.
        self._spools: set[str] = set()
        self._passing: dict[str, list[dict[str, Any]]] = {}
        self._giving: dict[str, int] = {}
        self._reconsidered: dict[str, Sequence[str]] = {}
        # Who has seen other activations than this shard has, and through which.
        self._unsettled: dict[str, int] = {}
        self._settling: list[str] = []
        self._looked_ms = self._forgot_ms = 0

    def load(self) -> Mapping[str, int]:
        news = self._table.load()
        self._mine, self._heard_in = set(news.came), dict(news.gateways)
        self._spools, self._passing, self._giving = set(), {}, {}
        self._unsettled = {}
        self._note(news.came)
        shards = self._shards()
        if not shards:
            self._reconsidered = dict(self._roster.subjects(None))
            return dict(self._unsettled)
        moves = self._roster.moves(self._shard, self._mine, self._heard_in, shards)
        self._reconsidered = dict(moves)
        while self._reconsidered and self._shards() and len(self._giving) < MOVED_MAX:
            self._claimed()
        return dict(self._unsettled)

    def watches(self, subject: str) -> bool:
        return subject in self._mine

    def roster_changed(self, touched: Touched | None) -> None:
        self._reconsidered |= dict(self._roster.subjects(touched))

    def turn(self, now_ms: int) -> Turn:
        if 0 <= now_ms - self._looked_ms < LOOK_MS:
            return NOTHING_NEW
        self._looked_ms = now_ms
        news = self._table.look()
        came = {name: seen for name, seen in news.came.items() if name not in self._mine}
        self._note(came)
        moved = {g for g, shard in news.gateways.items() if self._heard_in.get(g) != shard}
        if moved:
            if any(self._heard_in.get(gateway) == self._shard for gateway in moved):
                self._spools.clear()
            self._heard_in |= news.gateways
            self._reconsidered |= dict(self._roster.of_gateways(moved))
        if self._reconsidered and self._shards():
            came |= self._claimed()
        if not 0 <= now_ms - self._forgot_ms < _FORGET_MS:
            self._forgot_ms = now_ms
            self._table.forget()
        return Turn(came, self._handed(news.passed))

    def _note(self, came: Mapping[str, int]) -> None:
        self._mine |= came.keys()
        self._unsettled |= {subject: seen for subject, seen in came.items() if seen}

    def _claimed(self) -> dict[str, int]:
        """Looks at who may be another's now; those that are ours from now on. Who is to go goes
        with this batch."""
        shards, giving = self._shards(), dict(self._giving)
        wanted: list[str] = []
        while self._reconsidered and len(wanted) < MOVED_MAX and len(giving) < MOVED_MAX:
            subject, gateways = self._reconsidered.popitem()
            shard = shard_for(subject, gateways, self._heard_in, shards)
            if subject in self._mine:
                if shard != self._shard:
                    giving[subject] = shard
                else:
                    giving.pop(subject, None)
            elif shard == self._shard:
                wanted.append(subject)
        self._giving = giving
        came = self._table.claim(wanted, self._book_spool, shards) if wanted else {}
        self._note(came)
        return came

    def _handed(self, passed: Iterable[tuple[int, str, bytes]]) -> list[Handed]:
        handed = []
        for seq, subject, body in passed:
            if subject in self._mine:
                handed += [Handed(subject, *_observation(row)) for row in json.loads(body)]
                self._table.done(seq)
        return handed

    def seen(self, subject: str) -> int:
        return self._unsettled.get(subject, 0)

    def touching(self, subjects: Mapping[str, int]) -> Touched:
        return self._roster.touching(subjects)

    def states_of(self, subjects: Mapping[str, int]) -> Sequence[tuple[str, str, bytes]]:
        return self._table.states_of(subjects)

    def heard(self, gateway: str) -> None:
        if self._heard_in.get(gateway) != self._shard:
            self._table.heard(gateway)

    def mark_of(self, spool: str, gateway: str, known: bool) -> SpoolMark | None:
        if known and (self._heard_in.get(gateway) == self._shard or spool in self._spools):
            return None
        self._spools.add(spool)
        return self._table.mark_of(spool)

    def pass_on(self, subject: str, observation: Observation, gateway: str | None) -> None:
        """Of whom the register does not say anything (a gateway that nobody has placed yet) nobody
        judges, and what it says would lie there for an hour."""
        if not self._roster.knows(subject):
            return
        self._passing.setdefault(subject, []).append(_row(observation, gateway))

    def village_of(self, home: str) -> str | None:
        return self._roster.village_of(home)

    def seal(self, through: int) -> bool:
        passing, self._passing = self._passing, {}
        for subject, rows in passing.items():
            self._table.pass_on(subject, json.dumps(rows, ensure_ascii=False).encode())
        self._settling = [name for name, seen in self._unsettled.items() if seen <= through]
        if self._settling:
            self._table.settle(self._settling)
        if self._giving:
            self._table.give(self._giving, through)
        return self._table.changed

    def committed(self) -> Sequence[str]:
        gone, self._giving = list(self._giving), {}
        self._mine -= set(gone)
        settled, self._settling = self._settling, []
        for subject in (*settled, *gone):
            self._unsettled.pop(subject, None)
        return gone


def _row(observation: Observation, gateway: str | None) -> dict[str, Any]:
    return {
        "id": observation.id,
        "device": observation.device,
        "kind": observation.kind,
        "measured_at_ms": observation.measured_at_ms,
        "received_at_ms": observation.received_at_ms,
        "values": dict(observation.values),
        "attrs": dict(observation.attrs),
        "gateway": gateway,
    }


def _observation(row: dict[str, Any]) -> tuple[Heartbeat, str | None]:
    gateway = row.pop("gateway")
    return Heartbeat(**row), gateway
