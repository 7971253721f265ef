"""Rule states and spool marks of one shard as rows on the PostgreSQL server of the readings.

Texts there can't hold NUL, which a hostile message may well contain.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import psycopg

from ingest.marks import SpoolMark
from ingest.readings.port import RuleState

_PUT_STATES: Final = (
    "INSERT INTO readings.rule_state (shard, home, rule, state)"
    " SELECT %s, home, rule, state FROM unnest(%b::text[], %b::text[], %b::bytea[])"
    " AS given(home, rule, state)"
    " ON CONFLICT (shard, home, rule) DO UPDATE SET state = excluded.state"
)
_DROP_STATES: Final = (
    "DELETE FROM readings.rule_state s USING unnest(%b::text[], %b::text[]) AS gone(home, rule)"
    " WHERE s.shard = %s AND s.home = gone.home AND s.rule = gone.rule"
)
_PUT_MARKS: Final = (
    "INSERT INTO readings.mark (shard, spool, gateway, contiguous, beyond, gap_since_ms)"
    " SELECT %s, spool, gateway, contiguous, beyond, gap_since_ms"
    " FROM unnest(%b::text[], %b::text[], %b::bigint[], %b::text[], %b::bigint[])"
    " AS given(spool, gateway, contiguous, beyond, gap_since_ms)"
    " ON CONFLICT (shard, spool) DO UPDATE SET gateway = excluded.gateway,"
    " contiguous = excluded.contiguous, beyond = excluded.beyond,"
    " gap_since_ms = excluded.gap_since_ms"
)
_LOAD_STATES: Final = "SELECT home, rule, state FROM readings.rule_state WHERE shard = %s"
# Rows of one fetch, a kilobyte each.
_FETCHED: Final = 5_000
_LOAD_MARKS: Final = (
    "SELECT spool, gateway, contiguous, beyond, gap_since_ms FROM readings.mark WHERE shard = %s"
)


def write(
    raw: "psycopg.Connection[Any]",
    shard: int,
    states: Sequence[RuleState],
    marks: Sequence[SpoolMark],
) -> None:
    """Inside the caller's transaction; an empty state removes its row, the later of two counts."""
    newest = {(home, rule): state for home, rule, state in states}
    kept = [(storable(home), storable(rule), state) for (home, rule), state in newest.items()]
    if gone := [(home, rule) for home, rule, state in kept if not state]:
        homes, rules = (list(column) for column in zip(*gone, strict=True))
        raw.execute(_DROP_STATES, (homes, rules, shard))
    if kept := [row for row in kept if row[2]]:
        columns = [list(column) for column in zip(*kept, strict=True)]
        raw.execute(_PUT_STATES, (shard, *columns))
    if marks:
        by_spool = {storable(mark.spool): mark for mark in marks}
        its = by_spool.values()
        raw.execute(
            _PUT_MARKS,
            (
                shard,
                list(by_spool),
                [storable(m.gateway) for m in its],
                [m.contiguous for m in its],
                [json.dumps(m.beyond) for m in its],
                [m.gap_since_ms for m in its],
            ),
        )


def load_states(raw: "psycopg.Connection[Any]", shard: int) -> Iterator[RuleState]:
    """Some at a time: a province has a million of them, and they are kept where they go. (By COPY
    the driver waits for each row by itself.)"""
    with raw.transaction(), raw.cursor("states") as cursor:
        cursor.execute(_LOAD_STATES, (shard,), binary=True)
        while rows := cursor.fetchmany(_FETCHED):
            yield from rows


def load_marks(raw: "psycopg.Connection[Any]", shard: int) -> list[SpoolMark]:
    return marks_of(raw.execute(_LOAD_MARKS, (shard,)))


def marks_of(rows: Iterable[Any]) -> list[SpoolMark]:
    return [
        SpoolMark(
            spool=spool,
            gateway=gateway,
            contiguous=contiguous,
            beyond=json.loads(beyond),
            gap_since_ms=gap_since_ms,
        )
        for spool, gateway, contiguous, beyond, gap_since_ms in rows
    ]


def storable(text: str) -> str:
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}") if "\x00" in text else text
