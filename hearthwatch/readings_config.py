"""[readings] of hub.toml: which store, and where it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from contract.config import ConfigError, check_keys, get, one_of
from hearthwatch.secret_files import read_secret
from ingest.readings.influx_settings import InfluxSettings
from ingest.readings.pg_settings import PgSettings
from ledger.place import Place, PostgresBook, postgres_book

_STORES: Final = ("sqlite", "postgresql", "influxdb")
_INFLUX_KEYS: Final = ("url", "org", "bucket", "token_file", "timeout_s")
_POSTGRES_KEYS: Final = ("url", "password_file")
_KEYS: Final = ("store", "keep_raw_days", *dict.fromkeys((*_INFLUX_KEYS, *_POSTGRES_KEYS)))
KEEP_RAW_DAYS: Final = 90
# Less than the rules remember of a home would leave its charts shorter than its alarms' reasons.
KEEP_RAW_DAYS_MIN: Final = 28
KEEP_RAW_DAYS_MAX: Final = 36_500
# A write that takes longer is given up and comes again; a gateway waits meanwhile.
INFLUX_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingsConfig:
    """`influx` or `postgres` is the server when `store` says so; SQLite and PostgreSQL forget raw
    readings by themselves, InfluxDB by the retention of its bucket."""

    store: Literal["sqlite", "postgresql", "influxdb"] = "sqlite"
    keep_raw_days: int = KEEP_RAW_DAYS
    influx: InfluxSettings | None = None
    postgres: PgSettings | None = None


def readings_config(
    table: Mapping[str, Any], where: str, base: Path, book: Place
) -> ReadingsConfig:
    check_keys(table, _KEYS, where)
    store = one_of(get(table, "store", str, where, "sqlite"), _STORES, f"{where}.store")
    keep_raw_days = get(table, "keep_raw_days", int, where, KEEP_RAW_DAYS)
    if not KEEP_RAW_DAYS_MIN <= keep_raw_days <= KEEP_RAW_DAYS_MAX:
        raise ConfigError(f"{where}.keep_raw_days", f"{keep_raw_days}, from {KEEP_RAW_DAYS_MIN} on")
    for keys, its in ((_INFLUX_KEYS, "influxdb"), (_POSTGRES_KEYS, "postgresql")):
        own = {"influxdb": _INFLUX_KEYS, "postgresql": _POSTGRES_KEYS}.get(store, ())
        strangers = [key for key in keys if key in table and key not in own]
        if strangers:
            raise ConfigError(f"{where}.{strangers[0]}", f'only with store = "{its}"')
    if store == "sqlite":
        return ReadingsConfig(keep_raw_days=keep_raw_days)
    if store == "postgresql":
        postgres = _postgres(table, where, base, book, keep_raw_days)
        return ReadingsConfig(store="postgresql", keep_raw_days=keep_raw_days, postgres=postgres)
    if "keep_raw_days" in table:
        raise ConfigError(f"{where}.keep_raw_days", "the bucket's own retention decides")
    return ReadingsConfig(store="influxdb", influx=_influx(table, where, base))


def _postgres(
    table: Mapping[str, Any], where: str, base: Path, book: Place, keep_raw_days: int
) -> PgSettings:
    """On the book's own server, unless another is named."""
    url = get(table, "url", str, where, "")
    if not url:
        if "password_file" in table:
            raise ConfigError(f"{where}.password_file", "only with url")
        if not isinstance(book, PostgresBook):
            detail = "missing: the book is in a file, so its server can't have the readings"
            raise ConfigError(f"{where}.url", detail)
        place = book
    else:
        password = read_secret(table, "password", "HEARTHWATCH_READINGS_PASSWORD", where, base)
        try:
            place = postgres_book(url, password)
        except ValueError as error:
            raise ConfigError(f"{where}.url", str(error)) from error
    return PgSettings(conninfo=place.conninfo(), keep_raw_days=keep_raw_days)


def _influx(table: Mapping[str, Any], where: str, base: Path) -> InfluxSettings:
    url = get(table, "url", str, where)
    if not url.startswith(("http://", "https://")):
        raise ConfigError(f"{where}.url", f"{url[:80]!r}, expected http://… or https://…")
    token = read_secret(table, "token", "HEARTHWATCH_INFLUX_TOKEN", where, base)
    if not token:
        raise ConfigError(f"{where}.token_file", "missing, or the file is empty")
    timeout_s = get(table, "timeout_s", float, where, INFLUX_TIMEOUT_S)
    if not 0 < timeout_s <= 300:
        raise ConfigError(f"{where}.timeout_s", f"{timeout_s}, more than 0 and at most 300")
    return InfluxSettings(
        url=url,
        org=get(table, "org", str, where),
        bucket=get(table, "bucket", str, where),
        token=token,
        timeout_ms=int(timeout_s * 1000),
    )
