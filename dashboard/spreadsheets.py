"""Tables of text as files: CSV and XLSX, in and out.

CSV as Chinese offices write it: UTF-8 with or without its mark, or GB 18030; commas, semicolons or
tabs. Files come from anywhere: what unpacks to too much, or has formulas, macros or other parts, is
read as plain cells or refused.
"""

import csv
import datetime
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import IO, Any, Final

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from ledger.documents import comma_file
from ledger.documents import workbook as sheets
from ledger.documents.table import Column, Table

CSV_TYPE: Final = comma_file.CSV_TYPE
XLSX_TYPE: Final = sheets.XLSX_TYPE

# A workbook of ours has about ten parts.
PARTS_MAX: Final = 200
# Tables that repeat themselves pack 50:1, a bomb 1,000:1; small files may, for they cost nothing.
RATIO_MAX: Final = 200
RATIO_FROM_BYTES: Final = 8 * 1024 * 1024
# Numbers from here on are shown by spreadsheets in powers of ten, and have lost their last digits.
EXACT_MAX: Final = 10**15
_PROLOG_BYTES: Final = 1024
_PORTION_BYTES: Final = 64 * 1024
_DOCTYPE: Final = b"<!DOCTYPE"
# Marks of the order of bytes, and spaces.
_BEFORE_XML: Final = b"\xef\xbb\xbf\xff\xfe \t\r\n"
WIDTH: Final = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of one table; more rows are refused, longer cells are cut."""

    rows: int
    columns: int
    cell: int
    unpacked_bytes: int


# Far more rows and columns than any rota has; the rest is formatting that reaches to the end.
ROTA: Final = Limits(rows=5_000, columns=40, cell=500, unpacked_bytes=32 * 1024 * 1024)


class UnreadableSheet(ValueError):  # noqa: N818 - an answer to a user
    """This file can't be read as a table; says why."""


def read_sheet(payload: bytes, limits: Limits = ROTA) -> list[list[str]]:
    """The rows of a file's first table, whatever its name or type says it is."""
    if payload[:2] == b"PK":
        return _read_xlsx(payload, limits)
    return _read_csv(payload, limits)


def write_csv(table: Sequence[Sequence[str]]) -> bytes:
    """A table whose first row are its heads."""
    return comma_file.write_csv(_typed(table, "", ()))


def write_xlsx(table: Sequence[Sequence[str]], title: str, widths: Sequence[int] = ()) -> bytes:
    """A table whose first row are its heads, with `widths` of the first columns."""
    return sheets.write_xlsx([_typed(table, title, widths)])


def _typed(table: Sequence[Sequence[str]], title: str, widths: Sequence[int]) -> Table:
    heads, *rows = table
    wide = chain(widths, repeat(WIDTH))
    columns = tuple(
        Column(key=head, zh=head, width=width) for head, width in zip(heads, wide, strict=False)
    )
    return Table(title=title, columns=columns, rows=rows)


def _read_csv(payload: bytes, limits: Limits) -> list[list[str]]:
    if b"\0" in payload:
        raise UnreadableSheet("neither CSV nor XLSX")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = payload.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise UnreadableSheet("the text is neither UTF-8 nor GB 18030")
    first = text.split("\n", 1)[0]
    delimiter = max((",", ";", "\t"), key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise UnreadableSheet(f"this is no CSV: {error}") from None
    return _bounded([[_unquoted(cell) for cell in row] for row in rows], limits)


def _read_xlsx(payload: bytes, limits: Limits) -> list[list[str]]:
    try:
        _look_inside(payload, limits)
        workbook = openpyxl.load_workbook(io.BytesIO(payload), read_only=True, data_only=True)
        try:
            sheet = workbook.worksheets[0]
            rows = [
                [_text(value) for value in row]
                for row in sheet.iter_rows(
                    max_row=limits.rows + 1, max_col=limits.columns, values_only=True
                )
            ]
        finally:
            workbook.close()
    except UnreadableSheet:
        raise
    except (InvalidFileException, zipfile.BadZipFile, *_BROKEN) as error:
        raise UnreadableSheet(f"this is no XLSX workbook ({type(error).__name__})") from None
    return _bounded(rows, limits)


def _look_inside(payload: bytes, limits: Limits) -> None:
    """Before anything is unpacked: a part never gives more than the size it says it has."""
    with zipfile.ZipFile(io.BytesIO(payload)) as archive:
        parts = archive.infolist()
        unpacked = sum(part.file_size for part in parts)
        packed = max(1, sum(part.compress_size for part in parts))
        if len(parts) > PARTS_MAX or unpacked > limits.unpacked_bytes:
            raise UnreadableSheet("this workbook unpacks to more than such a table can be")
        if unpacked > RATIO_FROM_BYTES and unpacked / packed > RATIO_MAX:
            raise UnreadableSheet("this workbook is packed as no table is")
        for part in parts:
            with archive.open(part) as opened:
                if _declares(opened, is_xml=part.filename.endswith((".xml", ".rels"))):
                    raise UnreadableSheet("this workbook declares what no workbook does")


def _declares(opened: IO[bytes], *, is_xml: bool) -> bool:
    """Whether entities, by which a small text grows without end, may be declared in it: at the
    beginning, behind any number of spaces, or in an encoding in which nobody could tell."""
    # UTF-16 and UTF-32 have zeros between the letters.
    held = opened.read(_PROLOG_BYTES).replace(b"\0", b"")
    if b"<!" in held or (is_xml and not held.lstrip(_BEFORE_XML).startswith(b"<")):
        return True
    while portion := opened.read(_PORTION_BYTES):
        held = held[-len(_DOCTYPE) :] + portion.replace(b"\0", b"")
        if _DOCTYPE in held:
            return True
    return False


# What openpyxl lets out of a workbook that is broken inside.
_BROKEN: Final = (
    KeyError,
    ValueError,
    TypeError,
    IndexError,
    AttributeError,
    OSError,
    SyntaxError,  # xml.etree's ParseError
    EOFError,
    NotImplementedError,
    RuntimeError,
)


def _bounded(rows: list[list[str]], limits: Limits) -> list[list[str]]:
    while rows and not any(cell.strip() for cell in rows[-1]):
        rows.pop()
    if len(rows) > limits.rows:
        raise UnreadableSheet(f"at most {limits.rows} rows")
    return [[cell[: limits.cell] for cell in row[: limits.columns]] for row in rows]


def _text(value: Any) -> str:
    """A cell as somebody reads it: dates and times plain, whole numbers without a point."""
    match value:
        case None:
            return ""
        case datetime.datetime():
            return value.date().isoformat() if not _clock(value) else f"{value:%Y-%m-%d %H:%M}"
        case datetime.date():
            return value.isoformat()
        case datetime.time():
            return f"{value:%H:%M}"
        case int() | float() if abs(value) >= EXACT_MAX:
            return f"{value:.14E}"
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


def _clock(value: datetime.datetime) -> bool:
    return (value.hour, value.minute) != (0, 0)


def _unquoted(cell: str) -> str:
    """The cell without what our own CSV adds to keep programs from misreading it."""
    bare = cell[1:] if cell.startswith("'") else cell
    return bare if comma_file.harmless(bare) != bare else cell.removesuffix("\t")
