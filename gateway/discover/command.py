"""`python -m gateway discover`: looks at all ports and the local broker, and prints what is there.

Ports are looked at side by side, each within its own bounded time. Ctrl-C ends the search and
prints what is known by then.
"""

import argparse
import asyncio
import json
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from contract.config import ConfigError
from gateway.clock import Clock, line_ms
from gateway.config import GatewayConfig, SourceConfig, load
from gateway.discover.finding import Finding, PlaceReport, State
from gateway.discover.heard import Heard
from gateway.discover.holders import holders
from gateway.discover.port import Plan, PortSearch
from gateway.discover.report import document, shown_note, table, toml
from gateway.drivers.modbus.frame import UNIT_MAX
from gateway.sources.local_mqtt import LocalMqttSettings, hear
from gateway.sources.serial_port import ports_of_this_machine

# Battery devices of Zigbee speak when touched or once an hour; retained lists come at once.
LISTEN_MQTT_S: Final = 20.0
BROKER_DEFAULT: Final = "127.0.0.1:1883"
_BY_ID: Final = Path("/dev/serial/by-id")
EXIT_STOPPED: Final = 130
EXIT_NOTHING: Final = 1

EPILOG: Final = """examples:
  python -m gateway discover                       all ports, the broker on this machine
  python -m gateway discover --serial /dev/ttyUSB0 --no-mqtt
  python -m gateway discover --config gateway.toml marks what is configured already
Nothing is ever written to a meter, and a modem sends no message. Stop the gateway first: it has
its ports for itself.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to look at."""

    ports: Sequence[str]
    brokers: Sequence[LocalMqttSettings]
    plan: Plan = field(default_factory=Plan)
    listen_mqtt_s: float = LISTEN_MQTT_S
    config: GatewayConfig | None = None


class BrokerSearch:
    """One broker; `report` tells what is known at any moment."""

    def __init__(
        self,
        settings: LocalMqttSettings,
        listen_s: float,
        now_ms: Callable[[], int],
        config: GatewayConfig | None = None,
    ) -> None:
        self._settings = settings
        self._listen_s = listen_s
        self._now_ms = now_ms
        self._heard = Heard(_tables(settings, config))
        self._state: State = "stopped"
        self._notes: list[str] = []

    async def run(self) -> None:
        try:
            async with asyncio.timeout(self._listen_s):
                await hear(self._settings, self._heard.subscriptions(), self._take)
        except TimeoutError:
            self._state = "ok"
        except (OSError, ValueError) as error:
            self._state = "failed"
            self._notes.append(f"{error}: is the broker running, are user and password right?")

    def report(self) -> PlaceReport:
        notes = [*self._notes]
        if self._heard.unknown:
            notes.append(f"topics no driver reads: {', '.join(sorted(self._heard.unknown))}")
        return PlaceReport(
            transport="mqtt",
            place=f"{self._settings.host}:{self._settings.port}",
            state=self._state,
            findings=tuple(self._heard.findings()),
            notes=tuple(notes),
        )

    def _take(self, topic: str, payload: bytes, _retained: bool) -> None:
        self._heard.take(topic, payload, self._now_ms())


async def look(
    task: Task, say: Callable[[str], None], make_port: Callable[..., PortSearch] = PortSearch
) -> tuple[list[PlaceReport], bool]:
    """All reports, and whether the search came to its end."""
    clock = Clock()
    searches: list[PortSearch | BrokerSearch] = [
        make_port(port=port, plan=task.plan, line_ms=line_ms, say=say) for port in task.ports
    ]
    for broker in task.brokers:
        say(f"{broker.host}:{broker.port}: listening {task.listen_mqtt_s:.0f} s")
        searches.append(BrokerSearch(broker, task.listen_mqtt_s, clock.now_ms, task.config))
    work = asyncio.gather(*(search.run() for search in searches))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, work.cancel)
    try:
        await work
        whole = True
    except asyncio.CancelledError:
        whole = False
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    return [_marked(search.report(), task.config) for search in searches], whole


def main(argv: Sequence[str], out: Callable[[str], None], say: Callable[[str], None]) -> int:
    """`out` gets the result, `say` what goes on meanwhile."""
    args = _parser().parse_args(argv)
    task = _task(args)
    ports, brokers = len(task.ports), len(task.brokers)
    say(
        f"looking at {ports} port{'s' * (ports != 1)} and {brokers} broker{'s' * (brokers != 1)};"
        " Ctrl-C ends it"
    )
    for port in task.ports:
        who = holders(port)
        if who and not os.path.realpath(port).startswith("/dev/pts/"):
            say(f"{port}: open in {', '.join(who)}")
    reports, whole = asyncio.run(look(task, say))
    if args.json:
        out(json.dumps(document(reports), ensure_ascii=False, indent=1))
    else:
        _print(reports, out)
    if not whole:
        say("stopped; this is what was found by then")
        return EXIT_STOPPED
    return 0 if any(report.findings for report in reports) else EXIT_NOTHING


