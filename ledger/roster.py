"""homes.toml: regions, gateways, homes, persons, devices as a county hands them over. Pure.

Every mistake names the table, its id, the key and the nearest valid name.
"""

import datetime
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from contract.config import ConfigError, check_keys, get, one_of
from contract.errors import ContractError
from contract.ids import check_name
from contract.kinds import KINDS
from ledger.expectations import INTERVAL_MAX_S, INTERVAL_MIN_S

LEVELS: Final = frozenset({"county", "town", "village", "group"})
CATEGORIES: Final = frozenset({"独居", "空巢", "留守", "失能", "重残", "计划生育特殊家庭"})
GRADES: Final = frozenset({"完好", "轻度", "中度", "重度", "完全"})

# Contacts are called one after the other; beyond ten nobody would reach the end.
CONTACTS_MAX: Final = 10
TEXT_LENGTH_MAX: Final = 500
# As wide as their columns, which PostgreSQL enforces.
CODE_LENGTH_MAX: Final = 32
PHONE_LENGTH_MAX: Final = 32
USERNAME_LENGTH_MAX: Final = 64

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Rows as the tables of `ledger.schema` want them, parents before children."""

    regions: list[Row]
    gateways: list[Row]
    homes: list[Row]
    persons: list[Row]
    devices: list[Row]


def parse(text: str, source: str = "homes.toml") -> Roster:
    """The roster in a homes.toml; ConfigError says where and what."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(source, str(error)) from error
    check_keys(document, ("region", "gateway", "home"), source)
    regions = [_region(t, f"{source}: region[{n}]") for n, t in _tables(document, "region", source)]
    codes = {row["code"] for row in regions}
    gateways = [
        _gateway(t, codes, f"{source}: gateway[{n}]")
        for n, t in _tables(document, "gateway", source)
    ]
    known = {row["id"] for row in gateways}
    homes: list[Row] = []
    persons: list[Row] = []
    devices: list[Row] = []
    for number, table in _tables(document, "home", source):
        where = f"{source}: home[{number}]"
        home = _home(table, codes, where)
        homes.append(home)
        persons += [
            _person(t, home["id"], f"{where}.person[{n}]")
            for n, t in _tables(table, "person", where)
        ]
        devices += [
            _device(t, home["id"], known, f"{where}.device[{n}]")
            for n, t in _tables(table, "device", where)
        ]
    _unique(regions, ("code",), f"{source}: region")
    _unique(gateways, ("id",), f"{source}: gateway")
    _unique(homes, ("id",), f"{source}: home")
    _unique(persons, ("id",), f"{source}: home.person")
    _unique(devices, ("gateway", "device"), f"{source}: home.device")
    return Roster(
        regions=_parents_first(regions, source),
        gateways=gateways,
        homes=homes,
        persons=persons,
        devices=devices,
    )


def _tables(
    document: Mapping[str, Any], key: str, where: str
) -> Iterable[tuple[int, Mapping[str, Any]]]:
    tables = document.get(key, [])
    if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
        raise ConfigError(f"{where}.{key}", f"expected tables written as [[{key}]]")
    return enumerate(tables, start=1)


def _text(
    table: Mapping[str, Any],
    key: str,
    where: str,
    default: str | None = None,
    *,
    longest: int = TEXT_LENGTH_MAX,
) -> str:
    text = get(table, key, str, where, default)
    if len(text) > longest:
        raise ConfigError(f"{where}.{key}", f"longer than {longest} characters")
    if "\x00" in text:
        raise ConfigError(f"{where}.{key}", "holds a NUL character")
    return text


def _name(table: Mapping[str, Any], key: str, where: str) -> str:
    try:
        return check_name(get(table, key, str, where), key)
    except ConfigError:
        raise
    except ContractError as error:
        raise ConfigError(f"{where}.{key}", error.detail) from error


def _region(table: Mapping[str, Any], where: str) -> Row:
    check_keys(table, ("code", "name", "level", "parent"), where)
    _text(table, "code", where, longest=CODE_LENGTH_MAX)
    return {
        "code": _name(table, "code", where),
        "name": _text(table, "name", where),
        "level": one_of(_text(table, "level", where), LEVELS, f"{where}.level"),
        "parent": _text(table, "parent", where, "", longest=CODE_LENGTH_MAX) or None,
    }


def _known_region(table: Mapping[str, Any], codes: set[str], where: str) -> str:
    return one_of(get(table, "region", str, where), codes, f"{where}.region")


def _gateway(table: Mapping[str, Any], codes: set[str], where: str) -> Row:
    check_keys(table, ("id", "region", "name"), where)
    return {
        "id": _name(table, "id", where),
        "region": _known_region(table, codes, where),
        "name": _text(table, "name", where, ""),
    }


_WAYS_IN: Final = ("access_note", "key_place", "lane", "dog")


