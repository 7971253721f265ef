"""A seeded walk over one gateway's spool and a hub's copies: presses, acknowledgements that are
lost, doubled and overtaken, copies that are noted late or lost, hubs restored from them, and a card
that is put back to an older day. Spool lane, urgent lane, marks and records are the product's own.

At each step everything that the gateway has accepted must be in its file, or in every copy that the
hub may have to be restored from: the newest two, less one that was lost.
"""

import random
import shutil
import sqlite3
import uuid
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from contract.codec import decode_ack, encode_ack, encode_envelope
from contract.envelope import Envelope, Status
from contract.item import Measurement
from gateway.spool.lane import Lane, LaneSettings
from ledger import checked_copies
from ledger.chain_check import newest_links
from ledger.checked_copies import KEPT, CheckedCopy, Held, held_in, is_of_this_book, records
from ledger.place import SqliteBook
from tests.adapters.hub_bench import NOW_MS, Bench

GATEWAY = "gw-1"
FLIGHT_MAX = 30
# An operation, and how often it is drawn.
OPERATIONS = {
    "press": 30,
    "send": 25,
    "receive": 30,
    "drop": 4,
    "heartbeat": 8,
    "copy": 5,
    "note": 7,
    "lose_a_copy": 2,
    "lose_the_hub": 1.5,
    "restart_the_gateway": 3,
    "put_the_card_back": 0.7,
}


class LostError(AssertionError):
    """Something would not come back."""


@dataclass(eq=False, slots=True, kw_only=True)
class Copy:
    """`file`: the book as it was; `seq`: of its record, once it is noted."""

    file: Path
    head: str
    ids: frozenset[str]
    held: Held
    made_at_ms: int


