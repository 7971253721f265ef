"""The lanes' memory on a PostgreSQL server as a file, for a copy of the hub; and back.

Readings themselves stay on the server and are its own copies' work. Marks and states belong to the
book they were committed beside: with an older book they would take for told what it never heard.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import psycopg

from ingest.readings.lane_state import make_durable
from ingest.readings.pg_schema import ensure, has_schema
from ingest.readings.pg_settings import PgSettings
from ingest.readings.pg_shard import LOCK_TIMEOUT_MS
from ingest.readings.port import StoreError

# Rows at a time: some MB.
PORTION: Final = 5_000
_SCHEMA: Final = """
CREATE TABLE rule_state_of (
  shard INTEGER NOT NULL, home TEXT NOT NULL, rule TEXT NOT NULL, state BLOB NOT NULL,
  PRIMARY KEY (shard, home, rule)) WITHOUT ROWID;
CREATE TABLE mark_of (
  shard INTEGER NOT NULL, spool TEXT NOT NULL, gateway TEXT NOT NULL, contiguous INTEGER NOT NULL,
  beyond TEXT NOT NULL, gap_since_ms INTEGER, PRIMARY KEY (shard, spool)) WITHOUT ROWID;
"""
_STATES: Final = (
    "COPY (SELECT shard, home, rule, state FROM readings.rule_state) TO STDOUT (FORMAT binary)"
)
_MARKS: Final = "SELECT shard, spool, gateway, contiguous, beyond, gap_since_ms FROM readings.mark"
_OURS: Final = "SELECT 1 FROM sqlite_master WHERE name = 'mark_of'"
# Who is judged where is found anew, by where their states lie.
_EMPTY: Final = "TRUNCATE readings.rule_state, readings.mark, readings.subject, readings.passed"
# Whoever holds a shard now knows what is no longer so.
_TAKE_ALL: Final = "UPDATE readings.shard SET fence = fence + 1"
# Of a server on which nobody has taken them yet: what lies in them is found by whoever judges its
# home now, in whichever shard that is.
_NAME_ALL: Final = (
    "INSERT INTO readings.shard (shard, fence, folded_h) SELECT shard, 1, 0 FROM"
    " (SELECT shard FROM readings.rule_state UNION SELECT shard FROM readings.mark) AS restored"
    " ON CONFLICT (shard) DO NOTHING"
)


def copy_state(settings: PgSettings, target: Path) -> bool:
    """Marks and states of all shards, as of one moment; False: there are none yet."""
    with _connected(settings) as raw, raw.transaction():
        raw.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        if not has_schema(raw):
            return False
        with closing(sqlite3.connect(target, isolation_level=None)) as file:
            make_durable(file)
            file.executescript(_SCHEMA)
            file.execute("BEGIN")
            with raw.cursor().copy(_STATES.encode()) as copy:
                copy.set_types(("int4", "text", "text", "bytea"))
                file.executemany("INSERT INTO rule_state_of VALUES (?,?,?,?)", copy.rows())
            marks = raw.execute(_MARKS).fetchall()
            file.executemany("INSERT INTO mark_of VALUES (?,?,?,?,?,?)", marks)
            file.execute("COMMIT")
            # One file, without a log beside it.
            file.execute("PRAGMA journal_mode=DELETE")
    return True


def restore_state(settings: PgSettings, source: Path) -> None:
    """In the place of what the server has; workers that run lose their shards. Of a hub that had
    its readings elsewhere it becomes that of shard 0."""
    with closing(sqlite3.connect(source)) as file, _connected(settings) as raw:
        ours = bool(file.execute(_OURS).fetchone())
        states, marks = (
            ("SELECT * FROM rule_state_of", "SELECT * FROM mark_of")
            if ours
            else ("SELECT 0, * FROM rule_state", "SELECT 0, * FROM mark")
        )
        ensure(raw)
        with raw.transaction():
            raw.execute(_TAKE_ALL)
            raw.execute(_EMPTY)
            put = raw.cursor()
            rows = file.execute(states)
            while some := rows.fetchmany(PORTION):
                columns = [list(column) for column in zip(*some, strict=True)]
                put.execute(
                    "INSERT INTO readings.rule_state SELECT * FROM"
                    " unnest(%b::integer[], %b::text[], %b::text[], %b::bytea[])",
                    columns,
                )
            put.executemany(
                "INSERT INTO readings.mark (shard, spool, gateway, contiguous, beyond,"
                " gap_since_ms) VALUES (%s, %s, %s, %s, %s, %s)",
                file.execute(marks).fetchall(),
            )
            raw.execute(_NAME_ALL)


def forget_state(settings: PgSettings) -> None:
    """For a copy without any: the lanes begin anew, and hear from the book what it has."""
    with _connected(settings) as raw:
        if has_schema(raw):
            with raw.transaction():
                raw.execute(_TAKE_ALL)
                raw.execute(_EMPTY)


@contextlib.contextmanager
def _connected(settings: PgSettings) -> Iterator["psycopg.Connection[Any]"]:
    try:
        with psycopg.connect(
            settings.conninfo,
            autocommit=True,
            options=f"-c lock_timeout={LOCK_TIMEOUT_MS}",
        ) as raw:
            yield raw
    except psycopg.Error as error:
        # The first line says why; the rest may hold the address.
        text = str(error).strip().split("\n")[0]
        raise StoreError(f"the readings' server: {text}", retryable=True) from error
