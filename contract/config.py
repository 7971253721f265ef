"""Checked configuration tables: every unknown key is refused with the nearest valid name."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

from contract.errors import ContractError
from contract.ids import is_name

T = TypeVar("T")
# How a program ends that can't use its configuration: EX_CONFIG of sysexits.h, so that supervisors
# and people tell it from a crash and from a book that is refused.
EXIT_CONFIG: Final = 78


class ConfigError(ContractError):
    """A mistake in a configuration file: says which key, what was found, what is allowed."""

    def __init__(self, where: str, detail: str) -> None:
        super().__init__("config", f"{where}: {detail}")
        self.where = where


def check_keys(table: Mapping[str, Any], allowed: Iterable[str], where: str) -> None:
    """Refuse keys that mean nothing, naming the nearest that does."""
    names = sorted(allowed)
    for key in table:
        if key not in names:
            near = difflib.get_close_matches(key, names, n=1, cutoff=0.5)
            hint = f", did you mean {near[0]!r}?" if near else f"; allowed: {', '.join(names)}"
            raise ConfigError(f"{where}.{key}" if where else key, f"unknown key{hint}")


def get(
    table: Mapping[str, Any], key: str, kind: type[T], where: str, default: T | None = None
) -> T:
    """The value of a key as `kind`; ConfigError when missing without default or of another type.

    An integer is accepted where a float is asked for; a boolean never counts as a number.
    """
    path = f"{where}.{key}" if where else key
    if key not in table:
        if default is None:
            raise ConfigError(path, f"missing; expected {kind.__name__}")
        return default
    value = table[key]
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ConfigError(path, f"is {type(value).__name__}, expected {kind.__name__}")
    return value


def bounded(
    table: Mapping[str, Any], key: str, default: int | None, limits: tuple[int, int], where: str
) -> int:
    """The whole number of a key within `limits`, both included; ConfigError otherwise."""
    low, high = limits
    value = get(table, key, int, where, default=default)
    if not low <= value <= high:
        path = f"{where}.{key}" if where else key
        raise ConfigError(path, f"is {value}, expected {low} to {high}")
    return value


def name_of(table: Mapping[str, Any], key: str, where: str, default: str | None = None) -> str:
    """The name of a device or a part, fit to stand in a topic (`contract.ids`)."""
    name = get(table, key, str, where, default)
    if not is_name(name):
        path = f"{where}.{key}" if where else key
        raise ConfigError(path, f"{name[:60]!r}: 1-64 of A-Z a-z 0-9 . _ - are allowed")
    return name


# A county has hundreds of villages: the nearest is told anyway.
NAMES_SHOWN_MAX = 20


def one_of(value: str, allowed: Iterable[str], where: str) -> str:
    """`value` if allowed, else ConfigError with the nearest allowed one."""
    names = sorted(allowed)
    if value not in names:
        near = difflib.get_close_matches(value, names, n=1, cutoff=0.4)
        hint = f", did you mean {near[0]!r}?" if near else ""
        shown = ", ".join(names[:NAMES_SHOWN_MAX]) + (" …" if len(names) > NAMES_SHOWN_MAX else "")
        raise ConfigError(where, f"{value[:60]!r} is not one of {shown}{hint}")
    return value
