"""What a department gets: the tables and columns of its order, of its region and period.

Masked but for what the order names, with the department's name in every row. What is masked is
decided by what is open: a column that nobody thought of is hidden.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, func, select

from dashboard.callers import Caller
from dashboard.contact_masks import HIDDEN, masked_phone
from dashboard.export import Subject, read_names
from dashboard.export_registry import SUBJECTS
from dashboard.masking import masked_name
from dashboard.person_reads import purpose_states
from dashboard.reads import Row, rows
from ledger.documents.sheets import local
from ledger.documents.table import Column, Table
from ledger.documents.workbook import ROWS_MAX, write_xlsx
from ledger.forms.file_fields import FIELDS
from ledger.forms.visit_form import CHOICES
from ledger.schema import CONSENT, EXPORT_FILE, EXPORT_ORDER, SERVICE_USER
from ledger.visiting.days import iso
from ledger.visiting.periods import month_of, week_of
from rules.local_time import at_minute_ms, day_of

# At night, when nobody waits for the book.
AT_MINUTE: Final = 2 * 60
# Those whose rows say whom they are about: who said no to sharing can be left out of them.
OFFERED: Final = ("persons", "visits", "care", "referrals")
_NAMES: Final = frozenset({"name", "person", "agreed_name"})
_PHONES: Final = frozenset({"phone"})
_YEARS: Final = frozenset({"born"})
_OPEN: Final = frozenset(
    {
        *("id", "number", "person_id", "sex", "town", "village", "categories", "grade", "visitor"),
        *("home", "left_why", "id_number", "way", "kind", "services", "proof", "counts", "service"),
        *("items", "provider", "who", "state", "outcome", "agreed_by", "created_by", "recorded_by"),
        *(question.field for question in CHOICES),
        *(field.name for field in FIELDS if field.form in ("yes_no", "choice", "choices", "grade")),
    }
)
_MARK: Final = Column(key="mark", zh="供谁使用", width=34)
_NO: Final = frozenset({"refused", "withdrawn", "expired"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A row of `export_order` read."""

    id: str
    name: str
    account: str
    region: str
    tables: Mapping[str, Sequence[str]]
    plain: frozenset[str]
    every: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """What a file is of; `key` is 2026-11-28, 2026-W48 or 2026-11."""

    first: int
    last: int
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    content: bytes
    rows: int
    withheld: int


def order_of(row: Row) -> Order:
    return Order(
        id=row["id"],
        name=row["name"],
        account=row["account"],
        region=row["region"],
        tables=json.loads(row["tables"]),
        plain=frozenset(json.loads(row["plain"])),
        every=row["every"],
    )


def period_before(every: str, today: int) -> Days:
    """The last day, week or month that is over."""
    if every == "day":
        return Days(first=today - 1, last=today - 1, key=iso(today - 1))
    begun = week_of(today) if every == "week" else month_of(today)
    over = week_of(begun.first - 1) if every == "week" else month_of(begun.first - 1)
    return Days(first=over.first, last=over.last, key=over.key)


def next_run(every: str, now_ms: int, at_minute: int, *, made: bool) -> tuple[str, int]:
    """The period whose file comes next and when; `made`: that of the last one is there."""
    today = day_of(now_ms)
    if not made:
        # At once from two at night on, and else as soon as it is two.
        return period_before(every, today).key, max(now_ms, at_minute_ms(today, at_minute))
    if every == "day":
        return iso(today), at_minute_ms(today + 1, at_minute)
    begun = week_of(today) if every == "week" else month_of(today)
    return begun.key, at_minute_ms(begun.last + 1, at_minute)


def make(connection: Connection, order: Order, period: Days, now_ms: int) -> Made:
    """TooMany, or whatever a table can't be read for."""
    today = local(now_ms).date().isoformat()
    withheld = _said_no(connection, today)
    mark = f"供{order.name}使用 {period.key} {order.id[-8:]}"
    tables = [
        _table(connection, order, name, period, withheld=withheld, mark=mark)
        for name in SUBJECTS
        if name in order.tables
    ]
    count = sum(len(table.rows) for table in tables)
    about = _about(order, period, now_ms, count, len(withheld))
    return Made(content=write_xlsx([about, *tables]), rows=count, withheld=len(withheld))


