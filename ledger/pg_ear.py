"""A connection that hears when another process has committed something (`ledger/pg_shared.py`).

It only wakes: what there is to hear stands in the tables. A server that is away is asked again by
whoever waits here the next time.
"""

import contextlib
import os
import select
from typing import Any, Final

import psycopg

from ledger.pg_shared import CHANNEL

# Bytes by which our own threads wake the one that waits; more say no more.
_WAKES_MAX: Final = 64


class PgEar:
    """One thread waits; any may `wake` it. Connects when it is first waited with."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._raw: psycopg.Connection[Any] | None = None
        self._woken, self._waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    @property
    def connected(self) -> bool:
        return self._raw is not None

    def wait(self, timeout_s: float) -> None:
        """Until something was committed, somebody woke it, or the time is over. OSError: the
        server is away, and the time is over, too."""
        problem = None
        if self._raw is None:
            try:
                self._raw = self._connect()
            except psycopg.Error as error:
                problem = error
        # Not `select.select`: a process with a thousand browsers has descriptors above 1023.
        poll = select.poll()
        for heard in [self._woken] if self._raw is None else [self._woken, self._raw.fileno()]:
            poll.register(heard, select.POLLIN)
        poll.poll(timeout_s * 1000)
        self._drain()
        if problem is not None:
            raise OSError(str(problem).strip()) from problem

    def wake(self) -> None:
        try:
            os.write(self._waker, b"!")
        except BlockingIOError:
            return  # it is full of them

    def close(self) -> None:
        """After the thread that waits has ended."""
        if self._raw is not None:
            self._raw.close()
        os.close(self._woken)
        os.close(self._waker)

    def _connect(self) -> "psycopg.Connection[Any]":
        raw: psycopg.Connection[Any] = psycopg.connect(
            self._conninfo,
            autocommit=True,
            application_name="hearthwatch-ear",
        )
        raw.execute(f"LISTEN {CHANNEL}".encode())
        return raw

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._woken, _WAKES_MAX)
        if self._raw is None:
            return
        try:
            for _notice in self._raw.notifies(timeout=0):
                continue
        except psycopg.Error:
            self._raw.close()
            self._raw = None
