"""`hearthwatch backup` and `hearthwatch restore`."""

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from contract.config import ConfigError
from contract.moment import to_iso
from hearthwatch.clock import wall_ms
from hearthwatch.copies import back_up, copy_key, restore, try_out
from hearthwatch.copy_records import Copies, NotNotedError, note, note_own
from hearthwatch.hub_config import HubConfig, load
from hearthwatch.sealed_copies import CopyKey, is_sealed, opened_copy, read_key
from hearthwatch.trial_place import place_for
from ingest.readings.port import StoreError
from ledger.archive import ArchiveError, Manifest
from ledger.chain import GENESIS
from ledger.checked_copies import held_in
from ledger.erasure.kept import KeptError
from ledger.schema import ENTRY
from ledger.sealing.key_file import KeyFileError

# What of a copy's own name sorts by its time.
NAME: Final = "hub-{}.zip"
_NAMED: Final = re.compile(r"hub-\d{4}-\d\d-\d\dT\d{6}\.zip")
_BROKEN: Final = (
    ArchiveError,
    ConfigError,
    KeyFileError,
    KeptError,
    OSError,
    SQLAlchemyError,
    StoreError,
)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    backup = subparsers.add_parser(
        "backup",
        help="copy everything a hub knows into one file and check it; the hub may be running",
        description="Copies everything a hub knows into one file, takes the copy back for a trial,"
        " and notes it in the book: gateways forget what the newest checked copies all have"
        " ([backup] kept in hub.toml).",
        epilog="examples: hearthwatch backup --config hub.toml /srv/copies/2026-05-01.zip; "
        "hearthwatch backup --config hub.toml /srv/copies/ (named by its time); "
        "hearthwatch backup --check --config hub.toml /mnt/elsewhere/2026-05-01.zip (where it lies"
        " now); hearthwatch backup --check /srv/copies/2026-05-01.zip",
    )
    backup.add_argument("file", type=Path, help="the copy, or the folder for it")
    backup.add_argument("--config", type=Path, help="hub.toml of the hub to copy")
    how = backup.add_mutually_exclusive_group()
    how.add_argument(
        "--check",
        action="store_true",
        help="take a copy that is there back for a trial, and throw that away; with --config it is"
        " noted as lying there",
    )
    how.add_argument(
        "--unchecked",
        action="store_true",
        help="only copy: half the time, and gateways go on keeping what is in it",
    )
    backup.add_argument(
        "--key-file", type=Path, help="of a sealed copy, where no --config names it"
    )
    backup.add_argument(
        "--within",
        type=Path,
        metavar="FOLDER",
        help="for the trial; left out: beside a new copy, of a sealed one in data_dir or memory",
    )
    backup.add_argument(
        "--keep",
        type=int,
        metavar="N",
        help="of the copies that are named by their time the newest N stay in the folder",
    )
    backup.set_defaults(func=_backup)
    back = subparsers.add_parser(
        "restore",
        help="take a copy back into a hub that has nothing yet",
        epilog="example: hearthwatch restore --config hub.toml /srv/copies/2026-05-01.zip",
    )
    back.add_argument("file", type=Path, help="the copy")
    back.add_argument("--config", type=Path, required=True, help="hub.toml; the hub must not run")
    back.set_defaults(func=_restore)


def _backup(args: argparse.Namespace) -> int:
    if args.config is None and not args.check:
        sys.stderr.write("hearthwatch: backup needs --config hub.toml, or --check\n")
        return 2
    return _told(lambda: _copy(args))


def _copy(args: argparse.Namespace) -> None:
    config = None if args.config is None else load(args.config)
    file: Path = args.file
    if config is not None and not args.check:
        now_ms = wall_ms()
        if file.is_dir():
            file /= NAME.format(to_iso(now_ms)[:19].replace(":", ""))
        _say("copied", back_up(config, file, now_ms, _say_progress))
        sys.stdout.write(f"file: {file}\n")
    if args.unchecked:
        return
    key = None if args.key_file is None else read_key(args.key_file)
    if key is None and config is not None:
        key = copy_key(config)
    manifest, held = try_out(file, _say_progress, _trial_place(args, config, file, key), key)
    if args.check:
        _say("can be taken back", manifest)
    else:
        sys.stdout.write("checked: can be taken back\n")
    if manifest.heads.get(ENTRY.name) == GENESIS.hex():
        sys.stdout.write("nothing is in it that gateways could forget\n")
    elif config is not None:
        _say_copies(config, note(config, file, manifest, held))
        if args.keep is not None:
            _drop_old(config, file, args.keep)


def _trial_place(
    args: argparse.Namespace, config: HubConfig | None, file: Path, key: CopyKey | None
) -> Path | None:
    if args.within is not None:
        within: Path = args.within
        return within
    with file.open("rb") as raw:
        sealed = is_sealed(raw)
    size = 0
    if sealed:
        with opened_copy(file, key) as copy:
            size = sum(entry.file_size for entry in copy.infolist())
    return place_for(
        sealed=sealed,
        size=size,
        data_dir=None if config is None else config.data_dir,
        # There was room for the copy beside it; the system's own folder may be small.
        beside=None if args.check else file.parent,
    )


def _drop_old(config: HubConfig, file: Path, keep: int) -> None:
    """Of those that this command has named, in its folder; never fewer than gateways rely on."""
    copies = file.parent.glob(NAME.format("*"))
    named = sorted((one for one in copies if _NAMED.fullmatch(one.name)), reverse=True)
    for old in named[max(keep, config.copies_kept) :]:
        old.unlink()
        sys.stdout.write(f"taken away: {old}\n")


def _restore(args: argparse.Namespace) -> int:
    return _told(lambda: _take_back(load(args.config), args.file))


def _take_back(config: HubConfig, file: Path) -> None:
    manifest = restore(config, file, _say_progress)
    _say("restored", manifest)
    if manifest.heads.get(ENTRY.name) != GENESIS.hex():
        # It was made before anything could be noted of it, and has just been checked.
        reader = config.book.open_copier()
        try:
            with reader.connect() as book:
                held = held_in(book)
        finally:
            reader.dispose()
        note_own(config, file, manifest, held)


def _told(work: Callable[[], None]) -> int:
    try:
        work()
    except NotNotedError as error:
        sys.stderr.write(f"\nhearthwatch: gateways are not told of this copy: {error}\n")
        return 1
    except _BROKEN as error:
        # The first line says what; the rest may hold an address.
        sys.stderr.write(f"\nhearthwatch: {str(error).splitlines()[0]}\n")
        return 1
    return 0


def _say(word: str, manifest: Manifest) -> None:
    rows = sum(manifest.rows.values())
    sys.stdout.write(f"{word}: {rows} rows, schema {manifest.revision}\n")
    for table, head in sorted(manifest.heads.items()):
        sys.stdout.write(f"head of {table}: {head or 'none'}\n")


def _say_copies(config: HubConfig, copies: Copies) -> None:
    kept, there = config.copies_kept, len(copies.there)
    for record in copies.gone:
        if record.gone_at_ms is None:
            continue
        sys.stdout.write(f"not there any more: {record.place}\n")
    if there < kept:
        sys.stdout.write(
            f"checked copies: {there}; with {kept} gateways forget what all of them have,"
            " until then they keep everything for 30 days\n"
        )
    else:
        sys.stdout.write(f"checked copies: {there}; gateways forget what {kept} of them have\n")


def _say_progress(table: str, rows: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{table:24} {rows:>12,}")
