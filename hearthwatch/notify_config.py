"""[notify] and [channel.…] of hub.toml: by which ways people are told, and in which words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from alarms.channel import Settings
from alarms.registry import NOTIFIERS
from alarms.telling import QuietHours, TellingSettings
from alarms.wording import LANGUAGES
from contract.config import ConfigError, check_keys, get, one_of
from hearthwatch.secret_files import read_secret, wanted_secret
from rules.local_time import ZONE_MS

# The rota and the rules count local days by a fixed distance from UTC: a page and messages in
# another zone would contradict them.
_AHEAD: Final = timedelta(milliseconds=ZONE_MS)
_DAYS_LOOKED_AT: Final = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC))
_KEYS: Final = ("public_url", "language", "timezone", "quiet_from", "quiet_until", "uplink_file")
# Shorter could be guessed in the weeks that an address stays the same.
UPLINK_TOKEN_MIN: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyConfig:
    """`channels`: what each configured channel read from its table. `uplink`: the secret part of
    the address to which a provider brings short messages that people send us."""

    telling: TellingSettings = field(default_factory=TellingSettings)
    channels: Mapping[str, Any] = field(default_factory=dict, repr=False)
    uplink: str = field(default="", repr=False)

    @property
    def urgent(self) -> frozenset[str]:
        """Channels that may carry calls for help."""
        return frozenset(name for name in self.channels if NOTIFIERS[name].urgent)


def notify_config(
    table: Mapping[str, Any], channels: Mapping[str, Any], where: str, base: Path
) -> NotifyConfig:
    place = f"{where}: notify"
    check_keys(table, _KEYS, place)
    found = {name: _channel(name, channels, where, base) for name in channels}
    uplink = _uplink(table, place, base)
    settings = TellingSettings(
        public_url=_public_url(table, place),
        language=one_of(
            get(table, "language", str, place, LANGUAGES[0]), LANGUAGES, f"{place}.language"
        ),
        zone=_zone(table, place),
        quiet=_quiet(table, place),
        replies=bool(uplink) or "gsm_modem" in found,
        urgent=frozenset(name for name in found if NOTIFIERS[name].urgent),
    )
    return NotifyConfig(telling=settings, channels=MappingProxyType(found), uplink=uplink)


def _channel(name: str, channels: Mapping[str, Any], where: str, base: Path) -> Any:
    people = {key: spec for key, spec in NOTIFIERS.items() if spec.read is not None}
    one_of(name, people, f"{where}: channel")
    table, read = channels[name], people[name].read
    place = f"{where}: channel.{name}"
    if not isinstance(table, dict) or read is None:
        raise ConfigError(place, "a table is expected")
    secrets = partial(wanted_secret, base=base)
    return read(Settings(table=table, where=place, secrets=secrets, channel=name))


def _public_url(table: Mapping[str, Any], where: str) -> str:
    url = get(table, "public_url", str, where, "").rstrip("/")
    if url and not url.startswith(("https://", "http://")):
        raise ConfigError(f"{where}.public_url", f"{url[:60]!r}, expected https://…")
    return url


def _zone(table: Mapping[str, Any], where: str) -> ZoneInfo:
    name = get(table, "timezone", str, where, "Asia/Shanghai")
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ConfigError(f"{where}.timezone", f"{name[:40]!r} is no time zone") from None
    if any(zone.utcoffset(day) != _AHEAD for day in _DAYS_LOOKED_AT):
        reason = f"{name!r} is not 8 hours ahead of UTC all year, as the rota and the rules count"
        raise ConfigError(f"{where}.timezone", reason)
    return zone


def _quiet(table: Mapping[str, Any], where: str) -> QuietHours | None:
    given = [key for key in ("quiet_from", "quiet_until") if key in table]
    if not given:
        return None
    if len(given) == 1:
        raise ConfigError(f"{where}.{given[0]}", "quiet_from and quiet_until go together")
    return QuietHours(
        from_minute=_minute(table, "quiet_from", where),
        until_minute=_minute(table, "quiet_until", where),
    )


def _minute(table: Mapping[str, Any], key: str, where: str) -> int:
    text = get(table, key, str, where)
    hours, colon, minutes = text.partition(":")
    good = colon and hours.isdecimal() and minutes.isdecimal() and len(minutes) == 2
    if not good or int(hours) > 23 or int(minutes) > 59:
        raise ConfigError(f"{where}.{key}", f"{text[:20]!r}, expected a time as 22:00")
    return int(hours) * 60 + int(minutes)


def _uplink(table: Mapping[str, Any], where: str, base: Path) -> str:
    token = read_secret(table, "uplink", "HEARTHWATCH_UPLINK", where, base) or ""
    if token and (len(token) < UPLINK_TOKEN_MIN or not token.isalnum()):
        detail = f"at least {UPLINK_TOKEN_MIN} letters and digits"
        raise ConfigError(f"{where}.uplink_file", detail)
    return token