def _table(
    connection: Connection,
    order: Order,
    name: str,
    period: Days,
    *,
    withheld: Sequence[str],
    mark: str,
) -> Table:
    subject = SUBJECTS[name]
    found = rows(connection, _wanted(order, subject, period, withheld).limit(ROWS_MAX + 1))
    if len(found) > ROWS_MAX:
        raise ValueError(f"{subject.zh}: more than {ROWS_MAX} rows; divide the order by region")
    names = read_names(connection)
    places = [
        (place, column)
        for place, column in enumerate(subject.columns)
        if column.key in order.tables[name]
    ]
    lines = []
    for row in found:
        cells = subject.cells(row, names)
        shown = [_shown(order, name, column, cells[place]) for place, column in places]
        lines.append([*shown, mark])
    columns = tuple(_as_text(order, name, column) for _place, column in places)
    return Table(title=subject.zh, columns=(*columns, _MARK), rows=lines)


def _wanted(order: Order, subject: Subject, period: Days, withheld: Sequence[str]) -> Any:
    caller = Caller(
        username=order.account,
        name=order.name,
        role="department",
        region=order.region,
        digest="",
        via="bearer",
    )
    wanted = subject.wanted().where(caller.visible(subject.region))
    if subject.time is not None:
        wanted = wanted.where(
            subject.time >= at_minute_ms(period.first, 0),
            subject.time < at_minute_ms(period.last + 1, 0),
        )
    # Neither that there was somebody is any department's business.
    wanted = wanted.where(SERVICE_USER.c.erased_at_ms.is_(None))
    if withheld:
        # A row that names nobody is about everybody of a home: not of one where somebody said no.
        wanted = wanted.where(SERVICE_USER.c.id.is_not(None))
        wanted = wanted.where(SERVICE_USER.c.id.not_in(withheld))
    return wanted


def _said_no(connection: Connection, today: str) -> list[str]:
    asked = select(CONSENT.c.person).where(CONSENT.c.purpose == "sharing").distinct()
    people = [row["person"] for row in rows(connection, asked)]
    states = purpose_states(connection, people, "sharing", today)
    return sorted(person for person, state in states.items() if state in _NO)


def _masks(order: Order, name: str, column: Column) -> bool:
    return f"{name}.{column.key}" not in order.plain


def _as_text(order: Order, name: str, column: Column) -> Column:
    """A year or a mask is no date."""
    if _masks(order, name, column) and column.key in _YEARS:
        return Column(key=column.key, zh=column.zh, width=column.width)
    return column


def _shown(order: Order, name: str, column: Column, value: Any) -> Any:
    if value in (None, "") or not _masks(order, name, column):
        return value
    if column.key in _NAMES:
        return masked_name(str(value))
    if column.key in _PHONES:
        return masked_phone(str(value))
    if column.key in _YEARS:
        return str(value)[:4]
    return value if column.key in _OPEN or column.kind != "text" else HIDDEN


def _about(order: Order, period: Days, now_ms: int, count: int, withheld: int) -> Table:
    columns = (Column(key="what", zh="项目", width=20), Column(key="said", zh="内容", width=60))
    plain = "、".join(sorted(order.plain)) or "无"
    said = (
        ("使用单位", order.name),
        ("账号", order.account),
        ("统计期", period.key),
        ("区域", order.region or "全县"),
        ("生成时间", f"{local(now_ms):%Y-%m-%d %H:%M}"),
        ("行数", str(count)),
        ("未提供", f"{withheld} 位老人不同意与部门共享信息，不在表内"),
        ("遮盖", f"姓名、电话、住址、健康和文字说明默认遮盖；未遮盖的列：{plain}"),
        ("要求", "仅供上述单位履行职责使用，不得转交、公开；每行末列注明使用单位。"),
    )
    return Table(title="说明", columns=columns, rows=[list(line) for line in said])


def failing(connection: Connection) -> list[Row]:
    """Files that could not be made and are tried again, with their order's `name`: of orders that
    are in force the newest period. What failed before it, or of an order that was stopped, is
    history: it stands in the list of files, and nobody can mend it any more."""
    newest = (
        select(EXPORT_FILE.c.order_id, func.max(EXPORT_FILE.c.period).label("period"))
        .group_by(EXPORT_FILE.c.order_id)
        .subquery()
    )
    wanted = (
        select(EXPORT_ORDER.c.name, EXPORT_FILE.c.period, EXPORT_FILE.c.detail)
        .join(EXPORT_FILE, EXPORT_FILE.c.order_id == EXPORT_ORDER.c.id)
        .join(
            newest,
            (newest.c.order_id == EXPORT_FILE.c.order_id)
            & (newest.c.period == EXPORT_FILE.c.period),
        )
        .where(EXPORT_FILE.c.state == "failed", EXPORT_ORDER.c.active)
    )
    return rows(connection, wanted.order_by(EXPORT_ORDER.c.name, EXPORT_ORDER.c.id))
