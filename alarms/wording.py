"""What people are told, in the words of their language. Pure.

A notification lies on a lock screen, in a group or on an operator's servers: it says what kind of
call, how urgent, in which village, and its number. No whole name, no address, no measured value and
no illness; that is behind the login. What is about health says so and no more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from alarms.message import SMS_UNITS, Message, sms_units
from contract.moment import EPOCH

LANGUAGES: Final = ("zh-CN", "en")
CODE_VALID_MINUTES: Final = 10
# What a contact has said, told to who has the alarm.
NEWS: Final = ("going", "with_person", "not_going")

# By kind of alarm: the word that stands for it outside. Vital signs are all the same word.
_WORD_OF: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sos": "call",
        "fall": "fall",
        "smoke": "fire",
        "gas": "gas",
        "carbon_monoxide": "gas",
        "leak": "leak",
        "no_sign_of_life": "silence",
        "not_up_yet": "silence",
        "bed_absence": "silence",
        "blood_pressure": "health",
        "glucose": "health",
        "oximetry": "health",
        "pulse": "health",
        "temperature": "health",
        "weight": "health",
        "overload": "electricity",
        "load_left_on": "electricity",
        "village_dark": "outage",
        "unreadable": "call",
    }
)
_BY_SEVERITY: Final = {"urgent": "call", "watch": "attention", "technical": "technical"}

_WORDS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "zh-CN": {
            "call": "紧急呼叫",
            "fall": "疑似跌倒",
            "fire": "烟雾报警",
            "gas": "燃气报警",
            "leak": "漏水报警",
            "silence": "久无动静",
            "health": "健康提醒",
            "electricity": "用电异常",
            "outage": "大面积停电",
            "attention": "需要关注",
            "technical": "设备故障",
            "urgent": "紧急",
            "watch": "关注",
            "again": "再次",
            "title": "{grade}：{kind}",
            "line": "【{grade}】{number}号 {again}{kind} {place} {who}",
            "reply": "回1 {number}接单,2 {number}不能去",
            "details": "登录后查看详情并处置",
            "contact": "请点开链接告诉我们：您能去吗",
            "going": "联系人正赶去 ",
            "with_person": "联系人已在身边 ",
            "not_going": "联系人去不了了 ",
            "code_title": "验证码",
            "code": "守望验证码 {code}，{minutes}分钟内有效，请勿告诉他人。",
            "test_title": "[TEST] 测试",
            "test": "[TEST] 守望测试消息，无需处置。",
            "opened_title": "档案紧急查看",
            "opened": "{number}号警情处置期间，有人紧急查看了老人档案，请登录复核。",
        },
        "en": {
            "call": "call for help",
            "fall": "possible fall",
            "fire": "smoke alarm",
            "gas": "gas alarm",
            "leak": "water leak",
            "silence": "no sign of life",
            "health": "health notice",
            "electricity": "electricity",
            "outage": "power outage",
            "attention": "needs attention",
            "technical": "device fault",
            "urgent": "URGENT",
            "watch": "Watch",
            "again": "again: ",
            "title": "{grade}: {kind}",
            "line": "[{grade}] #{number} {again}{kind} {place} {who}",
            "reply": "reply 1 {number}=yes 2 {number}=no",
            "details": "Sign in for details and to respond",
            "contact": "Open the link and tell us: can you go?",
            "going": "a contact is going: ",
            "with_person": "a contact is there: ",
            "not_going": "a contact can't go: ",
            "code_title": "Code",
            "code": "hearthwatch code {code}, valid for {minutes} minutes. Tell nobody.",
            "test_title": "[TEST]",
            "test": "[TEST] hearthwatch test message. Nothing to do.",
            "opened_title": "Record opened in an emergency",
            "opened": "Alarm #{number}: somebody opened an elder's record. Sign in to review.",
        },
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What of an alarm is said. `name`: whole, it is masked here. `news`: one of NEWS, or empty;
    `contact`: it is said to somebody who can't sign in."""

    alarm: str
    number: int
    kind: str
    severity: str
    raised_at_ms: int
    place: str
    name: str
    again: bool
    news: str = ""
    contact: bool = False


def language_of(text: str) -> str:
    return text if text in LANGUAGES else LANGUAGES[0]


def kind_word(kind: str, severity: str) -> str:
    """Which of our words stands for this kind of alarm."""
    return _WORD_OF.get(kind, _BY_SEVERITY.get(severity, "attention"))


def alarm_message(
    told: Told, language: str, zone: ZoneInfo, link: str, token: str, *, replies: bool
) -> Message:
    """`link`: whole address of the reply page or of the alarm, or empty; `replies`: whether an
    answer by short message reaches us."""
    words = _WORDS[language_of(language)]
    grade = words[told.severity] if told.severity in ("urgent", "watch") else words["technical"]
    kind = words[kind_word(told.kind, told.severity)]
    again = words["again"] if told.again else ""
    if told.news:
        again = words[told.news]
    who = masked(told.name)
    filled = {"grade": grade, "kind": kind, "number": told.number, "again": again}
    line = words["line"].format(**filled, place=told.place, who=who).strip()
    bare = words["line"].format(**filled, place=told.place, who="").strip()
    reply = words["reply"].format(number=told.number) if replies else ""
    details = words["details"]
    if told.contact:
        details = words["contact"] if link else ""
    text = "\n".join(part for part in (line, details, link) if part)
    at = (EPOCH + timedelta(milliseconds=told.raised_at_ms)).astimezone(zone)
    return Message(
        kind="alarm",
        title=words["title"].format(grade=grade, kind=kind),
        text=text,
        short=_short(line, bare, link, reply),
        words={
            "number": str(told.number),
            "kind": f"{again}{kind}",
            "place": told.place,
            "who": who,
            "time": at.strftime("%H:%M"),
            "link": link,
            "token": token,
        },
        link=link,
        alarm=told.alarm,
        reply=token,
        urgent=told.severity == "urgent",
        language=language_of(language),
    )


def code_message(code: str, language: str) -> Message:
    words = _WORDS[language_of(language)]
    text = words["code"].format(code=code, minutes=CODE_VALID_MINUTES)
    return Message(
        kind="code",
        title=words["code_title"],
        text=text,
        short=text,
        words={"code": code},
        language=language_of(language),
    )


def example_message(language: str) -> Message:
    words = _WORDS[language_of(language)]
    return Message(
        kind="test",
        title=words["test_title"],
        text=words["test"],
        short=words["test"],
        words={"kind": words["test_title"], "number": "0", "place": "-", "who": "-"},
        language=language_of(language),
    )


def masked(name: str) -> str:
    """张桂英 as 张**: enough to know a case again, too little to find a person."""
    return name[:1] + "*" * min(len(name) - 1, 3) if name else ""


def _short(line: str, bare: str, link: str, reply: str) -> str:
    """Into one short message as much as fits: first what happened, then how to answer."""
    for parts in ((line, link, reply), (bare, link, reply), (bare, link), (line, reply), (bare,)):
        text = " ".join(part for part in parts if part)
        if sms_units(text) <= SMS_UNITS:
            return text
    return bare


def opened_message(number: int, language: str) -> Message:
    """Somebody opened a record in an emergency: to who reviews it; names nobody."""
    words = _WORDS[language_of(language)]
    text = words["opened"].format(number=number)
    return Message(
        kind="opened",
        title=words["opened_title"],
        text=text,
        short=text,
        words={"kind": words["opened_title"], "number": str(number), "place": "-", "who": "-"},
        language=language_of(language),
    )