def _home(table: Mapping[str, Any], codes: set[str], where: str) -> Row:
    keys = ("id", "region", "address", "lat", "lon", "person", "device")
    check_keys(table, (*keys, *_WAYS_IN), where)
    return {
        "id": _name(table, "id", where),
        "region": _known_region(table, codes, where),
        "address": _text(table, "address", where),
        "lat": get(table, "lat", float, where) if "lat" in table else None,
        "lon": get(table, "lon", float, where) if "lon" in table else None,
        **{name: _text(table, name, where, "") for name in _WAYS_IN},
    }


_PERSON_KEYS: Final = (
    "id",
    "name",
    "sex",
    "born",
    "phone",
    "categories",
    "grade",
    "conditions",
    "medication",
    "allergies",
    "hearing",
    "contacts",
    "visitor",
)


def _person(table: Mapping[str, Any], home: str, where: str) -> Row:
    check_keys(table, _PERSON_KEYS, where)
    born = _text(table, "born", where, "")
    if born:
        try:
            datetime.date.fromisoformat(born)
        except ValueError as error:
            raise ConfigError(f"{where}.born", f"{born!r} is not a date YYYY-MM-DD") from error
    grade = _text(table, "grade", where, "")
    return {
        "id": _name(table, "id", where),
        "home": home,
        "name": _text(table, "name", where),
        "sex": one_of(_text(table, "sex", where, ""), ("", "F", "M"), f"{where}.sex"),
        "born": born,
        "phone": _text(table, "phone", where, "", longest=PHONE_LENGTH_MAX),
        "categories": [
            one_of(c, CATEGORIES, f"{where}.categories") for c in _texts(table, "categories", where)
        ],
        "grade": one_of(grade, GRADES, f"{where}.grade") if grade else "",
        "conditions": _texts(table, "conditions", where),
        "medication": _texts(table, "medication", where),
        "allergies": _texts(table, "allergies", where),
        "hearing": _text(table, "hearing", where, ""),
        "contacts": _contacts(table, where),
        "visitor": _text(table, "visitor", where, "", longest=USERNAME_LENGTH_MAX) or None,
    }


def _texts(table: Mapping[str, Any], key: str, where: str) -> list[str]:
    values = get(table, key, list, where, [])
    if not all(isinstance(v, str) and len(v) <= TEXT_LENGTH_MAX for v in values):
        raise ConfigError(f"{where}.{key}", "expected a list of short strings")
    return values


def _contacts(table: Mapping[str, Any], where: str) -> list[Row]:
    rows = []
    tables = list(_tables(table, "contacts", where))
    if len(tables) > CONTACTS_MAX:
        raise ConfigError(f"{where}.contacts", f"{len(tables)} contacts, at most {CONTACTS_MAX}")
    for number, contact in tables:
        place = f"{where}.contacts[{number}]"
        check_keys(contact, ("name", "relation", "phone"), place)
        rows.append({k: _text(contact, k, place, "") for k in ("name", "relation", "phone")})
    return rows


def _device(table: Mapping[str, Any], home: str, gateways: set[str], where: str) -> Row:
    settings = ("expected_interval_s", "test_interval_s", "life_critical")
    check_keys(table, ("gateway", "device", "kind", "model", "label", *settings), where)
    return {
        "gateway": one_of(_name(table, "gateway", where), gateways, f"{where}.gateway"),
        "device": _name(table, "device", where),
        "home": home,
        "kind": one_of(_text(table, "kind", where), KINDS, f"{where}.kind"),
        "model": _text(table, "model", where, ""),
        "label": _text(table, "label", where, ""),
        "expected_interval_s": _interval(table, "expected_interval_s", where),
        "test_interval_s": _interval(table, "test_interval_s", where),
        "life_critical": get(table, "life_critical", bool, where)
        if "life_critical" in table
        else None,
    }


def _interval(table: Mapping[str, Any], key: str, where: str) -> int | None:
    """Seconds, 0 for never; None when the kind decides."""
    if key not in table:
        return None
    seconds: int = get(table, key, int, where)
    if seconds and not INTERVAL_MIN_S <= seconds <= INTERVAL_MAX_S:
        limits = f"between {INTERVAL_MIN_S} and {INTERVAL_MAX_S}"
        raise ConfigError(f"{where}.{key}", f"{seconds} is neither 0 (never) nor {limits}")
    return seconds


def _unique(rows: Iterable[Row], keys: tuple[str, ...], where: str) -> None:
    seen = set()
    for row in rows:
        key = tuple(row[k] for k in keys)
        if key in seen:
            raise ConfigError(where, f"{'/'.join(key)} is there twice")
        seen.add(key)


def _parents_first(regions: list[Row], source: str) -> list[Row]:
    ordered: list[Row] = []
    placed: set[str | None] = {None}
    waiting = list(regions)
    while waiting:
        ready = [row for row in waiting if row["parent"] in placed]
        if not ready:
            codes = ", ".join(row["code"] for row in waiting[:5])
            raise ConfigError(f"{source}: region", f"parent missing or circular: {codes}")
        ordered += ready
        placed |= {row["code"] for row in ready}
        waiting = [row for row in waiting if row["code"] not in placed]
    return ordered
