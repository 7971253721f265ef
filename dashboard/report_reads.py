"""Figures of a month or quarter, of a region and each one below it; the rows behind a figure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, or_, select

from dashboard.callers import Caller
from dashboard.care_reads import served_lines
from dashboard.counted_reads import VISIT_RECORD, with_records
from dashboard.plan_facts import gaps_of
from dashboard.plan_summary import Part, below, read_part, summary
from dashboard.ports import Deps
from dashboard.reads import Row, rows
from dashboard.response_reads import calls_of, report
from ledger.forms.joining import changes_within, in_service
from ledger.reports.sheet import Sheet, Subject, as_document, figures_of, is_dated
from ledger.reports.spans import Span
from ledger.reports.tallies import groups_together
from ledger.schema import ALARM, CARE_LINE, ENTRY, HOME, REFERRAL, SERVICE_USER, VISIT
from ledger.views import Document
from ledger.visiting.days import iso
from ledger.visiting.periods import Period
from rules.local_time import at_minute_ms

# Rows at a time; a county's month has forty thousand visits.
PORTION: Final = 5_000
SUBJECTS: Final[tuple[Subject, ...]] = ("person", "visit", "alarm", "referral", "care")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whose figures, and of when. `region` "": all that the caller may see."""

    caller: Caller
    region: str
    span: Span

    @property
    def from_ms(self) -> int:
        """Midnight of the first day, in the county's time."""
        return at_minute_ms(self.span.first, 0)

    @property
    def to_ms(self) -> int:
        """Just behind the end."""
        return at_minute_ms(self.span.last + 1, 0)

    def inside(self, column: Any) -> list[ColumnElement[bool]]:
        conditions: list[ColumnElement[bool]] = [self.caller.visible(column)]
        if self.region:
            conditions.append(column.startswith(self.region, autoescape=True))
        return conditions

    def within(self, column: Any) -> list[ColumnElement[bool]]:
        return [column >= self.from_ms, column < self.to_ms]


def _people(asked: Asked) -> Select[Any]:
    """Those who were in the service at the end of the span, or joined or left within it; what else
    the register says of them is of today."""
    columns = (
        SERVICE_USER.c.id,
        SERVICE_USER.c.categories,
        SERVICE_USER.c.grade,
        SERVICE_USER.c.born,
        SERVICE_USER.c.visitor,
        SERVICE_USER.c.joined_on,
        SERVICE_USER.c.left_on,
        SERVICE_USER.c.left_why,
        SERVICE_USER.c.service_gaps,
        HOME.c.region,
    )
    wanted = select(*columns).join(HOME, HOME.c.id == SERVICE_USER.c.home)
    wanted = wanted.where(
        SERVICE_USER.c.joined_on <= iso(asked.span.last),
        or_(SERVICE_USER.c.left_on == "", SERVICE_USER.c.left_on >= iso(asked.span.first)),
    )
    return wanted.where(*asked.inside(HOME.c.region)).order_by(SERVICE_USER.c.id)


def _visits(asked: Asked) -> Select[Any]:
    columns = (
        VISIT.c.id,
        VISIT.c.way,
        VISIT.c.kind,
        VISIT.c.met,
        *VISIT_RECORD,
        VISIT.c.voided_at_ms,
        VISIT.c.duplicate_of,
        VISIT.c.visitor,
        HOME.c.region,
    )
    wanted = select(*columns).join(HOME, HOME.c.id == VISIT.c.home)
    wanted = wanted.where(*asked.within(VISIT.c.visited_at_ms), *asked.inside(HOME.c.region))
    return wanted.order_by(VISIT.c.visited_at_ms, VISIT.c.id)


def _alarms(asked: Asked) -> Select[Any]:
    names = ("id", "severity", "rule", "outcome", "state", "region")
    wanted = select(*(ALARM.c[name] for name in names))
    wanted = wanted.where(*asked.within(ALARM.c.raised_at_ms), *asked.inside(ALARM.c.region))
    return wanted.order_by(ALARM.c.number)


def _referrals(asked: Asked) -> Select[Any]:
    names = ("id", "state", "service", "outcome", "region")
    wanted = select(*(REFERRAL.c[name] for name in names))
    wanted = wanted.where(*asked.within(REFERRAL.c.created_at_ms))
    return wanted.where(*asked.inside(REFERRAL.c.region)).order_by(REFERRAL.c.number)


def _care(asked: Asked) -> Select[Any]:
    names = ("id", "service", "minutes", "cost_fen", "region")
    wanted = select(*(CARE_LINE.c[name] for name in names)).where(
        *asked.within(CARE_LINE.c.served_at_ms),
        *asked.inside(CARE_LINE.c.region),
        *served_lines(),
    )
    return wanted.order_by(CARE_LINE.c.served_at_ms, CARE_LINE.c.id)


_STATEMENTS: Final[Mapping[Subject, Callable[[Asked], Select[Any]]]] = {
    "person": _people,
    "visit": _visits,
    "alarm": _alarms,
    "referral": _referrals,
    "care": _care,
}


def rows_of(connection: Connection, subject: Subject, asked: Asked) -> Iterator[Row]:
    # Of the statement, for of a connection it would hold for whatever else is asked of it.
    wanted = _STATEMENTS[subject](asked).execution_options(yield_per=PORTION)
    # Who stops reading half-way leaves no cursor open at the server.
    with connection.execute(wanted) as found:
        names = tuple(found.keys())
        every = (dict(zip(names, row, strict=True)) for row in found)
        if subject == "visit":
            yield from with_records(connection, every)
        elif subject == "person":
            yield from (_with_service(row, asked.span) for row in every)
        else:
            yield from every


