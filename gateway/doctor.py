"""What an installer checks before leaving: ports, broker, disk, clock, sounds. Read-only."""

import os
import shutil
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from contract.config import ConfigError
from gateway.clock import Clock, load_clock
from gateway.config import GatewayConfig, UplinkConfig, load
from gateway.output import OccasionName
from gateway.second_path.gsm_modem import Ready
from gateway.second_path.modem_check import MODEM_REMEDIES, asked
from gateway.second_path.sms_plan import SmsSettings
from gateway.sources.bluetooth import WHAT_TO_START, NoBluetooth, load_bleak

CONNECT_TIMEOUT_S: Final = 5.0
# With less, the telemetry of an outage of days has no room.
FREE_WANTED_BYTES: Final = 1 << 30
# Where the kernel lists its Bluetooth adapters.
ADAPTERS: Final = Path("/sys/class/bluetooth")
# When somebody who called should hear that it was of use.
_MOMENTS: Final[Mapping[OccasionName, str]] = {
    "received": "when the call is received",
    "reassured": "when somebody has taken it",
}
_LOOPBACK: Final = ("127.", "localhost", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One row of the report; `remedy` says what to do, and is empty when all is well. `grave`
    False: a gateway can go on with it, though somebody should look."""

    check: str
    ok: bool
    detail: str
    remedy: str = ""
    grave: bool = True


def examine(path: Path) -> list[Check]:
    """All checks of a gateway's configuration; a file that can't be read is the only row."""
    try:
        config = load(path)
        clock = load_clock(config.clock_plan)
    except ConfigError as error:
        return [Check(check="configuration", ok=False, detail=str(error), remedy="correct it")]
    detail = f"{path}: gateway {config.gateway}, {len(config.sources)} sources"
    return [
        Check(check="configuration", ok=True, detail=detail),
        *_sources(config),
        *_uplink(config.uplink),
        *_modem(config.second_path.sms),
        *_disk(config),
        _clock(clock),
        *_feedback(config),
        *_outputs(config),
    ]


def _sources(config: GatewayConfig) -> Iterator[Check]:
    for source in config.sources:
        if source.serial is not None:
            yield _serial(source.name, source.serial.port)
        elif source.mqtt is not None:
            yield _reachable(f"source {source.name}", source.mqtt.host, source.mqtt.port)
        elif source.bluetooth is not None:
            yield _bluetooth(source.name, source.bluetooth.adapter)


def _serial(name: str, port: str) -> Check:
    check = f"source {name}"
    if not os.path.exists(port):
        return Check(
            check=check,
            ok=False,
            detail=f"{port} does not exist",
            remedy="plug the adapter in; name it by /dev/serial/by-id/… so that it keeps its name",
        )
    if not os.access(port, os.R_OK | os.W_OK):
        return Check(
            check=check,
            ok=False,
            detail=f"{port} may not be opened by this user",
            remedy="add the user of the service to the group dialout",
        )
    return Check(check=check, ok=True, detail=f"{port} is there")


def _modem(settings: SmsSettings | None) -> Iterator[Check]:
    """The modem answers, its card is open, and a network has it; no message is sent."""
    if settings is None:
        return
    there = _serial("modem", settings.port)
    if not there.ok:
        yield replace(there, check="short messages")
        return
    event, detail = asked(settings)
    if isinstance(event, Ready):
        signal = "" if event.signal_dbm is None else f", {event.signal_dbm} dBm"
        count = len(settings.numbers)
        detail = f"{settings.port} answers{signal}; {count} numbers are told"
        yield Check(check="short messages", ok=True, detail=detail)
        return
    yield Check(
        check="short messages", ok=False, detail=detail, remedy=MODEM_REMEDIES.get(detail, "")
    )


def _bluetooth(name: str, adapter: str) -> Check:
    check = f"source {name}"
    try:
        load_bleak()
    except NoBluetooth as error:
        return Check(check=check, ok=False, detail="no Bluetooth client", remedy=str(error))
    there = sorted(p.name for p in ADAPTERS.iterdir()) if ADAPTERS.is_dir() else []
    if not there or (adapter and adapter not in there):
        detail = f"adapter {adapter or 'of any name'} is not there; found: {', '.join(there) or 0}"
        return Check(check=check, ok=False, detail=detail, remedy=WHAT_TO_START)
    return Check(check=check, ok=True, detail=f"{adapter or there[0]} is there")


def _reachable(check: str, host: str, port: int) -> Check:
    try:
        with socket.create_connection((host, port), CONNECT_TIMEOUT_S):
            return Check(check=check, ok=True, detail=f"{host}:{port} answers")
    except OSError as error:
        return Check(
            check=check,
            ok=False,
            detail=f"{host}:{port}: {error}",
            remedy="is the broker running, is host and port right, does a firewall refuse it?",
        )


def _uplink(uplink: UplinkConfig) -> Iterator[Check]:
    yield _reachable("hub's broker", uplink.host, uplink.port)
    if not uplink.tls and not uplink.host.startswith(_LOOPBACK):
        yield Check(
            check="transport",
            ok=False,
            detail=f"the line to {uplink.host} is not encrypted",
            remedy="set tls = true and ca_file under [uplink]",
            grave=False,
        )
    if uplink.tls:
        yield _tls(uplink)
    if uplink.username is not None and uplink.password is None:
        yield Check(
            check="password",
            ok=False,
            detail="a user name without a password",
            remedy="set password_file under [uplink] or HEARTHWATCH_UPLINK_PASSWORD",
        )


def _tls(uplink: UplinkConfig) -> Check:
    try:
        context = ssl.create_default_context(
            cafile=None if uplink.ca_file is None else str(uplink.ca_file)
        )
        if uplink.cert_file is not None:
            context.load_cert_chain(uplink.cert_file, uplink.key_file)
        with (
            socket.create_connection((uplink.host, uplink.port), CONNECT_TIMEOUT_S) as raw,
            context.wrap_socket(raw, server_hostname=uplink.host) as line,
        ):
            return Check(check="TLS", ok=True, detail=f"{line.version()}, certificate accepted")
    except OSError as error:
        return Check(
            check="TLS",
            ok=False,
            detail=str(error),
            remedy="check ca_file, cert_file, key_file and that host is the certificate's name",
        )


def _disk(config: GatewayConfig) -> Iterator[Check]:
    folder = config.data_dir
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    writable = folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
    yield Check(
        check="data folder",
        ok=writable,
        detail=str(config.data_dir),
        remedy="" if writable else f"{folder} must be writable by the user of the service",
    )
    free = shutil.disk_usage(folder).free
    enough = free >= FREE_WANTED_BYTES
    yield Check(
        check="disk",
        ok=enough,
        detail=f"{free >> 20} MiB free",
        remedy="" if enough else f"{FREE_WANTED_BYTES >> 20} MiB free carry an outage of days",
        grave=False,
    )


def _clock(clock: Clock) -> Check:
    synced = clock.state() == "synced"
    return Check(
        check="clock",
        ok=synced,
        detail="kept by NTP" if synced else "not synchronized",
        remedy="" if synced else "enable systemd-timesyncd or chrony",
        grave=False,
    )


def _outputs(config: GatewayConfig) -> Iterator[Check]:
    for bound in config.feedback.outputs:
        trouble = bound.output.trouble()
        for_whom = f" for {len(bound.devices)} devices" if bound.devices else ""
        detail = f"answers {', '.join(bound.on)}{for_whom}"
        yield Check(check=f"output {bound.name}", ok=not trouble, detail=detail, remedy=trouble)


def _feedback(config: GatewayConfig) -> Iterator[Check]:
    lines = {"received": config.feedback.received, "reassured": config.feedback.reassured}
    for moment, what in _MOMENTS.items():
        line = lines[moment]
        if not line:
            yield _heard(config, moment, what)
            continue
        found = shutil.which(line[0]) is not None
        yield Check(
            check=f"feedback.{moment}",
            ok=found,
            detail=line[0],
            remedy="" if found else "the program does not exist or may not be executed",
        )


def _heard(config: GatewayConfig, moment: OccasionName, what: str) -> Check:
    """Without a program of the installer's own: which outputs answer there."""
    bound = [b for b in config.feedback.outputs if moment in b.on and b.output.plays(moment)]
    everywhere = any(not b.devices for b in bound)
    some = len(frozenset[str]().union(*(b.devices for b in bound)))
    if everywhere:
        detail = f"answered by {', '.join(b.name for b in bound)}"
    elif bound:
        detail = f"at all but {some} devices the elder hears nothing {what}"
    else:
        detail = f"the elder hears nothing {what}"
    return Check(
        check=f"feedback.{moment}",
        ok=everywhere,
        detail=detail,
        remedy=""
        if everywhere
        else f"name a program under [feedback] {moment}, or an [[output]] with on = "
        f'["{moment}"]: who calls and hears nothing calls again, or gives up',
        grave=False,
    )
