"""The whole book as one file that any database takes back: a zip of one `<table>.jsonl` each and a
`manifest.json` with what was in them. Read in one snapshot beside a running hub.

A copy is loaded into an empty book at the schema that it was made with, and brought up from there;
so it also carries a county from SQLite to PostgreSQL, or from an older program to this one.
"""

import base64
import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from sqlalchemy import Connection, LargeBinary, MetaData, Table, func, inspect, select, text
from sqlalchemy.exc import IntegrityError

from ledger import database
from ledger.chain_check import newest_links

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
# Rows that are read or written at once: a few MB.
PORTION: Final = 2000
# Compression: twice as fast as the usual level for a tenth more bytes.
LEVEL: Final = 3
# Who was signed in must sign in again; the lease and what was changed belong to running hubs.
LEFT_OUT: Final = frozenset({"alembic_version", "book_change", "hub_lease", "session"})

Progress = Callable[[str, int], None]


class ArchiveError(Exception):
    """A copy that can't be taken back as it is; the text says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a copy says of itself. `heads`: newest links by table, as hex."""

    revision: str
    made_at_ms: int
    columns: Mapping[str, list[str]]
    rows: Mapping[str, int]
    digests: Mapping[str, str]
    heads: Mapping[str, str]

    def to_json(self) -> bytes:
        document = {
            "format": FORMAT,
            "revision": self.revision,
            "made_at_ms": self.made_at_ms,
            "columns": dict(self.columns),
            "rows": dict(self.rows),
            "digests": dict(self.digests),
            "heads": dict(self.heads),
        }
        return json.dumps(document, indent=1).encode()


