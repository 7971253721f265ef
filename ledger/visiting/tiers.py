"""How often somebody is visited at home, and why (notice, section 7). Pure.

身体健康、能够自理: once a month. 失能、重病、重残、高龄独居: twice a week. The higher wins; a fact
that is unknown lowers nothing. A manager may raise it for a time and never lower it.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal

from ledger.forms.categories import IMPAIRED
from ledger.forms.person_file import SEVERE_GRADES
from ledger.visiting.days import day_number, words_en, words_zh

Unit = Literal["week", "month"]

# 高龄: of the notice's practice and the county's allowance for the aged.
AGED_YEARS: Final = 80
# A raise is looked at again after a year, as the ability grade is.
RAISE_DAYS_MAX: Final = 366


class Tier(StrEnum):
    MONTHLY = "monthly"
    WEEKLY = "weekly"
    TWICE_WEEKLY = "twice_weekly"
    THRICE_WEEKLY = "thrice_weekly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frequency:
    """So many visits at home in each week or month."""

    visits: int
    unit: Unit
    zh: str
    en: str


# By rank: a later one is higher. The notice has the first and the third; the others are what
# 根据实际情况适当增加探访次数 comes to when a manager raises somebody.
FREQUENCIES: Final[Mapping[Tier, Frequency]] = MappingProxyType(
    {
        Tier.MONTHLY: Frequency(visits=1, unit="month", zh="每月一次上门", en="once a month"),
        Tier.WEEKLY: Frequency(visits=1, unit="week", zh="每周一次上门", en="once a week"),
        Tier.TWICE_WEEKLY: Frequency(visits=2, unit="week", zh="每周两次上门", en="twice a week"),
        Tier.THRICE_WEEKLY: Frequency(
            visits=3, unit="week", zh="每周三次上门", en="three times a week"
        ),
    }
)
_RANK: Final = {tier: rank for rank, tier in enumerate(FREQUENCIES)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Raise:
    """A manager's word that somebody is visited more often, on these days (both inclusive)."""

    tier: Tier
    from_day: int
    until_day: int
    reason: str
    by: str

    def holds(self, day: int) -> bool:
        return self.from_day <= day <= self.until_day


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitFacts:
    """What decides how often somebody is visited; None and empty texts are unknown."""

    categories: frozenset[str] = frozenset()
    grade: str = ""
    disability_grade: int | None = None  # of the certificate; 0: there is none
    seriously_ill: bool | None = None
    born: str = ""
    lives_alone: bool | None = None
    raises: tuple[Raise, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """One reason of a tier, for programs and in both languages."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A tier with why. `base` is what the facts alone say; `missing` are facts that nobody has
    said and that could make it higher."""

    tier: Tier
    base: Tier
    why: tuple[Why, ...]
    missing: tuple[str, ...]
    raised: Raise | None = None

    @property
    def frequency(self) -> Frequency:
        return FREQUENCIES[self.tier]


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Days (both inclusive) on which somebody's tier is the same."""

    first: int
    last: int
    tier: Tier


def higher(one: Tier, other: Tier) -> Tier:
    return one if _RANK[one] >= _RANK[other] else other


def is_higher(one: Tier, other: Tier) -> bool:
    return _RANK[one] > _RANK[other]


def judge(facts: VisitFacts, day: int) -> Judged:
    """The tier on a day, and why."""
    reasons = _reasons(facts, day)
    base = Tier.TWICE_WEEKLY if reasons else Tier.MONTHLY
    if not reasons:
        reasons = [
            Why(
                code="able",
                zh="身体健康、能够自理：一月一上门（通知第 7 条）",
                en="able and healthy: one visit a month (notice, section 7)",
            )
        ]
    raised = _raised(facts.raises, day, base)
    if raised is not None:
        frequency, last = FREQUENCIES[raised.tier], raised.until_day
        reasons.append(
            Why(
                code="raised",
                zh=f"管理人员提高为{frequency.zh}，至 {words_zh(last)}：{raised.reason}",
                en=f"raised to {frequency.en} until {words_en(last)}: {raised.reason}",
            )
        )
    return Judged(
        tier=base if raised is None else raised.tier,
        base=base,
        why=tuple(reasons),
        missing=_missing(facts, day),
        raised=raised,
    )


def segments(facts: VisitFacts, first: int, last: int) -> tuple[Segment, ...]:
    """The tier of each day from `first` to `last`, in as few pieces as there are."""
    edges = {first}
    aged = _aged_from(facts.born)
    if aged is not None:
        edges.add(aged)
    for one in facts.raises:
        edges |= {one.from_day, one.until_day + 1}
    starts = sorted(edge for edge in edges if first <= edge <= last)
    found: list[Segment] = []
    for place, start in enumerate(starts):
        end = starts[place + 1] - 1 if place + 1 < len(starts) else last
        tier = judge_tier(facts, start)
        if found and found[-1].tier is tier:
            found[-1] = Segment(first=found[-1].first, last=end, tier=tier)
        else:
            found.append(Segment(first=start, last=end, tier=tier))
    return tuple(found)


def judge_tier(facts: VisitFacts, day: int) -> Tier:
    """The tier alone, without words."""
    base = Tier.TWICE_WEEKLY if _codes(facts, day) else Tier.MONTHLY
    raised = _raised(facts.raises, day, base)
    return base if raised is None else raised.tier


def _raised(raises: Sequence[Raise], day: int, base: Tier) -> Raise | None:
    """The highest that holds; one that is no higher than the facts say changes nothing."""
    found: Raise | None = None
    for one in raises:
        than = base if found is None else found.tier
        if one.holds(day) and is_higher(one.tier, than):
            found = one
    return found


# code → (Chinese, English); each is enough for two visits a week.
_WORDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "impaired": ("失能", "cannot look after himself or herself"),
        "seriously_ill": ("重病", "seriously ill"),
        "severely_disabled": ("重残", "severely disabled"),
        "aged_alone": (
            f"高龄独居（满 {AGED_YEARS} 岁）",
            f"{AGED_YEARS} or older and living alone",
        ),
    }
)


