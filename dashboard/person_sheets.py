"""Workbooks about lists of persons: the template to fill in, and the rows that were rejected.

Everything is written as text: what begins like a formula is none, and identity numbers keep their
last digits. What goes back to people in their own words is never run by a spreadsheet program.
"""

import io
from collections.abc import Sequence
from typing import Any, Final

import openpyxl
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from dashboard.spreadsheets import Limits, UnreadableSheet, read_sheet
from ledger.persons.columns import COLUMNS, Column
from ledger.persons.sheet import Heads, Row

# A county's list; who has more divides it by towns.
LIMITS: Final = Limits(
    rows=20_000 + 8,  # and a title with remarks above the heads
    columns=80,  # ours, and whatever else an office keeps beside them
    cell=32_767,  # what a cell of a workbook can hold: rows that are rejected come back whole
    unpacked_bytes=256 * 1024 * 1024,
)
# Such a list with every column filled has about 8 MB.
FILE_BYTES_MAX: Final = 24 * 1024 * 1024
# Rows of the template that have drop-downs.
PREPARED_ROWS: Final = 20_000
SHEET: Final = "老人信息"
REASON: Final = "未导入原因（改好后可直接再次导入）"
_NEEDED: Final = PatternFill("solid", fgColor="FCE4D6")
_HEAD: Final = PatternFill("solid", fgColor="E2EFDA")
_WRAPPED: Final = Alignment(wrap_text=True, vertical="top")
_TEXT: Final = "@"
_ABOUT: Final = (
    ("怎样填写", ""),
    ("1", "每位老人一行；带 * 的列（橙色）必须填写，其余可以留空，以后在平台上补齐。"),
    ("2", "表头不要改名；列的顺序可以调整，用不到的列可以删除。"),
    ("3", "第 2 行是示例，请删除后再导入。"),
    ("4", "公民身份号码是 18 位，请保持“文本”格式；有身份证号时，性别和出生日期可以不填。"),
    ("5", "日期写成 1941-03-02；1941/3/2、1941年3月2日 也可以。"),
    ("6", "类别、病史、补贴项目等可填多个，用顿号（、）分开。"),
    ("7", "导入时先显示预览：每一行会怎样、哪一行因为什么不能导入，确认以后才写入名册。"),
    ("8", "与名册或本表重复的老人会列出来，由您逐行决定：跳过、更新，或另建一人。"),
    ("9", "不能导入的行可以下载，末列写明原因，改好后直接再次导入。"),
)


def read_list(payload: bytes) -> list[list[str]]:
    """UnreadableSheet says why not."""
    if len(payload) > FILE_BYTES_MAX:
        raise UnreadableSheet(f"at most {FILE_BYTES_MAX} bytes")
    return [_trimmed(row) for row in read_sheet(payload, LIMITS)]


def _trimmed(row: list[str]) -> list[str]:
    """Without the empty cells at its end, of which a workbook has as many as it likes."""
    end = len(row)
    while end and not row[end - 1]:
        end -= 1
    return row[:end]


def template() -> bytes:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = SHEET
    lists = workbook.create_sheet("选项")
    lists.sheet_state = "hidden"
    for place, column in enumerate(COLUMNS, start=1):
        head = sheet.cell(row=1, column=place)
        _write(head, column.zh + ("*" if column.needed else ""))
        head.font, head.alignment = Font(bold=True), _WRAPPED
        head.fill = _NEEDED if column.needed else _HEAD
        _write(sheet.cell(row=2, column=place), column.example)
        letter = get_column_letter(place)
        sheet.column_dimensions[letter].width = max(10, min(28, 2 * len(column.zh) + 4))
        sheet.column_dimensions[letter].number_format = _TEXT
        if column.offered:
            _offer(sheet, lists, place, column.offered)
    for cell in sheet[2]:
        cell.number_format = _TEXT
        cell.font = Font(italic=True, color="808080")
    sheet.freeze_panes = "B2"
    _about(workbook)
    return _saved(workbook)


def _offer(sheet: Any, lists: Any, place: int, offered: Sequence[str]) -> None:
    """A drop-down; its words stand in a sheet of their own, for some hold commas."""
    letter = get_column_letter(place)
    for number, word in enumerate(offered, start=1):
        _write(lists[f"{letter}{number}"], word)
    choice = DataValidation(
        type="list", formula1=f"选项!${letter}$1:${letter}${len(offered)}", allow_blank=True
    )
    choice.add(f"{letter}2:{letter}{PREPARED_ROWS}")
    sheet.add_data_validation(choice)


def _about(workbook: Any) -> None:
    sheet = workbook.create_sheet("填表说明", 1)
    sheet.column_dimensions["A"].width = 26
    sheet.column_dimensions["B"].width = 90
    rows = [*_ABOUT, ("", ""), ("各列说明", "")]
    rows += [(column.zh + ("*" if column.needed else ""), _told(column)) for column in COLUMNS]
    for row in rows:
        sheet.append(["", ""])
        for cell, text in zip(sheet[sheet.max_row], row, strict=True):
            _write(cell, text)
            cell.alignment = _WRAPPED


def _told(column: Column) -> str:
    offered = f"可选：{'、'.join(column.offered)}" if column.offered else ""
    example = f"例：{column.example}" if column.example else ""
    return "；".join(part for part in (offered, column.hint, example) if part)


def rejected(heads: Heads, rows: Sequence[tuple[Row, str]]) -> bytes:
    """Rows as they came, whole, with why each was not taken; to be mended and brought again."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = SHEET
    texts = [text for text in heads.texts if text != REASON]
    kept = [place for place, text in enumerate(heads.texts) if text != REASON]
    for place, text in enumerate((*texts, REASON), start=1):
        cell = sheet.cell(row=1, column=place)
        _write(cell, text)
        cell.font, cell.fill = Font(bold=True), _HEAD
    for number, (row, why) in enumerate(rows, start=2):
        cells = [row.cells[place] if place < len(row.cells) else "" for place in kept]
        for place, text in enumerate((*cells, why), start=1):
            cell = sheet.cell(row=number, column=place)
            _write(cell, text)
            cell.number_format = _TEXT
        sheet.cell(row=number, column=len(cells) + 1).font = Font(color="C00000")
    sheet.column_dimensions[get_column_letter(len(texts) + 1)].width = 60
    sheet.freeze_panes = "A2"
    return _saved(workbook)


def _write(cell: Any, text: str) -> None:
    """Text, whatever it begins with; what no workbook may hold was refused when it was read."""
    cell.value = openpyxl.cell.cell.ILLEGAL_CHARACTERS_RE.sub("", text) or None
    if cell.value is not None:
        cell.data_type = "s"
        # A sign that programs show and keep: typed anew, the cell stays text.
        cell.quotePrefix = text.startswith(("=", "+", "-", "@"))


def _saved(workbook: Any) -> bytes:
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()
