"""gateway.toml, checked: every key is known, every mistake names file, key and remedy."""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, cast

from contract.config import ConfigError, check_keys, get, one_of
from contract.errors import ContractError
from contract.ids import check_name
from gateway import secret_file
from gateway.driver import DriverSpec, LineSettings
from gateway.enrol import identity
from gateway.enrol.identity import Identity
from gateway.feedback import FeedbackCommands
from gateway.output_tables import outputs
from gateway.registry import DRIVERS
from gateway.second_path.settings import SecondPath, second_path
from gateway.sources.bluetooth import DEFAULT_ADAPTER, BluetoothSettings
from gateway.sources.local_mqtt import LocalMqttSettings
from gateway.sources.serial_port import SerialSettings
from gateway.spool.spool import RESERVE_BYTES, TELEMETRY_BYTES_MAX

_KEYS: Final = (
    "gateway",
    "data_dir",
    "clock_plan",
    "mains_file",
    "battery_file",
    "uplink",
    "spool",
    "second_path",
    "feedback",
    "output",
    "serial",
    "mqtt",
    "bluetooth",
)
_UPLINK_KEYS: Final = (
    "enrolled",
    "host",
    "port",
    "username",
    "password_file",
    "protocol",
    "keep_session",
    "tls",
    "ca_file",
    "cert_file",
    "key_file",
    "heartbeat_s",
)
_PROTOCOLS: Final = ("5", "3.1.1")
HEARTBEAT_S: Final = 30.0
# The port of MQTT over TLS; a gateway that names it means it.
TLS_PORT: Final = 8883
# What Bluetooth values mean; there is one driver for them.
BLUETOOTH_DRIVER: Final = "ble-health"
_BLUETOOTH_ADDRESS: Final = re.compile(r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}\Z")
# A smaller reserve would not hold the log of one commit.
RESERVE_BYTES_MIN: Final = 256 * 1024
TELEMETRY_BYTES_MIN: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class UplinkConfig:
    host: str
    port: int
    username: str | None
    password: str | None = field(repr=False)
    protocol: Literal["5", "3.1.1"] = "5"
    # Whether the broker keeps commands for a gateway that is away.
    keep_session: bool = True
    tls: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    # Telemetry has a connection of its own, and where certificates name clients its own name.
    telemetry_cert_file: Path | None = None
    heartbeat_s: float = HEARTBEAT_S


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConfig:
    """A driver, its own table, and the line or broker it listens on."""

    spec: DriverSpec
    config: Mapping[str, Any]
    serial: SerialSettings | None = None
    mqtt: LocalMqttSettings | None = None
    bluetooth: BluetoothSettings | None = None

    @property
    def name(self) -> str:
        place = self.serial or self.mqtt or self.bluetooth
        return "" if place is None else place.name


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayConfig:
    gateway: str
    data_dir: Path
    uplink: UplinkConfig
    sources: tuple[SourceConfig, ...]
    clock_plan: Path | None = None
    mains_file: Path | None = None
    battery_file: Path | None = None
    telemetry_bytes_max: int = TELEMETRY_BYTES_MAX
    reserve_bytes: int = RESERVE_BYTES
    feedback: FeedbackCommands = field(default_factory=FeedbackCommands)
    second_path: SecondPath = field(default_factory=SecondPath)
    # By a code of the hub; its certificate is renewed.
    enrolled: bool = False


