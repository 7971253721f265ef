"""What the form asks for and nobody has said yet: 缺 3 项: …. Pure.

Nothing is refused for being incomplete: half a file is worth more than none, and the list of who is
incomplete is the next round's work.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ledger.forms import categories
from ledger.forms.file_fields import FIELD, named
from ledger.forms.person_file import Identity, PersonFile

# Asked of everybody.
_OF_ALL: Final = (
    "id_number",
    "registered_address",
    "lives_alone",
    "children",
    "water_safe",
    "electricity_safe",
    "housing_safe",
    "income_yuan",
    "pension",
    "supporter_name",
)
_OF_THE_REGISTER: Final = ("name", "sex", "born", "categories", "grade", "contacts", "visitor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """`section` is a section of the page."""

    field: str
    section: str
    zh: str
    en: str


def missing(file: PersonFile, register: Mapping[str, Any]) -> list[Missing]:
    """`register` is the person's row with its lists as lists."""
    fields = [name for name in _OF_THE_REGISTER if not register.get(name)]
    # Somebody has to be reached.
    if not register.get("phone") and not register.get("contacts"):
        fields.append("phone")
    fields += [name for name in _OF_ALL if _empty(getattr(file, name))]
    if file.lives_alone == "no" and not file.members:
        fields.append("members")
    if file.pension == "yes" and file.pension_yuan is None:
        fields.append("pension_yuan")
    if file.subsidies and file.subsidies_yuan is None:
        fields.append("subsidies_yuan")
    if register.get("grade") and not file.assessed_on:
        fields.append("assessed_on")
    if file.disability_grade:
        fields += [
            name for name in ("disability_kind", "disability_number") if not getattr(file, name)
        ]
    fields += _of_categories(file, register)
    # Each once, in the order of the first asking.
    return [_missing(name) for name in dict.fromkeys(fields)]


def _of_categories(file: PersonFile, register: Mapping[str, Any]) -> list[str]:
    """The facts on which a named category rests."""
    identity = identity_of(register)
    found: list[str] = []
    for judgement in categories.judge(file, identity):
        if judgement.opinion == "unknown":
            found += [fact for fact in judgement.facts if fact in FIELD and _unsaid(file, fact)]
    return found


def _unsaid(file: PersonFile, fact: str) -> bool:
    return not file.disability_grade if fact == "disability_grade" else _empty(getattr(file, fact))


def identity_of(register: Mapping[str, Any]) -> Identity:
    return Identity(
        name=register["name"],
        sex=register["sex"],
        born=register["born"],
        grade=register["grade"],
        categories=tuple(register["categories"]),
    )


def _empty(value: object) -> bool:
    """Zero is an answer: no children, no income."""
    return value is None or value in ("", ())


def _missing(name: str) -> Missing:
    zh, en = named(name)
    known = FIELD.get(name)
    section = "identity" if known is None else known.section
    return Missing(field=name, section=section, zh=zh, en=en)
