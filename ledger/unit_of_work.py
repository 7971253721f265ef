"""What one transaction of the writer may do: statements, and entries of the append-only book."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Table

from contract.moment import to_iso
from ledger.chain import AUDIT_FIELDS, ENTRY_FIELDS, GENESIS, link
from ledger.cursor import Cursor
from ledger.database import insert_sql
from ledger.feed import FeedEvent
from ledger.making import BESIDE_MAX
from ledger.schema import AUDIT, ENTRY
from ledger.sealing.ring import Erased
from ledger.sealing.sealer import Sealer
from ledger.sealing.tokens import MARK, SealedText

# The number that a row drew, with the row itself: asking for it costs PostgreSQL a round trip.
DRAWN: Final = "RETURNING seq"
_INSERT_ENTRIES: Final = insert_sql(ENTRY, (*ENTRY_FIELDS, "link"))
_INSERT_ENTRY: Final = f"{_INSERT_ENTRIES} {DRAWN}"
_LAST_ENTRIES: Final = "SELECT seq FROM entry ORDER BY seq DESC LIMIT ?"
_INSERT_AUDIT: Final = insert_sql(AUDIT, (*AUDIT_FIELDS, "link"))
_NEWEST: Final = {
    name: f"SELECT link FROM {name} ORDER BY seq DESC LIMIT 1"  # noqa: S608 - names of the schema
    for name in (ENTRY.name, AUDIT.name)
}

SYSTEM: Final = "system"


class ForgedSeal(ValueError):  # noqa: N818
    """A text that would be taken for a sealed one when it is read."""


def compact(document: object) -> str:
    """JSON text as the tables keep it."""
    return msgspec.json.encode(document).decode()


_Row = tuple[str | int | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A fact for the book. `payload` gives the subject's object as JSON; `owner`: whose key seals
    `data`, and with `written` the reason too, which somebody typed. `remembered`: `payload` asks
    only what is in memory, and may be called while the commit is under way."""

    topic: str
    subject: str
    fact: str
    payload: Callable[[], bytes]
    actor: str = SYSTEM
    reason: str = ""
    region: str | None = None
    data: Mapping[str, object] | None = None
    at_ms: int | None = None
    owner: str | None = None
    written: bool = False
    remembered: bool = False


