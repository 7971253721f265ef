"""`hearthwatch retention`: what is kept how long, what is over, and who may be erased now."""

import argparse
import sys
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from alarms.outbox_rows import KEEP_FAILED_MS, KEEP_SENT_MS
from contract.config import ConfigError
from hearthwatch.clock import wall_ms
from hearthwatch.hub_config import HubConfig, load
from hearthwatch.keys_command import in_transaction
from ledger.erasure.periods import DAY_MS
from ledger.erasure.retention import Due, due, take_away
from ledger.unit_of_work import UnitOfWork

_INFLUX: Final = "influxdb"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "retention",
        help="how long what is kept, and what is over (the hub may be running)",
        epilog="example: hearthwatch retention --config hub.toml --plan",
    )
    parser.add_argument("--config", type=Path, required=True, help="hub.toml")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--plan", action="store_true", help="say what would be taken away")
    what.add_argument("--apply", action="store_true", help="take it away, as the hub does nightly")
    parser.set_defaults(func=main)


def main(args: argparse.Namespace) -> int:
    try:
        config = load(args.config)
        config.book.migrate()
        with closing(config.book.open_writer()) as connection:
            taken = 0
            while args.apply and (
                some := in_transaction(
                    connection,
                    lambda cursor: take_away(UnitOfWork(cursor, wall_ms()), config.periods),
                )
            ):
                taken += some
            found = in_transaction(
                connection, lambda cursor: due(cursor, config.periods, wall_ms())
            )
    except (ConfigError, OSError, SQLAlchemyError) as error:
        sys.stderr.write(f"hearthwatch retention: {str(error).splitlines()[0]}\n")
        return 1
    _tell(config, found, taken if args.apply else None)
    return 0


def _tell(config: HubConfig, found: Due, taken: int | None) -> None:
    periods, readings = config.periods, config.readings
    raw = f"{readings.keep_raw_days} days" if readings.store != _INFLUX else "by its own bucket"
    for line in (
        f"records of visits, care, referrals: {periods.records} days after the last one, then the "
        "person may be erased",
        f"what could not be read: {periods.unread} days; {found.unread} rows are over",
        f"messages that were sent: {KEEP_SENT_MS // DAY_MS} days, those that failed "
        f"{KEEP_FAILED_MS // DAY_MS}, by the hub itself",
        f"raw readings: {raw}",
        "entries and the trail of looks: for good; what they tell of a person goes with her key",
    ):
        sys.stdout.write(f"{line}\n")
    if taken is not None:
        sys.stdout.write(f"taken away: {taken} rows\n")
    sys.stdout.write(f"may be erased (hearthwatch erase): {len(found.proposed)}\n")
    for person in found.proposed:
        sys.stdout.write(f"  {person}\n")
