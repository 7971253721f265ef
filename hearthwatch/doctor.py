"""`hearthwatch doctor`: is this machine fit to run, and if not, what to do about it. Read-only."""

import argparse
import http.client
import importlib.util
import os
import shutil
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

from contract.config import ConfigError
from gateway import doctor as gateway_doctor
from gateway.belonging import others
from gateway.clock import Clock
from hearthwatch.doctor_audit import audit_copy
from hearthwatch.doctor_book import book
from hearthwatch.doctor_copies import copies
from hearthwatch.doctor_enrolment import enrolment
from hearthwatch.doctor_finding import Finding, Verdict, judge
from hearthwatch.doctor_readings import readings
from hearthwatch.doctor_sealing import own_keys

if TYPE_CHECKING:
    # A gateway's installation has neither msgspec nor what else the hub's modules import.
    from hearthwatch.broker_config import BrokerConfig
    from hearthwatch.hub_config import HubConfig

# Less than this and a day of telemetry may not fit.
FREE_BYTES_MIN: Final = 1 << 30
CONNECT_TIMEOUT_S: Final = 3.0
RECEIVE_BYTES: Final = 4096
# Whoever listens everywhere is asked here.
_LOCAL: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}
STATIC: Final = Path(__file__).parent.parent / "dashboard" / "static" / "index.html"


def machine() -> Iterator[Finding]:
    """What concerns every installation."""
    yield Finding(check="python", verdict="ok", detail=sys.version.split()[0])
    synced = Clock().state() == "synced"
    yield judge(
        "clock",
        synced,
        "kept by NTP" if synced else "not synchronized",
        "enable systemd-timesyncd or chrony; times in the book come from this clock",
        bad="warn",
    )
    if importlib.util.find_spec("fastapi") is None:
        yield Finding(check="hub", verdict="ok", detail="not installed: this is a gateway")
        return
    from hearthwatch.embedded_broker import find_mosquitto

    program = find_mosquitto()
    yield judge(
        "mosquitto",
        program is not None,
        program or "not found",
        "apt-get install mosquitto (the demo goes without)",
        bad="warn",
    )
    built = STATIC.exists()
    yield judge("web page", built, "built" if built else "not built", "./dev web")


def hub(path: Path, anchors: frozenset[str] = frozenset()) -> Iterator[Finding]:
    """A hub.toml, what it names, and the places it wants. `anchors`: see `doctor_book.book`."""
    from hearthwatch.clock import wall_ms
    from hearthwatch.hub_config import load

    config = load(path)
    yield Finding(check="hub.toml", verdict="ok", detail=str(path))
    if config.rules is not None:
        yield from rules(config.rules)
    if config.homes is not None:
        yield from homes(config.homes)
    yield from data_folder(config.data_dir)
    yield from book(config.book, anchors)
    yield from own_keys(config.book, config.data_dir)
    yield from readings(config)
    yield from copies(config, wall_ms())
    yield from audit_copy(config, wall_ms())
    yield from enrolment(config, wall_ms())
    yield http_port(config)
    broker = sign_in(config.broker)
    yield broker
    if config.broker.rabbitmq is not None and broker.verdict == "ok":
        from hearthwatch.doctor_rabbitmq import shards

        yield shards(config.broker)
    yield from telling(config)


def rules(path: Path) -> Iterator[Finding]:
    from rules.config import rules_from_toml

    count = len(rules_from_toml(path.read_text(), path.name))
    yield Finding(check="rules", verdict="ok", detail=f"{path}: {count} rules")


def homes(path: Path) -> Iterator[Finding]:
    from ledger.roster import parse

    roster = parse(path.read_text(), path.name)
    count = (
        f"{len(roster.homes)} homes, {len(roster.persons)} people, {len(roster.devices)} devices"
    )
    yield Finding(check="homes", verdict="ok", detail=f"{path}: {count}")
    fitted = {device["home"] for device in roster.devices}
    bare = [str(home["id"]) for home in roster.homes if home["id"] not in fitted]
    if bare:
        yield Finding(
            check="homes",
            verdict="warn",
            detail=f"{len(bare)} homes without a device, the first is {bare[0]}",
            remedy="add [[home.device]] or take the home out",
        )


def gateway(path: Path) -> Iterator[Finding]:
    for row in gateway_doctor.examine(path):
        bad: Verdict = "fail" if row.grave else "warn"
        yield judge(row.check, row.ok, row.detail, row.remedy, bad)


def data_folder(folder: Path) -> Iterator[Finding]:
    place = next(p for p in (folder, *folder.parents) if p.exists())
    writable = place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    yield judge(
        "data folder",
        writable,
        str(folder),
        f"{place} must be a folder that the user of the hub may write to",
    )
    if place == folder:
        strange = others(folder)
        yield judge(
            "owner of the files",
            not strange,
            "that of the folder" if not strange else f"not that of the folder: {strange[0]}",
            f"chown -hR --reference={folder}/. {folder}/",
        )
    free = shutil.disk_usage(place).free
    yield judge(
        "disk",
        free >= FREE_BYTES_MIN,
        f"{free / (1 << 30):.1f} GiB free at {place}",
        "make room or move data_dir",
        bad="warn",
    )


