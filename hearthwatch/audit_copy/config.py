"""`[audit_copy]` of hub.toml."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from contract.config import ConfigError, bounded, check_keys, get
from hearthwatch.secret_files import read_secret

_KEYS: Final = (
    "path",
    "url",
    "secret_file",
    "syslog",
    "ca_file",
    "cert_file",
    "key_file",
    "private",
    "late_after_min",
)
# What only a collector of syslog has.
_TLS_KEYS: Final = ("ca_file", "cert_file", "key_file")
# Registered for syslog over TLS (RFC 5425) and over TCP (RFC 6587).
TLS_PORT: Final = 6514
TCP_PORT: Final = 601
# A collector's restart or a switch that reboots is over by then; who wants to delete rows has less
# than that before somebody looks.
LATE_AFTER_MIN: Final = 15
LATE_AFTER_MAX_MIN: Final = 1440


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    """Of syslog. `ca_file` None: the system's authorities. `plain`: without TLS, within one's own
    network. `cert_file`, `key_file`: who we are, where the collector asks."""

    host: str
    port: int
    plain: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCopyConfig:
    """`path`: a file, best on a disk of another machine; `url`: a collector that takes signed
    Standard Webhooks; `syslog`: one that takes syslog. One of them."""

    path: Path | None = None
    url: str = ""
    secret: str = field(default="", repr=False)
    private: bool = False
    syslog: Collector | None = None
    late_after_min: int = LATE_AFTER_MIN

    @property
    def place(self) -> str:
        """For people."""
        if self.syslog is not None:
            return f"syslog {self.syslog.name}"
        return str(self.path) if self.path is not None else self.url


def audit_copy_config(table: Mapping[str, Any], where: str, base: Path) -> AuditCopyConfig | None:
    """ConfigError. None: the trail stays where it is."""
    if not table:
        return None
    check_keys(table, _KEYS, where)
    path, url, syslog = (get(table, key, str, where, "") for key in ("path", "url", "syslog"))
    if sum(bool(one) for one in (path, url, syslog)) != 1:
        told = "one of path (a file elsewhere), url (a collector) and syslog (host:port)"
        raise ConfigError(where, told)
    private = get(table, "private", bool, where, default=False)
    late = bounded(table, "late_after_min", LATE_AFTER_MIN, (1, LATE_AFTER_MAX_MIN), where)
    foreign = () if syslog else _TLS_KEYS
    for key in (*foreign, *(() if url else ("secret_file",))):
        if key in table:
            raise ConfigError(f"{where}.{key}", "means nothing here")
    if syslog:
        collector = _collector(table, syslog, where, base, plain=private)
        return AuditCopyConfig(syslog=collector, late_after_min=late)
    if path:
        return AuditCopyConfig(path=base / path, late_after_min=late)
    if not private and not url.startswith("https://"):
        raise ConfigError(f"{where}.url", "expected https://…; of your own network: private = true")
    key = read_secret(table, "secret", "HEARTHWATCH_AUDIT_COPY_SECRET", where, base)
    if not key:
        raise ConfigError(f"{where}.secret_file", "missing; what is sent is always signed")
    return AuditCopyConfig(url=url, secret=key, private=private, late_after_min=late)


def _collector(
    table: Mapping[str, Any], text: str, where: str, base: Path, *, plain: bool
) -> Collector:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ConfigError(f"{where}.syslog", str(error)) from error
    if not host or parts.path or parts.query or parts.username is not None or port == 0:
        raise ConfigError(f"{where}.syslog", f"{text[:80]!r}, expected host or host:port")
    files = {key: get(table, key, str, where, "") for key in _TLS_KEYS}
    if plain and any(files.values()):
        raise ConfigError(f"{where}.private", "true means without TLS: certificates have no use")
    if bool(files["cert_file"]) != bool(files["key_file"]):
        raise ConfigError(f"{where}.cert_file", "cert_file and key_file go together")
    return Collector(
        host=host,
        port=port or (TCP_PORT if plain else TLS_PORT),
        plain=plain,
        **{key: base / name if name else None for key, name in files.items()},
    )
