"""What a rule kind says of itself: the paragraphs of its docstring, its parameters. Pure."""

import sys
from collections.abc import Mapping
from dataclasses import MISSING, fields
from types import ModuleType
from typing import Any, Final

from rules.plain import PlainKind
from rules.rule import RuleKind

# What every kind's docstring tells, in this order, and the name of each part.
PARTS: Final[Mapping[str, str]] = {
    "Sees:": "sees",
    "Can't see:": "cant_see",
    "Defaults:": "defaults",
    "Sources:": "sources",
}


def module_of(kind: RuleKind) -> ModuleType:
    """Where the kind is written down."""
    place = kind.monitor.__module__ if isinstance(kind, PlainKind) else type(kind).__module__
    return sys.modules[place]


def docstring(kind: RuleKind) -> str:
    return (module_of(kind).__doc__ or "").strip()


def about(kind: RuleKind) -> dict[str, str]:
    """`finds` and the four parts; a part that is not told is empty."""
    first, _, rest = docstring(kind).partition("\n\n")
    told = {"finds": _line(first), **dict.fromkeys(PARTS.values(), "")}
    for paragraph in rest.split("\n\n"):
        for word, name in PARTS.items():
            if paragraph.startswith(word):
                told[name] = _line(paragraph.removeprefix(word))
    return told


def parameters(kind: RuleKind) -> list[dict[str, Any]]:
    """Each with `type` (`int`, `float`, `bool`, `str`, `list`), `default`, `low` and `high`."""
    return [_parameter(each) for each in fields(kind.parse({}, kind.name))]


def _parameter(field: Any) -> dict[str, Any]:
    default = field.default if field.default is not MISSING else field.default_factory()
    shown = list(default) if isinstance(default, tuple) else default
    low, high = (field.metadata.get(end) for end in ("low", "high"))
    return {
        "name": field.name,
        "type": type(shown).__name__,
        "default": shown,
        "low": low,
        "high": high,
    }


def _line(text: str) -> str:
    return " ".join(text.split())
