"""Waiting on descriptors above 1023, which a hub with a thousand browsers has."""

import fcntl
import os
import resource
import socket
from collections.abc import Iterator

import pytest

from ingest.readable import readable
from ledger.pg_ear import PgEar

HIGH = 1500
# The ear doesn't find a server here; it hears its own threads all the same.
NOWHERE = "host=/nowhere port=1"


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * HIGH), hard))
    one, two = socket.socketpair()
    high = socket.socket(fileno=fcntl.fcntl(one.fileno(), fcntl.F_DUPFD_CLOEXEC, HIGH))
    yield high, two
    for each in (one, two, high):
        each.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_descriptor_above_a_thousand_is_heard(pair: tuple[socket.socket, socket.socket]) -> None:
    high, other = pair
    assert readable([high], 0) == set()
    other.send(b"x")
    assert readable([high, other.fileno()], 60) == {high.fileno()}
    high.recv(1)
    other.close()
    assert readable([high], 60) == {high.fileno()}
    high.close()
    with pytest.raises(ValueError, match="negative"):
        readable([high], 0)


def test_an_ear_with_such_descriptors_hears(pair: tuple[socket.socket, socket.socket]) -> None:
    ear = PgEar(NOWHERE)
    low, ear._woken = ear._woken, fcntl.fcntl(ear._woken, fcntl.F_DUPFD_CLOEXEC, HIGH + 1)
    os.close(low)
    ear.wake()
    with pytest.raises(OSError, match="nowhere"):
        ear.wait(60)
    ear.close()
