"""`hearthwatch admin outlines`: borders of regions from a county's GeoJSON file, straight into the
book (the hub may be running: its map draws them when it is opened next).
"""

import argparse
import sys
from pathlib import Path

from contract.config import ConfigError
from hearthwatch.book_change import ACTOR, change_book
from hearthwatch.hub_config import load
from ledger import regions
from ledger.outlines import FILE_BYTES_MAX, GRIDS, Outlines, Refusal, read_file
from ledger.unit_of_work import UnitOfWork


def add_parser(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "outlines",
        help="borders of villages from a GeoJSON file, for the map",
        epilog="example: hearthwatch admin outlines --config hub.toml --grid gcj02 county.geojson",
    )
    parser.add_argument("file", type=Path, help="RFC 7946; a region's code in properties.code")
    parser.add_argument("--config", type=Path, required=True, help="hub.toml")
    parser.add_argument(
        "--grid", required=True, choices=GRIDS, help="gcj02: drawn on a Chinese map; else wgs84"
    )
    parser.set_defaults(func=main)


def main(args: argparse.Namespace) -> int:
    try:
        book = load(args.config).book
        with args.file.open("rb") as file:
            payload = file.read(FILE_BYTES_MAX + 1)
        if len(payload) > FILE_BYTES_MAX:
            sys.stderr.write(f"hearthwatch admin: a file has at most {FILE_BYTES_MAX} bytes\n")
            return 2
        read = change_book(book, lambda unit: _put(unit, payload, args))
    except (ConfigError, OSError) as error:
        sys.stderr.write(f"hearthwatch admin: {error}\n")
        return 2
    if not isinstance(read, Outlines):
        for one in read:
            place = f"feature {one.feature}" if one.feature else "the file"
            sys.stderr.write(f"hearthwatch admin: {place}: {one.code} {one.detail}".rstrip() + "\n")
        sys.stderr.write("hearthwatch admin: nothing was changed\n")
        return 1
    for code in read.unknown:
        sys.stderr.write(f"hearthwatch admin: there is no open region {code}\n")
    sys.stdout.write(f"{len(read.shapes)} outlines are in the book\n")
    return 0


def _put(unit: UnitOfWork, payload: bytes, args: argparse.Namespace) -> Outlines | list[Refusal]:
    known = regions.open_codes(unit.cursor)
    read = read_file(payload, grid=args.grid, known=known)
    if isinstance(read, Outlines):
        for code, shape in read.shapes.items():
            regions.outline(unit, code, shape, ACTOR, args.grid)
        unit.audit(ACTOR, "changed", "regions:outlines", f"{len(read.shapes)} rows")
    return read
