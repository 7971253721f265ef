"""`hearthwatch erase`: take a person out of the book for good. Without the hub, whose memory still
has her; while it runs, whoever administers the county does it over HTTP.
"""

import argparse
import sys
from contextlib import closing
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from contract.config import ConfigError
from contract.moment import to_iso
from hearthwatch.book_change import ACTOR
from hearthwatch.clock import wall_ms
from hearthwatch.hub_config import HubConfig, load
from hearthwatch.keys_command import in_transaction
from hearthwatch.sealed_book import eraser_of, opened
from ledger.cursor import BookInUseError, Cursor
from ledger.erasure.eraser import Blocked, Done, Eraser, PlanChanged
from ledger.erasure.kept import KeptError
from ledger.erasure.plan import ErasurePlan
from ledger.sealing.key_file import KeyFileError
from ledger.unit_of_work import UnitOfWork

REASON_MIN = 3


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "erase",
        help="erase a person for good, in two steps; the hub must not run",
        epilog="examples: hearthwatch erase --config hub.toml person-17; hearthwatch erase "
        "--config hub.toml person-17 --reason 'asked by herself' --confirm 3f0c…",
    )
    parser.add_argument("person", help="the person's id")
    parser.add_argument("--config", type=Path, required=True, help="hub.toml")
    parser.add_argument("--reason", default="", help="stays readable for good: names nobody")
    parser.add_argument("--confirm", default="", help="what the plan said; without it, the plan")
    parser.set_defaults(func=main)


def main(args: argparse.Namespace) -> int:
    try:
        return _erase(load(args.config), args)
    except KeyError:
        sys.stderr.write("hearthwatch erase: there is no such person\n")
    except Blocked as blocked:
        _tell(blocked.plan)
        sys.stderr.write("hearthwatch erase: nothing was erased\n")
    except PlanChanged:
        sys.stderr.write("hearthwatch erase: this is not what the plan says now; read it again\n")
    except (
        BookInUseError,
        KeyFileError,
        KeptError,
        ConfigError,
        OSError,
        SQLAlchemyError,
    ) as error:
        sys.stderr.write(f"hearthwatch erase: {str(error).splitlines()[0]}\n")
    return 1


def _erase(config: HubConfig, args: argparse.Namespace) -> int:
    eraser = eraser_of(config)
    with closing(opened(config)) as connection:
        if not args.confirm:
            plan = in_transaction(
                connection, lambda cursor: eraser.plan(UnitOfWork(cursor, wall_ms()), args.person)
            )
            _tell(plan)
            return 1 if plan.blockers else 0
        if len(args.reason.strip()) < REASON_MIN:
            sys.stderr.write("hearthwatch erase: say why (--reason)\n")
            return 1
        done = in_transaction(connection, lambda cursor: _erased(eraser, cursor, args))
    if done is not None:
        eraser.committed(done)
    sys.stdout.write(f"{args.person} is erased\n")
    return 0


def _erased(eraser: Eraser, cursor: Cursor, args: argparse.Namespace) -> Done | None:
    """With its line on the trail, as over HTTP."""
    unit = UnitOfWork(cursor, wall_ms())
    done = eraser.erase(
        unit, args.person, confirm=args.confirm, actor=ACTOR, reason=args.reason.strip()
    )
    if done is not None:
        unit.audit(ACTOR, "erased", f"person:{args.person}")
    return done


def _tell(plan: ErasurePlan) -> None:
    if plan.erased_at_ms is not None:
        sys.stdout.write(f"{plan.person} was erased at {to_iso(plan.erased_at_ms)}\n")
        return
    for kind, count in plan.goes.items():
        sys.stdout.write(f"goes: {count} {kind}\n")
    if plan.with_home:
        sys.stdout.write(f"goes: the address of {plan.home}, where nobody else lives\n")
    sys.stdout.write(f"stays, to be counted: {', '.join(plan.stays)}, dates of visits\n")
    for blocker in plan.blockers:
        until = "" if blocker.until_ms is None else f" (until {to_iso(blocker.until_ms)[:10]})"
        sys.stdout.write(f"not now: {blocker.en}{until}\n")
    if not plan.blockers:
        sys.stdout.write(f"to erase: --reason '…' --confirm {plan.confirm}\n")
