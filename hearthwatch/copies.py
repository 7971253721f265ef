"""Everything a hub knows as one file, and back."""

import os
import shutil
import zipfile
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, Final

from sqlalchemy import Connection

from hearthwatch.hub_config import HubConfig
from hearthwatch.reading_copies import copied, restored
from hearthwatch.sealed_book import prepare
from hearthwatch.sealed_copies import CopyKey, opened_copy, read_key, sealed_into
from hearthwatch.trial_place import thrown_away
from ingest.readings.copying import STORES, is_whole
from ledger import archive
from ledger.archive import ArchiveError, Manifest
from ledger.chain_check import check
from ledger.checked_copies import Held, held_in
from ledger.database import changing, sqlite_url
from ledger.sealing.key_file import KeyFileError
from ledger.sealing.ring import Ring
from ledger.sealing.starting import disagreement, sealed_by

COPY_BYTES: Final = 1 << 20


def back_up(config: HubConfig, target: Path, now_ms: int, tell: archive.Progress) -> Manifest:
    """Beside a running hub. `target` is whole or not there."""
    part = target.with_name(f"{target.name}.part")
    try:
        key = copy_key(config)
        # Readings of a sealed copy lie in clear where they do so anyway, and not beside it.
        at_home = key is not None and config.data_dir.is_dir()
        with thrown_away(config.data_dir if at_home else target.parent) as folder:
            # Readings first: what the book has beyond them is told to their lane at its start; what
            # they had beyond the book would be taken for told.
            readings = copied(config, folder)
            with _for_its_owner(part) as out, sealed_into(out, key) as sink:
                reader = config.book.open_copier()
                try:
                    with reader.connect() as connection:
                        manifest = archive.write(connection, sink, now_ms, tell, readings)
                finally:
                    reader.dispose()
        _make_durable(part)
        part.replace(target)
        _make_durable(target.parent)
    finally:
        part.unlink(missing_ok=True)
    return manifest


def _for_its_owner(path: Path) -> BinaryIO:
    """A copy has everybody's health in it and is nobody else's to read."""
    path.unlink(missing_ok=True)  # of a run that was killed, with whatever rights it had
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _make_durable(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def restore(config: HubConfig, source: Path, tell: archive.Progress) -> Manifest:
    """Into a hub that has neither book nor readings. The book is committed last; who was erased
    since the copy was made is erased again. KeyFileError: what is sealed in it can't be opened."""
    present = [name for name in STORES if (config.data_dir / name).exists()]
    if present:
        raise ArchiveError(f"{config.data_dir / present[0]} is there already: move it away")
    config.data_dir.mkdir(parents=True, exist_ok=True)
    with opened_copy(source, copy_key(config)) as file, config.book.changing() as connection:
        manifest = archive.load(connection, file, tell)
        _must_hold(connection, manifest)
        _must_open(connection, config.book.ring)
        restored(config, file, _extract)
    if config.book.ring is not None:
        with closing(config.book.open_writer()) as writer:
            prepare(writer, config.book.ring)
    return manifest


def _must_open(connection: Connection, ring: Ring | None) -> None:
    mark, keks = sealed_by(connection)
    if ring is None or (mark is None and not keks):
        return
    problem = disagreement(ring, mark, keks)
    if problem is not None:
        raise KeyFileError(problem)


def _must_hold(connection: Connection, manifest: Manifest) -> None:
    for state in check(connection):
        if not state.holds or state.head != manifest.heads.get(state.table):
            raise ArchiveError(f"the chain of {state.table} does not hold in this copy")


def _extract(file: zipfile.ZipFile, name: str, folder: Path) -> None:
    part = folder / f"{name}.part"
    with file.open(name) as source, part.open("wb") as target:
        shutil.copyfileobj(source, target, COPY_BYTES)
    if not is_whole(part):
        raise ArchiveError(f"{name} is damaged in this copy")
    _make_durable(part)
    part.replace(folder / name)


def copy_key(config: HubConfig) -> CopyKey | None:
    """What this hub's copies are sealed with; None: they are not. ConfigError: it can't be read."""
    return None if config.copy_key_file is None else read_key(config.copy_key_file)


def try_out(
    source: Path,
    tell: archive.Progress,
    within: Path | None = None,
    key: CopyKey | None = None,
) -> tuple[Manifest, Held]:
    """A restore into a folder that is thrown away: whether this copy can be taken back, and what it
    then has. `within`: where there is room for it; left out: where the system keeps such things."""
    with (
        thrown_away(within) as place,
        opened_copy(source, key) as file,
        changing(sqlite_url(place / "hub.db")) as connection,
    ):
        manifest = archive.load(connection, file, tell)
        _must_hold(connection, manifest)
        held = held_in(connection)
        for name in STORES:
            if name in file.namelist():
                _extract(file, name, place)
    return manifest, held
