"""The [enrolment] table of hub.toml: certificates for gateways. Without it they have passwords."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from contract.config import ConfigError, check_keys, get

# The usual port of MQTT over TLS.
BROKER_PORT: Final = 8883
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentConfig:
    """authority: the socket of its process. url: how gateways reach this hub's web address.
    broker: where they connect to by MQTT. crl_file: written for the broker."""

    authority: Path
    url: str
    broker_host: str
    broker_port: int
    crl_file: Path


def enrolment_config(document: Mapping[str, Any], where: str, base: Path) -> EnrolmentConfig | None:
    """ConfigError names the wrong key."""
    if "enrolment" not in document:
        return None
    table = get(document, "enrolment", dict, where)
    check_keys(table, ("authority", "url", "broker", "crl_file"), where)
    url = get(table, "url", str, where).rstrip("/")
    address = _address(url, f"{where}.url")
    local = address.hostname in _LOOPBACK
    if address.path or address.query or not (address.scheme == "https" or local):
        raise ConfigError(
            f"{where}.url", f"{url[:80]!r}, expected https://host or https://host:port"
        )
    broker = _address(f"mqtts://{get(table, 'broker', str, where)}", f"{where}.broker")
    return EnrolmentConfig(
        authority=base / get(table, "authority", str, where),
        url=url,
        broker_host=broker.hostname or "",
        broker_port=broker.port or BROKER_PORT,
        crl_file=base / get(table, "crl_file", str, where),
    )


def _address(text: str, where: str) -> Any:
    try:
        address = urlsplit(text)
        good = bool(address.hostname) and address.port != 0
    except ValueError as error:
        raise ConfigError(where, str(error)) from error
    if not good or address.username is not None:
        raise ConfigError(where, f"{text[:80]!r} names no host")
    return address
