"""`hearthwatch admin new-own-key`: another key of the hub's own, straight into the book (the hub
may be running: each of its processes takes it at its next start).
"""

import argparse
import sys
from pathlib import Path

from alarms.own_keys import FILES
from contract.config import ConfigError
from hearthwatch import shared_keys
from hearthwatch.book_change import ACTOR, change_book
from hearthwatch.hub_config import load


def add_parser(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "new-own-key",
        help="a new reply.key or vapid.pem, when somebody else may have the one there is",
        epilog="example: hearthwatch admin new-own-key vapid.pem --config hub.toml",
    )
    parser.add_argument("name", choices=FILES)
    parser.add_argument("--config", type=Path, required=True, help="hub.toml")
    parser.set_defaults(func=main)


def main(args: argparse.Namespace) -> int:
    try:
        book = load(args.config).book
        made, owners = change_book(book, lambda unit: shared_keys.renew(unit, args.name, ACTOR))
    except ConfigError as error:
        sys.stderr.write(f"hearthwatch admin: {error}\n")
        return 2
    sys.stdout.write(f"{args.name} is {made} in the book: start all processes of it again now\n")
    if owners:
        sys.stdout.write(f"must register their browsers again after that: {', '.join(owners)}\n")
    return 0
