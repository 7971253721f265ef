"""The list of persons as a spreadsheet: its columns, and what a cell of each may say. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from ledger.forms.file_fields import FIELD
from ledger.forms.joining import WHY_LEFT
from ledger.forms.person_file import DISABILITIES
from ledger.persons.cells import (
    categories,
    day,
    disability,
    grade,
    id_number,
    level,
    members,
    number,
    several,
    sex,
    supporters,
    text,
    whole,
    why_left,
    yes_no,
)
from ledger.persons.terms import plain

# Where a cell goes: the register's row, the file, a contact, or a place to be looked up.
Target = Literal["register", "file", "contact", "place", "visitor"]

CONTACTS: Final = 3
# Marks the template's own row, which is nobody.
EXAMPLE: Final = "（示例）"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """`read` gives the value; an empty cell is not read. `offered`: its drop-down."""

    key: str
    target: Target
    zh: str
    en: str
    read: Callable[[str], Any]
    aliases: tuple[str, ...] = ()
    needed: bool = False
    example: str = ""
    hint: str = ""
    offered: tuple[str, ...] = ()


_YES_NO: Final = ("是", "否")


def _file(key: str, read: Callable[[str], Any], example: str = "", **more: Any) -> Column:
    field = FIELD[key]
    return Column(
        key=key,
        target="file",
        zh=field.zh,
        en=field.en,
        read=read,
        example=example,
        offered=more.pop("offered", _YES_NO if read is yes_no else ()),
        **more,
    )


def _register(key: str, zh: str, en: str, read: Callable[[str], Any], **more: Any) -> Column:
    return Column(key=key, target="register", zh=zh, en=en, read=read, **more)


def _place(key: str, zh: str, en: str, **more: Any) -> Column:
    return Column(key=key, target="place", zh=zh, en=en, read=text, **more)


def _contact(number: int) -> tuple[Column, ...]:
    example = ("王伟", "儿子", "13900000001") if number == 1 else ("", "", "")
    rows = zip(("name", "relation", "phone"), ("姓名", "关系", "电话"), example, strict=True)
    return tuple(
        Column(
            key=f"contact{number}.{key}",
            target="contact",
            zh=f"紧急联系人{number}{zh}",
            en=f"Contact {number} {key}",
            read=text,
            example=said,
        )
        for key, zh, said in rows
    )


COLUMNS: Final[tuple[Column, ...]] = (
    _register(
        "name", "姓名", "Name", text, needed=True, example=f"李桂英{EXAMPLE}", aliases=("老人姓名",)
    ),
    _register(
        "sex", "性别", "Sex", sex, example="女", offered=("男", "女"), hint="有身份证号时可不填"
    ),
    _register("born", "出生日期", "Birthday", day, example="1941-03-02", hint="有身份证号时可不填"),
    _file(
        "id_number",
        id_number,
        "61092619410302002X",
        aliases=("身份证号", "身份证号码", "公民身份证号码"),
        hint="18 位；本列请保持“文本”格式",
    ),
    _file("ethnicity", text, "汉族"),
    _register(
        "phone",
        "联系电话",
        "Telephone",
        text,
        example="13800000001",
        aliases=("电话", "手机", "手机号"),
    ),
    _place(
        "town",
        "镇",
        "Town",
        example="城关镇",
        aliases=("乡镇", "所在镇"),
        hint="村名不重复时可不填",
    ),
    _place(
        "village",
        "村（社区）",
        "Village",
        needed=True,
        example="龙头村",
        aliases=("村", "社区", "所在村"),
    ),
    _place(
        "group",
        "组",
        "Group",
        example="三组",
        aliases=("村民小组", "小组"),
        hint="没有的组会自动建立",
    ),
    _place(
        "address",
        "住址",
        "Address",
        needed=True,
        example="三组 12 号",
        aliases=("家庭住址", "现住址", "地址"),
    ),
    _file("registered_address", text, "平利县城关镇龙头村三组"),
    _file("rural_registration", yes_no, "是"),
    _register(
        "categories",
        "类别",
        "Categories",
        categories,
        example="独居、失能",
        aliases=("老人类别", "人员类别"),
        hint="独居、空巢、留守、失能、重残、计划生育特殊家庭；多个用顿号分开",
    ),
    _register(
        "grade",
        "能力等级",
        "Ability grade",
        grade,
        example="轻度",
        offered=("完好", "轻度", "中度", "重度", "完全"),
    ),
    _file("assessed_on", day, "2026-05-01"),
    _file("lives_alone", yes_no, "是"),
    _file("spouse_alive", yes_no, "否"),
    _file("children", whole, "1"),
    _file("children_in_town", yes_no, "否"),
    _file("children_away_months", whole, "10"),
    _file("only_child_lost", yes_no, "否"),
    _file("disability_kind", disability, "肢体", offered=tuple(o.zh for o in DISABILITIES)),
    _file("disability_grade", level, "二级", offered=("无", "一级", "二级", "三级", "四级")),
    _file("disability_number", text, "61092619410302002X42"),
    _file("seriously_ill", yes_no, "否"),
    _register("conditions", "病史", "Conditions", several, example="高血压、糖尿病"),
    _register("medication", "用药", "Medication", several),
    _register("allergies", "过敏", "Allergies", several),
    *(column for place in range(1, CONTACTS + 1) for column in _contact(place)),
    Column(
        key="visitor",
        target="visitor",
        zh="探访责任人",
        en="Responsible visitor",
        read=text,
        hint="平台账号或账号上的姓名",
    ),
    _register("joined_on", "加入日期", "Joined on", day, aliases=("纳入日期", "新增日期")),
    _register(
        "left_on",
        "退出日期",
        "Left on",
        day,
        aliases=("去世日期", "死亡日期", "迁出日期"),
        hint="已退出服务的老人才填，同时填写退出原因",
    ),
    _register(
        "left_why",
        "退出原因",
        "Why she or he left",
        why_left,
        offered=tuple(option.zh for option in WHY_LEFT),
    ),
    _register("left_note", "去向说明", "Where to, remarks", text),
    _file(
        "members",
        members,
        "王伟/儿子/良好/否；王芳/女儿/良好/是",
        aliases=("家庭成员",),
        hint="姓名/与户主关系/健康状况/是否经常探访，多人用分号隔开",
    ),
    _file("water_safe", yes_no, "是"),
    _file("electricity_safe", yes_no, "是"),
    _file("housing_safe", yes_no, "是"),
    _file("income_yuan", number, "812"),
    _file("pension", yes_no, "是"),
    _file("pension_yuan", number, "168"),
    _file("subsidies", several, "高龄补贴、低保"),
    _file("subsidies_yuan", number, "350"),
    _file("supporters", supporters, "镇、村（居）民委员会；志愿者"),
    _file("supporter_name", text, "陈建国"),
    _file("support", text, "每周上门两次"),
)
COLUMN: Final[Mapping[str, Column]] = {column.key: column for column in COLUMNS}


def header_of(cell: str) -> str | None:
    """The key of a column by what its head says."""
    return _HEADERS.get(_plain_header(cell))


def _plain_header(cell: str) -> str:
    # Our own star marks what is needed; 村（社区） and 村(社区) are one.
    return plain(cell).rstrip("*").replace("（", "(").replace("）", ")")


_HEADERS: Final[Mapping[str, str]] = {
    _plain_header(name): column.key
    for column in COLUMNS
    for name in (column.zh, column.en, column.key, *column.aliases)
}
