"""Who saw a person's file, as a sheet for her in plain words. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ledger.documents.paper import Paper, Section
from ledger.documents.table import Column, Table

# Half a year of a much visited person; older lines are on the page.
LINES_PRINTED: Final = 400

ROLES: Final[Mapping[str, str]] = {
    "admin": "系统管理员",
    "manager": "管理人员",
    "duty": "值班员",
    "visitor": "探访员",
    "installer": "安装员",
    "auditor": "审计员",
    "clinician": "医务人员",
    "exchange": "对接平台",
    "department": "部门",
    "family": "家属",
}
ACTS: Final[Mapping[str, str]] = {
    "look": "查看",
    "change": "登记或修改",
    "printed": "打印",
    "exported": "导出",
    "revealed": "查看完整证件号码",
    "opened_contact": "查看完整电话",
    "out": "取走",
}
THINGS: Final[Mapping[str, str]] = {
    "file": "您的档案",
    "home": "您家的情况（住址、设备、外出）",
    "visit": "探访记录",
    "alarm": "您家的报警",
    "task": "到您家的任务",
    "life": "生活动静和健康测量",
    "care": "服务和转介",
    "family": "家属查看页",
}
COLUMNS: Final = (
    Column(key="day", zh="日期", kind="day", width=12),
    Column(key="who", zh="谁", width=14),
    Column(key="role", zh="身份", width=10),
    Column(key="act", zh="做了什么", width=34),
    Column(key="times", zh="次数", kind="integer", width=6),
    Column(key="said", zh="理由", width=20),
)
ABOUT: Final = (
    "本表列出谁看过、改过、打印过或者导出过您的资料。同一个人一天里做的同一件事合为一行。",
    "值班大屏、名册和地图上的一览不在表内，它们同时显示许多人；登录大屏的人另有记录。",
    "如果您觉得有人不该看，请告诉给您这张表的人，或者向上一级民政部门反映。",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What somebody did on a day, so many times; `said`: why, where that is asked for."""

    day: str
    last_ms: int
    who: str
    role: str
    act: str
    thing: str
    times: int
    said: str


# What they say already names what was seen.
_WHOLE: Final = frozenset({"revealed", "opened_contact"})


def words(look: Look) -> str:
    act = ACTS.get(look.act, look.act)
    return act if look.act in _WHOLE else f"{act}{THINGS.get(look.thing, look.thing)}"


def looks_paper(
    name: str, looks: Sequence[Look], span: tuple[str, str], printed: str, at_ms: int
) -> Paper:
    """`span`: first and last day."""
    shown = looks[:LINES_PRINTED]
    rows = [
        (
            look.day,
            look.who,
            ROLES.get(look.role, ""),
            words(look),
            look.times,
            look.said.removeprefix("printed: "),
        )
        for look in shown
    ]
    times = sum(look.times for look in looks)
    people = len({look.who for look in looks if look.role != "family"})
    head = f"{name}：{span[0]} 至 {span[1]}，共 {people} 位工作人员，{times} 次。"
    table = Table(title="", columns=COLUMNS, rows=rows, left_out=len(looks) - len(shown))
    section = Section(title="谁看过我的资料", lines=(head, *ABOUT), table=table)
    return Paper(title=f"谁看过我的资料-{name}", printed=printed, at_ms=at_ms, sections=(section,))
