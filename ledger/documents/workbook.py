"""Tables as XLSX, by openpyxl but for their rows: real dates and numbers, text that stays text.

A text never becomes a formula, and an identity number never a rounded number: cells of text are
written as text, whatever they begin with.
"""

import datetime
import io
import math
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from xml.sax.saxutils import escape

import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import to_excel

from ledger.documents.sheets import local
from ledger.documents.table import Column, Kind, Table, day_value, shown

XLSX_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# With 20 columns a million cells, which a telephone's spreadsheet still opens.
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
_LINE_END: Final = {"\r": "&#13;"}
_BODY_ENDS: Final = b"</sheetData>"
_ROWS_AT_ONCE: Final = 500
# Twice as fast as the usual level, for a tenth more bytes.
_LEVEL: Final = 3
_HEAD_FILL: Final = PatternFill("solid", start_color="FFE8EDF2")
_LINE: Final = Side(style="thin", color="FF9AA5B1")
_BORDER: Final = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)


def write_xlsx(tables: Sequence[Table]) -> bytes:
    """A sheet for each table: a bold head that stays in sight, filters, widths."""
    workbook = openpyxl.Workbook(write_only=True)
    bodies = [_sheet(workbook, table) for table in tables]
    out = io.BytesIO()
    workbook.save(out)
    return _with_bodies(out, bodies)


def _sheet(workbook: Any, table: Table) -> Iterator[bytes]:
    """The sheet with its head; what is behind it comes back as XML."""
    sheet = workbook.create_sheet(_TITLE.sub(" ", _storable(table.title))[:TITLE_MAX])
    sheet.freeze_panes = "A2"
    for place, column in enumerate(table.columns, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = column.width
    last = get_column_letter(len(table.columns))
    sheet.auto_filter.ref = f"A1:{last}{len(table.rows) + 1}"
    sheet.append([_head(sheet, column) for column in table.columns])
    styles = {kind: _style(sheet, kind) for kind in FORMATS}
    return _body(table, styles)


def _style(sheet: Any, kind: Kind) -> int:
    cell = WriteOnlyCell(sheet)
    cell.number_format = FORMATS[kind]
    return int(cell.style_id)


def _body(table: Table, styles: Mapping[Kind, int]) -> Iterator[bytes]:
    """Rows as the sheet's XML has them. openpyxl makes an object of each cell, which is nine tenths
    of a county's file."""
    letters = [get_column_letter(place) for place in range(1, len(table.columns) + 1)]
    kinds = [column.kind for column in table.columns]
    some: list[str] = []
    for number, row in enumerate(table.rows[:ROWS_MAX], start=2):
        cells = [
            _cell(f"{letter}{number}", _value(value, kind), kind, styles)
            for letter, kind, value in zip(letters, kinds, row, strict=True)
        ]
        some.append(f'<row r="{number}">{"".join(cells)}</row>')
        if len(some) == _ROWS_AT_ONCE:
            yield "".join(some).encode()
            some.clear()
    yield "".join(some).encode()


def _cell(at: str, held: Any, kind: Kind, styles: Mapping[Kind, int]) -> str:
    match held:
        case None:
            return f'<c r="{at}" s="{styles[kind]}"/>'
        case str():
            # A text of its own type: "=1+1" is not what it looks like.
            space = ' xml:space="preserve"' if held.strip() != held or "\n" in held else ""
            style, words = styles["text"], escape(held, _LINE_END)
            return f'<c r="{at}" s="{style}" t="inlineStr"><is><t{space}>{words}</t></is></c>'
        case bool():
            return f'<c r="{at}" s="{styles[kind]}" t="b"><v>{held:d}</v></c>'
        case datetime.date():
            return f'<c r="{at}" s="{styles[kind]}"><v>{to_excel(held)}</v></c>'
        case _:
            return f'<c r="{at}" s="{styles[kind]}"><v>{held}</v></c>'


def _with_bodies(made: io.BytesIO, bodies: Sequence[Iterator[bytes]]) -> bytes:
    """The same workbook with each body behind its head."""
    of_part = {f"xl/worksheets/sheet{n}.xml": body for n, body in enumerate(bodies, start=1)}
    out = io.BytesIO()
    with (
        zipfile.ZipFile(made) as before,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as after,
    ):
        for part in before.infolist():
            content = before.read(part)
            with after.open(part.filename, "w") as stream:
                body = of_part.get(part.filename)
                if body is None:
                    stream.write(content)
                    continue
                head, tail = content.split(_BODY_ENDS)
                stream.write(head)
                stream.writelines(body)
                stream.write(_BODY_ENDS + tail)
    return out.getvalue()


def _head(sheet: Any, column: Column) -> Any:
    cell = WriteOnlyCell(sheet, _storable(column.zh))
    cell.font = Font(bold=True)
    cell.fill = _HEAD_FILL
    cell.border = _BORDER
    cell.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
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
            # No spreadsheet has a cell for what is no number.
            return value if math.isfinite(value) else str(value)
        case _:
            return _storable(shown(value, kind))


def _storable(words: str) -> str:
    return _UNSTORABLE.sub("", words)[:CELL_MAX]