def load(path: Path) -> GatewayConfig:
    """The configuration in a gateway.toml; relative paths are relative to the file."""
    try:
        document = tomllib.loads(path.read_text())
    except FileNotFoundError as error:
        raise ConfigError(str(path), "no such file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(str(path), str(error)) from error
    where, base = path.name, path.parent
    check_keys(document, _KEYS, where)
    spool = _table(document, "spool", where)
    check_keys(spool, ("telemetry_bytes_max", "reserve_bytes"), f"{where}: spool")
    sources = (
        *_serials(document, where),
        *_mqtts(document, where, base),
        *_bluetooths(document, where),
    )
    uplink = _table(document, "uplink", where)
    data_dir = base / get(document, "data_dir", str, where)
    enrolled = get(uplink, "enrolled", bool, f"{where}: uplink", False)
    held = identity.load(data_dir) if enrolled else None
    paths = second_path(document, f"{where}: second_path", base, held)
    _check_sources(sources, where, modem_port="" if paths.sms is None else paths.sms.port)
    return GatewayConfig(
        gateway=_name(document, "gateway", where),
        data_dir=data_dir,
        enrolled=enrolled,
        clock_plan=_path(document, "clock_plan", where, base),
        mains_file=_path(document, "mains_file", where, base),
        battery_file=_path(document, "battery_file", where, base),
        uplink=_uplink(uplink, f"{where}: uplink", base, held, document.get("gateway")),
        telemetry_bytes_max=_bytes(
            spool, "telemetry_bytes_max", TELEMETRY_BYTES_MAX, TELEMETRY_BYTES_MIN, where
        ),
        reserve_bytes=_bytes(spool, "reserve_bytes", RESERVE_BYTES, RESERVE_BYTES_MIN, where),
        second_path=paths,
        feedback=replace(
            _feedback(_table(document, "feedback", where), f"{where}: feedback"),
            outputs=outputs(document, where, base),
        ),
        sources=sources,
    )


def _bytes(table: Mapping[str, Any], key: str, default: int, least: int, where: str) -> int:
    value = get(table, key, int, f"{where}: spool", default)
    if value < least:
        raise ConfigError(f"{where}: spool.{key}", f"{value} is too small, at least {least}")
    return value


def _check_sources(sources: Sequence[SourceConfig], where: str, modem_port: str) -> None:
    """Names and ports are each used once, and every driver takes its table."""
    names: set[str] = set()
    ports: set[str] = {modem_port} - {""}
    for source in sources:
        if source.name in names:
            raise ConfigError(f"{where}: source {source.name}", "two sources have this name")
        names.add(source.name)
        key, port = _place(source)
        if port in ports:
            raise ConfigError(
                f"{where}: source {source.name}.{key}",
                f"{port} is read by another source already",
            )
        if port:
            ports.add(port)
        try:
            source.spec.build(source.config)
        except ConfigError as error:
            raise ConfigError(f"{where}: source {source.name}.config", str(error)) from error
        except ContractError as error:
            raise ConfigError(f"{where}: source {source.name}.config", error.detail) from error


def _place(source: SourceConfig) -> tuple[str, str]:
    """What only one source can hold: the key that names it, and its name; a broker has room."""
    if source.serial is not None:
        return "port", source.serial.port
    if source.bluetooth is not None:
        return "adapter", source.bluetooth.adapter or "the default Bluetooth adapter"
    return "", ""


def _name(table: Mapping[str, Any], key: str, where: str) -> str:
    name = get(table, key, str, where)
    try:
        return check_name(name, key)
    except ContractError as error:
        raise ConfigError(f"{where}.{key}", error.detail) from error


def _table(document: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", get(document, key, dict, where, {}))


def _tables(document: Mapping[str, Any], key: str, where: str) -> list[Mapping[str, Any]]:
    tables = document.get(key, [])
    if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
        raise ConfigError(f"{where}.{key}", f"expected tables written as [[{key}]]")
    return tables


def _path(table: Mapping[str, Any], key: str, where: str, base: Path) -> Path | None:
    text = get(table, key, str, where, "")
    return base / text if text else None


def _password(table: Mapping[str, Any], variable: str, where: str, base: Path) -> str | None:
    """The environment also stands in for a file that is not there."""
    path = _path(table, "password_file", where, base)
    given = os.environ.get(variable)
    if path is None or (given and not path.exists()):
        return given
    try:
        return secret_file.read(path, base)
    except OSError as error:
        raise ConfigError(f"{where}.password_file", f"{path}: {error.strerror}") from error


def _port(table: Mapping[str, Any], where: str) -> int:
    port = get(table, "port", int, where, 1883)
    if not 0 < port < 65536:
        raise ConfigError(f"{where}.port", f"{port} is not a TCP port (1-65535)")
    return port


def _protocol(table: Mapping[str, Any], where: str) -> Literal["5", "3.1.1"]:
    text = get(table, "protocol", str, where, "5")
    return cast("Literal['5', '3.1.1']", one_of(text, _PROTOCOLS, f"{where}.protocol"))


def _uplink(
    table: Mapping[str, Any], where: str, base: Path, held: Identity | None, gateway: object
) -> UplinkConfig:
    check_keys(table, _UPLINK_KEYS, where)
    heartbeat_s = get(table, "heartbeat_s", float, where, HEARTBEAT_S)
    if heartbeat_s <= 0:
        raise ConfigError(f"{where}.heartbeat_s", "must be more than 0")
    if held is not None:
        return _enrolled(table, where, held, gateway, heartbeat_s)
    port = _port(table, where)
    tls = get(table, "tls", bool, where, port == TLS_PORT)
    return UplinkConfig(
        host=get(table, "host", str, where),
        port=port,
        username=get(table, "username", str, where, "") or None,
        password=_password(table, "HEARTHWATCH_UPLINK_PASSWORD", where, base),
        protocol=_protocol(table, where),
        keep_session=get(table, "keep_session", bool, where, True),
        tls=tls,
        ca_file=_path(table, "ca_file", where, base),
        cert_file=_path(table, "cert_file", where, base),
        key_file=_path(table, "key_file", where, base),
        heartbeat_s=heartbeat_s,
    )


def _enrolled(
    table: Mapping[str, Any], where: str, held: Identity, gateway: object, heartbeat_s: float
) -> UplinkConfig:
    """Everything about the line comes from the hub."""
    strangers = sorted(set(table) - {"enrolled", "heartbeat_s"})
    if strangers:
        raise ConfigError(f"{where}.{strangers[0]}", "not with enrolled = true: the hub tells it")
    if held.gateway != gateway:
        detail = f"this machine is enrolled as {held.gateway!r}, and gateway is {gateway!r}"
        raise ConfigError(f"{where}.enrolled", detail)
    return UplinkConfig(
        host=held.broker_host,
        port=held.broker_port,
        username=None,
        password=None,
        protocol=held.protocol,
        keep_session=held.keep_session,
        tls=True,
        ca_file=held.ca_file,
        cert_file=held.cert_file,
        telemetry_cert_file=held.telemetry_cert_file,
        key_file=held.key_file,
        heartbeat_s=heartbeat_s,
    )


def _feedback(table: Mapping[str, Any], where: str) -> FeedbackCommands:
    check_keys(table, ("received", "reassured"), where)
    lines = {}
    for key in ("received", "reassured"):
        line = get(table, key, list, where, [])
        if not all(isinstance(part, str) for part in line):
            raise ConfigError(f"{where}.{key}", "expected a list of strings, program first")
        lines[key] = line
    return FeedbackCommands(received=lines["received"], reassured=lines["reassured"])


def _driver(table: Mapping[str, Any], transport: str, where: str) -> DriverSpec:
    fitting = {name for name, spec in DRIVERS.items() if spec.transport == transport}
    return DRIVERS[one_of(get(table, "driver", str, where), fitting, f"{where}.driver")]


def _serials(document: Mapping[str, Any], where: str) -> list[SourceConfig]:
    found = []
    for number, table in enumerate(_tables(document, "serial", where), start=1):
        place = f"{where}: serial[{number}]"
        check_keys(table, ("name", "port", "driver", "line", "config"), place)
        spec = _driver(table, "serial", place)
        settings = SerialSettings(
            name=_name(table, "name", place),
            port=get(table, "port", str, place),
            line=_line(_table(table, "line", place), spec.line, f"{place}.line"),
        )
        config = _table(table, "config", place)
        found.append(SourceConfig(spec=spec, config=config, serial=settings))
    return found


def _line(table: Mapping[str, Any], default: LineSettings | None, where: str) -> LineSettings:
    check_keys(table, ("baud", "bytesize", "parity", "stopbits"), where)
    base = default or LineSettings(baud=9600)
    bytesize = get(table, "bytesize", int, where, base.bytesize)
    stopbits = get(table, "stopbits", int, where, base.stopbits)
    if bytesize not in (7, 8) or stopbits not in (1, 2):
        raise ConfigError(where, "bytesize is 7 or 8, stopbits 1 or 2")
    parity = one_of(get(table, "parity", str, where, base.parity), "NEO", f"{where}.parity")
    return LineSettings(
        baud=get(table, "baud", int, where, base.baud),
        bytesize=cast("Literal[7, 8]", bytesize),
        parity=cast("Literal['N', 'E', 'O']", parity),
        stopbits=cast("Literal[1, 2]", stopbits),
    )


def _mqtts(document: Mapping[str, Any], where: str, base: Path) -> list[SourceConfig]:
    keys = ("name", "host", "port", "username", "password_file", "protocol", "driver", "config")
    found = []
    for number, table in enumerate(_tables(document, "mqtt", where), start=1):
        place = f"{where}: mqtt[{number}]"
        check_keys(table, keys, place)
        settings = LocalMqttSettings(
            name=_name(table, "name", place),
            host=get(table, "host", str, place, "127.0.0.1"),
            port=_port(table, place),
            username=get(table, "username", str, place, "") or None,
            password=_password(table, "HEARTHWATCH_LOCAL_PASSWORD", place, base),
            protocol=_protocol(table, place),
        )
        spec = _driver(table, "mqtt", place)
        found.append(SourceConfig(spec=spec, config=_table(table, "config", place), mqtt=settings))
    return found


def _bluetooths(document: Mapping[str, Any], where: str) -> list[SourceConfig]:
    found = []
    for number, table in enumerate(_tables(document, "bluetooth", where), start=1):
        place = f"{where}: bluetooth[{number}]"
        check_keys(table, ("name", "adapter", "devices", "config"), place)
        settings = BluetoothSettings(
            name=_name(table, "name", place),
            adapter=get(table, "adapter", str, place, DEFAULT_ADAPTER),
            devices=_addresses(get(table, "devices", dict, place), f"{place}.devices"),
        )
        config = _table(table, "config", place)
        spec = DRIVERS[BLUETOOTH_DRIVER]
        found.append(SourceConfig(spec=spec, config=config, bluetooth=settings))
    return found


def _addresses(table: Mapping[str, Any], where: str) -> Mapping[str, str]:
    """Device names by address in capitals; each once."""
    if not table:
        raise ConfigError(where, 'empty; expected "A4:C1:38:00:00:01" = "cuff-0001"')
    devices: dict[str, str] = {}
    for text in table:
        address = text.upper()
        if not _BLUETOOTH_ADDRESS.match(address):
            raise ConfigError(f"{where}.{text[:40]}", "not an address like A4:C1:38:00:00:01")
        name = _name(table, text, where)
        if address in devices or name in devices.values():
            raise ConfigError(f"{where}.{text}", f"{name}: this address or device is named twice")
        devices[address] = name
    return devices
