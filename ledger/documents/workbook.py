"""Tables as XLSX, by openpyxl: real dates and numbers, text that stays text.

A text never becomes a formula, and an identity number never a rounded number: cells of text are
written as text, whatever they begin with.
"""

import io
import re
from collections.abc import Sequence
from typing import Any, Final

import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter

from ledger.documents.sheets import local
from ledger.documents.table import Column, Kind, Table, day_value, shown

XLSX_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# openpyxl takes about 50 us and 50 bytes a cell; 50,000 rows of 20 columns are a minute.
ROWS_MAX: Final = 50_000
# What the format itself can hold.
CELL_MAX: Final = 32_767
TITLE_MAX: Final = 31
FORMATS: Final[dict[Kind, str]] = {
    "text": "@",
    "integer": "0",
    "decimal": "General",
    "yuan": '"¥"#,##0.00',
    "day": 'yyyy"年"m"月"d"日"',
    "instant": "yyyy-mm-dd hh:mm",
    "yes_no": "@",
}
# Control characters that XML can't hold, but for tab and line breaks; halves of characters.
_UNSTORABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_TITLE: Final = re.compile(r"[\\/*?:\[\]]")
_HEAD_FILL: Final = PatternFill("solid", start_color="FFE8EDF2")
_LINE: Final = Side(style="thin", color="FF9AA5B1")
_BORDER: Final = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)


def write_xlsx(tables: Sequence[Table]) -> bytes:
    """A sheet for each table: a bold head that stays in sight, filters, widths."""
    workbook = openpyxl.Workbook(write_only=True)
    for table in tables:
        _sheet(workbook, table)
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


def _sheet(workbook: Any, table: Table) -> None:
    sheet = workbook.create_sheet(_TITLE.sub(" ", _storable(table.title))[:TITLE_MAX])
    sheet.freeze_panes = "A2"
    for place, column in enumerate(table.columns, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = column.width
    last = get_column_letter(len(table.columns))
    sheet.auto_filter.ref = f"A1:{last}{len(table.rows) + 1}"
    sheet.append([_head(sheet, column) for column in table.columns])
    for row in table.rows[:ROWS_MAX]:
        sheet.append(
            [_cell(sheet, v, column.kind) for v, column in zip(row, table.columns, strict=True)]
        )


def _head(sheet: Any, column: Column) -> Any:
    cell = WriteOnlyCell(sheet, _storable(column.zh))
    cell.font = Font(bold=True)
    cell.fill = _HEAD_FILL
    cell.border = _BORDER
    cell.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
    return cell


def _cell(sheet: Any, value: Any, kind: Kind) -> Any:
    held = _value(value, kind)
    cell = WriteOnlyCell(sheet, held)
    if isinstance(held, str):
        # Before openpyxl takes "=1+1" for what it looks like.
        cell.data_type = "s"
        cell.number_format = "@"
    else:
        cell.number_format = FORMATS[kind]
    return cell


def _value(value: Any, kind: Kind) -> Any:
    """What the cell holds: a number, a date, a text; None for nothing."""
    if value is None or value == "":
        return None
    match kind:
        case "instant":
            # Spreadsheets know no zones: it is the county's clock that is written.
            return local(int(value)).replace(tzinfo=None)
        case "day":
            return day_value(str(value)) or _storable(str(value))
        case "integer" | "decimal" | "yuan" if isinstance(value, int | float):
            return value
        case _:
            return _storable(shown(value, kind))


def _storable(words: str) -> str:
    return _UNSTORABLE.sub("", words)[:CELL_MAX]
