"""[broker] of hub.toml, checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from contract.config import ConfigError, bounded, check_keys, get, one_of
from hearthwatch.secret_files import read_secret
from ingest.amqp.topology import SHARDS, SHARDS_MAX
from ingest.mqtt.packets import Protocol

_KINDS: Final = ("mqtt", "rabbitmq")
_KEYS: Final = (
    "kind",
    "host",
    "port",
    "username",
    "password_file",
    "protocol",
    "client_id",
    "ca_file",
    "cert_file",
    "key_file",
    "rabbitmq",
)
_RABBITMQ_KEYS: Final = ("shards", "virtual_host", "nodes")
MQTT_PORT: Final = 1883
AMQP_PORT: Final = 5672
AMQPS_PORT: Final = 5671


@dataclass(frozen=True, slots=True, kw_only=True)
class RabbitConfig:
    """`nodes`: further nodes of the cluster, as host and port, beside `host` and `port`."""

    shards: int = SHARDS
    virtual_host: str = "/"
    nodes: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerConfig:
    """`rabbitmq`: the hub speaks AMQP to RabbitMQ; None: MQTT."""

    host: str = "127.0.0.1"
    port: int = MQTT_PORT
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    protocol: Protocol = "5"
    client_id: str = "hub"
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    rabbitmq: RabbitConfig | None = None


def broker_config(table: Mapping[str, Any], where: str, base: Path) -> BrokerConfig:
    check_keys(table, _KEYS, where)
    kind = one_of(get(table, "kind", str, where, "mqtt"), _KINDS, f"{where}.kind")
    protocol = one_of(get(table, "protocol", str, where, "5"), ("5", "3.1.1"), f"{where}.protocol")
    ca_file = _path(table, "ca_file", where, base)
    port = MQTT_PORT
    rabbitmq = None
    if kind == "rabbitmq":
        if "protocol" in table:
            raise ConfigError(f"{where}.protocol", 'only with kind = "mqtt": the hub speaks AMQP')
        rabbitmq = _rabbitmq(get(table, "rabbitmq", dict, where, {}), f"{where}.rabbitmq")
        port = AMQPS_PORT if ca_file else AMQP_PORT
    elif "rabbitmq" in table:
        raise ConfigError(f"{where}.rabbitmq", 'only with kind = "rabbitmq"')
    config = BrokerConfig(
        host=get(table, "host", str, where, "127.0.0.1"),
        port=port_of(table, where, port),
        username=get(table, "username", str, where, "") or None,
        password=read_secret(table, "password", "HEARTHWATCH_BROKER_PASSWORD", where, base),
        protocol=cast("Protocol", protocol),
        client_id=get(table, "client_id", str, where, "hub"),
        ca_file=ca_file,
        cert_file=_path(table, "cert_file", where, base),
        key_file=_path(table, "key_file", where, base),
        rabbitmq=rabbitmq,
    )
    if rabbitmq is not None and not (config.username and config.password):
        raise ConfigError(f"{where}.username", "RabbitMQ wants a user, and a password_file")
    return config


def port_of(table: Mapping[str, Any], where: str, default: int) -> int:
    return _checked_port(get(table, "port", int, where, default), f"{where}.port")


def _rabbitmq(table: Mapping[str, Any], where: str) -> RabbitConfig:
    check_keys(table, _RABBITMQ_KEYS, where)
    nodes = []
    for node in get(table, "nodes", list, where, []):
        host, colon, port = str(node).rpartition(":")
        if not (colon and host and port.isascii() and port.isdigit()):
            raise ConfigError(f"{where}.nodes", f'{node!r}, expected "host:port"')
        nodes.append((host.strip("[]"), _checked_port(int(port), f"{where}.nodes")))
    return RabbitConfig(
        shards=bounded(table, "shards", SHARDS, (1, SHARDS_MAX), where),
        virtual_host=get(table, "virtual_host", str, where, "/"),
        nodes=tuple(nodes),
    )


def _checked_port(port: int, where: str) -> int:
    if not 0 < port < 65536:
        raise ConfigError(where, f"{port} is not a TCP port (1-65535)")
    return port


def _path(table: Mapping[str, Any], key: str, where: str, base: Path) -> Path | None:
    text = get(table, key, str, where, "")
    return base / text if text else None
