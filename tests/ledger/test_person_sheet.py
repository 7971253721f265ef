"""A list of persons as a spreadsheet: no row is lost, every reason is told, doubles are found."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.forms import id_number
from ledger.persons import cells, columns, sheet
from ledger.persons.cells import BadCell
from ledger.persons.columns import COLUMNS
from ledger.persons.places import Place, Places, group_name, next_code
from ledger.persons.sheet import Heads, Known, NoHeads, Row

TODAY = datetime.date(2026, 5, 1)
REGIONS = [
    {"code": "1", "name": "平利县", "level": "county", "parent": None},
    {"code": "11", "name": "城关镇", "level": "town", "parent": "1"},
    {"code": "111", "name": "龙头村", "level": "village", "parent": "11"},
    {"code": "111001", "name": "1组", "level": "group", "parent": "111"},
    {"code": "12", "name": "兴隆镇", "level": "town", "parent": "1"},
    {"code": "121", "name": "新场街村", "level": "village", "parent": "12"},
    {"code": "122", "name": "龙头村", "level": "village", "parent": "12"},
]
KNOWN = Known(
    places=Places(REGIONS, ""),
    visitors={"visitor-1": ["visitor-1"], "陈静": ["visitor-1"], "王丽": ["a", "b"]},
    today=TODAY,
)
HEAD = ("姓名*", "身份证号", "镇", "村(社区)", "组", "住址", "联系电话", "类别", "备注")
NUMBER = "61092619410302002" + id_number.check_digit("61092619410302002")
GOOD = ("张桂英", NUMBER, "城关镇", "龙头", "三组", "12 号", "13800000001", "独居老人、失能", "x")


def judged(cells: tuple[str, ...], head: tuple[str, ...] = HEAD) -> Row:
    return sheet.judge(2, cells, sheet.heads_of([head]), KNOWN)


def with_cell(name: str, text: str) -> tuple[str, ...]:
    place = HEAD.index(name)
    return (*GOOD[:place], text, *GOOD[place + 1 :])


def test_a_row_as_people_write_it_is_a_person() -> None:
    row = judged(GOOD)
    assert row.faults == []
    assert row.register == {
        "name": "张桂英",
        "born": "1941-03-02",
        "sex": "F",
        "phone": "13800000001",
        "categories": ["独居", "失能"],
    }
    assert row.place == Place(village="111", new_group="3组")
    assert (row.file, row.address) == ({"id_number": NUMBER}, "12 号")


@pytest.mark.parametrize(
    ("name", "text", "field", "code"),
    [
        ("姓名*", " ", "name", "missing"),
        ("姓名*", "某" * 65, "name", "too_long"),
        ("姓名*", "李桂英（示例）", "name", "example"),
        ("身份证号", NUMBER[:-1], "id_number", "id_length"),
        ("身份证号", "6.10926194103020E+17", "id_number", "id_as_number"),
        ("村(社区)", "龙投村", "village", "unknown_place"),
        ("镇", "关城", "village", "unknown_place"),
        ("镇", "", "village", "several_places"),
        ("村(社区)", "", "village", "missing"),
        ("住址", "", "address", "missing"),
        ("住址", "长" * 501, "address", "too_long"),
        ("联系电话", "问他儿子", "phone", "no_phone"),
        ("类别", "富有", "categories", "no_such_choice"),
    ],
)
def test_what_is_wrong_is_told_at_its_field(name: str, text: str, field: str, code: str) -> None:
    row = judged(with_cell(name, text))
    assert (field, code) in {(fault.field, fault.code) for fault in row.faults}
    assert row.verdict == "rejected"
    # What it said is all there for whoever mends it.
    assert row.cells == with_cell(name, text)


def test_a_table_that_left_with_masked_telephones_brings_no_masks_back() -> None:
    [fault] = judged(with_cell("联系电话", "138****0001")).faults
    assert (fault.field, fault.code) == ("phone", "masked")
    head = (*HEAD, "紧急联系人1姓名", "紧急联系人1电话")
    [fault] = judged((*GOOD, "王伟", "********"), head).faults
    assert (fault.field, fault.code) == ("contacts", "masked")
    # An extension behind a star is a number.
    assert judged(with_cell("联系电话", "0915-1234567*12")).faults == []


def test_a_mistyped_village_is_told_with_the_nearest_name() -> None:
    [fault] = judged(with_cell("村(社区)", "龙投村")).faults
    assert "是不是“龙头村”" in fault.zh
    assert "龙头村" in fault.en


def test_every_reason_of_a_row_is_told_at_once() -> None:
    row = judged(("", "123", "", "", "", "", "abc", "富有", ""))
    assert {f.field for f in row.faults} >= {
        "name",
        "id_number",
        "village",
        "address",
        "phone",
        "categories",
    }


@pytest.mark.parametrize(
    ("read", "cell", "value"),
    [
        (cells.day, "1941-3-2", "1941-03-02"),
        (cells.day, "1941年3月2日", "1941-03-02"),
        (cells.day, "1941.03.02", "1941-03-02"),
        (cells.day, "19410302", "1941-03-02"),
        (cells.day, "1941-03-02 00:00", "1941-03-02"),
        (cells.whole, "3人", 3),
        (cells.number, "1,200.5元", 1200.5),
        (cells.yes_no, "安全", "yes"),
        (cells.yes_no, "否", "no"),
        (cells.grade, "能力中度受损", "中度"),
        (cells.grade, "轻度失能", "轻度"),
        (cells.level, "二级", 2),
        (cells.supporters, "镇、村（居）民委员会；志愿者", ["village_committee", "volunteer"]),
        (
            cells.members,
            "王伟/儿子/良好/否；王芳",
            [
                {"name": "王伟", "relation": "儿子", "health": "良好", "visits_often": "no"},
                {"name": "王芳", "relation": "", "health": "", "visits_often": ""},
            ],
        ),
    ],
)
def test_cells_are_read_as_people_write_them(read, cell: str, value: object) -> None:
    found = read(cell)
    assert sorted(found) == sorted(value) if read is cells.supporters else found == value


@pytest.mark.parametrize(
    ("read", "cell"),
    [
        (cells.day, "15036"),
        (cells.day, "1941-02-30"),
        (cells.day, "去年"),
        (cells.whole, "2.5"),
        (cells.number, "很少"),
        (cells.number, ""),
        (cells.members, "/儿子"),
        (cells.supporters, "志愿者、外星人"),
    ],
)
def test_cells_that_cannot_be_read_say_so(read, cell: str) -> None:
    with pytest.raises(BadCell) as caught:
        read(cell)
    assert caught.value.zh
    assert str(caught.value)


@pytest.mark.parametrize("name", ["三组", "3组", "第三村民小组", "３组", "03组", "三"])
def test_groups_are_one_however_they_are_written(name: str) -> None:
    assert group_name(name) == "3组"
    assert group_name("二十一组") == "21组"


def test_a_group_that_is_there_is_taken_and_a_new_one_gets_a_code() -> None:
    assert judged(with_cell("组", "一组")).place == Place(village="111", group="111001")
    assert next_code("111", ["111001", "111009", "111", "112001"]) == "111010"


def test_what_lies_outside_ones_region_is_refused() -> None:
    places = Places(REGIONS, "12")
    assert places.find("", "新场街村", "") == Place(village="121")
    with pytest.raises(BadCell) as caught:
        places.find("城关镇", "龙头村", "")
    assert caught.value.code == "not_yours"


def test_heads_are_found_below_a_title_and_others_are_told() -> None:
    table = [("特殊困难老年人信息表",), ("填表单位：",), HEAD, GOOD]
    heads = sheet.heads_of(table)
    assert (heads.line, heads.ignored) == (3, ["备注"])
    assert list(sheet.rows_of(table, heads)) == [(4, GOOD)]
    assert sheet.missing_heads(Heads(line=1, columns=("name",), texts=("姓名",))) == [
        "村（社区）",
        "住址",
    ]
    with pytest.raises(NoHeads):
        sheet.heads_of([("a", "b", "c")])


def test_every_head_of_the_template_is_known_by_all_its_names() -> None:
    for column in COLUMNS:
        for name in (column.zh, f"{column.zh}*", column.en, *column.aliases):
            assert columns.header_of(name) == column.key


def rows(*some: tuple[str, ...]) -> list[Row]:
    heads = sheet.heads_of([HEAD])
    return [sheet.judge(n, cells, heads, KNOWN) for n, cells in enumerate(some, start=2)]


def test_who_is_there_already_is_marked_by_number_and_by_name_with_birthday() -> None:
    other = "61092619410302004" + id_number.check_digit("61092619410302004")
    found = rows(GOOD, with_cell("身份证号", other), GOOD)
    sheet.find_doubles(found, {}, {})
    assert [row.verdict for row in found] == ["new", "double", "double"]
    assert (found[1].double.by, found[1].double.row) == ("name_born", 2)
    assert (found[2].double.by, found[2].double.row) == ("id_number", 2)
    found = rows(GOOD)
    sheet.find_doubles(found, {NUMBER: "p-1"}, {})
    assert (found[0].double.by, found[0].double.person) == ("id_number", "p-1")
    found = rows(GOOD)
    sheet.find_doubles(found, {}, {("张桂英", "1941-03-02"): "p-2"})
    assert (found[0].double.by, found[0].double.person) == ("name_born", "p-2")


def test_a_row_that_cannot_be_is_nobody_whom_a_later_one_doubles() -> None:
    found = rows(with_cell("联系电话", "问他儿子"), GOOD)
    sheet.find_doubles(found, {}, {})
    assert [(row.verdict, row.double) for row in found] == [("rejected", None), ("new", None)]


def test_a_number_of_another_region_is_refused_without_saying_whose() -> None:
    found = rows(GOOD)
    sheet.find_doubles(found, {NUMBER: None}, {})
    assert [fault.code for fault in found[0].faults] == ["id_taken_elsewhere"]


_CELL = st.one_of(
    st.just(""),
    st.sampled_from([*GOOD, "1941-02-30", "=1+1", "否", "\x07", "x" * 600]),
    st.text(max_size=30),
)
_TABLE = st.lists(st.lists(_CELL, min_size=1, max_size=12).map(tuple), max_size=12)


@given(_TABLE, st.permutations([column.zh for column in COLUMNS]))
def test_no_row_is_lost(table: list[tuple[str, ...]], head: list[str]) -> None:
    width = 12
    used = [
        "姓名",
        "村（社区）",
        "住址",
        *(h for h in head if h not in ("姓名", "村（社区）", "住址")),
    ]
    whole = [tuple(used[:width]), *table]
    heads = sheet.heads_of(whole)
    lines = list(sheet.rows_of(whole, heads))
    found = [sheet.judge(number, cells, heads, KNOWN) for number, cells in lines]
    sheet.find_doubles(found, {NUMBER: "p-1"}, {})
    blank = sum(not any(cell.strip() for cell in row) for row in table)
    assert len(found) + blank == len(table)
    for row in found:
        # Each is one of the three, and only what is rejected has reasons, in both languages.
        assert (row.verdict == "rejected") == bool(row.faults)
        assert all(fault.zh and fault.en for fault in row.faults)
        assert row.cells == whole[row.number - 1]
