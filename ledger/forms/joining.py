"""Joining, leaving, returning: since when somebody is in the service, until when, why no longer.

Pure. `joined_on` empty: since before anybody wrote it down. `left_on`: the last day in the service,
of who died the day of death. Nobody leaves ahead of time: what is written down has happened, so who
has a `left_on` is gone for everything that looks at now. Times between leaving and returning stay
in `service_gaps`, so that a past month says what it said.
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ledger.forms.file_fields import named
from ledger.forms.person_file import AGE_MAX_YEARS
from ledger.forms.refusal import Refusal
from ledger.forms.visit_form import Option

DIED: Final = "died"
WHY_LEFT: Final[tuple[Option, ...]] = (
    Option(word=DIED, zh="去世", en="died"),
    Option(word="moved", zh="迁出", en="moved away"),
    Option(word="institution", zh="入住养老机构", en="moved into an institution"),
    Option(word="withdrew", zh="本人退出", en="wished it no more"),
    Option(word="not_entitled", zh="不再符合条件", en="no longer entitled"),
    Option(word="other", zh="其他", en="other"),
)
FIELDS: Final = ("joined_on", "left_on", "left_why", "left_note")
GAPS: Final = "service_gaps"
# As the form's other remarks.
NOTE_MAX: Final = 200
# Somebody who comes and goes more often is away, and a stay says so.
GAPS_MAX: Final = 20
_WORDS: Final = frozenset(option.word for option in WHY_LEFT)

Gap = Mapping[str, str]


def is_gone(row: Mapping[str, Any]) -> bool:
    """Of a row of the register; one that was made without it (homes.toml) is in the service."""
    return bool(row.get("left_on"))


def check(register: Mapping[str, Any], today: datetime.date) -> list[Refusal]:
    """What can't be true of the four fields together, and of the times before."""
    refusals = [
        *_day("joined_on", register["joined_on"], today),
        *_day("left_on", register["left_on"], today),
    ]
    if register["left_why"] and register["left_why"] not in _WORDS:
        said = "、".join(option.zh for option in WHY_LEFT)
        en = f"of {', '.join(option.word for option in WHY_LEFT)}"
        refusals.append(_refuse("left_why", "no_such_choice", f"请从以下选项中选择：{said}", en))
    elif register["left_on"] and not register["left_why"]:
        zh, en = "请填写：有退出日期就要写明原因", "who has left needs a reason"
        refusals.append(_refuse("left_why", "missing", zh, en))
    elif register["left_why"] and not register["left_on"]:
        zh, en = "请填写：有退出原因就要写明日期", "a reason for leaving needs its day"
        refusals.append(_refuse("left_on", "missing", zh, en))
    if len(register["left_note"]) > NOTE_MAX:
        en = f"at most {NOTE_MAX} characters"
        refusals.append(_refuse("left_note", "too_long", f"不超过 {NOTE_MAX} 字", en))
    return refusals or _in_order(register)


def returned(
    register: Mapping[str, Any], day: str, today: datetime.date
) -> dict[str, Any] | Refusal:
    """The fields of somebody who is in the service again from this day, or why that can't be."""
    refusals = _day("returned_on", day, today)
    if not refusals and register["left_why"] == DIED:
        zh = "去世登记有误时，请直接清除退出日期和原因"
        en = "a death that was written by mistake is corrected: clear day and reason"
        refusals = [_refuse("left_why", "died", f"：{zh}", en)]
    elif not refusals and day <= register["left_on"]:
        zh, en = "应在退出日期之后", "must be behind the day of leaving"
        refusals = [_refuse("returned_on", "out_of_order", zh, en)]
    elif not refusals and len(register[GAPS]) >= GAPS_MAX:
        zh, en = f"最多 {GAPS_MAX} 次", f"at most {GAPS_MAX} times"
        refusals = [_refuse("returned_on", "too_many", zh, en)]
    if refusals:
        return refusals[0]
    gap = {
        "left_on": register["left_on"],
        "why": register["left_why"],
        "note": register["left_note"],
        "returned_on": day,
    }
    return {"left_on": "", "left_why": "", "left_note": "", GAPS: [*register[GAPS], gap]}


def in_service(row: Mapping[str, Any], gaps: Sequence[Gap], day: str) -> bool:
    """On a day of the past or today. Who died on it is not counted on it."""
    if row["joined_on"] and day < row["joined_on"]:
        return False
    if row["left_on"] and (day > row["left_on"] or (day == row["left_on"] and _died(row))):
        return False
    return not any(gap["left_on"] < day < gap["returned_on"] for gap in gaps)


def _died(row: Mapping[str, Any]) -> bool:
    return bool(row["left_why"] == DIED)


def changes_within(row: Mapping[str, Any], gaps: Sequence[Gap], first: str, last: str) -> list[str]:
    """What happened to somebody on these days: `joined`, `returned`, and why she left."""
    happened = [("joined", row["joined_on"]), (row["left_why"], row["left_on"])]
    for gap in gaps:
        happened += [(gap["why"], gap["left_on"]), ("returned", gap["returned_on"])]
    return [word for word, day in happened if day and first <= day <= last]


def _in_order(register: Mapping[str, Any]) -> list[Refusal]:
    """Joined, left, returned, left: each behind the one before."""
    begins = register["joined_on"]
    for gap in register[GAPS]:
        if begins and gap["left_on"] < begins:
            zh = f"应不晚于 {gap['left_on']}（那天已登记退出）"
            return [_refuse("joined_on", "out_of_order", zh, f"left on {gap['left_on']} already")]
        begins = gap["returned_on"]
    if begins and register["left_on"] and register["left_on"] < begins:
        zh, en = f"应不早于 {begins}", f"not before {begins}"
        return [_refuse("left_on", "out_of_order", zh, en)]
    return []


def _day(field: str, text: str, today: datetime.date) -> list[Refusal]:
    if not text:
        return []
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        return [_refuse(field, "no_date", "应为日期，如 2026-05-01", "a date, as 2026-05-01")]
    if day.isoformat() != text:
        return [_refuse(field, "no_date", "应为日期，如 2026-05-01", "a date, as 2026-05-01")]
    if day > today:
        zh, en = "不能晚于今天，发生以后再登记", "not ahead of today"
        return [_refuse(field, "ahead_of_today", zh, en)]
    if day.year < today.year - AGE_MAX_YEARS:
        return [_refuse(field, "impossible_date", "的日期不可能，请核对", "an impossible date")]
    return []


def _refuse(field: str, code: str, zh: str, en: str) -> Refusal:
    zh_name, en_name = named(field)
    return Refusal(field=field, code=code, zh=f"“{zh_name}”{zh}", en=f"{en_name}: {en}")
