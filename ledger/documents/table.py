"""A table of typed columns, for a spreadsheet, a CSV file or a printed page. Pure."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from ledger.documents.sheets import local

Kind = Literal["text", "integer", "decimal", "yuan", "day", "instant", "yes_no"]
_NUMBERS: Final = frozenset({"integer", "decimal", "yuan"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """`zh` heads it. `width`: characters of Latin text, as spreadsheets count; `yuan` is money,
    `day` an ISO date, `instant` milliseconds since the epoch."""

    key: str
    zh: str
    kind: Kind = "text"
    width: int = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`rows` have a value or None for each column; `left_out` rows are not shown."""

    title: str
    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Any]]
    left_out: int = 0


def shown(value: Any, kind: Kind) -> str:
    """A value as somebody in the county reads it; nothing for what is not known."""
    if value is None or value == "":
        return ""
    match kind:
        case "instant":
            return f"{local(int(value)):%Y-%m-%d %H:%M}"
        case "yes_no":
            return "是" if value else "否"
        case "yuan":
            return f"{float(value):.2f}"
        case "decimal":
            return f"{float(value):g}"
        case _:
            return str(value)


def is_number(kind: Kind) -> bool:
    return kind in _NUMBERS


def day_value(text: str) -> datetime.date | None:
    """An ISO date as a date; None when it is none."""
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None
