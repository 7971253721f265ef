"""`python -m gateway`: the process on the Raspberry Pi."""

import argparse
import asyncio
import json
import signal
import sqlite3
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from contract.config import EXIT_CONFIG, ConfigError
from gateway.clock import load_clock
from gateway.commands import DoneCommands
from gateway.config import GatewayConfig, load
from gateway.process import Gateway
from gateway.spool.failures import SpoolFull

EXIT_SPOOL = 3
_INSTALLERS = ("discover", "enrol", "walk-test")


def say(event: str, detail: str) -> None:
    """One JSON line on standard error; journald keeps it."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = json.dumps({"at": at, "event": event, "detail": detail}, ensure_ascii=False)
    print(line.encode(errors="replace").decode(), file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m gateway",
        description="Read the devices of a home or village and hand what they say to the hub.",
        epilog="example: python -m gateway --config /etc/hearthwatch/gateway.toml\n"
        "installers: python -m gateway enrol --help, discover --help, walk-test --help",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, required=True, help="gateway.toml")
    parser.add_argument("--check", action="store_true", help="read the configuration and stop")
    parser.add_argument(
        "--doctor", action="store_true", help="also look at ports, broker, disk and clock, and stop"
    )
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] and arguments[0] in _INSTALLERS:
        return _install(arguments[0], arguments[1:])
    args = parser.parse_args(arguments)
    try:
        if args.doctor:
            return _doctor(args.config)
        config = load(args.config)
        load_clock(config.clock_plan)
        if args.check:
            print(f"{args.config}: ok")
            return 0
        asyncio.run(_run(args.config, config))
    except ConfigError as error:
        print(f"gateway: {error}", file=sys.stderr)
        return EXIT_CONFIG
    except (SpoolFull, sqlite3.Error, OSError) as error:
        say("spool_unusable", str(error))
        return EXIT_SPOOL
    return 0


def _install(command: str, arguments: Sequence[str]) -> int:
    """Commands for whoever fits out a home; the gateway's service doesn't need their code."""
    from gateway import walk_test
    from gateway.discover import command as discover
    from gateway.enrol import command as enrol

    out, say = partial(print, flush=True), partial(print, file=sys.stderr)
    try:
        if command == "discover":
            return discover.main(arguments, out, say)
        if command == "enrol":
            return enrol.main(arguments, out, say)
        return walk_test.main(arguments, out, say)
    except ConfigError as error:
        print(f"gateway {command}: {error}", file=sys.stderr)
        return EXIT_CONFIG
    except (SpoolFull, sqlite3.Error) as error:
        print(f"gateway {command}: {error}", file=sys.stderr)
        return EXIT_SPOOL


def _doctor(path: Path) -> int:
    from gateway.doctor import examine

    checks = examine(path)
    for check in checks:
        verdict = "ok  " if check.ok else "FAIL" if check.grave else "WARN"
        print(f"{verdict}  {check.check}: {check.detail}")
        if not check.ok:
            print(f"      {check.remedy}")
    return 0 if all(check.ok or not check.grave for check in checks) else 1


async def _run(path: Path, config: GatewayConfig) -> None:
    """Run until SIGTERM or SIGINT; SIGHUP starts over with the configuration read again."""
    loop = asyncio.get_running_loop()
    done = DoneCommands()
    while True:
        gateway = Gateway(config, load_clock(config.clock_plan), say, done)
        loop.add_signal_handler(signal.SIGHUP, partial(gateway.end, "reload"))
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, partial(gateway.end, "stop"))
        if await gateway.run() == "stop":
            return
        config = _reload(path, config)


def _reload(path: Path, config: GatewayConfig) -> GatewayConfig:
    """The file as it is now; with a mistake in it the gateway goes on as before."""
    try:
        fresh = load(path)
        load_clock(fresh.clock_plan)
    except ConfigError as error:
        say("config_not_reloaded", str(error))
        return config
    return fresh


if __name__ == "__main__":
    sys.exit(main())
