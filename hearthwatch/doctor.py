"""`hearthwatch doctor`: is this machine fit to run, and if not, what to do about it."""

import argparse
import importlib.util
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from contract.config import ConfigError
from gateway.config import load as load_gateway

# Less than this and a day of telemetry may not fit.
FREE_BYTES_MIN: Final = 1 << 30
CONNECT_TIMEOUT_S: Final = 3.0
STATIC: Final = Path(__file__).parent.parent / "dashboard" / "static" / "index.html"

Verdict = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check. `remedy` says what to do; empty when all is well."""

    check: str
    verdict: Verdict
    detail: str
    remedy: str = ""


def reachable(what: str, host: str, port: int) -> Finding:
    try:
        with socket.create_connection((host, port), CONNECT_TIMEOUT_S):
            return Finding(check=what, verdict="ok", detail=f"{host}:{port} answers")
    except OSError as error:
        return Finding(
            check=what,
            verdict="fail",
            detail=f"{host}:{port}: {error.strerror or error}",
            remedy="start the broker there, or correct host and port",
        )


def disk(folder: Path) -> Finding:
    place = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(place).free
    detail = f"{free / (1 << 30):.1f} GiB free at {place}"
    if free >= FREE_BYTES_MIN:
        return Finding(check="disk", verdict="ok", detail=detail)
    return Finding(check="disk", verdict="warn", detail=detail, remedy="make room or move data_dir")


def port_free(host: str, port: int) -> Finding:
    with socket.socket() as probe:
        probe.settimeout(CONNECT_TIMEOUT_S)
        taken = probe.connect_ex((host, port)) == 0
    if taken:
        return Finding(
            check="http port",
            verdict="warn",
            detail=f"{host}:{port} is taken (by a running hub?)",
            remedy="stop the other program or choose another [http] port",
        )
    return Finding(check="http port", verdict="ok", detail=f"{host}:{port} is free")


def machine() -> Iterator[Finding]:
    """What concerns every installation."""
    version = sys.version.split()[0]
    yield Finding(check="python", verdict="ok", detail=version)
    if importlib.util.find_spec("fastapi") is None:
        return
    from hearthwatch.embedded_broker import find_mosquitto

    program = find_mosquitto()
    yield Finding(
        check="mosquitto",
        verdict="ok" if program else "warn",
        detail=program or "not found",
        remedy="" if program else "apt-get install mosquitto (the demo goes without)",
    )
    built = STATIC.exists()
    yield Finding(
        check="web page",
        verdict="ok" if built else "fail",
        detail="built" if built else "not built",
        remedy="" if built else "./dev web",
    )


def hub(path: Path) -> Iterator[Finding]:
    from hearthwatch.hub_config import load
    from ledger.roster import parse
    from rules.config import rules_from_toml

    config = load(path)
    yield Finding(check="hub.toml", verdict="ok", detail=str(path))
    if config.rules is not None:
        rules = rules_from_toml(config.rules.read_text(), config.rules.name)
        yield Finding(check="rules", verdict="ok", detail=f"{len(rules)} rules")
    if config.homes is not None:
        roster = parse(config.homes.read_text(), config.homes.name)
        yield Finding(check="homes", verdict="ok", detail=f"{len(roster.homes)} homes")
    yield disk(config.data_dir)
    yield port_free(config.http.host, config.http.port)
    yield reachable("broker", config.broker.host, config.broker.port)


def gateway(path: Path) -> Iterator[Finding]:
    config = load_gateway(path)
    for source in config.sources:
        source.spec.build(source.config)
    yield Finding(check="gateway.toml", verdict="ok", detail=f"{len(config.sources)} sources")
    yield disk(config.data_dir)
    for source in config.sources:
        if source.serial is not None:
            there = Path(source.serial.port).exists()
            yield Finding(
                check=f"serial {source.name}",
                verdict="ok" if there else "fail",
                detail=source.serial.port if there else f"{source.serial.port} is not there",
                remedy="" if there else "plug the adapter in; ls /dev/serial/by-id",
            )
        elif source.mqtt is not None:
            yield reachable(f"mqtt {source.name}", source.mqtt.host, source.mqtt.port)
    yield reachable("uplink", config.uplink.host, config.uplink.port)


def examine(checks: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """The findings; a configuration that can't be read is one of them."""
    try:
        yield from checks()
    except ConfigError as error:
        yield Finding(
            check="configuration", verdict="fail", detail=str(error), remedy="mend this line"
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
        epilog="example: hearthwatch doctor --hub /etc/hearthwatch/hub.toml",
    )
    parser.add_argument("--hub", type=Path, help="a hub.toml to check, with what it names")
    parser.add_argument("--gateway", type=Path, help="a gateway.toml to check")
    parser.set_defaults(func=main)


def main(args: argparse.Namespace) -> int:
    findings = list(examine(machine))
    if args.hub is not None:
        findings += examine(lambda: hub(args.hub))
    if args.gateway is not None:
        findings += examine(lambda: gateway(args.gateway))
    for finding in findings:
        sys.stdout.write(f"{finding.verdict:4}  {finding.check:16} {finding.detail}\n")
        if finding.remedy:
            sys.stdout.write(f"      {'':16} -> {finding.remedy}\n")
    return 1 if any(finding.verdict == "fail" for finding in findings) else 0
