"""A server of readings that is killed, and one whose disk is full: nothing that was acknowledged is
missing, nothing is there twice."""

import os
import tempfile
import threading
from pathlib import Path

from ingest.marks import SpoolMark
from ingest.readings.pg_reader import PgReader
from ingest.readings.pg_settings import PgSettings
from ingest.readings.pg_store import PgStore
from ingest.readings.port import HOUR_MS, StoreError
from tests.adapters.postgres import Postgres
from tests.adapters.tiny_disk import fill, tiny_disk
from tests.chaos.books import PostgresServer

KEY = ("gw-1", "meter-1", "power")
MIDNIGHT_MS = 1_795_363_200_000
KILLS = 3
# Readings a batch: every batch has a moment of its own for each.
EACH = 50


class Gateway:
    """Sends what is not acknowledged again, as a spool does; the lane's rule is the hub's: after a
    failure marks are read back before anything is taken."""

    def __init__(self, store: PgStore) -> None:
        self._store = store
        self._known: int | None = None
        self.acknowledged = 0

    def send(self) -> bool:
        """The next envelope; False: it was not acknowledged."""
        try:
            if self._known is None:
                marks = list(self._store.load_marks())
                self._known = marks[0].contiguous if marks else 0
            self._store.begin_batch()
            seq = self.acknowledged + 1
            if seq > self._known:
                for n in range(EACH):
                    at_ms = MIDNIGHT_MS + seq * 60_000 + n
                    self._store.add(KEY, at_ms, {"power_w": float(seq)})
            self._store.write_marks([SpoolMark(spool="s", gateway="gw-1", contiguous=seq)])
            self._store.commit()
        except StoreError as error:
            return self._failed(error)
        self._known = self.acknowledged = self.acknowledged + 1
        try:
            self._store.maintain(MIDNIGHT_MS + self.acknowledged * 60_000)
        except StoreError as error:
            # What was committed before it stays committed, and its gateway was told so.
            self._failed(error)
        return True

    def _failed(self, error: StoreError) -> bool:
        if not error.retryable:
            raise error
        self._known = None
        return False


def points(reader: PgReader) -> list[object]:
    [series] = reader.series(*KEY, None, 0, MIDNIGHT_MS + 10_000 * HOUR_MS, "raw")
    return list(series.points)


def expected(acknowledged: int) -> list[object]:
    return [
        (MIDNIGHT_MS + seq * 60_000 + n, float(seq))
        for seq in range(1, acknowledged + 1)
        for n in range(EACH)
    ]


def test_a_server_killed_again_and_again_keeps_what_was_acknowledged() -> None:
    with tempfile.TemporaryDirectory(prefix="hw-kill-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        inner = folder / "pg"
        inner.mkdir()
        server = PostgresServer(inner)
        server.program.start(0.0)
        try:
            while not server.make():
                continue
            _killed_while_it_sends(server)
        finally:
            server.program.end()
            assert server.program.process is not None
            server.program.process.wait(30)


def _killed_while_it_sends(server: PostgresServer) -> None:
    settings = PgSettings(conninfo=server.toml.split('"')[1])
    store, reader = PgStore(settings), PgReader(settings)
    gateway, ends = Gateway(store), threading.Event()
    refusals = 0

    def send() -> None:
        nonlocal refusals
        while not ends.is_set():
            refusals += not gateway.send()

    sending = threading.Thread(target=send)
    sending.start()
    try:
        for number in range(1, KILLS + 1):
            wanted = gateway.acknowledged + 25
            while gateway.acknowledged < wanted:
                assert sending.is_alive()
            server.program.kill(0.0)
            server.program.start(float(number))
        wanted = gateway.acknowledged + 2
        while gateway.acknowledged < wanted:
            assert sending.is_alive()
    finally:
        ends.set()
        sending.join()
    while not gateway.send():
        continue
    assert refusals >= KILLS
    assert points(reader) == expected(gateway.acknowledged)
    assert [mark.contiguous for mark in store.load_marks()] == [gateway.acknowledged]
    reader.close()
    store.close()


def test_a_full_disk_keeps_nothing_of_the_batch_and_passes(postgres: Postgres) -> None:
    with tempfile.TemporaryDirectory(prefix="hw-full-") as name:
        outer = Path(name)
        outer.chmod(0o755)
        with tiny_disk(outer / "disk", 40 << 20) as disk:
            [(data,)] = postgres.sql("SHOW data_directory")
            owner = Path(str(data)).stat()
            place = disk / "readings"
            place.mkdir(mode=0o700)
            os.chown(place, owner.st_uid, owner.st_gid)
            postgres.sql(f"CREATE TABLESPACE tiny LOCATION '{place}'")
            postgres.sql("CREATE DATABASE on_tiny TABLESPACE tiny")
            try:
                _until_full_and_on(postgres.book("on_tiny").conninfo(), disk)
            finally:
                postgres.sql("DROP DATABASE on_tiny WITH (FORCE)")
                postgres.sql("DROP TABLESPACE tiny")


def _until_full_and_on(conninfo: str, disk: Path) -> None:
    store, reader = PgStore(PgSettings(conninfo=conninfo)), PgReader(PgSettings(conninfo=conninfo))
    gateway = Gateway(store)
    for _ in range(20):
        assert gateway.send()
    other = fill(disk, 1 << 20)
    refused = False
    for _ in range(3000):
        if not gateway.send():
            refused = True
            break
    assert refused
    assert not gateway.send()
    before = gateway.acknowledged
    assert points(reader) == expected(before)
    other.unlink()
    assert gateway.send()
    assert points(reader) == expected(before + 1)
    store.close()
    reader.close()