def _with_service(row: dict[str, Any], span: Span) -> Row:
    first, last, gaps = iso(span.first), iso(span.last), gaps_of(row)
    row["here"] = in_service(row, gaps, last)
    row["changes"] = changes_within(row, gaps, first, last)
    return row


def people_course(
    connection: Connection, months: Sequence[Asked], now_ms: int
) -> list[Document | None]:
    """Of each month, one after the other, the figures of people that dates on file tell; None of
    those that ended before the book began: who had left by then is in no register."""
    first = connection.scalar(select(ENTRY.c.at_ms).order_by(ENTRY.c.seq).limit(1))
    begun_ms = now_ms if first is None else first
    all_of_them = Span(key="", months=tuple(month.span.months[-1] for month in months))
    sheets = [Sheet() for _month in months]
    for row in connection.execute(_people(replace(months[0], span=all_of_them))).mappings():
        for month, sheet in zip(months, sheets, strict=True):
            found = figures_of("person", _with_service(dict(row), month.span), month.span.last)
            sheet.update(figure for figure in found if is_dated(figure))
    return [
        as_document(sheet) if begun_ms < month.to_ms else None
        for month, sheet in zip(months, sheets, strict=True)
    ]


def rows_behind(
    connection: Connection, subject: Subject, asked: Asked, figure: tuple[str, str]
) -> Iterator[str]:
    """The ids of a figure's rows, in the order of their kind."""
    for row in rows_of(connection, subject, asked):
        if figure in figures_of(subject, row, asked.span.last):
            yield row["id"]


@dataclass(slots=True)
class _Group:
    sheet: Sheet
    minutes: int = 0
    cost_fen: int = 0

    def add(self, subject: Subject, row: Row, day: int) -> None:
        sheet = self.sheet
        for figure in figures_of(subject, row, day):
            sheet[figure] += 1
        if subject == "care":
            self.minutes += row["minutes"] or 0
            self.cost_fen += row["cost_fen"]

    def take_in(self, other: "_Group") -> None:
        self.sheet.update(other.sheet)
        self.minutes += other.minutes
        self.cost_fen += other.cost_fen

    def document(self) -> Document:
        care = {"minutes": self.minutes, "cost_fen": self.cost_fen}
        return {"figures": as_document(self.sheet), "care": care}


class Months:
    """The people of a region in each month of a span, read once for a report and its rows."""

    def __init__(self, connection: Connection, now_ms: int, asked: Asked) -> None:
        self._connection, self._now_ms, self._asked = connection, now_ms, asked
        self._read: dict[str, Part] = {}

    def part(self, month: Period) -> Part:
        if month.key not in self._read:
            caller, region = self._asked.caller, self._asked.region or None
            self._read[month.key] = read_part(
                self._connection, self._now_ms, caller, region, month, window_only=True
            )
        return self._read[month.key]


def county_report(
    connection: Connection,
    hub: Deps,
    asked: Asked,
    regions: Mapping[str, Row],
    months: Months | None = None,
) -> Document:
    """Everything of a span: for the region, and for each one right below it. `months`: where they
    are asked for once more."""
    read = months or Months(connection, hub.clock.now_ms(), asked)
    under = below(regions, asked.region or asked.caller.region)
    villages: dict[str, _Group] = {}
    for subject in SUBJECTS:
        for row in rows_of(connection, subject, asked):
            village = villages.setdefault(row["region"] or "", _Group(Sheet()))
            village.add(subject, row, asked.span.last)
    whole, parts = _Group(Sheet()), dict[str, _Group]()
    for region, village in villages.items():
        whole.take_in(village)
        parts.setdefault(under(region) if region else "", _Group(Sheet())).take_in(village)
    visits = [visit_tallies(connection, read.part(m), regions, m) for m in asked.span.months]
    calls = calls_of(connection, asked.caller, asked.region or None, asked.from_ms, asked.to_ms)
    return {
        "period": asked.span.key,
        "region": asked.region,
        **whole.document(),
        "visits": groups_together([month["all"] for month in visits]),
        "response": report(connection, hub, calls, None, asked.region)["total"],
        "regions": [
            {
                "region": code,
                "name": regions[code]["name"] if code in regions else "",
                "level": regions[code]["level"] if code in regions else "",
                **parts.get(code, _Group(Sheet())).document(),
                "visits": _of_region(visits, code),
            }
            for code in sorted({*parts, *visits[-1]["regions"]})
        ],
    }


def visit_tallies(
    connection: Connection, part: Part, regions: Mapping[str, Row], month: Period
) -> Document:
    """`all`: the plan's summary of one month; `regions`: those of it below, by code."""
    document = summary(connection, part, regions, month)
    return {"all": document, "regions": {one["region"]: one for one in document["regions"]}}


def _of_region(months: Sequence[Mapping[str, Any]], code: str) -> Document | None:
    found = [month["regions"][code] for month in months if code in month["regions"]]
    return groups_together(found) if found else None


def region_rows(connection: Connection, regions: Any) -> dict[str, Row]:
    return {row["code"]: row for row in rows(connection, select(regions))}