def read_manifest(file: zipfile.ZipFile) -> Manifest:
    try:
        document = json.loads(file.read(MANIFEST))
        if document["format"] != FORMAT:
            raise ArchiveError(f"a copy of form {document['format']}; this program knows {FORMAT}")
        return Manifest(
            revision=document["revision"],
            made_at_ms=document["made_at_ms"],
            columns=document["columns"],
            rows=document["rows"],
            digests=document["digests"],
            heads=document["heads"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ArchiveError("no copy of a book: its manifest is missing or damaged") from error


def write(
    connection: Connection,
    out: BinaryIO,
    now_ms: int,
    progress: Progress = lambda _t, _n: None,
    beside: Sequence[Path] = (),
) -> Manifest:
    """Every table but `LEFT_OUT` of one snapshot, and files `beside` them as they are. `connection`
    must have done nothing yet; `out` is written from its beginning to its end."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
    else:
        # The driver begins none for reading: each statement would be a moment of its own.
        connection.exec_driver_sql("BEGIN")
    tables = MetaData()
    tables.reflect(connection)
    rows: dict[str, int] = {}
    digests: dict[str, str] = {}
    revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
    heads = newest_links(connection)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as file:
        for table in tables.sorted_tables:
            if table.name not in LEFT_OUT:
                with file.open(f"{table.name}.jsonl", "w", force_zip64=True) as stream:
                    count, digest = _write_table(connection, table, stream, progress)
                rows[table.name], digests[table.name] = count, digest
        manifest = Manifest(
            revision=str(revision),
            made_at_ms=now_ms,
            columns={t.name: t.columns.keys() for t in tables.sorted_tables if t.name in rows},
            rows=rows,
            digests=digests,
            heads=heads,
        )
        file.writestr(MANIFEST, manifest.to_json())
        for path in beside:
            file.write(path, path.name, zipfile.ZIP_STORED)
    return manifest


def _write_table(
    connection: Connection, table: Table, stream: Any, progress: Progress
) -> tuple[int, str]:
    digest, count = hashlib.sha256(), 0
    result = connection.execution_options(yield_per=PORTION).execute(
        select(table).order_by(*table.primary_key.columns)
    )
    for portion in result.partitions():
        block = b"".join(_line(row) for row in portion)
        digest.update(block)
        stream.write(block)
        count += len(portion)
        progress(table.name, count)
    return count, digest.hexdigest()


def _line(row: Any) -> bytes:
    values = [
        {"b": base64.b64encode(value).decode()} if isinstance(value, bytes | memoryview) else value
        for value in row
    ]
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def load(
    connection: Connection, file: zipfile.ZipFile, progress: Progress = lambda _t, _n: None
) -> Manifest:
    """Into an empty database, in the caller's transaction: all of it or nothing."""
    manifest = read_manifest(file)
    if inspect(connection).get_table_names():
        raise ArchiveError("there is a book already: move it away, or name an empty database")
    if not database.knows(manifest.revision):
        raise ArchiveError(f"made by a newer program (schema {manifest.revision}): install that")
    database.upgrade(connection, manifest.revision)
    tables = MetaData()
    tables.reflect(connection)
    for table in tables.sorted_tables:
        if table.name in manifest.rows:
            _load_table(connection, table, file, manifest, progress)
    if connection.dialect.name == "postgresql":
        _draw_on(connection, tables)
    database.upgrade(connection, "head")
    return manifest


def _load_table(
    connection: Connection,
    table: Table,
    file: zipfile.ZipFile,
    manifest: Manifest,
    progress: Progress,
) -> None:
    digest, count = hashlib.sha256(), 0
    names = manifest.columns[table.name]
    binary = {c.name for c in table.columns if isinstance(c.type, LargeBinary)}
    read = (
        [_row(line, names, binary, table.name) for line in portion]
        for portion in _portions(file, table.name, digest)
    )
    for rows in _parents_first(table, read):
        _insert(connection, table.insert(), rows, table.name)
        count += len(rows)
        progress(table.name, count)
    if count != manifest.rows[table.name] or digest.hexdigest() != manifest.digests[table.name]:
        raise ArchiveError(f"{table.name} is not what was written: the copy is damaged")


def _insert(connection: Connection, insert: Any, rows: list[dict[str, Any]], name: str) -> None:
    try:
        connection.execute(insert, rows)
    except IntegrityError as error:
        raise ArchiveError(f"{name}: rows that don't fit together: {error.orig}") from error


def _portions(file: zipfile.ZipFile, table: str, digest: Any) -> Iterator[list[bytes]]:
    try:
        with file.open(f"{table}.jsonl") as raw:
            lines: list[bytes] = []
            for line in raw:
                digest.update(line)
                lines.append(line)
                if len(lines) == PORTION:
                    yield lines
                    lines = []
            if lines:
                yield lines
    except (KeyError, zipfile.BadZipFile) as error:
        raise ArchiveError(f"{table} is missing or damaged in this copy") from error


def _row(line: bytes, names: list[str], binary: set[str], table: str) -> dict[str, Any]:
    try:
        values = json.loads(line)
        row = dict(zip(names, values, strict=True))
        for name in binary:
            if row[name] is not None:
                row[name] = base64.b64decode(row[name]["b"])
    except (KeyError, TypeError, ValueError) as error:
        raise ArchiveError(f"{table}: a line that is no row of it") from error
    return row


def _parents_first(
    table: Table, portions: Iterator[list[dict[str, Any]]]
) -> Iterator[list[dict[str, Any]]]:
    """As they come; where rows have parents in the same table (regions: a few thousand), in steps
    such that a parent stands before its children."""
    own = [
        (key.parent.name, key.column.name)
        for key in table.foreign_keys
        if key.column.table is table
    ]
    if not own:
        yield from portions
        return
    (child, parent), waiting = own[0], [row for portion in portions for row in portion]
    while waiting:
        there = {row[parent] for row in waiting}
        later = [row for row in waiting if row[child] in there and row[child] != row[parent]]
        if len(later) == len(waiting):
            raise ArchiveError(f"{table.name}: rows that are each other's parents")
        yield [row for row in waiting if row[child] not in there or row[child] == row[parent]]
        waiting = later


def _draw_on(connection: Connection, tables: MetaData) -> None:
    """PostgreSQL's sequences go on behind the numbers that were loaded."""
    for table in tables.sorted_tables:
        for column in table.primary_key.columns:
            if column.autoincrement is True or (column.server_default is not None):
                name = connection.scalar(
                    select(func.pg_get_serial_sequence(table.name, column.name))
                )
                if name is not None:
                    newest = select(func.coalesce(func.max(column), 0) + 1)
                    connection.execute(select(func.setval(name, newest.scalar_subquery(), False)))
