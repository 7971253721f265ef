"""What a person agreed to: for which purpose, by whom, how, until when. Pure.

Consents are appended and never changed; one ends by its last day or by being withdrawn, which is a
fact of its own. Whether one holds is asked for a day.
"""

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from ledger.forms.person_file import AGE_MAX_YEARS, NAME_MAX, TEXT_MAX
from ledger.forms.refusal import Refusal
from ledger.forms.visit_form import Option

PURPOSES: Final[tuple[Option, ...]] = (
    Option(word="devices", zh="安装和使用设备", en="devices in the home"),
    Option(word="health", zh="采集健康数据", en="health data"),
    Option(word="family_view", zh="家属查看", en="the family may look"),
    Option(word="sharing", zh="与部门共享信息", en="sharing with departments"),
    Option(word="photo", zh="拍照", en="photographs"),
    Option(word="referral", zh="转介服务", en="referral to services"),
)
# How a purpose stands for somebody on a day. `given`: some yes holds. Else the last word counts.
State = Literal["given", "refused", "withdrawn", "expired", "unasked"]
ANSWERS: Final[tuple[Option, ...]] = (
    Option(word="yes", zh="同意", en="yes"),
    Option(word="no", zh="不同意", en="no"),
)
# Without these two the hub has no business in a home.
NEEDED: Final = ("devices", "health")
RELATIONS: Final[tuple[Option, ...]] = (
    Option(word="self", zh="本人", en="the person"),
    Option(word="family", zh="家属", en="family"),
    Option(word="guardian", zh="监护人", en="guardian"),
    Option(word="committee", zh="村（居）民委员会", en="village committee"),
)
WAYS: Final[tuple[Option, ...]] = (
    Option(word="signed", zh="签字", en="signed"),
    Option(word="fingerprint", zh="按手印", en="fingerprint"),
    Option(word="spoken", zh="口头（有见证人）", en="spoken before a witness"),
    Option(word="recorded", zh="录音录像", en="recorded"),
)
_WORDS: Final[Mapping[str, tuple[tuple[Option, ...], str, str]]] = {
    "purpose": (PURPOSES, "用途", "Purpose"),
    "relation": (RELATIONS, "与老人关系", "Relation"),
    "how": (WAYS, "同意方式", "How"),
    "answer": (ANSWERS, "答复", "Answer"),
}
_DAYS: Final = {"given_on": ("同意日期", "Day"), "until_on": ("截止日期", "Until")}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewConsent:
    purpose: str
    given_by: str
    relation: str
    how: str
    given_on: str
    until_on: str = ""
    note: str = ""
    answer: str = "yes"


def check(new: NewConsent, today: datetime.date) -> list[Refusal]:
    refusals = []
    for field, (options, zh, en) in _WORDS.items():
        if getattr(new, field) not in {option.word for option in options}:
            said = "、".join(option.zh for option in options)
            words = ", ".join(option.word for option in options)
            refusals.append(
                _refuse(field, "no_such_choice", f"“{zh}”请选择：{said}", f"{en}: of {words}")
            )
    if not new.given_by.strip() or len(new.given_by) > NAME_MAX:
        refusals.append(
            _refuse("given_by", "missing", "请填写由谁同意（姓名）", "who gave it: a name")
        )
    if len(new.note) > TEXT_MAX:
        zh, en = f"“备注”不超过 {TEXT_MAX} 字", f"Note: at most {TEXT_MAX} characters"
        refusals.append(_refuse("note", "too_long", zh, en))
    return refusals + _days(new, today)


def _days(new: NewConsent, today: datetime.date) -> list[Refusal]:
    given = day_of(new.given_on)
    earliest = today.year - AGE_MAX_YEARS
    refusals = []
    if given is None or given > today or given.year < earliest:
        refusals.append(_day("given_on", "应为今天或以前的日期", "a day, today or before"))
    if new.until_on:
        until = day_of(new.until_on)
        if until is None or until.year > today.year + AGE_MAX_YEARS:
            refusals.append(_day("until_on", "应为日期", "a day"))
        elif given is not None and until < given:
            refusals.append(_day("until_on", "不能早于同意日期", "not before it was given"))
    return refusals


def _day(field: str, zh: str, en: str) -> Refusal:
    zh_name, en_name = _DAYS[field]
    return _refuse(field, "no_date", f"“{zh_name}”{zh}", f"{en_name}: {en}")


def _refuse(field: str, code: str, zh: str, en: str) -> Refusal:
    return Refusal(field=field, code=code, zh=zh, en=en)


def day_of(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


def holds(consent: Mapping[str, Any], day: str) -> bool:
    """`consent` is its row with `withdrawn_on`; `day` an ISO date. A no never does."""
    if consent["withdrawn_on"] is not None or consent["answer"] == "no":
        return False
    return not consent["until_on"] or str(consent["until_on"]) >= day


def lacking(consents: Iterable[Mapping[str, Any]], day: str) -> list[str]:
    """The purposes for which nobody's consent holds, those that are needed first."""
    held = {consent["purpose"] for consent in consents if holds(consent, day)}
    return [option.word for option in PURPOSES if option.word not in held]


def state_of(rows: Iterable[Mapping[str, Any]], day: str) -> State:
    """Of one person and purpose; rows oldest first."""
    known = list(rows)
    if any(holds(consent, day) for consent in known):
        return "given"
    if not known:
        return "unasked"
    last = known[-1]
    if last["answer"] == "no":
        return "refused"
    return "expired" if last["withdrawn_on"] is None else "withdrawn"