def _print(reports: Sequence[PlaceReport], out: Callable[[str], None]) -> None:
    for line in table(reports):
        out(line)
    lines = toml(reports)
    if lines:
        out("\nfor gateway.toml (give the devices names of your own):\n")
        for line in lines:
            out(line)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m gateway discover",
        description="Find meters, buttons and sensors on serial ports and the local broker.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, help="gateway.toml: its ports and brokers as well")
    parser.add_argument("--serial", action="append", metavar="PORT", help="only these ports")
    parser.add_argument("--mqtt", metavar="HOST:PORT", help=f"default {BROKER_DEFAULT}")
    parser.add_argument("--no-mqtt", action="store_true", help="serial ports only")
    parser.add_argument("--no-serial", action="store_true", help="the broker only")
    parser.add_argument("--username", help="of the broker")
    parser.add_argument("--password-file", type=Path, help="of the broker")
    parser.add_argument("--listen", type=float, metavar="S", default=Plan().listen_s,
                        help="seconds at each line setting (default %(default)s)")  # fmt: skip
    parser.add_argument("--listen-mqtt", type=float, metavar="S", default=LISTEN_MQTT_S,
                        help="seconds at the broker (default %(default)s)")  # fmt: skip
    parser.add_argument("--seconds", type=float, metavar="S", default=Plan().port_s,
                        help="at most for a port (default %(default)s)")  # fmt: skip
    parser.add_argument("--units", default="1-32", metavar="A-B", help="Modbus units to ask")
    parser.add_argument(
        "--insist", action="store_true", help="ask even where somebody unknown speaks"
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser


def _task(args: argparse.Namespace) -> Task:
    """ConfigError for what makes no sense."""
    config = None if args.config is None else load(args.config)
    for name in ("listen", "listen_mqtt", "seconds"):
        if not 0 < getattr(args, name) < 86_400:
            raise ConfigError(f"--{name.replace('_', '-')}", "more than 0 and less than a day")
    plan = Plan(
        listen_s=args.listen,
        port_s=args.seconds,
        units=_units(args.units),
        insist=args.insist,
    )
    return Task(
        ports=() if args.no_serial else _ports(args.serial, config),
        brokers=() if args.no_mqtt else _brokers(args, config),
        plan=plan,
        listen_mqtt_s=args.listen_mqtt,
        config=config,
    )


def _units(text: str) -> tuple[int, ...]:
    first, _dash, last = text.partition("-")
    try:
        low, high = int(first), int(last or first)
    except ValueError:
        low = high = 0
    if not 1 <= low <= high <= UNIT_MAX:
        raise ConfigError("--units", f"{text[:20]!r} is not like 1-32, between 1 and {UNIT_MAX}")
    return tuple(range(low, high + 1))


def _ports(given: Sequence[str] | None, config: GatewayConfig | None) -> list[str]:
    """Given ones only, else those of the machine and of the configuration; each device once."""
    if given:
        return list(dict.fromkeys(given))
    wanted = [] if config is None else [s.serial.port for s in config.sources if s.serial]
    if config is not None and config.second_path.sms is not None:
        wanted.append(config.second_path.sms.port)
    seen = {os.path.realpath(port) for port in wanted}
    stable = {os.path.realpath(link): str(link) for link in _links()}
    for port in ports_of_this_machine():
        real = os.path.realpath(port.device)
        if real not in seen:
            seen.add(real)
            wanted.append(stable.get(real, port.device))
    return wanted


def _links() -> list[Path]:
    """Names that an adapter keeps when it is plugged in elsewhere."""
    return sorted(_BY_ID.iterdir()) if _BY_ID.is_dir() else []


def _brokers(args: argparse.Namespace, config: GatewayConfig | None) -> list[LocalMqttSettings]:
    if args.mqtt is None and config is not None:
        found = [source.mqtt for source in config.sources if source.mqtt is not None]
        if found:
            return list({(one.host, one.port): one for one in found}.values())
    host, colon, port = (args.mqtt or BROKER_DEFAULT).rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdecimal():
        raise ConfigError("--mqtt", f"{shown_note(str(args.mqtt))!r} is not like 127.0.0.1:1883")
    settings = LocalMqttSettings(name="discover", host=host, port=int(port))
    if args.username is None:
        return [settings]
    try:
        secret = None if args.password_file is None else args.password_file.read_text().strip()
    except OSError as error:
        raise ConfigError("--password-file", str(error)) from error
    return [replace(settings, username=args.username, password=secret)]


def _tables(
    broker: LocalMqttSettings, config: GatewayConfig | None
) -> list[tuple[str, Mapping[str, Any]]]:
    """What gateway.toml has for a broker."""
    return [
        (source.spec.name, source.config)
        for source in (() if config is None else config.sources)
        if source.mqtt is not None
        and (source.mqtt.host, source.mqtt.port) == (broker.host, broker.port)
    ]


def _marked(report: PlaceReport, config: GatewayConfig | None) -> PlaceReport:
    """What gateway.toml has for a port is marked; a broker's findings are already."""
    if config is None or report.transport != "serial":
        return report
    sources = [
        source
        for source in config.sources
        if source.serial and os.path.realpath(source.serial.port) == os.path.realpath(report.place)
    ]
    sms = config.second_path.sms
    if sms is not None and os.path.realpath(sms.port) == os.path.realpath(report.place):
        return replace(report, findings=[_told_by_sms(found) for found in report.findings])
    return replace(report, findings=[_mark(found, sources) for found in report.findings])


def _told_by_sms(found: Finding) -> Finding:
    """On the port of [second_path.sms]."""
    return replace(found, configured=found.driver == "gsm-sms")


def _mark(found: Finding, sources: Sequence[SourceConfig]) -> Finding:
    tables = [source.config for source in sources if source.spec.name == found.driver]
    if not found.table:
        return replace(found, configured=bool(tables))
    rows = [row for table in tables for row in table.get(found.table, ())]
    names = {str(row.get(key, "")).upper() for row in rows for key in ("address", "unit", "id")}
    # A short meter number gets zeros in front, as the driver reads it.
    names |= {str(row.get("address", "")).zfill(12) for row in rows}
    return replace(found, configured=found.address.upper() in names)
