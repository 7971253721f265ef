"""Keys that one process of several on a PostgreSQL book works on: locks of a session of its own.

They end with the session, so that those of a process which was killed are free at once, and cost no
commit. A session that is lost while something is worked on has lost it: what was in hand goes on,
and the second one may begin. The server was away then, for the book as well.
"""

import contextlib
import hashlib
import threading
from typing import Any, Final

import psycopg

from ledger.cursor import BookUnreachableError

_TAKE: Final = "SELECT pg_try_advisory_lock(%s)"
_GIVE: Final = "SELECT pg_advisory_unlock(%s)"
# A server that is slower than this is away, for whoever waits for an answer.
_OPTIONS: Final = "-c statement_timeout=5000"
# A session that the server had ended is found out by its first use.
_TRIES: Final = 2


class PgKeyTurns:
    """Connects when it is first asked, and anew after the session was lost."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._lock = threading.Lock()
        self._raw: psycopg.Connection[Any] | None = None
        self._held: set[str] = set()

    def take(self, key: str) -> bool:
        with self._lock:
            for _ in range(_TRIES):
                try:
                    row = self._connected().execute(_TAKE, (_number(key),)).fetchone()
                except psycopg.Error as error:
                    self._drop()
                    last = error
                    continue
                if row is None or not row[0]:
                    return False
                self._held.add(key)
                return True
            text = str(last).strip().split("\n")[0]
            raise BookUnreachableError(f"{type(last).__name__}: {text}") from last

    def give(self, key: str) -> None:
        with self._lock:
            if key not in self._held or self._raw is None:
                return
            self._held.discard(key)
            try:
                self._raw.execute(_GIVE, (_number(key),))
            except psycopg.Error:
                self._drop()

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _connected(self) -> "psycopg.Connection[Any]":
        if self._raw is None:
            self._raw = psycopg.connect(
                self._conninfo,
                autocommit=True,
                options=_OPTIONS,
                application_name="hearthwatch-keys",
            )
        return self._raw

    def _drop(self) -> None:
        self._held.clear()
        if self._raw is not None:
            with contextlib.suppress(psycopg.Error):
                self._raw.close()
            self._raw = None


def _number(key: str) -> int:
    """Two keys of one number would only wait for each other."""
    digest = hashlib.sha256(f"key:{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
