"""The page of rule kinds, from their docstrings, parameters and reasons: docs/rule-kinds.md."""

from collections.abc import Iterator
from dataclasses import MISSING, fields
from enum import StrEnum
from typing import Any, Final

from rules.kind_facts import PARTS, docstring, module_of
from rules.registry import RULE_KINDS
from rules.rule import RuleKind

_HEAD: Final = """# Rule kinds

Written by `./dev docs` from the rules themselves: change their docstrings, not this page. What
rules are, how they are configured and how they were judged is in [rules.md](rules.md).
"""


def page() -> str:
    """Every kind of the registry, in its order."""
    return _HEAD + "".join("\n" + section(name, kind) for name, kind in RULE_KINDS.items())


def section(name: str, kind: RuleKind) -> str:
    first, _, rest = docstring(kind).partition("\n\n")
    lines = [f"## `{name}`", first, ""]
    lines += [_emphasised(part) for part in rest.split("\n\n")]
    lines += [f"Lane: {kind.lane}. Severity: {kind.severity}, where nothing else is said.", ""]
    rows = [_row(field) for field in fields(kind.parse({}, name))]
    if rows:
        lines += ["| parameter | default | from | to |", "|---|---|---|---|", *rows, ""]
    reasons = ", ".join(f"`{reason}`" for enum in _reasons(module_of(kind)) for reason in enum)
    return "\n".join([*lines, *([f"Reasons: {reasons}.", ""] if reasons else [])])


def missing_parts(kind: RuleKind) -> list[str]:
    """Which of the parts a kind's docstring leaves out."""
    text = docstring(kind)
    return [part for part in PARTS if f"\n{part} " not in text]


def _emphasised(part: str) -> str:
    for word in PARTS:
        if part.startswith(word):
            return f"**{word}**{part.removeprefix(word)}\n"
    return f"{part}\n"


def _row(field: Any) -> str:
    default = field.default if field.default is not MISSING else field.default_factory()
    low, high = (field.metadata.get(end, "") for end in ("low", "high"))
    shown = list(default) if isinstance(default, tuple) else default
    return f"| `{field.name}` | {shown if shown not in ('', []) else ''} | {low} | {high} |"


def _reasons(module: Any) -> Iterator[type[StrEnum]]:
    for thing in vars(module).values():
        own = isinstance(thing, type) and issubclass(thing, StrEnum)
        if own and thing.__module__ == module.__name__:
            yield thing
