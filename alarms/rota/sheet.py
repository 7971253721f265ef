"""A rota as a table: rows of a spreadsheet in, each with its verdict, and shifts out as such
rows. Pure.

No row is lost: each that has anything in it is new, changed, the same, or rejected with every
reason found. Columns are found by their heads, in Chinese or English, in any order; those that mean
nothing are named and left alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from alarms.rota.days import iso_day
from alarms.rota.model import (
    NAME,
    Change,
    Desk,
    RotaError,
    Shift,
    ShiftKey,
    clock_minutes,
    clock_text,
    length_between,
    parse_day,
)
from alarms.rota.plan import Plan
from rules.local_time import MINUTE_MS, at_minute_ms, minute_of

Verdict = Literal["new", "change", "same", "rejected"]

# Two months of three desks with three shifts a day, twice over.
ROWS_MAX: Final = 2_000
# Each column by its names; the first two are written.
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "date": ("日期", "date", "day", "值班日期"),
    "desk": ("值班台", "desk", "值班点", "值班室"),
    "shift": ("班次", "shift", "班"),
    "start": ("开始", "start", "开始时间", "上班"),
    "end": ("结束", "end", "结束时间", "下班"),
    "first": ("第一值班人", "first", "值班人", "主班", "姓名"),
    "second": ("第二值班人", "second", "副班", "备班"),
    "third": ("第三值班人", "third"),
}
NEEDED: Final = ("date", "shift", "first")
_PEOPLE: Final = ("first", "second", "third")
# A word in the place of people: this shift is not worked.
CANCELLED: Final = ("取消", "cancelled", "停")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFault:
    """`code` is for the page's words, `detail` for people; `value` is what stood there."""

    column: str
    code: str
    detail: str
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowResult:
    """`row` is its number in the file, the head being 1."""

    row: int
    verdict: Verdict
    cells: Mapping[str, str]
    change: Change | None = None
    faults: tuple[RowFault, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    rows: tuple[RowResult, ...]
    blank: int
    ignored_columns: tuple[str, ...] = ()

    def of(self, *verdicts: Verdict) -> list[RowResult]:
        return [row for row in self.rows if row.verdict in verdicts]


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """Who may be named: by username, and by name where only one has it."""

    names: Mapping[str, str]
    by_name: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def find(self, text: str) -> str:
        """The username; RotaError when there is none, or several of this name."""
        if text in self.names:
            return text
        found = self.by_name.get(text, ())
        if len(found) == 1:
            return found[0]
        if found:
            raise RotaError("people", f"several have this name: {', '.join(found)}")
        raise RotaError("people", "nobody who may take a shift here has this name or username")


def staff_of(accounts: Mapping[str, Mapping[str, Any]]) -> Staff:
    by_name: dict[str, tuple[str, ...]] = {}
    for username, row in sorted(accounts.items()):
        by_name[row["name"]] = (*by_name.get(row["name"], ()), username)
    return Staff(names={u: row["name"] for u, row in accounts.items()}, by_name=by_name)


def preview(
    table: Sequence[Sequence[str]],
    plan: Plan,
    desks: Sequence[Desk],
    staff: Mapping[str, Staff],
    now_ms: int,
) -> Preview:
    """What importing this table would do. `desks` are those that may be changed, `staff` is by
    desk. RotaError when it is no such table at all."""
    if not table:
        raise RotaError("file", "the file has no rows")
    columns, ignored = _heads(table[0])
    if len(table) - 1 > ROWS_MAX:
        raise RotaError("file", f"at most {ROWS_MAX} rows at a time")
    reader = _Reader(plan, desks, staff, now_ms)
    results: list[RowResult] = []
    blank = 0
    for number, row in enumerate(table[1:], start=2):
        cells = {name: row[place].strip() for name, place in columns.items() if place < len(row)}
        if not any(text.strip() for text in row):
            blank += 1
        else:
            results.append(reader.read(number, cells))
    return Preview(rows=tuple(results), blank=blank, ignored_columns=tuple(ignored))


def table_of(
    shifts: Iterable[Shift], names: Mapping[str, str], *, chinese: bool
) -> list[list[str]]:
    """Shifts as rows that an import reads again; people by name where one alone has it."""
    language = 0 if chinese else 1
    table = [[heads[language] for heads in COLUMNS.values()]]
    counts: dict[str, int] = {}
    for name in names.values():
        counts[name] = counts.get(name, 0) + 1
    for shift in shifts:
        people = [
            names[who] if counts.get(names.get(who, ""), 0) == 1 else who for who in shift.people
        ]
        start = minute_of(shift.start_ms)
        table.append(
            [
                iso_day(shift.key.day),
                shift.key.desk,
                shift.key.name,
                clock_text(start),
                clock_text(minute_of(shift.end_ms)),
                *(people + [""] * len(_PEOPLE))[: len(_PEOPLE)],
            ]
        )
    return table


class _Reader:
    """Rows one after the other; remembers which shifts were named before."""

    def __init__(
        self, plan: Plan, desks: Sequence[Desk], staff: Mapping[str, Staff], now_ms: int
    ) -> None:
        self._plan = plan
        self._desks = {one.id: one for one in desks} | {one.name: one for one in desks}
        self._only = desks[0] if len(desks) == 1 else None
        self._staff = staff
        self._now_ms = now_ms
        self._seen: dict[ShiftKey, int] = {}

    def read(self, number: int, cells: Mapping[str, str]) -> RowResult:
        faults: list[RowFault] = []
        key = self._key(cells, faults)
        hours = _hours(cells, faults)
        people = self._people(cells, key, faults)
        if key is not None:
            faults += self._about(key, hours, people)
        if faults or key is None:
            return RowResult(row=number, verdict="rejected", cells=cells, faults=tuple(faults))
        self._seen[key] = number
        start, length = hours or (None, None)
        change = Change(key=key, people=people, start_min=start, length_min=length)
        now = self._plan.find(key)
        verdict: Verdict = "new" if now is None else "change"
        if _same(now, change):
            verdict = "same"
        return RowResult(row=number, verdict=verdict, cells=cells, change=change)

    def _key(self, cells: Mapping[str, str], faults: list[RowFault]) -> ShiftKey | None:
        text = cells.get("date", "")
        day = None
        try:
            day = parse_day(_plain_date(text), "date")
        except RotaError:
            faults.append(_fault("date", "bad_date", "a date as 2026-11-28", text))
        name = cells.get("desk", "")
        desk = self._desks.get(name) if name else self._only
        if desk is None:
            code = "unknown_desk" if name else "no_desk"
            faults.append(_fault("desk", code, "no desk that you may change has this name", name))
        shift = cells.get("shift", "")
        if not NAME.match(shift):
            detail = "1 to 40 letters, digits, - _ ."
            faults.append(_fault("shift", "bad_shift", detail, shift))
            return None
        if day is None or desk is None:
            return None
        return ShiftKey(desk=desk.id, day=day, name=shift)

    def _people(
        self, cells: Mapping[str, str], key: ShiftKey | None, faults: list[RowFault]
    ) -> tuple[str, ...] | None:
        """None: the shift is not worked."""
        if cells.get("first", "") in CANCELLED:
            return None
        staff = self._staff.get(key.desk) if key is not None else None
        found: list[str] = []
        for column in _PEOPLE:
            text = cells.get(column, "")
            if not text:
                continue
            try:
                # Without a desk, whoever any desk may name is taken: its own fault is told.
                who = _anywhere(self._staff, text) if staff is None else staff.find(text)
            except RotaError as error:
                code = "several_people" if "several" in error.detail else "unknown_person"
                faults.append(_fault(column, code, error.detail, text))
                continue
            if who in found:
                faults.append(_fault(column, "person_twice", "named twice in this row", text))
            found.append(who)
        if not found and not any(fault.column in _PEOPLE for fault in faults):
            faults.append(_fault("first", "no_person", "nobody is named", ""))
        return tuple(found)

    def _about(
        self, key: ShiftKey, hours: tuple[int, int] | None, people: tuple[str, ...] | None
    ) -> list[RowFault]:
        faults = []
        if key in self._seen:
            detail = f"row {self._seen[key]} has this shift already"
            faults.append(_fault("shift", "shift_twice", detail, str(self._seen[key])))
        shift = self._plan.find(key)
        if not (shift or hours or people is None or self._plan.is_planned(key)):
            detail = "no pattern has this shift: say when it starts and ends"
            faults.append(_fault("start", "no_hours", detail, ""))
        end_ms = shift.end_ms if shift is not None else None
        if hours is not None:
            end_ms = at_minute_ms(key.day, sum(hours))
        if end_ms is not None and end_ms <= self._now_ms:
            faults.append(_fault("date", "over", "this shift is over", iso_day(key.day)))
        return faults


def _heads(row: Sequence[str]) -> tuple[dict[str, int], list[str]]:
    columns: dict[str, int] = {}
    ignored: list[str] = []
    for place, text in enumerate(row):
        head = text.strip().lower()
        name = next((n for n, heads in COLUMNS.items() if head in heads), None)
        if name is None:
            if head:
                ignored.append(text.strip())
        elif name in columns:
            raise RotaError("file", f"two columns say {COLUMNS[name][0]} ({COLUMNS[name][1]})")
        else:
            columns[name] = place
    missing = [f"{COLUMNS[n][0]} ({COLUMNS[n][1]})" for n in NEEDED if n not in columns]
    if missing:
        raise RotaError("file", f"the first row lacks {', '.join(missing)}")
    return columns, ignored


def _hours(cells: Mapping[str, str], faults: list[RowFault]) -> tuple[int, int] | None:
    texts = cells.get("start", ""), cells.get("end", "")
    if not any(texts):
        return None
    minutes: list[int] = []
    for column, text in zip(("start", "end"), texts, strict=True):
        try:
            minutes.append(clock_minutes(text, column))
        except RotaError as error:
            faults.append(_fault(column, "bad_time", error.detail, text))
    return (minutes[0], length_between(*minutes)) if len(minutes) == 2 else None


def _same(now: Shift | None, change: Change) -> bool:
    if now is None:
        return change.people is None
    hours = change.start_min is None or (
        change.start_min == minute_of(now.start_ms)
        and change.length_min == (now.end_ms - now.start_ms) // MINUTE_MS
    )
    return hours and change.people == now.people


def _plain_date(text: str) -> str:
    """2026/1/5, 2026.1.5 and 2026年1月5日 as 2026-01-05."""
    for sign in ("年", "月", "/", "."):
        text = text.replace(sign, "-")
    parts = text.removesuffix("日").split("-")
    if len(parts) == 3 and all(part.strip().isdigit() for part in parts):
        return f"{int(parts[0]):04d}-{int(parts[1]):02d}-{int(parts[2]):02d}"
    return text


def _anywhere(staff: Mapping[str, Staff], text: str) -> str:
    for one in staff.values():
        try:
            return one.find(text)
        except RotaError:
            continue
    raise RotaError("people", "nobody who may take a shift here has this name or username")


def _fault(column: str, code: str, detail: str, value: str) -> RowFault:
    return RowFault(column=column, code=code, detail=detail, value=value[:80])
