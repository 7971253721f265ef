"""A copy that was taken back for a trial is noted in the book, so that gateways may forget what is
in it; and which of those noted before are still where they were checked."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import inspect

from contract.config import ConfigError
from hearthwatch.clock import wall_ms
from hearthwatch.hub_config import HubConfig
from hearthwatch.keys_command import in_transaction
from hearthwatch.sealed_copies import CopyKey, opened_copy, read_key
from ledger import checked_copies, database
from ledger.archive import ArchiveError, Manifest, read_manifest
from ledger.checked_copies import CheckedCopy, Held, Record
from ledger.schema import BACKUP_COPY, ENTRY
from ledger.unit_of_work import UnitOfWork


class NotNotedError(Exception):
    """Gateways are told nothing of this copy; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """Checked copies as they are now: the newest first."""

    there: tuple[Record, ...]
    gone: tuple[Record, ...]


def note(config: HubConfig, file: Path, manifest: Manifest, held: Held) -> Copies:
    """Beside a running hub, which tells its gateways. NotNotedError."""
    head = manifest.heads.get(ENTRY.name, "")
    reader = config.book.open_copier()
    try:
        with reader.connect() as book:
            if not inspect(book).has_table(ENTRY.name):
                raise NotNotedError("the hub of this hub.toml has no book")
            found = database.revision_of(book)
            if found != database.head():
                raise NotNotedError(
                    f"the book is at schema {found}, and this program's is {database.head()}"
                )
            if not checked_copies.is_of_this_book(book, head):
                raise NotNotedError(
                    "its newest entry is not in this hub's book: it is a copy of another book, or"
                    " has what a restored hub doesn't know"
                )
    finally:
        reader.dispose()
    return note_own(config, file, manifest, held)


def note_own(config: HubConfig, file: Path, manifest: Manifest, held: Held) -> Copies:
    """Of a copy that is known to be of this book: it was made of it, or the book of the copy."""
    reader = config.book.open_copier()
    try:
        with reader.connect() as book:
            known = checked_copies.records(book)
    finally:
        reader.dispose()
    copy = CheckedCopy(
        made_at_ms=manifest.made_at_ms,
        head=manifest.heads[ENTRY.name],
        place=str(file.resolve()),
        size=file.stat().st_size,
        held=held,
    )
    others = [r for r in known if (r.made_at_ms, r.head) != (copy.made_at_ms, copy.head)]
    gone = [record.seq for record in others if not is_there(record, _key(config))]
    now_ms = wall_ms()
    still_needed = config.book.still_needed(now_ms)
    with closing(config.book.open_writer()) as connection:
        in_transaction(
            connection,
            lambda cursor: checked_copies.note(
                UnitOfWork(cursor, now_ms), copy, gone, still_needed
            ),
        )
    return look(config)


def look(config: HubConfig) -> Copies:
    """Which are there, by the files and not by what was noted of them."""
    key = _key(config)
    reader = config.book.open_copier()
    try:
        with reader.connect() as book:
            known = (
                checked_copies.records(book) if inspect(book).has_table(BACKUP_COPY.name) else []
            )
    finally:
        reader.dispose()
    there = {record.seq for record in known if is_there(record, key)}
    return Copies(
        there=tuple(record for record in known if record.seq in there),
        gone=tuple(record for record in known if record.seq not in there),
    )


def _key(config: HubConfig) -> CopyKey | None:
    """A copy whose key is not there is none that could be taken back."""
    try:
        return None if config.copy_key_file is None else read_key(config.copy_key_file)
    except ConfigError:
        return None


def is_there(record: Record, key: CopyKey | None = None) -> bool:
    """Whether the file that was checked lies there still, and not another one under its name."""
    path = Path(record.place)
    try:
        if path.stat().st_size != record.size:
            return False
        with opened_copy(path, key) as file:
            manifest = read_manifest(file)
    except (OSError, ArchiveError):
        return False
    return manifest.made_at_ms == record.made_at_ms and manifest.heads[ENTRY.name] == record.head
