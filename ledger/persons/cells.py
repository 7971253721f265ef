"""What a cell of a list of persons says, as people write it: read, or why it can't be. Pure."""

import datetime
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from ledger.forms.joining import DIED, WHY_LEFT
from ledger.forms.person_file import DISABILITIES, SUPPORTERS
from ledger.persons.terms import plain
from ledger.roster import CATEGORIES, GRADES

# What separates several things in one cell, as people write it.
_SEVERAL: Final = re.compile(r"[、，,;；/\n]+")
_MEMBERS: Final = re.compile(r"[;；\n]+")
_DAY: Final = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:\s+00:00)?\Z"
)
_DENSE_DAY: Final = re.compile(r"(\d{4})(\d{2})(\d{2})\Z")
_YES: Final = dict.fromkeys(("是", "有", "安全", "健在", "y", "yes", "√"), "yes")
_NO: Final = dict.fromkeys(("否", "无", "不安全", "去世", "n", "no", "×"), "no")
_SEXES: Final = {"男": "M", "女": "F", "m": "M", "f": "F"}
# As assessments and certificates word them.
_GRADES: Final = {
    **{grade: grade for grade in GRADES},
    **{f"{grade}失能": grade for grade in GRADES},
    **{f"能力{grade}": grade for grade in GRADES},
    "能力完好": "完好",
    "自理": "完好",
    "能力轻度受损": "轻度",
    "能力中度受损": "中度",
    "能力重度受损": "重度",
    "能力完全丧失": "完全",
}
_WHY_LEFT: Final = {
    **{option.zh: option.word for option in WHY_LEFT},
    **dict.fromkeys(("死亡", "病故", "亡故"), DIED),
    **dict.fromkeys(("搬走", "搬迁", "外迁"), "moved"),
    **dict.fromkeys(("入住机构", "入住敬老院", "机构养老"), "institution"),
    **dict.fromkeys(("退出", "自愿退出"), "withdrew"),
}
_LEVELS: Final = {
    **{f"{word}级": grade for grade, word in enumerate("无一二三四")},
    **{str(grade): grade for grade in range(5)},
    **{f"{grade}级": grade for grade in range(1, 5)},
    "无": 0,
}


class BadCell(ValueError):  # noqa: N818
    """Why a cell can't be read and what to do, in both languages."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.code, self.zh, self.en = code, zh, en


def text(cell: str) -> str:
    return cell


def yes_no(cell: str) -> str:
    word = plain(cell)
    found = _YES.get(word) or _NO.get(word)
    if found is None:
        raise BadCell("no_yes_or_no", "请填“是”或“否”", "yes (是) or no (否)")
    return found


def day(cell: str) -> str:
    found = _DAY.match(cell.strip()) or _DENSE_DAY.match(cell.strip())
    if found is None:
        zh = "不是日期，请写成 1941-03-02 的样子"
        raise BadCell("no_date", zh, "is no date; write it as 1941-03-02")
    try:
        return datetime.date(*(int(part) for part in found.groups())).isoformat()
    except ValueError:
        raise BadCell("no_such_day", "没有这一天，请核对", "there is no such day") from None


def number(cell: str) -> float:
    word = unicodedata.normalize("NFKC", cell).strip().removesuffix("元").replace(",", "")
    try:
        return float(word)
    except ValueError:
        raise BadCell("no_number", "请只填数字", "digits only") from None


def whole(cell: str) -> int:
    found = number(cell.removesuffix("人").removesuffix("个月"))
    if not found.is_integer():
        raise BadCell("no_number", "请填整数", "a whole number")
    return int(found)


def sex(cell: str) -> str:
    found = _SEXES.get(plain(cell))
    if found is None:
        raise BadCell("no_such_choice", "请填“男”或“女”", "男 (male) or 女 (female)")
    return found


def grade(cell: str) -> str:
    return str(_word(_GRADES, cell, ("完好", "轻度", "中度", "重度", "完全")))


def why_left(cell: str) -> str:
    return str(_word(_WHY_LEFT, cell, tuple(option.zh for option in WHY_LEFT)))


def level(cell: str) -> int:
    return int(_word(_LEVELS, cell, ("一级", "二级", "三级", "四级", "无")))


def _word(words: Mapping[str, Any], cell: str, offered: tuple[str, ...]) -> Any:
    found = words.get(plain(cell))
    if found is None:
        said = "、".join(offered)
        raise BadCell("no_such_choice", f"请从以下选项中选择：{said}", f"one of {said}")
    return found


def several(cell: str) -> list[str]:
    return [part.strip() for part in _SEVERAL.split(cell) if part.strip()]


def categories(cell: str) -> list[str]:
    found = []
    for part in several(cell):
        word = part.removesuffix("老年人").removesuffix("老人").removesuffix("家庭")
        match = [c for c in CATEGORIES if c.removesuffix("家庭") == word]
        if not match:
            said = "、".join(sorted(CATEGORIES))
            raise BadCell(
                "no_such_choice",
                f"“{part[:20]}”不是类别，请填：{said}（可多个，用顿号分开）",
                f"no such category; one of {said}",
            )
        found += [category for category in match if category not in found]
    return found


def _options(field: str) -> tuple[dict[str, str], tuple[str, ...]]:
    options = SUPPORTERS if field == "supporters" else DISABILITIES
    return {plain(o.zh): o.word for o in options}, tuple(o.zh for o in options)


def supporters(cell: str) -> list[str]:
    # The official names hold commas of their own.
    words, offered = _options("supporters")
    rest, found = plain(cell), []
    for zh in sorted(words, key=len, reverse=True):
        if zh in rest:
            rest = rest.replace(zh, "")
            found.append(words[zh])
    if _SEVERAL.sub("", rest):
        said = "；".join(offered)
        raise BadCell("no_such_choice", f"请从以下选项中选择：{said}", f"of {said}")
    return found


def disability(cell: str) -> str:
    words, offered = _options("disability_kind")
    return str(_word(words, cell.removesuffix("残疾"), offered))


def members(cell: str) -> list[dict[str, str]]:
    """`姓名/与户主关系/健康状况/是否经常探访`, several separated by semicolons."""
    found = []
    for part in _MEMBERS.split(cell):
        if not part.strip():
            continue
        pieces = [piece.strip() for piece in re.split(r"[/／]", part)]
        if len(pieces) > 4 or not pieces[0]:
            zh = "请写成“姓名/关系/健康状况/是否经常探访”，多人用分号隔开"
            raise BadCell("bad_member", zh, "name/relation/health/visits often; semicolons between")
        pieces += [""] * (4 - len(pieces))
        found.append(
            {
                "name": pieces[0],
                "relation": pieces[1],
                "health": pieces[2],
                "visits_often": yes_no(pieces[3]) if pieces[3] else "",
            }
        )
    return found


def id_number(cell: str) -> str:
    if "E+" in cell.upper():
        raise BadCell(
            "id_as_number",
            "被表格软件存成了数字，后几位已经丢失：请把这一列设为“文本”格式后重新填写",
            "was stored as a number and lost its last digits: make the column text, type it again",
        )
    return "".join(cell.split()).upper()