def _codes(facts: VisitFacts, day: int) -> list[str]:
    found = []
    if "失能" in facts.categories or facts.grade in IMPAIRED:
        found.append("impaired")
    if facts.seriously_ill:
        found.append("seriously_ill")
    if "重残" in facts.categories or facts.disability_grade in SEVERE_GRADES:
        found.append("severely_disabled")
    aged = _aged_from(facts.born)
    if _alone(facts) and aged is not None and aged <= day:
        found.append("aged_alone")
    return found


def _reasons(facts: VisitFacts, day: int) -> list[Why]:
    return [
        Why(
            code=code,
            zh=f"{_WORDS[code][0]}：一周两上门（通知第 7 条）",
            en=f"{_WORDS[code][1]}: two visits a week (notice, section 7)",
        )
        for code in _codes(facts, day)
    ]


def _alone(facts: VisitFacts) -> bool:
    """Either word is enough: where file and register differ the higher tier wins."""
    return "独居" in facts.categories or facts.lives_alone is True


def _missing(facts: VisitFacts, day: int) -> tuple[str, ...]:
    found = []
    if not facts.grade and "失能" not in facts.categories:
        found.append("grade")
    if facts.seriously_ill is None:
        found.append("seriously_ill")
    if facts.disability_grade is None and "重残" not in facts.categories:
        found.append("disability_grade")
    aged = _aged_from(facts.born)
    if aged is None:
        found.append("born")
    if facts.lives_alone is None and not _alone(facts) and (aged is None or aged <= day):
        found.append("lives_alone")
    return tuple(found)


def _aged_from(born: str) -> int | None:
    """The day of the 80th birthday; None: nobody knows."""
    try:
        birthday = datetime.date.fromisoformat(born)
        return day_number(birthday.replace(year=birthday.year + AGED_YEARS).isoformat())
    except ValueError:
        pass
    try:
        # Born on a 29 February: a year older on 1 March.
        birthday = datetime.date.fromisoformat(born)
        return day_number(datetime.date(birthday.year + AGED_YEARS, 3, 1).isoformat())
    except ValueError:
        return None
