"""Parameters of rules: frozen dataclasses whose fields carry their limits, parsed from TOML."""

from collections.abc import Mapping
from dataclasses import Field, field, fields, replace
from typing import Any, TypeVar

from contract.config import ConfigError, check_keys, get

P = TypeVar("P")


def number(default: float, low: float, high: float) -> Any:
    """A field that holds a number between `low` and `high`; the default's type is the type."""
    return field(default=default, metadata={"low": low, "high": high})


def parse_params(kind: type[P], table: Mapping[str, Any], where: str, base: Any = None) -> P:
    """`base` (or the defaults) with the table's values; ConfigError names what is wrong."""
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]  # P is a dataclass
    check_keys(table, known, where)
    start: P = kind() if base is None else base
    changes = {name: _value(table, known[name], where) for name in table}
    return replace(start, **changes)  # type: ignore[type-var]  # P is a dataclass


def _value(table: Mapping[str, Any], spec: Field[Any], where: str) -> Any:
    default = spec.default
    if isinstance(default, tuple):
        return _texts(table[spec.name], f"{where}.{spec.name}")
    value = get(table, spec.name, type(default), where)
    low, high = spec.metadata.get("low"), spec.metadata.get("high")
    if low is not None and high is not None and not low <= value <= high:
        raise ConfigError(f"{where}.{spec.name}", f"{value} is not between {low} and {high}")
    return value


def _texts(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise ConfigError(where, "expected a list of strings")
    return tuple(value)


def check_order(params: Any, where: str, *pairs: tuple[str, str]) -> None:
    """ConfigError when the first of a pair is above the second."""
    for low, high in pairs:
        if getattr(params, low) > getattr(params, high):
            raise ConfigError(f"{where}.{low}", f"must not be above {high}")
