"""What there is to say of the readings on a PostgreSQL server, for who looks after it."""

from dataclasses import dataclass
from typing import Final

import psycopg

from ingest.readings.pg_fold import WAITING_MAX
from ingest.readings.pg_schema import has_schema
from ingest.readings.pg_settings import PgSettings
from ingest.readings.port import StoreError

_MAY: Final = (
    "SELECT CASE WHEN to_regnamespace('readings') IS NULL"
    " THEN has_database_privilege(current_database(), 'CREATE')"
    " ELSE has_schema_privilege('readings', 'CREATE') END"
)
_COUNTS: Final = (
    "SELECT (SELECT count(*) FROM readings.shard),"
    " (SELECT coalesce(sum(n), 0) FROM readings.batch),"
    " (SELECT count(*) FROM readings.damaged)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PgLook:
    """`made`: whether the tables are there."""

    version: str
    may_write: bool
    made: bool
    shards: int = 0
    waiting: int = 0
    damaged: int = 0
    # More of one shard wait only while folding fails.
    waiting_max: int = 2 * WAITING_MAX


def look(settings: PgSettings) -> PgLook:
    try:
        with psycopg.connect(settings.conninfo, autocommit=True) as raw:
            version, may = (raw.execute(q).fetchone() for q in (b"SHOW server_version", _MAY))
            made = has_schema(raw)
            counts = raw.execute(_COUNTS).fetchone() if made else None
    except psycopg.Error as error:
        # The first line says why; the rest may hold the address.
        text = str(error).strip().split("\n")[0]
        raise StoreError(f"PostgreSQL: {text}", retryable=True) from error
    shards, waiting, damaged = (int(count) for count in counts or (0, 0, 0))
    return PgLook(
        version=str(version and version[0]),
        may_write=bool(may and may[0]),
        made=made,
        shards=shards,
        waiting=waiting,
        damaged=damaged,
    )
