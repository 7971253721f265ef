"""What one transaction of the writer may do: statements, and entries of the append-only book."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from contract.moment import to_iso
from ledger.cursor import Cursor
from ledger.database import insert_sql
from ledger.feed import FeedEvent
from ledger.schema import AUDIT, ENTRY

_ENTRY_COLUMNS: Final = (
    "at_ms",
    "topic",
    "subject",
    "fact",
    "actor",
    "reason",
    "region",
    "data",
)
_INSERT_ENTRY: Final = insert_sql(ENTRY, _ENTRY_COLUMNS)
_INSERT_AUDIT: Final = insert_sql(AUDIT, ("at_ms", "actor", "action", "object", "detail"))

SYSTEM: Final = "system"


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
        self._entries: list[tuple[dict[str, Any], Callable[[], bytes]]] = []

    def execute(self, sql: str, parameters: tuple[Any, ...] = ()) -> Cursor:
        return self.cursor.execute(sql, parameters)

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
    ) -> int:
        """Append a fact to the book; returns its number. `payload` gives the object's JSON."""
        when = self.now_ms if at_ms is None else at_ms
        text = compact(data or {})
        # A StrEnum's plain text: the driver would store it as what it is.
        row = (when, topic, subject, str(fact), actor, str(reason), region, text)
        self.cursor.execute(_INSERT_ENTRY, row)
        seq = self.cursor.lastrowid or 0
        fields = dict(zip(_ENTRY_COLUMNS, row, strict=True))
        self._entries.append(({**fields, "seq": seq, "data": data or {}}, payload))
        return seq

    def audit(self, actor: str, action: str, object_: str, detail: str = "") -> None:
        self.cursor.execute(_INSERT_AUDIT, (self.now_ms, actor, action, object_, detail))

    @contextmanager
    def savepoint(self, name: str) -> Iterator[None]:
        """A part of the change that may fail alone: its statements and entries are taken back, and
        what it raised goes on. Memory beside the tables is the caller's."""
        mark = self.mark()
        self.cursor.execute(f"SAVEPOINT {name}")
        try:
            yield
        except Exception:
            self.cursor.execute(f"ROLLBACK TO {name}")
            self.rewind(mark)
            raise
        finally:
            self.cursor.execute(f"RELEASE {name}")

    def mark(self) -> int:
        return len(self._entries)

    def rewind(self, mark: int) -> None:
        del self._entries[mark:]

    def feed_events(self) -> list[FeedEvent]:
        """The entries as the live feed sends them (see docs/http.md, Stream)."""
        return [_feed_event(fields, payload()) for fields, payload in self._entries]


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
