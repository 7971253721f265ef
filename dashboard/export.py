"""A subject that can be exported: its columns, and how its rows are read.

To add one: a file in `dashboard/exports`, a line in `dashboard/export_registry.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Select, select

from dashboard.callers import Caller
from dashboard.contact_masks import HIDDEN, WAYS_IN, masked_text
from dashboard.reads import Row, rows
from ledger.documents.table import Column, Table
from ledger.documents.workbook import ROWS_MAX
from ledger.schema import ACCOUNT, HOME, REGION
from ledger.views import REGION_DEPTH_MAX

PLACE: Final = (
    Column(key="town", zh="镇", width=12),
    Column(key="village", zh="村（社区）", width=14),
)
ADDRESS: Final = Column(key="address", zh="住址", width=30)


_PHONES: Final = frozenset({"phone", "contacts"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What of a subject is wanted: of a region, of [from, to) by the subject's own time. `whole`: a
    second person has agreed, with a reason, that telephones go along."""

    caller: Caller
    region: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Regions and accounts, whole: they are small, and every subject speaks of them."""

    regions: Mapping[str, Row]
    accounts: Mapping[str, str]

    def place(self, code: str | None) -> tuple[str, str]:
        """Town and village of a region; what it lies in, whatever its own level."""
        found = {"town": "", "village": ""}
        for _level in range(REGION_DEPTH_MAX):
            row = None if code is None else self.regions.get(code)
            if row is None:
                break
            if row["level"] in found:
                found[row["level"]] = row["name"]
            code = row["parent"]
        return found["town"], found["village"]

    def account(self, username: str | None) -> str:
        return "" if username is None else self.accounts.get(username, username)


Cells = Callable[[Row, Names], Sequence[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """needs: what one must be allowed to read besides exporting. wanted: the rows in order.
    time: the column that `from` and `to` are about; None: the subject has none."""

    zh: str
    needs: frozenset[str]
    columns: tuple[Column, ...]
    wanted: Callable[[], Select[Any]]
    region: Any
    cells: Cells
    time: Any = None


class TooMany(Exception):  # noqa: N818 - an answer to a user
    """More rows than one file may have."""


def read(connection: Connection, subject: Subject, asked: Asked) -> Table:
    """The subject as a table; TooMany when it has more rows than a file may have."""
    wanted = subject.wanted().where(asked.caller.visible(subject.region))
    if asked.region:
        wanted = wanted.where(subject.region.startswith(asked.region, autoescape=True))
    if subject.time is not None and asked.from_ms is not None:
        wanted = wanted.where(subject.time >= asked.from_ms)
    if subject.time is not None and asked.to_ms is not None:
        wanted = wanted.where(subject.time < asked.to_ms)
    found = rows(connection, wanted.limit(ROWS_MAX + 1))
    if len(found) > ROWS_MAX:
        raise TooMany(f"more than {ROWS_MAX} rows; take a region or a shorter span")
    names = read_names(connection)
    cells = [subject.cells(row, names) for row in found]
    if not asked.whole and "contact.read" not in asked.caller.can:
        cells = [_without_contacts(subject.columns, row) for row in cells]
    return Table(title=subject.zh, columns=subject.columns, rows=cells)


def _without_contacts(columns: Sequence[Column], row: Sequence[Any]) -> list[Any]:
    """Telephones masked, the way in left out, for who opens them one by one with a reason."""
    shown = []
    for column, cell in zip(columns, row, strict=True):
        if column.key in _PHONES and isinstance(cell, str):
            shown.append(masked_text(cell))
        else:
            shown.append(HIDDEN if column.key in WAYS_IN and cell else cell)
    return shown


def read_names(connection: Connection) -> Names:
    accounts = rows(connection, select(ACCOUNT.c.username, ACCOUNT.c.name))
    return Names(
        regions={row["code"]: row for row in rows(connection, select(REGION))},
        accounts={row["username"]: row["name"] for row in accounts},
    )


def home_columns() -> tuple[Any, ...]:
    """Of the home that a row is about, as `home_region` and `home_address`."""
    return HOME.c.region.label("home_region"), HOME.c.address.label("home_address")


def listed(text: str) -> str:
    """A JSON column of words; what can't be read shows as it stands rather than as nothing."""
    try:
        words = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
    if not isinstance(words, list):
        return text
    return "、".join(str(word) for word in words)
