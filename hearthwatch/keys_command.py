"""`hearthwatch keys`: what the key file has, and a new key for it (the hub may be running)."""

import argparse
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from contract.config import ConfigError
from hearthwatch.clock import wall_ms
from hearthwatch.hub_config import HubConfig, load
from hearthwatch.sealed_book import opened
from hearthwatch.sealed_copies import make_key
from ledger.cursor import BookInUseError, Connection, Cursor
from ledger.sealing.key_file import KeyFileError
from ledger.sealing.ring import Ring
from ledger.sealing.rotating import add_key, drop_unused, rewrap, used
from ledger.sealing.tokens import BrokenSeal

T = TypeVar("T")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "keys",
        help="the key file that persons' keys are wrapped by: show it, or rotate",
        epilog="examples: hearthwatch keys show --config hub.toml; "
        "hearthwatch keys rotate --config hub.toml; "
        "hearthwatch keys make-copy-key --out /etc/hearthwatch/keys/copies.key",
    )
    parser.add_argument("what", choices=("show", "rotate", "make-copy-key"))
    parser.add_argument("--config", type=Path, help="hub.toml")
    parser.add_argument("--out", type=Path, help="with make-copy-key: the new file, for [backup]")
    parser.add_argument(
        "--drop-old",
        action="store_true",
        help="with rotate: take keys that wrap nothing any more out of the file; copies of the "
        "book that were made before then need the file's own copy of that time; the hub must not "
        "run",
    )
    parser.set_defaults(func=main)


def main(args: argparse.Namespace) -> int:
    try:
        if args.what == "make-copy-key":
            return _make_copy_key(args.out)
        if args.config is None:
            raise ConfigError("--config", "name hub.toml")
        config = load(args.config)
        ring = config.book.ring
        assert ring is not None  # noqa: S101 - a configured hub always has one
        ring.read_again()
        if args.what == "rotate":
            _rotate(config, ring, args.drop_old)
        _show(config, ring)
    except (
        BookInUseError,
        KeyFileError,
        ConfigError,
        BrokenSeal,
        OSError,
        SQLAlchemyError,
    ) as error:
        sys.stderr.write(f"hearthwatch keys: {str(error).splitlines()[0]}\n")
        return 1
    return 0


def _make_copy_key(path: Path | None) -> int:
    if path is None:
        raise ConfigError("--out", "name the file to make, on a disk that the copies are not on")
    key = make_key(path)
    sys.stdout.write(f"{path}: key {key.id}; keep a copy where the copies are not\n")
    return 0


def _rotate(config: HubConfig, ring: Ring, drop_old: bool) -> None:
    # A hub that runs would go on wrapping by a key that is dropped.
    connecting = opened(config) if drop_old else config.book.open_writer()
    with closing(connecting) as connection:
        keys = add_key(ring, wall_ms())
        while in_transaction(connection, lambda cursor: rewrap(cursor, keys)):
            continue
        if drop_old:
            gone = in_transaction(connection, lambda cursor: drop_unused(cursor, ring))
            sys.stdout.write(f"dropped: {', '.join(gone) or 'none'}\n")
    config.book.forget()


def _show(config: HubConfig, ring: Ring) -> None:
    with closing(config.book.open_writer()) as connection:
        counts = used(connection.cursor())
    sys.stdout.write(f"{ring.path}\n")
    for kek in ring.keys.keks:
        newest = "  wraps new ones" if kek == ring.keys.newest else ""
        sys.stdout.write(f"{kek.id}  {kek.made_at}  {counts.get(kek.id, 0)} keys{newest}\n")


def in_transaction(connection: Connection, apply: Callable[[Cursor], T]) -> T:
    cursor = connection.cursor()
    cursor.execute("BEGIN IMMEDIATE")
    try:
        result = apply(cursor)
        cursor.execute("COMMIT")
    except BaseException:
        cursor.execute("ROLLBACK")
        raise
    return result
