"""Which shard judges a home, a gateway, a village; and what was heard of it in another one.

  gateway(gateway, shard)            where it was heard last
  subject(subject, shard)            who judges it: one shard, for there is one row
  passed(seq, subject, body)         heard elsewhere, until the subject's shard has taken it up

A row of `subject` is made by whichever shard comes first, and changed by the shard that has it, in
the transaction that commits what its rules think: so a subject and its states move as one, and
nobody judges what another one may still write. What is heard is written in the transaction that
stores the readings, and deleted in the one that commits what was made of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import psycopg

from ingest.marks import SpoolMark
from ingest.readings import pg_lane_state
from ingest.readings.pg_lane_state import storable
from ingest.readings.pg_shard import HOLD, WORKER_OF, PgShard, faults
from ingest.readings.port import RuleState

_NEVER: Final = datetime.fromtimestamp(0, UTC)
# Rows of one look; the next comes within a second.
PASSED_MAX: Final = 2_000

_MINE: Final = "SELECT subject, events_through FROM readings.subject WHERE shard = %s"
_NOW: Final = "SELECT clock_timestamp()"
# Since our last look, however long ago that was; a long commit of others began before it. A time
# that is given, and not the server's at each row, is looked up by an index.
_CAME: Final = (
    "SELECT subject, events_through FROM readings.subject WHERE shard = %s"
    " AND moved_at > %s::timestamptz - interval '60 seconds'"
)
_GATEWAYS: Final = "SELECT gateway, shard FROM readings.gateway"
_MOVED: Final = (
    "SELECT gateway, shard FROM readings.gateway"
    " WHERE moved_at > %s::timestamptz - interval '60 seconds'"
)
_HANDED: Final = (
    "SELECT p.seq, p.subject, p.body FROM readings.passed p JOIN readings.subject s"
    " ON s.subject = p.subject WHERE s.shard = %s ORDER BY p.seq LIMIT %s"
)
_CLAIM: Final = (
    "INSERT INTO readings.subject (subject, shard, events_through)"
    " SELECT subject, %s, 0 FROM unnest(%b::text[]) AS wanted(subject)"
    " ON CONFLICT (subject) DO NOTHING RETURNING subject"
)
# In shards that the broker has no more (it was made anew, with fewer), and that nobody works on: a
# worker that has not heard of fewer is connected for its own.
_NOBODYS: Final = (
    "SELECT shard FROM readings.shard WHERE shard >= %s AND NOT EXISTS (SELECT 1"
    " FROM pg_stat_activity a WHERE a.datname = current_database()"
    " AND a.application_name = %s || shard) FOR UPDATE"
)
_END: Final = "UPDATE readings.shard SET fence = fence + 1 WHERE shard = ANY(%b)"
_TAKE_OVER: Final = (
    "UPDATE readings.subject SET shard = %s, events_through = 0, moved_at = clock_timestamp()"
    " WHERE shard = ANY(%b) AND subject = ANY(%b) RETURNING subject"
)
# Of a hub that was alone, or from a copy: nobody judges by them any more.
_STRAY: Final = (
    "SELECT DISTINCT r.home, r.shard, coalesce(m.contiguous, 0) FROM readings.rule_state r"
    " LEFT JOIN readings.mark m ON m.shard = r.shard AND m.spool = %s"
    " WHERE r.shard IN (SELECT shard FROM readings.shard) AND r.home = ANY(%b)"
)
_FORGOTTEN: Final = (
    "DELETE FROM readings.rule_state r USING unnest(%b::text[], %b::integer[])"
    " AS old(home, shard) WHERE r.shard = old.shard AND r.home = old.home"
)
_GATHER: Final = (
    "UPDATE readings.rule_state r SET shard = %s FROM unnest(%b::text[], %b::integer[])"
    " AS stray(home, shard) WHERE r.shard = stray.shard AND r.home = stray.home"
)
_SEEN: Final = (
    "UPDATE readings.subject s SET events_through = seen.through"
    " FROM unnest(%b::text[], %b::bigint[]) AS seen(subject, through)"
    " WHERE s.subject = seen.subject"
)
_STATES: Final = (
    "SELECT home, rule, state FROM readings.rule_state WHERE shard = %s AND home = ANY(%b)"
)
_SPOOL: Final = (
    "SELECT spool, gateway, contiguous, beyond, gap_since_ms FROM readings.mark"
    " WHERE shard IN (SELECT shard FROM readings.shard WHERE shard <> %s) AND spool = %s"
    " ORDER BY contiguous DESC LIMIT 1"
)
# A gateway that two shards hear in turn (messages of an old shard, while the new one has begun) is
# not handed back and forth.
_HEARD: Final = (
    "INSERT INTO readings.gateway AS g (gateway, shard)"
    " SELECT gateway, %s FROM unnest(%b::text[]) AS heard(gateway)"
    " ON CONFLICT (gateway) DO UPDATE SET shard = excluded.shard, moved_at = excluded.moved_at"
    " WHERE g.shard <> excluded.shard"
    " AND g.moved_at < clock_timestamp() - interval '60 seconds'"
)
_HAND_ON: Final = (
    "INSERT INTO readings.passed (subject, body)"
    " SELECT subject, body FROM unnest(%b::text[], %b::bytea[]) AS heard(subject, body)"
)
_DONE: Final = "DELETE FROM readings.passed WHERE seq = ANY(%b)"
# Of whom nobody judges: of a gateway that was never listed.
_FORGET: Final = (
    "DELETE FROM readings.passed p WHERE p.passed_at < clock_timestamp() - interval '1 hour'"
    " AND NOT EXISTS (SELECT 1 FROM readings.subject s WHERE s.subject = p.subject)"
)
_GIVE: Final = (
    # Of a time when the other one had it: what is written now is newer.
    "DELETE FROM readings.rule_state r USING unnest(%b::text[], %b::integer[]) AS g(home, shard)"
    " WHERE r.home = g.home AND r.shard = g.shard AND r.shard <> %s",
    "UPDATE readings.rule_state r SET shard = g.shard"
    " FROM unnest(%b::text[], %b::integer[]) AS g(home, shard)"
    " WHERE r.shard = %s AND r.home = g.home",
    "UPDATE readings.subject s SET shard = g.shard, events_through = %s,"
    " moved_at = clock_timestamp() FROM unnest(%b::text[], %b::integer[]) AS g(home, shard)"
    " WHERE s.shard = %s AND s.subject = g.home",
)
# A hub that is alone judges everything.
_SHARED: Final = (
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM readings.subject)"
    " OR EXISTS (SELECT 1 FROM readings.rule_state WHERE shard <> %s)"
)
_ALONE: Final = (
    "UPDATE readings.shard SET fence = fence + 1 WHERE shard <> %s",
    # The newest of each spool, and of the book's activations.
    "INSERT INTO readings.mark AS m (shard, spool, gateway, contiguous, beyond, gap_since_ms)"
    " SELECT DISTINCT ON (spool) %s, spool, gateway, contiguous, beyond, gap_since_ms"
    " FROM readings.mark ORDER BY spool, contiguous DESC ON CONFLICT (shard, spool) DO UPDATE"
    " SET contiguous = excluded.contiguous, beyond = excluded.beyond,"
    " gap_since_ms = excluded.gap_since_ms WHERE m.contiguous < excluded.contiguous",
    "UPDATE readings.rule_state r SET shard = %s WHERE r.shard <> %s AND NOT EXISTS"
    " (SELECT 1 FROM readings.rule_state o WHERE o.shard = %s AND o.home = r.home"
    " AND o.rule = r.rule)",
    # Of a time when the other one judged.
    "DELETE FROM readings.rule_state WHERE shard <> %s",
    "TRUNCATE readings.subject, readings.passed, readings.gateway",
)


class Passed(NamedTuple):
    seq: int
    subject: str
    body: bytes


class News(NamedTuple):
    """`came`: subjects that are ours, with the newest activation that their last shard has seen; 0:
    this one has seen as much."""

    came: Mapping[str, int]
    gateways: Mapping[str, int]
    passed: Sequence[Passed]


class PgSubjects:
    """One thread's, on the connection of its shard."""

    def __init__(self, shard: PgShard) -> None:
        self._shard = shard
        # The server's clock at our last look.
        self._looked_at = _NEVER
        self.begin()

    # At once.

    def load(self) -> News:
        """All that is ours, and where every gateway was heard."""
        with faults(self._shard):
            raw = self._shard.connected()
            self._looked_at = _moment(raw.execute(_NOW))
            return News(
                dict(raw.execute(_MINE, (self._shard.shard,)).fetchall()),
                dict(raw.execute(_GATEWAYS).fetchall()),
                (),
            )

    def look(self) -> News:
        """What others have committed since the last look; one way to the server and back. Who has
        lost the shard hears of it here, though it has nothing to commit."""
        shard = self._shard
        with faults(shard):
            raw = shard.connected()
            with raw.pipeline():
                raw.execute(HOLD, shard.held)
                now = raw.execute(_NOW)
                came = raw.execute(_CAME, (shard.shard, self._looked_at))
                moved = raw.execute(_MOVED, (self._looked_at,))
                passed = raw.cursor(binary=True).execute(_HANDED, (shard.shard, PASSED_MAX))
            news = News(
                dict(came.fetchall()),
                dict(moved.fetchall()),
                [Passed(seq, subject, bytes(body)) for seq, subject, body in passed],
            )
            self._looked_at = _moment(now)
            return news

    def claim(
        self, subjects: Sequence[str], book_spool: str, shards: int | None = None
    ) -> dict[str, int]:
        """Those of them that nobody had are ours from now on, with what rules thought of them.
        `shards`: how many there are now; None: as many as there ever were."""
        shard, names = self._shard.shard, [storable(subject) for subject in subjects]
        with self._shard.transaction() as raw:
            ours = [row[0] for row in raw.execute(_CLAIM, (shard, names))]
            if shards is not None and len(ours) < len(names):
                ours += self._left_behind(raw, names, shards)
            found = dict.fromkeys(ours, 0)
            rows = raw.execute(_STRAY, (book_spool, ours)).fetchall() if ours else []
            newest: dict[str, tuple[int, int]] = {}
            old: list[tuple[str, int]] = []
            for home, its, seen in sorted(rows, key=lambda row: (row[2], row[1] == shard)):
                if home in newest:
                    old.append((home, newest[home][0]))
                newest[home] = its, seen
            if old:
                raw.execute(_FORGOTTEN, [list(column) for column in zip(*old, strict=True)])
            moved = [(home, its, seen) for home, (its, seen) in newest.items() if its != shard]
            if moved:
                homes, lay_in, through = (list(column) for column in zip(*moved, strict=True))
                raw.execute(_GATHER, (shard, homes, lay_in))
                raw.execute(_SEEN, (homes, through))
                found |= dict(zip(homes, through, strict=True))
        return found

    def _left_behind(
        self, raw: "psycopg.Connection[Any]", names: Sequence[str], shards: int
    ) -> list[str]:
        gone = [row[0] for row in raw.execute(_NOBODYS, (shards, WORKER_OF))]
        if not gone:
            return []
        raw.execute(_END, (gone,))
        return [row[0] for row in raw.execute(_TAKE_OVER, (self._shard.shard, gone, [*names]))]

    def states_of(self, subjects: Iterable[str]) -> list[RuleState]:
        with faults(self._shard):
            raw = self._shard.connected()
            rows = raw.execute(_STATES, (self._shard.shard, [*subjects]), binary=True)
            return [(home, rule, bytes(state)) for home, rule, state in rows]

    def mark_of(self, spool: str) -> SpoolMark | None:
        """What another shard has of this spool."""
        with faults(self._shard):
            raw = self._shard.connected()
            rows = raw.execute(_SPOOL, (self._shard.shard, storable(spool))).fetchall()
        return next(iter(pg_lane_state.marks_of(rows)), None)

    def forget(self) -> None:
        with self._shard.transaction() as raw:
            raw.execute(_FORGET)

    def become_alone(self) -> None:
        """Marks and states of all shards are this one's, which judges everybody."""
        shard = self._shard.shard
        with self._shard.transaction() as raw:
            if raw.execute(_SHARED, (shard,)).fetchone() is not None:
                raw.execute(_ALONE[0], (shard,))
                raw.execute(_ALONE[1], (shard,))
                raw.execute(_ALONE[2], (shard, shard, shard))
                raw.execute(_ALONE[3], (shard,))
                raw.execute(_ALONE[4])

    # With the batch.

    def begin(self) -> None:
        self._heard: set[str] = set()
        self._passing: list[tuple[str, bytes]] = []
        self._done: list[int] = []
        self._given: dict[str, int] = {}
        self._through = 0
        self._settled: list[str] = []

    def heard(self, gateway: str) -> None:
        """In this shard, for the first time or again after another one."""
        self._heard.add(storable(gateway))

    def pass_on(self, subject: str, body: bytes) -> None:
        self._passing.append((storable(subject), body))

    def done(self, seq: int) -> None:
        """What was passed to us is judged with this batch."""
        self._done.append(seq)

    def give(self, shards: Mapping[str, int], through: int) -> None:
        """These go to other shards with this batch; `through`: the newest activation seen here."""
        self._given, self._through = dict(shards), through

    def settle(self, subjects: Iterable[str]) -> None:
        """These have seen with this batch whatever this shard has seen."""
        self._settled += subjects

    @property
    def changed(self) -> bool:
        return any((self._heard, self._passing, self._done, self._settled, self._given))

    def write(self, raw: "psycopg.Connection[Any]") -> None:
        """Inside the batch's transaction, behind its states."""
        shard = self._shard.shard
        if self._heard:
            raw.execute(_HEARD, (shard, sorted(self._heard)))
        if self._passing:
            subjects, bodies = (list(column) for column in zip(*self._passing, strict=True))
            raw.execute(_HAND_ON, (subjects, bodies))
        if self._done:
            raw.execute(_DONE, (self._done,))
        if self._settled:
            raw.execute(_SEEN, (self._settled, [0] * len(self._settled)))
        if self._given:
            homes, shards = list(self._given), list(self._given.values())
            raw.execute(_GIVE[0], (homes, shards, shard))
            raw.execute(_GIVE[1], (homes, shards, shard))
            raw.execute(_GIVE[2], (self._through, homes, shards, shard))


def _moment(rows: "psycopg.Cursor[Any]") -> datetime:
    row = rows.fetchone()
    if row is None:
        raise LookupError("the server does not say what time it is")
    return row[0]  # type: ignore[no-any-return]  # of clock_timestamp()
