"""A spreadsheet of persons, row by row: what each would be, or every reason why it can't. Pure.

No row is lost: rows = ready + doubles + rejected, and blank lines are counted.
"""

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from ledger.forms import completeness, joining, person_file, register_fields
from ledger.forms import id_number as id_numbers
from ledger.forms.file_document import merged
from ledger.forms.person_file import PersonFile
from ledger.forms.refusal import Refusal
from ledger.persons.cells import BadCell
from ledger.persons.columns import COLUMN, COLUMNS, CONTACTS, EXAMPLE, header_of
from ledger.persons.places import Place, Places
from ledger.persons.terms import plain

Verdict = Literal["new", "double", "rejected"]

# A title and a line of remarks may stand above the heads.
HEAD_WITHIN: Final = 8
HEADS_MIN: Final = 3
# As the register's own lines.
CELL_MAX: Final = 500
LINE_MAX: Final = 200
PHONE_MAX: Final = 32
LISTED_MAX: Final = 20


class NoHeads(ValueError):  # noqa: N818
    """No line of the file has the heads of our columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """`line` is the number of the row with the heads; `columns` the key at each place."""

    line: int
    columns: tuple[str | None, ...]
    texts: tuple[str, ...]

    @property
    def ignored(self) -> list[str]:
        return [t for t, key in zip(self.texts, self.columns, strict=True) if t and key is None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Double:
    """The same person already: of the register (`person`) or above in the file (`row`)."""

    by: Literal["id_number", "name_born"]
    person: str = ""
    row: int = 0


@dataclass(slots=True, kw_only=True)
class Row:
    """A line of the file. `cells` are all of it, as they came, for whoever mends it."""

    number: int
    cells: tuple[str, ...]
    register: dict[str, Any] = field(default_factory=dict)
    file: dict[str, Any] = field(default_factory=dict)
    place: Place | None = None
    address: str = ""
    faults: list[Refusal] = field(default_factory=list)
    double: Double | None = None

    @property
    def verdict(self) -> Verdict:
        if self.faults:
            return "rejected"
        return "new" if self.double is None else "double"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What rows are held against. `visitors`: usernames by what somebody may write for them."""

    places: Places
    visitors: Mapping[str, Sequence[str]]
    today: datetime.date


def heads_of(table: Sequence[Sequence[str]]) -> Heads:
    for line, row in enumerate(table[:HEAD_WITHIN], start=1):
        keys = [header_of(cell) for cell in row]
        if len({key for key in keys if key}) >= HEADS_MIN and "name" in keys:
            # The first of two equal heads counts; the other is told as ignored.
            first = [key if key and keys.index(key) == n else None for n, key in enumerate(keys)]
            return Heads(line=line, columns=tuple(first), texts=tuple(c.strip() for c in row))
    raise NoHeads


def missing_heads(heads: Heads) -> list[str]:
    return [c.zh for c in COLUMNS if c.needed and c.key not in heads.columns]


