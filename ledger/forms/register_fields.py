"""What can't be true of the register's own fields of a person. Pure."""

import datetime
from collections.abc import Mapping
from typing import Any, Final

from ledger.forms.file_fields import named
from ledger.forms.person_file import AGE_MAX_YEARS
from ledger.forms.refusal import Refusal
from ledger.roster import CATEGORIES, GRADES

# Digits, and what people write between and around them.
_PHONE: Final = frozenset("0123456789+-() 转#*")
# As a table has it that left the hub with telephones masked: brought back it would call nobody.
_MASK: Final = "**"


def check(fields: Mapping[str, Any], today: datetime.date) -> list[Refusal]:
    """Of the fields that are there; `categories` is a list."""
    refusals = []
    if "name" in fields and not fields["name"].strip():
        refusals.append(_refuse("name", "missing", "请填写", "must be filled in"))
    if not set(fields.get("categories", ())) <= CATEGORIES:
        refusals.append(_choice("categories", CATEGORIES))
    if fields.get("grade") and fields["grade"] not in GRADES:
        refusals.append(_choice("grade", GRADES))
    if fields.get("born"):
        refusals += _born(fields["born"], today)
    if not set(fields.get("phone", "")) <= _PHONE:
        zh, en = "只能填写电话号码", "a telephone number"
        refusals.append(_refuse("phone", "no_phone", zh, en))
    numbers = {"phone": [fields.get("phone") or ""], "contacts": _numbers(fields)}
    for field, said in numbers.items():
        if any(_MASK in number for number in said):
            zh, en = "里的号码打了星号，请填完整号码或留空", "a masked number calls nobody"
            refusals.append(_refuse(field, "masked", zh, en))
    return refusals


def _numbers(fields: Mapping[str, Any]) -> list[str]:
    return [str(contact.get("phone", "")) for contact in fields.get("contacts") or ()]


def _born(text: str, today: datetime.date) -> list[Refusal]:
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        zh, en = "应为日期，如 1941-03-02", "an ISO date, as 1941-03-02"
        return [_refuse("born", "no_date", zh, en)]
    if day > today or day.year < today.year - AGE_MAX_YEARS:
        return [_refuse("born", "impossible_date", "的日期不可能，请核对", "an impossible date")]
    return []


def _choice(field: str, words: frozenset[str]) -> Refusal:
    said = sorted(words)
    zh, en = f"请从以下选项中选择：{'、'.join(said)}", f"of {', '.join(said)}"
    return _refuse(field, "no_such_choice", zh, en)


def _refuse(field: str, code: str, zh: str, en: str) -> Refusal:
    zh_name, en_name = named(field)
    return Refusal(field=field, code=code, zh=f"“{zh_name}”{zh}", en=f"{en_name}: {en}")
