"""What one transaction of the writer may do: statements, and entries of the append-only book."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import msgspec
from sqlalchemy import Table

from contract.moment import to_iso
from ledger.chain import AUDIT_FIELDS, ENTRY_FIELDS, GENESIS, link
from ledger.cursor import Cursor
from ledger.database import insert_sql
from ledger.feed import FeedEvent
from ledger.schema import AUDIT, ENTRY
from ledger.sealing.ring import Erased
from ledger.sealing.sealer import Sealer
from ledger.sealing.tokens import MARK, SealedText

_INSERT_ENTRY: Final = insert_sql(ENTRY, (*ENTRY_FIELDS, "link"))
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


class UnitOfWork:
    """One transaction. `now_ms` is the hub's time at its beginning.

    Each entry names a function that gives the subject's object after the whole change; it is
    called once, just before the commit, so that listeners see what readers would.
    """

    def __init__(self, cursor: Cursor, now_ms: int) -> None:
        self.cursor = cursor
        self.now_ms = now_ms
        # Everything that is stored about a person goes through it (ADR 0015).
        self.seal = Sealer(cursor, now_ms)
        self._entries: list[tuple[dict[str, Any], Callable[[], bytes]]] = []
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

    def entry(
        self,
        *,
        topic: str,
        subject: str,
        fact: str,
        payload: Callable[[], bytes],
        actor: str = SYSTEM,
        reason: str = "",
        region: str | None = None,
        data: Mapping[str, object] | None = None,
        at_ms: int | None = None,
        owner: str | None = None,
        written: bool = False,
    ) -> int:
        """Append a fact to the book; returns its number. `payload` gives the object's JSON.
        `owner`: whose key seals `data`, and with `written` the reason too, which somebody typed."""
        when = self.now_ms if at_ms is None else at_ms
        text = compact(data or {})
        # A StrEnum's plain text: the driver would store it as what it is.
        row = (when, topic, subject, str(fact), actor, str(reason), region, text)
        stored = row
        if owner is not None:
            said, text = self._told(owner, row[5] if written else "", text)
            stored = (*row[:5], said if written else row[5], region, text)
        self._append(ENTRY.name, _INSERT_ENTRY, stored)
        seq = self.cursor.lastrowid or 0
        fields = dict(zip(ENTRY_FIELDS, row, strict=True))
        self._entries.append(({**fields, "seq": seq, "data": data or {}}, payload))
        return seq

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
        self._append(AUDIT.name, _INSERT_AUDIT, (self.now_ms, actor, action, object_, detail))

    def _append(self, table: str, insert: str, row: tuple[str | int | None, ...]) -> None:
        """A row of a chain, linked to the newest one."""
        before = self._heads.get(table)
        if before is None:
            found = self.cursor.execute(_NEWEST[table]).fetchone()
            before = GENESIS if found is None else bytes(found[0] or GENESIS)
        # As PostgreSQL would store it: the link is over what is read back.
        _no_forged_seal(row)
        row = tuple(_without_nul(str(field)) if isinstance(field, str) else field for field in row)
        self._heads[table] = link(before, row)
        self.cursor.execute(insert, (*row, self._heads[table]))

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

    def feed_events(self) -> list[FeedEvent]:
        """The entries as the live feed sends them (see docs/http.md, Stream)."""
        return [_feed_event(fields, payload()) for fields, payload in self._entries]


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
