"""Rule states and spool marks of the readings lane as tables of an SQLite file.

The SQLite store keeps them in the file of its readings, so that one commit holds both. A store on
a server keeps them in a small file of its own, written after the server took the readings.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final

from ingest.marks import SpoolMark
from ingest.readings.port import RuleState

BUSY_TIMEOUT_MS: Final = 10_000

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS rule_state (
  home TEXT NOT NULL, rule TEXT NOT NULL, state BLOB NOT NULL, PRIMARY KEY (home, rule)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mark (
  spool TEXT PRIMARY KEY, gateway TEXT NOT NULL, contiguous INTEGER NOT NULL,
  beyond TEXT NOT NULL, gap_since_ms INTEGER) WITHOUT ROWID;
"""


def make_durable(connection: sqlite3.Connection) -> None:
    """A sync per commit."""
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


def write(
    connection: sqlite3.Connection, states: Sequence[RuleState], marks: Sequence[SpoolMark]
) -> None:
    """Inside the caller's transaction; an empty state removes its row."""
    many = connection.executemany
    if states:
        gone = [(home, rule) for home, rule, state in states if not state]
        kept = [row for row in states if row[2]]
        many("INSERT OR REPLACE INTO rule_state VALUES (?,?,?)", kept)
        many("DELETE FROM rule_state WHERE home = ? AND rule = ?", gone)
    if marks:
        many(
            "INSERT OR REPLACE INTO mark VALUES (?,?,?,?,?)",
            [
                (m.spool, m.gateway, m.contiguous, json.dumps(m.beyond), m.gap_since_ms)
                for m in marks
            ],
        )


def load_states(connection: sqlite3.Connection) -> Iterator[RuleState]:
    """One row at a time: a province has a million of them, and they are kept where they go."""
    yield from connection.execute("SELECT home, rule, state FROM rule_state")


def load_marks(connection: sqlite3.Connection) -> list[SpoolMark]:
    rows = connection.execute("SELECT spool, gateway, contiguous, beyond, gap_since_ms FROM mark")
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
