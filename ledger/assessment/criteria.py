"""What is assessed, how much it weighs, and from where to where points are given. Pure.

A criterion measures a share (0 to 1) or is marked by hand (0 to 100). Points rise evenly from
`zero` to `full`. The default set follows the notice: visits as often as it says (section 7), nobody
forgotten, calls answered, satisfaction (annex 4), inspection by the county (section 4.3).
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from ledger.reports.spans import parse_span

# More would be a form that nobody fills in.
CRITERIA_MAX: Final = 20
WEIGHTS: Final = 100
NAME_MAX: Final = 40
MARK_MAX: Final = 100

# Measured by the book: what a region or a visitor has of each.
MEASURES: Final[Mapping[str, tuple[str, str]]] = {
    "visits_done": ("探访完成率", "visits made"),
    "nobody_short": ("无超期老人比例", "people without overdue visits"),
    "met": ("见到老人的上门比例", "home visits that met somebody"),
    "with_service": ("有服务内容的探访比例", "visits with a service"),
    "satisfied": ("满意率", "people satisfied"),
    "answered": ("呼叫 180 秒内应答率", "answered within 3 min"),
    "attended": ("45 分钟内到场率", "on site within 45 min"),
}
BY_HAND: Final = "mark"


class CriteriaError(ValueError):
    """A set of criteria that makes no sense; the text says what to mend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """`measure` of `MEASURES`, or `mark`. Of a mark `zero` and `full` are in points of 100."""

    code: str
    zh: str
    en: str
    measure: str
    weight: int
    zero: float
    full: float


def _measured(code: str, weight: int, zero: float, full: float) -> Criterion:
    zh, en = MEASURES[code]
    return Criterion(code=code, zh=zh, en=en, measure=code, weight=weight, zero=zero, full=full)


DEFAULT: Final[tuple[Criterion, ...]] = (
    _measured("visits_done", 40, 0.6, 1.0),
    _measured("nobody_short", 15, 0.6, 1.0),
    _measured("with_service", 5, 0.0, 0.8),
    _measured("satisfied", 15, 0.6, 0.95),
    _measured("answered", 10, 0.8, 0.99),
    _measured("attended", 5, 0.6, 0.9),
    Criterion(
        code="inspection",
        zh="督查评分",
        en="inspection",
        measure=BY_HAND,
        weight=10,
        zero=0.0,
        full=100.0,
    ),
)


def check(criteria: Iterable[Criterion]) -> tuple[Criterion, ...]:
    """The set as it is; CriteriaError when it can't be one."""
    found = tuple(criteria)
    if not 1 <= len(found) <= CRITERIA_MAX:
        raise CriteriaError(f"from 1 to {CRITERIA_MAX} criteria")
    if len({criterion.code for criterion in found}) != len(found):
        raise CriteriaError("each criterion has a code of its own")
    if sum(criterion.weight for criterion in found) != WEIGHTS:
        raise CriteriaError(f"weights add up to {WEIGHTS}")
    for criterion in found:
        _check_one(criterion)
    return found


def _check_one(criterion: Criterion) -> None:
    if criterion.measure != BY_HAND and criterion.measure not in MEASURES:
        raise CriteriaError(f"{criterion.code}: measure is mark or one of {', '.join(MEASURES)}")
    if not 1 <= criterion.weight <= WEIGHTS:
        raise CriteriaError(f"{criterion.code}: weight is from 1 to {WEIGHTS}")
    most = MARK_MAX if criterion.measure == BY_HAND else 1
    if not (0 <= criterion.zero <= most and 0 <= criterion.full <= most):
        raise CriteriaError(f"{criterion.code}: zero and full lie between 0 and {most}")
    if criterion.zero == criterion.full:
        raise CriteriaError(f"{criterion.code}: points rise from zero to full, which differ")
    if not (criterion.zh.strip() and criterion.en.strip()) or len(criterion.zh) > NAME_MAX:
        raise CriteriaError(f"{criterion.code}: a name in both languages, short")


def holding(period: str, sets: Mapping[int, str]) -> int | None:
    """Which of these sets (period by number, a later one has a higher) a month or quarter is
    assessed by: the newest of those that stood when it began. What is changed inside a quarter
    holds from the next one on; of two that begin on one day its own is meant. None: the default."""
    first = parse_span(period).first
    ranked = [
        ((began, key == period, number), number)
        for number, key in sets.items()
        if (began := parse_span(key).first) <= first
    ]
    return max(ranked)[1] if ranked else None


def to_document(criteria: Iterable[Criterion]) -> list[dict[str, Any]]:
    return [asdict(criterion) for criterion in criteria]


def from_document(document: Iterable[Mapping[str, Any]]) -> tuple[Criterion, ...]:
    """As `to_document` made it."""
    return tuple(Criterion(**one) for one in document)
