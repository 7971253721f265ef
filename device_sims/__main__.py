"""`python -m device_sims`: simulated homes on pseudo-terminals and MQTT, or as CSV readings."""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from device_sims.clock_plan import SimClock
from device_sims.county import County
from device_sims.readings import write_readings
from device_sims.roster import homes_toml, households
from device_sims.story import StoryError, load
from device_sims.transports.mqtt_out import MqttOut


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m device_sims", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser(
        "run",
        help="homes that live and press buttons",
        epilog="example: python -m device_sims run --homes 24 --pty-dir /tmp/lines "
        "--broker 127.0.0.1:1883",
    )
    run.add_argument("--homes", type=int, default=24)
    run.add_argument("--seed", type=int, default=1)
    run.add_argument("--pty-dir", type=Path, required=True)
    run.add_argument("--broker", required=True, help="host:port")
    run.add_argument("--username")
    run.add_argument("--password-file", type=Path)
    run.add_argument("--protocol", choices=("5", "3.1.1"), default="5")
    run.add_argument("--clock-plan", type=Path)
    run.add_argument("--scenario", type=Path)
    run.add_argument("--story-began-ms", type=int, help="simulated time of the story's 0s")
    roster = commands.add_parser("roster", help="write homes.toml")
    roster.add_argument("--homes", type=int, default=24)
    roster.add_argument("--seed", type=int, default=1)
    roster.add_argument("--out", type=Path, required=True)
    readings = commands.add_parser(
        "readings",
        help="the same homes' meters as CSV, with the true absences beside it",
        epilog="example: python -m device_sims readings --homes 24 --days 30 --out r.csv "
        "--truth t.csv",
    )
    readings.add_argument("--homes", type=int, default=24)
    readings.add_argument("--days", type=int, default=30)
    readings.add_argument("--seed", type=int, default=1)
    readings.add_argument("--interval-s", type=int, default=900)
    readings.add_argument("--out", type=Path, required=True)
    readings.add_argument("--truth", type=Path)
    args = parser.parse_args(argv)
    if args.command == "roster":
        args.out.write_text(homes_toml(households(args.homes, args.seed)))
        return 0
    if args.command == "readings":
        rows = write_readings(
            args.out,
            args.truth,
            homes=args.homes,
            days=args.days,
            seed=args.seed,
            interval_s=args.interval_s,
        )
        print(f"{rows} rows in {args.out}")
        return 0
    try:
        asyncio.run(_run(args))
    except StoryError as error:
        print(f"device_sims: {error}", file=sys.stderr)
        return 2
    return 0


def _say(what: str, fields: dict[str, Any]) -> None:
    print(json.dumps({"event": what, **fields}, ensure_ascii=False), flush=True)


async def _run(args: argparse.Namespace) -> None:
    host, _, port = args.broker.rpartition(":")
    clock = SimClock(args.clock_plan)
    out = MqttOut(
        host,
        int(port),
        username=args.username,
        password=args.password_file.read_text().strip() if args.password_file else None,
        protocol=args.protocol,
    )
    county = County(households(args.homes, args.seed), clock, args.pty_dir, out, _say)
    story = load(args.scenario) if args.scenario else None
    began_ms = args.story_began_ms if args.story_began_ms is not None else clock.now_ms()
    tasks = [
        asyncio.ensure_future(out.run()),
        asyncio.ensure_future(county.run(story, began_ms)),
    ]
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    _say("started", {"homes": args.homes})
    await asyncio.wait(
        {*tasks, asyncio.ensure_future(stop.wait())}, return_when=asyncio.FIRST_COMPLETED
    )
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    county.close()


if __name__ == "__main__":
    sys.exit(main())
