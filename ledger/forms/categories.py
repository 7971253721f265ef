"""The six categories by their definitions (notice, section 1 and annex 1), as checks. Pure.

A check never decides: it says `agrees`, `doubt` (a fact speaks against it) or `unknown` (a fact is
missing), and which fact; people decide and the register keeps their word.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ledger.forms.person_file import SEVERE_GRADES, Identity, PersonFile

Opinion = Literal["agrees", "doubt", "unknown"]

# 全部子女长期（通常半年以上）离开户籍地.
AWAY_MONTHS: Final = 6
# 失能老年人: one of the four impaired grades (GB/T 42195-2022).
IMPAIRED: Final = frozenset({"轻度", "中度", "重度", "完全"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the facts say of one category; `facts` are the fields that were looked at."""

    category: str
    opinion: Opinion
    facts: tuple[str, ...]


def _all(*answers: bool | None) -> Opinion:
    if any(answer is False for answer in answers):
        return "doubt"
    return "unknown" if any(answer is None for answer in answers) else "agrees"


def _yes(text: str) -> bool | None:
    return None if text == "" else text == "yes"


def _not(answer: bool | None) -> bool | None:
    return None if answer is None else not answer


def _alone(file: PersonFile, _identity: Identity) -> Opinion:
    return _all(_yes(file.lives_alone))


def _empty_nest(file: PersonFile, _identity: Identity) -> Opinion:
    has_children = None if file.children is None else file.children > 0
    return _all(has_children, _not(_yes(file.children_in_town)))


def _left_behind(file: PersonFile, _identity: Identity) -> Opinion:
    months = file.children_away_months
    away = None if months is None else months >= AWAY_MONTHS
    return _all(away, _yes(file.rural_registration))


def _impaired(_file: PersonFile, identity: Identity) -> Opinion:
    return _all(identity.grade in IMPAIRED if identity.grade else None)


def _severely_disabled(file: PersonFile, _identity: Identity) -> Opinion:
    certified = bool(file.disability_grade)
    return _all(file.disability_grade in SEVERE_GRADES if certified else None)


def _special_family(file: PersonFile, _identity: Identity) -> Opinion:
    return _all(_yes(file.only_child_lost))


_Check = Callable[[PersonFile, Identity], Opinion]
_CHECKS: Final[Mapping[str, tuple[_Check, tuple[str, ...]]]] = {
    "独居": (_alone, ("lives_alone",)),
    "空巢": (_empty_nest, ("children", "children_in_town")),
    "留守": (_left_behind, ("children_away_months", "rural_registration")),
    "失能": (_impaired, ("grade",)),
    "重残": (_severely_disabled, ("disability_grade",)),
    "计划生育特殊家庭": (_special_family, ("only_child_lost",)),
}
CATEGORY_ORDER: Final = tuple(_CHECKS)


def judge(file: PersonFile, identity: Identity) -> list[Judgement]:
    """Each category that the register names, and each that it doesn't but the facts agree with."""
    judgements = []
    for category, (opine, facts) in _CHECKS.items():
        opinion = opine(file, identity)
        if category in identity.categories or opinion == "agrees":
            judgements.append(Judgement(category=category, opinion=opinion, facts=facts))
    return judgements