class UnitOfWork:
    """One transaction. `now_ms` is the hub's time at its beginning.

    Each entry names a function that gives the subject's object after the whole change; it is
    called once, just before the commit, so that listeners see what readers would. Entries whose
    functions are equal share what it gives.
    """

    def __init__(self, cursor: Cursor, now_ms: int) -> None:
        self.cursor = cursor
        self.now_ms = now_ms
        # Everything that is stored about a person goes through it (ADR 0015).
        self.seal = Sealer(cursor, now_ms)
        self._entries: list[tuple[dict[str, Any], Callable[[], bytes]]] = []
        # False as soon as one must be asked before the commit.
        self._remembered = True
        # Newest links by table; read when the first row is appended, and again after a taking back.
        self._heads: dict[str, bytes] = {}

    def execute(self, sql: str, parameters: tuple[Any, ...] = ()) -> Cursor:
        _no_forged_seal(parameters)
        return self.cursor.execute(sql, parameters)

    def update(self, table: Table, key: Mapping[str, str], changes: Mapping[str, object]) -> None:
        """Set columns of the row with this key; ValueError when there is no such column."""
        if not changes:
            return
        for name in (*key, *changes):
            if name not in table.c:
                raise ValueError(f"{table.name} has no column {name}")
        assignments = ", ".join(f'"{name}" = ?' for name in changes)
        condition = " AND ".join(f'"{name}" = ?' for name in key)
        # Only names of columns are put into the text.
        sql = f'UPDATE "{table.name}" SET {assignments} WHERE {condition}'  # noqa: S608
        self.execute(sql, (*changes.values(), *key.values()))

    def numbered(self, sql: str, row: tuple[Any, ...]) -> int:
        """Insert a row by a statement that ends with `DRAWN`; returns its number."""
        self.execute(sql, row)
        return self._number()

    def _number(self) -> int:
        # All of it: SQLite has not ended the statement before.
        return int(self.cursor.fetchall()[0][0])

    def execute_many(self, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
        for row in rows:
            _no_forged_seal(row)
        if rows:
            self.cursor.executemany(sql, rows)

    def entry(self, entry: Entry) -> int:
        """Append it to the book; returns its number."""
        stored, told = self._drawn_up(entry)
        self.cursor.execute(_INSERT_ENTRY, self._linked(ENTRY.name, stored))
        seq = self._number()
        self._told_later(told, seq, entry)
        return seq

    def entries(self, several: Sequence[Entry]) -> None:
        """As `entry` in this order, in two statements."""
        drawn_up = [self._drawn_up(entry) for entry in several]
        rows = [self._linked(ENTRY.name, stored) for stored, _ in drawn_up]
        if not rows:
            return
        self.cursor.executemany(_INSERT_ENTRIES, rows)
        # Nobody else appends meanwhile: the newest are ours.
        newest = self.cursor.execute(_LAST_ENTRIES, (len(rows),)).fetchall()
        for entry, (_, told), (seq,) in zip(several, drawn_up, reversed(newest), strict=True):
            self._told_later(told, seq, entry)

    def _told_later(self, told: dict[str, Any], seq: int, entry: Entry) -> None:
        told["seq"] = seq
        self._entries.append((told, entry.payload))
        self._remembered = self._remembered and entry.remembered

    def _drawn_up(self, entry: Entry) -> tuple[_Row, dict[str, Any]]:
        """The row as it is stored, and its fields as they are told."""
        when = self.now_ms if entry.at_ms is None else entry.at_ms
        text = compact(entry.data or {})
        # A StrEnum's plain text: the driver would store it as what it is.
        head = (when, entry.topic, entry.subject, str(entry.fact), entry.actor)
        reason = str(entry.reason)
        told = dict(zip(ENTRY_FIELDS, (*head, reason, entry.region, text), strict=True))
        if entry.owner is not None:
            said, text = self._told(entry.owner, reason if entry.written else "", text)
            reason = said if entry.written else reason
        return (*head, reason, entry.region, text), {**told, "data": entry.data or {}}

    def _told(self, owner: str, reason: str, text: str) -> tuple[str, str]:
        """Reason and data sealed; of who was erased only that something was done is told."""
        try:
            return self.seal.text(owner, reason), self.seal.json_object(owner, text)
        except Erased:
            return "", "{}"

    def audit(
        self, actor: str, action: str, object_: str, detail: str = "", *, owner: str | None = None
    ) -> None:
        """`owner`: whose key seals the detail, where somebody wrote it."""
        if owner is not None:
            detail = self._told(owner, detail, "")[0]
        row = self._linked(AUDIT.name, (self.now_ms, actor, action, object_, detail))
        self.cursor.execute(_INSERT_AUDIT, row)

    def _linked(self, table: str, row: _Row) -> tuple[str | int | bytes | None, ...]:
        """A row of a chain with its link to the newest one, as which it counts from now on."""
        before = self._heads.get(table)
        if before is None:
            found = self.cursor.execute(_NEWEST[table]).fetchone()
            before = GENESIS if found is None else bytes(found[0] or GENESIS)
        # As PostgreSQL would store it: the link is over what is read back.
        _no_forged_seal(row)
        row = tuple(_without_nul(str(field)) if isinstance(field, str) else field for field in row)
        self._heads[table] = link(before, row)
        return (*row, self._heads[table])

    @contextmanager
    def savepoint(self, name: str) -> Iterator[None]:
        """A part of the change that may fail alone: its statements and entries are taken back, and
        what it raised goes on. Memory beside the tables is the caller's."""
        mark = self.mark()
        self.cursor.execute(f"SAVEPOINT {name}")
        try:
            yield
        except Exception:
            self._back_to(name, mark)
            raise
        finally:
            self.cursor.execute(f"RELEASE {name}")

    @contextmanager
    def trial(self, name: str) -> Iterator[None]:
        """A part of the change that is only tried: it is taken back however it ends."""
        mark = self.mark()
        self.cursor.execute(f"SAVEPOINT {name}")
        try:
            yield
        finally:
            self._back_to(name, mark)
            self.cursor.execute(f"RELEASE {name}")

    def _back_to(self, name: str, mark: int) -> None:
        self.cursor.execute(f"ROLLBACK TO {name}")
        self.rewind(mark)

    def mark(self) -> int:
        return len(self._entries)

    def rewind(self, mark: int) -> None:
        del self._entries[mark:]
        self._heads.clear()
        self.seal.rewound()

    @property
    def tells(self) -> bool:
        """Whether there is anything for the live feed."""
        return bool(self._entries)

    @property
    def told_beside(self) -> bool:
        """Whether `feed_events` may be called while the commit is under way."""
        return self._remembered and len(self._entries) <= BESIDE_MAX

    def feed_events(self, *, bare: bool = False) -> list[FeedEvent]:
        """The entries as the live feed sends them (see docs/http.md, Stream); `bare`: without their
        objects."""
        made: dict[Callable[[], bytes], bytes] = {}
        for _fields, payload in self._entries:
            if payload not in made:
                made[payload] = b"null" if bare else payload()
        return [_feed_event(fields, made[payload]) for fields, payload in self._entries]


def _no_forged_seal(parameters: Iterable[object]) -> None:
    for one in parameters:
        if isinstance(one, str) and one.startswith(MARK) and not isinstance(one, SealedText):
            raise ForgedSeal("this text begins as a sealed one does")


def _without_nul(text: str) -> str:
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}") if "\x00" in text else text


def _feed_event(fields: Mapping[str, Any], object_json: bytes) -> FeedEvent:
    entry = compact(entry_object(fields)).encode()
    return FeedEvent(
        seq=fields["seq"],
        topic=fields["topic"],
        region=fields["region"],
        payload=b'{"entry":' + entry + b',"object":' + object_json + b"}",
    )


def entry_object(fields: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as the HTTP interface shows it."""
    return {
        "seq": fields["seq"],
        "at": to_iso(fields["at_ms"]),
        "topic": fields["topic"],
        "subject": fields["subject"],
        "fact": fields["fact"],
        "actor": fields["actor"],
        "reason": fields["reason"],
        "data": fields["data"],
    }
