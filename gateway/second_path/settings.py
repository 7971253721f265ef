"""The [second_path] table of gateway.toml: HTTPS, short messages, or both."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from contract.config import ConfigError, bounded, check_keys, get
from contract.ids import is_name
from gateway import secret_file
from gateway.drivers.gsm_sms.pdu import NUMBER
from gateway.enrol.identity import Identity
from gateway.second_path.https_post import AFTER_S, HttpsSettings
from gateway.second_path.sms_plan import (
    NUMBERS_MAX,
    PER_HOUR_MAX,
    TEMPLATE,
    TEXT_MAX,
    UTC_OFFSET_MIN,
    SmsSettings,
)

# Later than this nobody would call it a second path of an alarm.
AFTER_S_MAX: Final = 300.0
# HTTPS is given so much longer, so that no message wakes whom the hub has already told.
HTTPS_FIRST_S: Final = 2.0
# Labels are for the devices of one gateway.
LABELS_MAX: Final = 2000
BAUDS: Final = (1200, 921_600)
# The widest zones of the world.
_OFFSET_MINUTES: Final = (-12 * 60, 14 * 60)
_KEY_VARIABLE: Final = "HEARTHWATCH_GATEWAY_KEY"
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_HTTPS_KEYS: Final = ("url", "key_file", "ca_file")
_SMS_KEYS: Final = (
    "port", "baud", "numbers", "pin_file", "template", "labels", "per_hour_max",
    "utc_offset_minutes",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondPath:
    https: HttpsSettings | None = None
    sms: SmsSettings | None = None


def second_path(
    document: Mapping[str, Any], where: str, base: Path, held: Identity | None = None
) -> SecondPath:
    """ConfigError names the wrong key. Files are relative to `base`. An enrolled gateway has HTTPS
    without being told."""
    if "second_path" not in document and held is None:
        return SecondPath()
    table = get(document, "second_path", dict, "", {})
    check_keys(table, (*_HTTPS_KEYS, "after_s", "sms"), where)
    after_s = get(table, "after_s", float, where, AFTER_S)
    if not 0 < after_s <= AFTER_S_MAX:
        raise ConfigError(f"{where}.after_s", f"{after_s}, more than 0 and at most {AFTER_S_MAX}")
    by_https = "sms" not in table or any(key in table for key in _HTTPS_KEYS)
    https = _https(table, where, base, after_s) if by_https and "url" in table else None
    if https is None and held is not None:
        https = _of_the_hub(held, after_s)
    elif https is None and by_https:
        https = _https(table, where, base, after_s)
    sms = None
    if "sms" in table:
        later_s = after_s if https is None else after_s + HTTPS_FIRST_S
        sms = _sms(get(table, "sms", dict, where), f"{where}.sms", base, later_s)
    return SecondPath(https=https, sms=sms)


def _https(table: Mapping[str, Any], where: str, base: Path, after_s: float) -> HttpsSettings:
    url = get(table, "url", str, where).rstrip("/")
    try:
        address = urlsplit(url)
        local = address.hostname in _LOOPBACK
        fits = address.port != 0 and not (address.path or address.query or address.username)
    except ValueError as error:
        raise ConfigError(f"{where}.url", str(error)) from error
    if not (address.hostname and fits and (address.scheme == "https" or local)):
        raise ConfigError(
            f"{where}.url", f"{url[:80]!r}, expected https://host or https://host:port"
        )
    key_file = _path(table, "key_file", where, base)
    key = os.environ.get(_KEY_VARIABLE, "")
    if key_file:
        key = _secret(key_file, base, f"{where}.key_file")
    if not key:
        raise ConfigError(
            f"{where}.key_file", "missing or empty; hearthwatch admin gateway-key makes one"
        )
    ca_file = _path(table, "ca_file", where, base)
    return HttpsSettings(url=url, key=key, ca_file=ca_file, after_s=after_s)


def _of_the_hub(held: Identity, after_s: float) -> HttpsSettings:
    return HttpsSettings(
        url=held.url,
        key=held.second_path_key,
        ca_file=held.ca_file,
        system_authorities=True,
        after_s=after_s,
    )


def _sms(table: Mapping[str, Any], where: str, base: Path, after_s: float) -> SmsSettings:
    check_keys(table, _SMS_KEYS, where)
    numbers = get(table, "numbers", list, where)
    if not 1 <= len(numbers) <= NUMBERS_MAX or len(set(map(str, numbers))) != len(numbers):
        raise ConfigError(f"{where}.numbers", f"expected 1 to {NUMBERS_MAX} different numbers")
    for number in numbers:
        if not isinstance(number, str) or not NUMBER.match(number):
            detail = f"{str(number)[:30]!r} is no telephone number such as +8613800138000"
            raise ConfigError(f"{where}.numbers", detail)
    template = get(table, "template", str, where, TEMPLATE)
    if not template.strip() or len(template) > TEXT_MAX or not template.isprintable():
        raise ConfigError(f"{where}.template", f"expected 1 to {TEXT_MAX} printable characters")
    pin_file = _path(table, "pin_file", where, base)
    pin = _secret(pin_file, base, f"{where}.pin_file") if pin_file else None
    if pin is not None and not (pin.isascii() and pin.isdigit() and 4 <= len(pin) <= 8):
        raise ConfigError(f"{where}.pin_file", "a PIN has four to eight digits")
    return SmsSettings(
        port=get(table, "port", str, where),
        numbers=tuple(numbers),
        after_s=after_s,
        baud=bounded(table, "baud", 115_200, BAUDS, where),
        pin=pin,
        template=template,
        labels=_labels(get(table, "labels", dict, where, {}), f"{where}.labels"),
        per_hour_max=bounded(table, "per_hour_max", PER_HOUR_MAX, (1, 1000), where),
        utc_offset_min=bounded(table, "utc_offset_minutes", UTC_OFFSET_MIN, _OFFSET_MINUTES, where),
    )


def _labels(table: Mapping[str, Any], where: str) -> dict[str, str]:
    if len(table) > LABELS_MAX:
        raise ConfigError(where, f"{len(table)} labels, at most {LABELS_MAX}")
    for device, label in table.items():
        if not is_name(device):
            raise ConfigError(f"{where}.{device[:60]}", "is no name of a device")
        if not isinstance(label, str) or not label.strip() or not label.isprintable():
            raise ConfigError(f"{where}.{device}", "expected some words")
    return dict(table)


def _path(table: Mapping[str, Any], key: str, where: str, base: Path) -> Path | None:
    name = get(table, key, str, where, "")
    return base / name if name else None


def _secret(path: Path, base: Path, where: str) -> str:
    try:
        return secret_file.read(path, base)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(where, f"{path}: {getattr(error, 'strerror', error)}") from error
