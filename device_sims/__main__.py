"""`python -m device_sims`: simulated homes on pseudo-terminals and MQTT, or as CSV readings."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from device_sims.clock_plan import ClockPlanError, SimClock
from device_sims.county import County
from device_sims.devices.dlt645_meter import NO_FAULTS, LineFaults
from device_sims.past import PAST_DAYS
from device_sims.readings import (
    EQUIPMENT,
    FAULTS,
    KINDS,
    STEP_KWH_MAX,
    STEP_KWH_MIN,
    write_past,
    write_readings,
)
from device_sims.roster import GatewayPlaces, gateway_toml, homes_toml, households
from device_sims.story import ROUTINE, StoryError, load
from device_sims.transports.descriptors import TooFewFilesError, allow_lines
from device_sims.transports.mqtt_out import MqttOut
from device_sims.transports.no_line import NoLine
from device_sims.transports.pty_line import PtyLine

# How often a bad line spoils a reply, per fault that may be asked for.
_BAD_LINE = {"noise": 0.2, "lost": 0.1, "corrupt": 0.1}


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    try:
        return int(args.func(args))
    except (StoryError, ClockPlanError, TooFewFilesError, OSError) as error:
        print(f"device_sims: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m device_sims",
        description="Simulated homes that speak the devices' real bytes.",
        epilog="The same as `hearthwatch simulate …`. docs/simulator.md tells more.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    _add_run(commands)
    _add_roster(commands)
    _add_readings(commands)
    return parser


def _homes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--homes", type=_positive, default=24, help="how many (24)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other people (1)")


def _broker(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument("--broker", type=_address, required=required, metavar="HOST:PORT")
    parser.add_argument("--username")
    parser.add_argument("--password-file", type=Path)
    parser.add_argument("--protocol", choices=("5", "3.1.1"), default="5")
    parser.add_argument("--clock-plan", type=Path, help="accelerated time (JSON)")
    parser.add_argument("--pty-dir", type=Path, help="where the serial lines appear")


def _add_run(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "run",
        help="homes that live and press buttons, until Ctrl-C",
        epilog="example: python -m device_sims run --homes 24 --pty-dir /tmp/lines "
        "--broker 127.0.0.1:1883 --scenario device_sims/scenarios/demo.toml. "
        "Prints a line of JSON for everything that happens.",
    )
    _homes(parser)
    _broker(parser, required=True)
    parser.add_argument("--scenario", type=Path, help="a story (TOML); without it, routine alone")
    parser.add_argument("--story-began-ms", type=int, help="simulated time of the story's 0s (now)")
    parser.add_argument(
        "--line-fault",
        action="append",
        default=[],
        choices=("echo", *_BAD_LINE),
        help="what is wrong with the meters' lines; may be given more than once",
    )
    parser.add_argument(
        "--no-lines",
        action="store_true",
        help="no serial lines: meters aren't asked, radio buttons aren't heard",
    )
    parser.set_defaults(func=_run_command)


def _add_roster(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "roster",
        help="write homes.toml, and gateway.toml of every village when a broker is given",
        epilog="example: python -m device_sims roster --homes 24 --out homes.toml. "
        "With --gateways DIR also --broker, --username, --password-file and --pty-dir.",
    )
    _homes(parser)
    _broker(parser, required=False)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--gateways", type=Path, help="folder for <gateway>.toml and their data")
    parser.set_defaults(func=_roster_command)


def _add_readings(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "readings",
        help="the same homes as CSV for `hearthwatch replay`, with the true absences beside it",
        epilog="example: python -m device_sims readings --homes 24 --days 30 --out r.csv "
        "--truth t.csv --fault left-on --fault gaps",
    )
    _homes(parser)
    parser.add_argument("--days", type=_positive, default=30)
    parser.add_argument("--interval-s", type=_positive, default=900)
    parser.add_argument("--kind", action="append", choices=KINDS, help="only these (power)")
    parser.add_argument("--fault", action="append", default=[], choices=sorted(FAULTS))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--truth", type=Path, help="absences and illnesses, as CSV")
    parser.add_argument(
        "--equip", action="append", default=[], choices=EQUIPMENT, help="every home has it"
    )
    parser.add_argument(
        "--step-kwh", type=_step, help="every register counts in these steps, as in 1 or 0.001"
    )
    parser.add_argument(
        "--before-ms",
        type=int,
        help="instead: the days before a run whose story began then, up to "
        f"{PAST_DAYS}, with the registers of that run",
    )
    parser.set_defaults(func=_readings_command)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def _step(text: str) -> float:
    number = float(text)
    if not STEP_KWH_MIN <= number <= STEP_KWH_MAX:
        raise argparse.ArgumentTypeError(f"{text} is not from {STEP_KWH_MIN} to {STEP_KWH_MAX}")
    return number


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, as in 127.0.0.1:1883")
    return host, int(port)


def _roster_command(args: argparse.Namespace) -> int:
    homes = households(args.homes, args.seed)
    if args.gateways is not None:
        missing = [
            f"--{name.replace('_', '-')}"
            for name in ("broker", "username", "password_file", "pty_dir")
            if getattr(args, name) is None
        ]
        if missing:
            print(f"device_sims: --gateways needs {', '.join(missing)}", file=sys.stderr)
            return 2
        host, port = args.broker
        args.gateways.mkdir(parents=True, exist_ok=True)
        for gateway in sorted({h.gateway for h in homes}):
            places = GatewayPlaces(
                host=host,
                port=port,
                username=args.username,
                password_file=args.password_file.resolve(),
                protocol=args.protocol,
                data_dir=args.gateways.resolve() / gateway,
                line_dir=args.pty_dir.resolve(),
                clock_plan=args.clock_plan.resolve() if args.clock_plan else None,
            )
            text = gateway_toml(gateway, homes, places)
            (args.gateways / f"{gateway}.toml").write_text(text, encoding="utf-8")
    args.out.write_text(homes_toml(homes), encoding="utf-8")
    return 0


def _readings_command(args: argparse.Namespace) -> int:
    if args.before_ms is not None:
        if args.truth or args.kind or args.fault or args.equip or args.step_kwh:
            print(
                "device_sims: --before-ms goes without --truth, --kind, --fault, --equip and "
                "--step-kwh",
                file=sys.stderr,
            )
            return 2
        rows = write_past(
            args.out,
            homes=args.homes,
            days=args.days,
            seed=args.seed,
            interval_s=args.interval_s,
            before_ms=args.before_ms,
        )
        print(f"{rows} rows in {args.out}")
        return 0
    rows = write_readings(
        args.out,
        args.truth,
        homes=args.homes,
        days=args.days,
        seed=args.seed,
        interval_s=args.interval_s,
        kinds=args.kind or ("power",),
        faults=args.fault,
        equipment=args.equip,
        step_kwh=args.step_kwh,
    )
    print(f"{rows} rows in {args.out}")
    return 0


def _run_command(args: argparse.Namespace) -> int:
    if args.pty_dir is None and not args.no_lines:
        print("device_sims: run needs --pty-dir, or --no-lines", file=sys.stderr)
        return 2
    asyncio.run(_run(args))
    return 0


def _say(what: str, fields: Mapping[str, Any]) -> None:
    print(json.dumps({"event": what, **fields}, ensure_ascii=False), flush=True)


async def _run(args: argparse.Namespace) -> None:
    story = load(args.scenario) if args.scenario else ROUTINE
    clock = SimClock(args.clock_plan)
    host, port = args.broker
    out = MqttOut(
        host,
        port,
        username=args.username,
        password=args.password_file.read_text().strip() if args.password_file else None,
        protocol=args.protocol,
        trouble=lambda why: _say("broker", {"trouble": why}),
    )
    homes = households(args.homes, args.seed)
    if not args.no_lines:
        allow_lines(len({h.gateway for h in homes}))
    county = County(
        homes,
        clock,
        Path() if args.no_lines else args.pty_dir,
        out,
        _say,
        began_ms=args.story_began_ms,
        faults=_line_faults(args.line_fault),
        make_line=NoLine if args.no_lines else PtyLine,
        sending=out.state,
    )
    began_ms = county.from_ms if args.story_began_ms is None else args.story_began_ms
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    tasks = [
        asyncio.create_task(out.run()),
        asyncio.create_task(county.run(story, began_ms, args.seed)),
        asyncio.create_task(stop.wait()),
    ]
    _say("started", {"homes": args.homes, "sim_ms": county.from_ms})
    try:
        done, _pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        county.close()


def _line_faults(names: Sequence[str]) -> LineFaults:
    if not names:
        return NO_FAULTS
    return LineFaults(
        echo="echo" in names, **{n: chance for n, chance in _BAD_LINE.items() if n in names}
    )


if __name__ == "__main__":
    sys.exit(main())
