"""The trail of looks and the links of entries as lines for somewhere else, and whether what lies
there still agrees with the book.

Whoever can change the database can change its rows, or take the newest away: the chain over what is
left still holds. What was copied before says otherwise. Lines have what is stored: what is sealed
leaves sealed.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, func, select

from ledger.chain import GENESIS, link
from ledger.chain_check import CHAINS, stored_rows
from ledger.schema import AUDIT, ENTRY

# Lines at a time: some hundred KB.
PORTION: Final = 1000
# Differences that are listed; one who takes rows away takes many.
LISTED_MAX: Final = 20
TABLES: Final = (AUDIT.name, ENTRY.name)
_BY_NAME: Final = {table.name: (table, fields) for table, fields in CHAINS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Up to where a table is copied: number and link (hex) of its last row there."""

    seq: int = -1
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """`broken`: rows that don't follow from the one before, as they were read. `gone`: the row up
    to which it was copied is no more what it was."""

    lines: tuple[str, ...]
    place: Place
    broken: tuple[int, ...] = ()
    gone: bool = False


def portion(connection: Connection, name: str, after: Place, limit: int = PORTION) -> Portion:
    """The next lines of a table. Of entries the links alone: what they say has a copy in backups,
    and a link says whether it is still the same."""
    table, fields = _BY_NAME[name]
    before = bytes.fromhex(after.link) if after.link else GENESIS
    gone = after.seq >= 0 and _link_at(connection, table, after.seq) != before
    broken: list[int] = []
    lines: list[str] = []
    place = after
    for seq, stored, values in stored_rows(connection, table, fields, after.seq):
        if len(lines) == limit:
            break
        # Behind a row that is gone nothing follows from anything.
        if link(before, values) != stored and not (gone and not lines):
            broken.append(seq)
        before, place = stored or GENESIS, Place(seq=seq, link=stored.hex())
        said = dict(zip(fields, values, strict=True)) if name == AUDIT.name else {}
        lines.append(_line({"table": name, "seq": seq, "link": stored.hex(), **said}))
    return Portion(lines=tuple(lines), place=place, broken=tuple(broken), gone=gone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """`rows` that are not copied yet and since when the oldest of them waits; when the newest row
    of the trail that is copied was written. None: there is none."""

    rows: int = 0
    waits_since_ms: int | None = None
    newest_at_ms: int | None = None


def lag(connection: Connection, places: Mapping[str, Place]) -> Lag:
    """How far a copy that has come up to these places is behind the book."""
    rows = 0
    oldest: list[int] = []
    for name in TABLES:
        table, seq = _BY_NAME[name][0], places.get(name, Place()).seq
        rows += _newer(connection, name, seq)
        waiting = select(table.c.at_ms).where(table.c.seq > seq).order_by(table.c.seq).limit(1)
        at_ms = connection.scalar(waiting)
        oldest += [] if at_ms is None else [int(at_ms)]
    copied = select(AUDIT.c.at_ms).where(AUDIT.c.seq <= places.get(AUDIT.name, Place()).seq)
    newest = connection.scalar(copied.order_by(AUDIT.c.seq.desc()).limit(1))
    return Lag(rows=rows, waits_since_ms=min(oldest) if oldest else None, newest_at_ms=newest)


def places_in(lines: Iterable[str]) -> dict[str, Place]:
    """Up to where the last of these lines have it; those that a disk has spoilt don't count."""
    found: dict[str, Place] = {}
    for document in _documents(lines):
        seq, hidden = document["seq"], document["link"]
        if isinstance(seq, int) and isinstance(hidden, str) and _is_hex(hidden):
            found[document["table"]] = Place(seq=seq, link=hidden)
    return found


def _is_hex(text: str) -> bool:
    try:
        return bool(bytes.fromhex(text))
    except ValueError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """`missing`: not in the book any more; `other`: something else stands there; as table and
    number. `newer`: rows of the book that are not in the copy yet."""

    lines: int
    missing: tuple[str, ...]
    other: tuple[str, ...]
    differences: int
    newer: int

    @property
    def agrees(self) -> bool:
        return not self.differences


def compare(connection: Connection, lines: Iterable[str]) -> Compared:
    """Each line of a copy with the book."""
    missing: list[str] = []
    other: list[str] = []
    count = 0
    newest = dict.fromkeys(TABLES, -1)
    for some in _portions(_documents(lines)):
        for name in TABLES:
            mine = {int(d["seq"]): d for d in some if d["table"] == name}
            there = _said(connection, name, list(mine))
            for seq, document in mine.items():
                newest[name] = max(newest[name], seq)
                if seq not in there:
                    missing.append(f"{name} {seq}")
                elif any(document.get(key) != value for key, value in there[seq].items()):
                    other.append(f"{name} {seq}")
            count += len(mine)
    newer = sum(_newer(connection, name, seq) for name, seq in newest.items())
    return Compared(
        lines=count,
        missing=tuple(missing[:LISTED_MAX]),
        other=tuple(other[:LISTED_MAX]),
        differences=len(missing) + len(other),
        newer=newer,
    )


def _documents(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Whole lines: the last one of a machine that stopped may be half. What a collector of syslog
    has written before each of them is passed over."""
    for text in lines:
        try:
            document = json.loads(text[text.index("{") :])
            if document["table"] in TABLES and "seq" in document and "link" in document:
                yield document
        except (KeyError, TypeError, ValueError):
            continue


def _portions(documents: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    some: list[dict[str, Any]] = []
    for document in documents:
        some.append(document)
        if len(some) == PORTION:
            yield some
            some = []
    if some:
        yield some


def _link_at(connection: Connection, table: Any, seq: int) -> bytes:
    return bytes(connection.scalar(select(table.c.link).where(table.c.seq == seq)) or b"")


def _said(connection: Connection, name: str, numbers: list[int]) -> dict[int, dict[str, Any]]:
    """What the rows with these numbers say now, as a line has it."""
    if not numbers:
        return {}
    table, fields = _BY_NAME[name]
    kept = fields if name == AUDIT.name else ()
    wanted = select(table.c.seq, table.c.link, *(table.c[key] for key in kept))
    found = connection.execute(wanted.where(table.c.seq.in_(numbers)))
    return {
        seq: {"link": bytes(stored or b"").hex(), **dict(zip(kept, values, strict=True))}
        for seq, stored, *values in found
    }


def _newer(connection: Connection, name: str, seq: int) -> int:
    table = _BY_NAME[name][0]
    found = connection.scalar(select(func.count()).select_from(table).where(table.c.seq > seq))
    return int(found or 0)


def _line(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
