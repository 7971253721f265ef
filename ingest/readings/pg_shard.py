"""A connection that writes the rows of one shard, as long as nobody else has taken it.

Whoever becomes the worker of a shard takes it: the number of its taking (the fence) grows by one.
Each transaction begins by holding the shard's row, which fails when the number is another by now;
so a worker that slept through a takeover can commit nothing any more, whatever it believes. A
taking waits for a transaction that is under way, and then sees all of it.
"""

import contextlib
from collections.abc import Iterator
from typing import Any, Final

import psycopg

from ingest.readings.pg_schema import SHARD_LOST, SchemaTooNewError, ensure
from ingest.readings.pg_settings import PgSettings
from ingest.readings.port import StoreError

# A statement that waits this long waits for a lock of somebody who hangs.
LOCK_TIMEOUT_MS: Final = 10_000
# A worker that was stopped within a transaction holds its shard so long: a shard changes its worker
# within ten seconds.
IDLE_IN_TRANSACTION_MS: Final = 4_000
# What a connection is called, with the number of its shard.
WORKER_OF: Final = "hearthwatch-readings-"
_OPTIONS: Final = (
    f"-c lock_timeout={LOCK_TIMEOUT_MS} -c synchronous_commit=on -c TimeZone=UTC"
    # Hours that two shards write are held and then read: what is read must be the newest.
    r" -c default_transaction_isolation=read\ committed"
    f" -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS}"
    # Rows are looked up by their keys, a few among millions: never by reading a month whole.
    " -c enable_hashjoin=off -c enable_mergejoin=off"
)
_TAKE: Final = (
    "INSERT INTO readings.shard AS s (shard, fence, folded_h) VALUES (%s, 1, 0)"
    " ON CONFLICT (shard) DO UPDATE SET fence = s.fence + 1 RETURNING fence, folded_h"
)
# The first taking is 1.
_NOT_TAKEN: Final = 0
HOLD: Final = "SELECT readings.hold(%s, %s)"
_STAGE: Final = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS stage_chunk (series integer, hour integer, body bytea)"
    " ON COMMIT DELETE ROWS;"
    "CREATE TEMPORARY TABLE IF NOT EXISTS stage_hour (series integer, hour integer, n integer,"
    " low double precision, high double precision, total double precision)"
    " ON COMMIT DELETE ROWS"
)


class ShardLostError(StoreError):
    """Another worker has taken the shard; nothing that this one does is kept any more."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, retryable=False)


class PgShard:
    """One thread's; connects when it is first used, and again when the connection was lost."""

    def __init__(self, settings: PgSettings, shard: int) -> None:
        self._settings = settings
        self.shard = shard
        self._raw: psycopg.Connection[Any] | None = None
        self._fence = _NOT_TAKEN
        # Hours up to this one may have chunks of the shard already.
        self.folded_h = 0
        # Of the folding that is under way: another has written some of these hours.
        self.looks_up_all = False
        self.lost = False

    def connected(self) -> "psycopg.Connection[Any]":
        """Inside `faults`: the connection, with the shard taken once."""
        raw = self._raw
        if raw is None or raw.closed or raw.broken:
            raw = self._raw = psycopg.connect(
                self._settings.conninfo,
                autocommit=True,
                options=_OPTIONS,
                application_name=f"{WORKER_OF}{self.shard}",
                # Statements are few and always the same.
                prepare_threshold=1,
            )
            if self._fence == _NOT_TAKEN:
                ensure(raw)
                [(fence, folded_h)] = raw.execute(_TAKE, (self.shard,)).fetchall()
                self._fence, self.folded_h = int(fence), int(folded_h)
            raw.execute(_STAGE.encode())
        return raw

    @property
    def fence(self) -> int:
        """The number of this taking."""
        with faults(self):
            self.connected()
        return self._fence

    @property
    def held(self) -> tuple[int, int]:
        """The parameters of HOLD, which refuses whoever is not connected yet."""
        return self.shard, self._fence

    @contextlib.contextmanager
    def transaction(self) -> Iterator["psycopg.Connection[Any]"]:
        """A transaction that holds the shard; StoreError: nothing of it is kept."""
        with faults(self):
            raw = self.connected()
            with raw.transaction():
                raw.execute(HOLD, self.held)
                yield raw

    def drop(self) -> None:
        """After a failure: whatever the server still has of it ends with the connection."""
        if self._raw is not None:
            with contextlib.suppress(psycopg.Error):
                self._raw.close()
            self._raw = None

    close = drop


@contextlib.contextmanager
def faults(shard: PgShard) -> Iterator[None]:
    """The server's troubles as StoreError. A value that the server can't take stays what it is: a
    mistake of ours, for which the lane looks message by message."""
    try:
        yield
    except psycopg.DataError:
        shard.drop()
        raise
    except psycopg.Error as error:
        shard.drop()
        if error.sqlstate == SHARD_LOST:
            shard.lost = True
            raise ShardLostError(f"shard {shard.shard} was taken by another worker") from error
        text = str(error).strip().split("\n")[0]
        raise StoreError(f"{type(error).__name__}: {text}", retryable=True) from error
    except SchemaTooNewError as error:
        raise StoreError(str(error), retryable=False) from error