class Walk:
    def __init__(self, seed: int, folder: Path) -> None:
        self.rng = random.Random(f"{seed}/copies")
        self.folder = folder
        self.now_ms = NOW_MS
        self.book = SqliteBook(path=folder / "hub" / "hub.db")
        self.bench = Bench(folder, self.book)
        self.image: Path | None = None
        self.path = folder / "a.db"
        self.lane = self._open()
        self.number = 0
        # What has to come back, whatever happens: id -> number in its spool.
        self.accepted: dict[str, int] = {}
        self.flying: list[bytes] = []
        self.made: list[Copy] = []
        self.noted: list[Copy] = []
        # Any of these may be what the hub is restored from.
        self.basis: list[Copy] = []
        self.done: list[str] = []
        self.restored = self.copies = 0

    def _open(self) -> Lane:
        draw = lambda: uuid.UUID(int=self.rng.getrandbits(128), version=4)  # noqa: E731 - one word
        return Lane(self.path, LaneSettings(keep_acked=True), draw, self.now_ms)

    def go(self, steps: int) -> None:
        names, weights = list(OPERATIONS), list(OPERATIONS.values())
        for _step in range(steps):
            self.now_ms += self.rng.randrange(1, 5_000)
            (name,) = self.rng.choices(names, weights)
            self.done.append(name)
            getattr(self, f"_{name}")()
            self.look()
        self.settle()

    def close(self) -> None:
        self.lane.close()
        self.bench.hub.close()

    # What must hold.

    def look(self) -> None:
        held = {row[0] for row in self._rows("SELECT id FROM item")}
        for copy in self.basis:
            lost = self.accepted.keys() - held - copy.ids
            if lost:
                raise LostError(
                    f"{len(lost)} of {len(self.accepted)} are in neither the spool nor"
                    f" {copy.file.name} after {self.done[-8:]}"
                )

    def settle(self) -> None:
        """Everything heals: then the book has all of it, once."""
        self.flying.clear()
        for _round in range(4):
            self._ask_again()
            while self.lane.waiting(0, 1, self.now_ms):
                self._send()
                while self.flying:
                    self._receive()
        with self.bench.hub.reader.connect() as connection:
            events = connection.exec_driver_sql("SELECT id FROM event").scalars().all()
        if len(events) != len(set(events)) or self.accepted.keys() - set(events):
            raise LostError(f"{len(self.accepted.keys() - set(events))} never came back")

    def _rows(self, sql: str) -> list[tuple]:
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(sql).fetchall()

    # The gateway.

    def _press(self) -> None:
        self.number += 1
        press = Measurement(
            device=f"button-{self.rng.randint(1, 3)}",
            kind="sos",
            measured_at_ms=self.now_ms,
            received_at_ms=self.now_ms,
            attrs={"action": "press", "press": self.number},
        )
        (item,) = self.lane.append([press])
        self.accepted[item.id] = item.seq

    def _send(self) -> None:
        waiting = self.lane.waiting(0, 20, self.now_ms)
        if not waiting or len(self.flying) > FLIGHT_MAX:
            return
        some = self.rng.sample(waiting, self.rng.randint(1, len(waiting)))
        envelope = Envelope(
            gateway=GATEWAY,
            spool=str(self.lane.spool),
            sent_at_ms=self.now_ms,
            clock="synced",
            items=tuple(some),
        )
        self.bench.clock.at_ms = self.now_ms
        for _gateway, ack in self.bench.deliver(encode_envelope(envelope)).acks:
            self.flying.append(encode_ack(ack))

    def _receive(self) -> None:
        if not self.flying:
            return
        # Overtaking, and now and then once more later.
        at = self.rng.randrange(min(3, len(self.flying)))
        ack = decode_ack(self.flying[at] if self.rng.random() < 0.1 else self.flying.pop(at))
        if ack.spool == str(self.lane.spool):
            there = dict(self._rows("SELECT id, seq FROM item"))
            seqs = [there[one] for one in ack.ids if one in there]
            self.lane.ack(seqs, ack.backup_through, self.now_ms)

    def _drop(self) -> None:
        if self.flying:
            self.flying.pop(0)

    def _restart_the_gateway(self) -> None:
        self.lane.close()
        if self.rng.random() < 0.5:
            self.image = self.folder / "image.db"
            shutil.copyfile(self.path, self.image)
        self.lane = self._open()

    def _put_the_card_back(self) -> None:
        """What was on the card alone is gone with it, and is no fault of a copy."""
        if self.image is None:
            return
        self.lane.close()
        for name in ("a.db-wal", "a.db-shm"):
            self.path.with_name(name).unlink(missing_ok=True)
        shutil.copyfile(self.image, self.path)
        self.lane = self._open()
        # Messages to the old card die with their connection.
        self.flying.clear()
        left = {row[0] for row in self._rows("SELECT id FROM item")}
        self.accepted = {one: seq for one, seq in self.accepted.items() if one in left}

    # The hub.

    def _heartbeat(self) -> None:
        self._ask_again()
        side = self.bench.hub.side
        self.bench.change(side.flush)
        status = Status(
            gateway=GATEWAY,
            online=True,
            spool=str(self.lane.spool),
            last_seq=self.lane.last_seq,
            oldest_unacked_s=None,
            spool_free_bytes=None,
            mains=None,
            battery_pct=None,
            clock="synced",
            version="",
            devices=(),
        )
        told = self.bench.change(lambda unit: side.backups.untold(unit, [status]))
        self.flying += [encode_ack(ack) for _gateway, ack in told]

    def _ask_again(self) -> None:
        """As the hub does by `reload`, when a heartbeat says that it lacks something."""
        mark = self.bench.hub.side.marks.find(str(self.lane.spool))
        contiguous = 0 if mark is None else mark.contiguous
        if self.lane.last_seq > contiguous:
            self.lane.rewind(contiguous)

    def _copy(self) -> None:
        self.copies += 1
        file = self.folder / f"copy-{self.copies}.db"
        with closing(sqlite3.connect(self.book.path)) as book, closing(sqlite3.connect(file)) as to:
            book.backup(to)
        with SqliteBook(path=file).open_copier().connect() as connection:
            ids = connection.exec_driver_sql("SELECT id FROM event").scalars().all()
            copy = Copy(
                file=file,
                head=newest_links(connection)["entry"],
                ids=frozenset(ids),
                held=held_in(connection),
                made_at_ms=self.now_ms,
            )
        self.made.append(copy)

    def _note(self) -> None:
        """The newest of what was copied; its trial takes its time."""
        waiting = [copy for copy in self.made if copy not in self.noted]
        if not waiting:
            return
        self.write_down(waiting[-1])

    def write_down(self, copy: Copy) -> None:
        with self.bench.hub.reader.connect() as book:
            if not is_of_this_book(book, copy.head):
                self.made.remove(copy)
                return
            gone = [one.seq for one in records(book) if not Path(one.place).exists()]
        checked = CheckedCopy(
            made_at_ms=copy.made_at_ms,
            head=copy.head,
            place=str(copy.file),
            size=0,
            held=copy.held,
        )
        self.bench.change(lambda unit: checked_copies.note(unit, checked, gone, None))
        self.noted.append(copy)
        with self.bench.hub.reader.connect() as book:
            there = [one.place for one in records(book) if Path(one.place).exists()]
        self.basis = [one for one in self.noted if str(one.file) in there[:KEPT]]

    def _lose_a_copy(self) -> None:
        """Never the last of what could be restored, and one between two notes."""
        if len(self.basis) == KEPT:
            self.basis.pop(self.rng.randrange(KEPT)).file.unlink()

    def _lose_the_hub(self) -> None:
        if not self.basis:
            return
        copy = self.rng.choice(self.basis)
        self.bench.hub.close()
        for name in ("hub.db-wal", "hub.db-shm"):
            self.book.path.with_name(name).unlink(missing_ok=True)
        shutil.copyfile(copy.file, self.book.path)
        self.bench.open()
        self.restored += 1
        self.noted.remove(copy)
        # `hearthwatch restore` notes the copy in the book that it has made of it.
        self.write_down(copy)
        self.basis = [copy]