def telling(config: "HubConfig") -> Iterator[Finding]:
    """Whether anybody can be told outside the page. Nothing is sent: `admin test-notify` does."""
    notify = config.notify
    urgent = sorted(notify.urgent)
    yield judge(
        "channels",
        bool(urgent),
        ", ".join(sorted(notify.channels)) or "none",
        "configure [channel.…] of at least two kinds: nobody is told outside the page",
        bad="warn",
    )
    if urgent:
        yield judge(
            "second channel",
            len(urgent) > 1,
            ", ".join(urgent),
            "an urgent call that one provider refuses has no other way",
            bad="warn",
        )
        url = notify.telling.public_url
        yield judge(
            "public_url",
            url.startswith("https://"),
            url or "none",
            "set [notify] public_url to the address by which telephones reach this hub (https)",
            bad="warn",
        )
    modem = notify.channels.get("gsm_modem")
    if modem is not None:
        there = Path(modem.port).exists()
        yield judge("modem", there, modem.port, "plug it in, or correct [channel.gsm_modem] port")


def http_port(config: "HubConfig") -> Finding:
    host, port = config.http.host, config.http.port
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # As the server does: a port that has just been left is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if _answers(host, port):
                return Finding(check="http port", verdict="ok", detail=f"{host}:{port}: a hub runs")
            return Finding(
                check="http port",
                verdict="warn",
                detail=f"{host}:{port}: {error.strerror}, and no hub answers there",
                remedy="stop the other program or choose another [http] host and port",
            )
    return Finding(check="http port", verdict="ok", detail=f"{host}:{port} is free")


def _answers(host: str, port: int) -> bool:
    """Whether it is a hub that has the port."""
    asked = http.client.HTTPConnection(_LOCAL.get(host, host), port, timeout=CONNECT_TIMEOUT_S)
    try:
        asked.request("GET", "/healthz")
        return asked.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()


def sign_in(broker: "BrokerConfig") -> Finding:
    """Whether the broker takes our name and password, not only whether something listens."""
    if broker.rabbitmq is not None:
        from hearthwatch.doctor_rabbitmq import rabbitmq

        return rabbitmq(broker)
    from ingest.mqtt.packets import MqttError
    from ingest.mqtt.session import Session, SessionConfig

    place = f"{broker.host}:{broker.port}"
    session = Session(
        SessionConfig(
            client_id="hearthwatch-doctor",  # the hub's own would end its connection
            subscriptions=(),
            protocol=broker.protocol,
            username=broker.username,
            password=broker.password,
        )
    )
    try:
        with connect(broker) as line:
            line.sendall(session.connect_bytes())
            while data := line.recv(RECEIVE_BYTES):
                if session.feed(data).connected:
                    return Finding(check="broker", verdict="ok", detail=f"{place} takes the hub")
        detail, remedy = f"{place} closed the connection", "is that a broker for MQTT?"
    except MqttError as error:
        detail = f"{place}: {error}"
        remedy = "correct username and password_file under [broker], or the broker's own list"
    except OSError as error:
        detail = f"{place}: {error.strerror or error}"
        remedy = "start the broker there, or correct host, port and ca_file under [broker]"
    return Finding(check="broker", verdict="fail", detail=detail, remedy=remedy)


def connect(broker: "BrokerConfig") -> socket.socket:
    """An open line, encrypted where hub.toml says so."""
    line = socket.create_connection((broker.host, broker.port), CONNECT_TIMEOUT_S)
    if broker.ca_file is None:
        return line
    context = ssl.create_default_context(cafile=str(broker.ca_file))
    if broker.cert_file is not None:
        context.load_cert_chain(broker.cert_file, broker.key_file)
    return context.wrap_socket(line, server_hostname=broker.host)


def examine(checks: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """The findings; a configuration that can't be read is one of them."""
    try:
        yield from checks()
    except ConfigError as error:
        yield Finding(
            check="configuration", verdict="fail", detail=str(error), remedy="mend this line"
        )
    except UnicodeDecodeError as error:
        yield Finding(
            check="configuration", verdict="fail", detail=str(error), remedy="save it as UTF-8"
        )
    except OSError as error:
        yield Finding(
            check="configuration",
            verdict="fail",
            detail=f"{error.filename}: {error.strerror}",
            remedy="correct the path or the rights",
        )


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "doctor",
        help="check configuration and machine, say what to mend",
        epilog="examples: hearthwatch doctor --hub /etc/hearthwatch/hub.toml; "
        "hearthwatch doctor --homes new-homes.toml. "
        "Exit code 1 when a check failed; warnings leave it 0.",
    )
    for name, text in (
        ("hub", "a hub.toml, with what it names"),
        ("gateway", "a gateway.toml, with lines, brokers and disk"),
        ("rules", "a rules.toml by itself"),
        ("homes", "a homes.toml by itself"),
    ):
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", help=text)
    parser.add_argument(
        "--anchor",
        action="append",
        default=[],
        metavar="HEAD",
        help="with --hub: a head of the book from an earlier day (log, manifest of a copy);"
        " the book must lead through it; may be given several times",
    )
    parser.set_defaults(func=main)


def main(args: argparse.Namespace) -> int:
    found = list(examine(machine))
    for path, check in (
        (args.hub, partial(hub, anchors=frozenset(args.anchor))),
        (args.gateway, gateway),
        (args.rules, rules),
        (args.homes, homes),
    ):
        if path is not None:
            found += examine(partial(check, path))
    for finding in found:
        sys.stdout.write(f"{finding.verdict:4}  {finding.check:18} {finding.detail}\n")
        if finding.remedy:
            sys.stdout.write(f"      {'':18} -> {finding.remedy}\n")
    return 1 if any(finding.verdict == "fail" for finding in found) else 0
