"""`hearthwatch audit-copy`: whether the book still says what was copied of its trail."""

import argparse
import sys
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from contract.config import ConfigError
from hearthwatch.hub_config import HubConfig, load
from ledger.trail_copy import Compared, compare


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "audit-copy",
        help="compare a copy of the trail of looks with the book (the hub may be running)",
        epilog="example: hearthwatch audit-copy --config hub.toml /mnt/log/hearthwatch-trail.jsonl",
    )
    parser.add_argument("file", type=Path, nargs="?", help="left out: [audit_copy] path")
    parser.add_argument("--config", type=Path, required=True, help="hub.toml")
    parser.set_defaults(func=main)


def main(args: argparse.Namespace) -> int:
    try:
        config = load(args.config)
        path: Path | None = args.file
        if path is None and config.audit_copy is not None:
            path = config.audit_copy.path
        if path is None:
            raise ConfigError("audit_copy.path", "no file of a copy: name one")
        return _tell(compared(config, path))
    except (ConfigError, OSError, SQLAlchemyError) as error:
        sys.stderr.write(f"hearthwatch audit-copy: {str(error).splitlines()[0]}\n")
        return 2


def compared(config: HubConfig, path: Path) -> Compared:
    engine = config.book.open_copier()
    try:
        with engine.connect() as connection, path.open(encoding="utf-8", errors="replace") as lines:
            return compare(connection, lines)
    finally:
        engine.dispose()


def _tell(found: Compared) -> int:
    for row in found.missing:
        sys.stdout.write(f"not in the book any more: {row}\n")
    for row in found.other:
        sys.stdout.write(f"otherwise in the book: {row}\n")
    verdict = "agrees" if found.agrees else f"{found.differences} rows differ"
    sys.stdout.write(f"{found.lines} lines, {verdict}; {found.newer} rows are not copied yet\n")
    return 0 if found.agrees else 1
