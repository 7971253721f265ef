"""`hearthwatch hub`: the hub as a process, which waits where another one has the book."""

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from contract.config import EXIT_CONFIG, ConfigError
from dashboard.standby import create_standby
from hearthwatch.clock import PlannedClock, load_clock
from hearthwatch.http_server import Server, http_of
from hearthwatch.hub import LEASE_LOOK_S, Hub
from hearthwatch.hub_config import HubConfig
from hearthwatch.hub_config import load as load_config
from hearthwatch.logs import configure, say
from hearthwatch.part_gauges import standby_registry
from hearthwatch.roles import ALL, ROLES, Role, check, open_book
from hearthwatch.sealed_book import cannot_open
from ingest.laying_out import undisturbed
from ledger.cursor import (
    BookDamagedError,
    BookInUseError,
    BookUnreachableError,
    HubConnection,
)
from ledger.database import BookNewerError
from ledger.sealing.key_file import KeyFileError
from rules.config import default_rules, rules_from_toml
from rules.rule import Rule

# The interpreter's threads take turns this often: a press waits at most so long behind a batch
# of readings (the default is 5 ms).
SWITCH_INTERVAL_S: Final = 0.0005


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "hub",
        help="run the hub: ingest, rules, alarms, ledger and web page",
        epilog="example: hearthwatch hub --config /etc/hearthwatch/hub.toml",
    )
    parser.add_argument("--config", type=Path, required=True, help="hub.toml")
    parser.add_argument(
        "--role",
        choices=sorted(ROLES),
        default=ALL.name,
        help="what this process does of a hub whose book is shared (docs/scale.md); all of it",
    )
    parser.add_argument("--check", action="store_true", help="read the configuration and stop")
    parser.set_defaults(func=main)


def main(args: argparse.Namespace) -> int:
    configure()
    try:
        config = load_config(args.config)
        rules = _rules(config.rules)
        role = ROLES[args.role]
        check(role, config)
        if args.check:
            sys.stdout.write(f"{args.config}: ok\n")
            return 0
        clock = load_clock(config.clock_plan)
    except ConfigError as error:
        sys.stderr.write(f"hearthwatch hub: {error}\n")
        return EXIT_CONFIG
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        return asyncio.run(_run(config, clock, rules, role))
    except BookUnreachableError as error:
        # Whoever supervises the process tries again.
        sys.stderr.write(f"hearthwatch hub: the book can't be opened: {error}\n")
        return 1
    except (BookDamagedError, BookInUseError, BookNewerError, KeyFileError) as error:
        sys.stderr.write(f"hearthwatch hub: {error}\n")
        return 2
    except ConfigError as error:
        sys.stderr.write(f"hearthwatch hub: {error}\n")
        return EXIT_CONFIG


def _rules(path: Path | None) -> Sequence[Rule]:
    if path is None:
        return default_rules()
    try:
        return rules_from_toml(path.read_text(), path.name)
    except OSError as error:
        raise ConfigError(str(path), error.strerror or "cannot be read") from error


async def _run(config: HubConfig, clock: PlannedClock, rules: Sequence[Rule], role: Role) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    connection = await _turn(config, role, stop)
    if connection is None:
        return 0
    hub = _built(config, clock, rules, connection, role)
    await hub.run(stop, lambda: say("hub_started", f"http://{config.http.host}"))
    # Whoever supervises the process starts it again, to wait for its turn.
    return 1 if hub.lost else 0


def _built(
    config: HubConfig,
    clock: PlannedClock,
    rules: Sequence[Rule],
    connection: HubConnection,
    role: Role,
) -> Hub:
    """BookUnreachableError: its server went away while the hub was reading it back."""
    try:
        with undisturbed():
            return Hub(config, clock, rules, connection, role)
    except Exception as error:
        gone = config.book.away(error)
        if gone is None:
            raise
        with contextlib.suppress(Exception):
            connection.close()
        raise BookUnreachableError(gone) from error


async def _turn(config: HubConfig, role: Role, stop: asyncio.Event) -> HubConnection | None:
    """The hub's connection to its book; where another hub has it and a second one makes sense, this
    one waits and says so. None: asked to stop meanwhile."""
    config.data_dir.mkdir(parents=True, exist_ok=True)
    try:
        return open_book(role, config)
    except BookInUseError:
        if not config.book.has_standby:
            raise
    say("standby", "another hub has the book; this one waits for its turn")
    problem: str | None = None
    server = Server(http_of(config, create_standby(lambda: problem is None, standby_registry())))
    serving = asyncio.create_task(server.serve())
    try:
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LEASE_LOOK_S):
                    await stop.wait()
            try:
                before, problem = problem, await asyncio.to_thread(cannot_open, config)
                if problem is not None:
                    # The book is left to a hub that can open it.
                    if problem != before:
                        say("standby_cannot_open", problem)
                    continue
                return await asyncio.to_thread(open_book, role, config)
            except BookInUseError:
                continue
            except Exception as error:  # noqa: BLE001 - a server that restarts is waited for
                say("standby_waits", f"{type(error).__name__}: {error}")
        return None
    finally:
        server.should_exit = True
        await serving
