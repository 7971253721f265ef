"""Tables as XLSX and CSV: types kept, nothing run, nothing rounded."""

import csv
import datetime
import io

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.documents.comma_file import write_csv
from ledger.documents.table import Column, Table
from ledger.documents.workbook import write_xlsx
from tests.adapters.sample_papers import AT_MS

ID = "610926194103020021"
COLUMNS = (
    Column(key="name", zh="姓名"),
    Column(key="id", zh="公民身份号码", width=22),
    Column(key="born", zh="出生日期", kind="day"),
    Column(key="at", zh="时间", kind="instant", width=17),
    Column(key="count", zh="次数", kind="integer", width=6),
    Column(key="pay", zh="金额", kind="yuan"),
    Column(key="level", zh="电量", kind="decimal"),
    Column(key="met", zh="见到", kind="yes_no"),
)
ROW = ("张桂英", ID, "1941-03-02", AT_MS, 17, 165.5, 87.5, True)


def table(*rows) -> Table:
    return Table(title="名册", columns=COLUMNS, rows=rows)


def sheet(*rows):
    return openpyxl.load_workbook(io.BytesIO(write_xlsx([table(*rows)]))).active


def fields(*rows, encoding="utf-8") -> list[list[str]]:
    made = write_csv(table(*rows), encoding)
    text = made.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    return list(csv.reader(io.StringIO(text, newline="")))


def test_a_sheet_has_real_dates_numbers_and_texts() -> None:
    found = sheet(ROW)
    assert [cell.value for cell in found[1]] == [column.zh for column in COLUMNS]
    assert [cell.value for cell in found[2]] == [
        *("张桂英", ID, datetime.datetime(1941, 3, 2)),  # noqa: DTZ001 - as spreadsheets have them
        datetime.datetime(2026, 11, 23, 10, 13, 20),  # noqa: DTZ001
        *(17, 165.5, 87.5, "是"),
    ]
    formats = [cell.number_format for cell in found[2]]
    assert formats[1] == "@"
    assert formats[2] == 'yyyy"年"m"月"d"日"'
    assert formats[5] == '"¥"#,##0.00'


def test_a_sheet_is_ready_to_be_read() -> None:
    found = sheet(ROW, ROW)
    assert found.title == "名册"
    assert found.freeze_panes == "A2"
    assert found.auto_filter.ref == "A1:H3"
    assert found["A1"].font.bold
    assert found["A1"].fill.start_color.rgb == "FFE8EDF2"
    assert found.column_dimensions["B"].width == 22


def test_nothing_is_nothing_and_not_the_word_none() -> None:
    assert {cell.value for cell in sheet((None,) * 8)[2]} == {None}
    assert fields((None,) * 8)[1] == [""] * 8


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "=cmd|' /C calc'!A0"])
def test_no_text_is_ever_run(text: str) -> None:
    cell = sheet((text, *ROW[1:]))["A2"]
    assert (cell.value, cell.data_type) == (text, "s")
    written = fields((text, *ROW[1:]))[1][0]
    assert written == f"'{text}"


def test_a_word_in_a_column_of_numbers_is_a_word() -> None:
    row = (*ROW[:4], "=1+1", *ROW[5:])
    cell = sheet(row)["E2"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")
    assert fields(row)[1][4] == "'=1+1"
    assert fields((*ROW[:4], -3, *ROW[5:]))[1][4] == "-3"


def test_a_csv_file_keeps_long_numbers_from_being_rounded() -> None:
    heads, row = fields(ROW)
    assert heads == [column.zh for column in COLUMNS]
    assert row == [
        "张桂英",
        f"{ID}\t",
        "1941-03-02",
        "2026-11-23 10:13",
        "17",
        "165.50",
        "87.5",
        "是",
    ]


def test_a_csv_file_begins_with_the_mark_that_excel_knows() -> None:
    assert write_csv(table(ROW)).startswith(b"\xef\xbb\xbf")
    assert not write_csv(table(ROW), "gb18030").startswith(b"\xef\xbb\xbf")


texts = st.text(max_size=40).filter(lambda text: "\x00" not in text)


@settings(max_examples=60, deadline=None)
@given(
    name=texts, number=st.integers(-(10**9), 10**9), encoding=st.sampled_from(["utf-8", "gb18030"])
)
def test_any_text_comes_back(name: str, number: int, encoding: str) -> None:
    row = (name, ID, "", AT_MS, number, 0.0, 0.0, False)
    found = fields(row, encoding=encoding)[1]
    bare = found[0][1:] if found[0].startswith("'") and not name.startswith("'") else found[0]
    assert bare.removesuffix("\t") == name.removesuffix("\t") or bare == name
    assert found[4] == str(number)


@settings(max_examples=30, deadline=None)
@given(name=st.text(max_size=40))
def test_any_text_goes_into_a_sheet(name: str) -> None:
    cell = sheet((name, *ROW[1:]))["A2"]
    assert cell.data_type in ("s", "inlineStr", "n")
    assert cell.data_type != "n" or cell.value is None


def test_several_tables_are_several_sheets_with_names_that_excel_takes() -> None:
    names = ["探访记录", "a/b:c?d*e[f]g\\h" + "长" * 40]
    tables = [Table(title=name, columns=COLUMNS, rows=[]) for name in names]
    found = openpyxl.load_workbook(io.BytesIO(write_xlsx(tables))).sheetnames
    assert found[0] == "探访记录"
    assert len(found[1]) == 31
