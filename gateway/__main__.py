"""`python -m gateway`: the process on the Raspberry Pi."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from contract.config import ConfigError
from gateway.clock import load_clock
from gateway.config import GatewayConfig, load
from gateway.process import Gateway


def say(event: str, detail: str) -> None:
    """One JSON line on standard error; journald keeps it."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = json.dumps({"at": at, "event": event, "detail": detail}, ensure_ascii=False)
    print(line, file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m gateway",
        description="Read the devices of a home or village and hand what they say to the hub.",
        epilog="example: python -m gateway --config /etc/hearthwatch/gateway.toml",
    )
    parser.add_argument("--config", type=Path, required=True, help="gateway.toml")
    parser.add_argument("--check", action="store_true", help="read the configuration and stop")
    args = parser.parse_args(argv)
    try:
        config = load(args.config)
        for source in config.sources:
            source.spec.build(source.config)
        if args.check:
            print(f"{args.config}: ok")
            return 0
        asyncio.run(_run(args.config, config))
    except ConfigError as error:
        print(f"gateway: {error}", file=sys.stderr)
        return 2
    return 0


async def _run(path: Path, config: GatewayConfig) -> None:
    """Run until SIGTERM or SIGINT; SIGHUP starts over with the configuration read again."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    while not ended.is_set():
        stop = asyncio.Event()
        loop.add_signal_handler(signal.SIGHUP, stop.set)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, _end, ended, stop)
        await Gateway(config, load_clock(config.clock_plan), say).run(stop)
        if not ended.is_set():
            config = _reload(path, config)


def _end(ended: asyncio.Event, stop: asyncio.Event) -> None:
    ended.set()
    stop.set()


def _reload(path: Path, config: GatewayConfig) -> GatewayConfig:
    """The file as it is now; with a mistake in it the gateway goes on as before."""
    try:
        return load(path)
    except ConfigError as error:
        say("config_not_reloaded", str(error))
        return config


if __name__ == "__main__":
    sys.exit(main())