def rows_of(table: Sequence[Sequence[str]], heads: Heads) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The lines below the heads that are not blank, with their numbers."""
    for number, row in enumerate(table[heads.line :], start=heads.line + 1):
        if any(cell.strip() for cell in row):
            yield number, tuple(row)


def judge(number: int, cells: tuple[str, ...], heads: Heads, known: Known) -> Row:
    row = Row(number=number, cells=cells)
    values = _values(row, heads)
    _derive(row, values)
    _place(row, values, known)
    _visitor(row, values, known)
    _contacts(row, values)
    _needed(row, values)
    _check(row, known)
    return row


def _values(row: Row, heads: Heads) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, cell in zip(heads.columns, row.cells, strict=False):
        said = cell.strip()
        if key is None or not said:
            continue
        column = COLUMN[key]
        if len(said) > CELL_MAX or any(ord(c) < 32 and c not in "\n\t\r" for c in said):
            row.faults.append(_too_long(key, CELL_MAX))
            continue
        try:
            values[key] = column.read(said)
        except BadCell as bad:
            row.faults.append(_fault(key, bad))
            continue
        if column.target == "register":
            row.register[key] = values[key]
        elif column.target == "file":
            row.file[key] = values[key]
    return values


def _fault(key: str, bad: BadCell) -> Refusal:
    column = COLUMN[key]
    return Refusal(
        field=key, code=bad.code, zh=f"“{column.zh}”{bad.zh}", en=f"{column.en}: {bad.en}"
    )


def _too_long(key: str, most: int) -> Refusal:
    zh, en = f"超过 {most} 字或含有控制字符，请缩短", f"at most {most} plain characters"
    return _fault(key, BadCell("too_long", zh, en))


def _derive(row: Row, values: Mapping[str, Any]) -> None:
    """A valid number says birthday and sex, where nobody has."""
    number = id_numbers.read(values.get("id_number", ""))
    if isinstance(number, id_numbers.IdNumber):
        row.file["id_number"] = number.text
        row.register.setdefault("born", number.born)
        row.register.setdefault("sex", number.sex)


def _place(row: Row, values: Mapping[str, Any], known: Known) -> None:
    row.address = values.get("address", "")
    if len(row.address) > LINE_MAX:
        row.faults.append(_too_long("address", LINE_MAX))
    if not values.get("village"):
        return
    try:
        row.place = known.places.find(
            values.get("town", ""), values["village"], values.get("group", "")
        )
    except BadCell as bad:
        row.faults.append(_fault("village", bad))


def _visitor(row: Row, values: Mapping[str, Any], known: Known) -> None:
    said = values.get("visitor")
    if not said:
        return
    found = known.visitors.get(plain(said), ())
    if len(found) == 1:
        row.register["visitor"] = found[0]
        return
    zh = "有多个同名账号，请填账号名" if found else "没有这个账号，请先建立账号或留空"
    en = "several accounts have this name" if found else "no such account; make it first"
    row.faults.append(_fault("visitor", BadCell("unknown_visitor", zh, en)))


def _contacts(row: Row, values: Mapping[str, Any]) -> None:
    contacts = []
    for place in range(1, CONTACTS + 1):
        said = {
            part: values.get(f"contact{place}.{part}", "") for part in ("name", "relation", "phone")
        }
        if not any(said.values()):
            continue
        for part in ("name", "phone"):
            if not said[part]:
                zh, en = "请填写：这位联系人的姓名和电话都需要", "a contact needs name and phone"
                row.faults.append(_fault(f"contact{place}.{part}", BadCell("missing", zh, en)))
        for part, text in said.items():
            if len(text) > (64 if part == "name" else LINE_MAX):
                row.faults.append(_too_long(f"contact{place}.{part}", 64))
        contacts.append(said)
    if contacts:
        row.register["contacts"] = contacts


def _needed(row: Row, values: Mapping[str, Any]) -> None:
    faulty = {fault.field for fault in row.faults}
    for column in COLUMNS:
        if column.needed and column.key not in values and column.key not in faulty:
            row.faults.append(
                _fault(column.key, BadCell("missing", "必须填写", "must be filled in"))
            )


_NEVER_LEFT: Final[Mapping[str, Any]] = {**dict.fromkeys(joining.FIELDS, ""), joining.GAPS: ()}


def _check(row: Row, known: Known) -> None:
    """The rules of the form and of the register's columns."""
    faulty = {fault.field for fault in row.faults}
    found: list[Refusal] = []
    for key, most in (("name", 64), ("phone", PHONE_MAX)):
        if len(row.register.get(key, "")) > most:
            found.append(_too_long(key, most))
    for key in ("conditions", "medication", "allergies"):
        words = row.register.get(key, ())
        if len(words) > LISTED_MAX or any(len(word) > 64 for word in words):
            zh, en = f"最多 {LISTED_MAX} 项，每项不超过 64 字", f"at most {LISTED_MAX} short words"
            found.append(_fault(key, BadCell("too_many", zh, en)))
    found += register_fields.check(row.register, known.today)
    found += joining.check({**_NEVER_LEFT, **row.register}, known.today)
    file, refusals = merged(PersonFile(), row.file)
    found += refusals
    if plain(row.register.get("name", "")).endswith(plain(EXAMPLE)):
        zh, en = "是模板的示例行，请删除这一行", "is the template's own example; delete the row"
        found.append(_fault("name", BadCell("example", zh, en)))
    empty = {"name": "", "sex": "", "born": "", "grade": "", "categories": []}
    identity = completeness.identity_of({**empty, **row.register})
    found += person_file.check(file, identity, known.today)
    row.faults += [fault for fault in found if fault.field.split("[", 1)[0] not in faulty]


def find_doubles(
    rows: Iterable[Row],
    by_number: Mapping[str, str | None],
    by_name: Mapping[tuple[str, str], str],
) -> None:
    """Mark who is there already. `by_number` and `by_name` (plain name, birthday) give ids of the
    register; a number whose person may not be seen gives None. In the order of the file."""
    numbers: dict[str, int] = {}
    names: dict[tuple[str, str], int] = {}
    for row in rows:
        number = row.file.get("id_number", "")
        name = (plain(row.register.get("name", "")), row.register.get("born", ""))
        if number in by_number and by_number[number] is None:
            zh = "已登记在您管辖区域以外，请与县民政局联系"
            bad = BadCell("id_taken_elsewhere", zh, "is registered outside your region")
            row.faults.append(_fault("id_number", bad))
        if row.faults:
            continue
        row.double = _double(number, name, by_number, by_name) or _above(
            number, name, numbers, names
        )
        if number:
            numbers.setdefault(number, row.number)
        if all(name):
            names.setdefault(name, row.number)


def _double(
    number: str,
    name: tuple[str, str],
    by_number: Mapping[str, str | None],
    by_name: Mapping[tuple[str, str], str],
) -> Double | None:
    if number and (person := by_number.get(number)):
        return Double(by="id_number", person=person)
    if all(name) and name in by_name:
        return Double(by="name_born", person=by_name[name])
    return None


def _above(
    number: str,
    name: tuple[str, str],
    numbers: Mapping[str, int],
    names: Mapping[tuple[str, str], int],
) -> Double | None:
    if number and number in numbers:
        return Double(by="id_number", row=numbers[number])
    if all(name) and name in names:
        return Double(by="name_born", row=names[name])
    return None
