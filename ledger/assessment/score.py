"""From figures to points. Pure.

What can't be judged (no call in the quarter, nobody asked how satisfied she is, no mark yet) is
left out and its weight shared among the rest: nobody loses points for what did not happen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ledger.assessment.criteria import BY_HAND, WEIGHTS, Criterion

# A third of the weight at least must be judged, or the total says nothing.
JUDGED_MIN: Final = WEIGHTS / 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One criterion. `value`: the share or mark; None: not judged. `points` of its weight; `met` of
    `of` is what a share was counted from."""

    code: str
    value: float | None
    points: float | None
    met: int | None = None
    of: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """`total` of 100, of what was judged; None when that is too little."""

    parts: tuple[Part, ...]
    judged_weight: int
    total: float | None


Pair = tuple[int, int]


def measures(
    visits: Mapping[str, Any], figures: Mapping[str, Mapping[str, int]]
) -> dict[str, Pair]:
    """What was met of what was to be met, of a tally (`people`, `owed`, `done`, `people_short`) and
    a sheet's document; what there is nothing to judge by is left out."""
    contacts, ways = figures.get("contacts", {}), figures.get("way", {})
    grades = figures.get("satisfaction", {})
    at_home, met = ways.get("home_visit", 0), contacts.get("met_at_home", 0)
    asked = sum(grades.values())
    content = grades.get("satisfied", 0) + grades.get("fairly_satisfied", 0)
    people = visits.get("people", 0)
    pairs = {
        # What is not due yet is no miss.
        "visits_done": (visits.get("done", 0), visits.get("owed", 0) - visits.get("due", 0)),
        "nobody_short": (people - visits.get("people_short", 0), people),
        "met": (met, at_home),
        "with_service": (contacts.get("with_service", 0), met),
        "satisfied": (content, asked),
    }
    return {name: (min(part, whole), whole) for name, (part, whole) in pairs.items() if whole > 0}


def score(
    criteria: Sequence[Criterion], measured: Mapping[str, Pair], marks: Mapping[str, float]
) -> Score:
    """`measured` by the measure, each of something; `marks` by the criterion's code, 0 to 100."""
    parts = tuple(_part(criterion, measured, marks) for criterion in criteria)
    judged = sum(
        criterion.weight
        for criterion, part in zip(criteria, parts, strict=True)
        if part.points is not None
    )
    points = sum(part.points for part in parts if part.points is not None)
    total = round(points * WEIGHTS / judged, 1) if judged >= JUDGED_MIN else None
    return Score(parts=parts, judged_weight=judged, total=total)


def _part(criterion: Criterion, measured: Mapping[str, Pair], marks: Mapping[str, float]) -> Part:
    by_hand = criterion.measure == BY_HAND
    pair = None if by_hand else measured.get(criterion.measure)
    value = marks.get(criterion.code) if pair is None else pair[0] / pair[1]
    if value is None or (pair is None and not by_hand):
        return Part(code=criterion.code, value=None, points=None)
    share = (value - criterion.zero) / (criterion.full - criterion.zero)
    points = criterion.weight * min(1.0, max(0.0, share))
    met, whole = pair or (None, None)
    return Part(
        code=criterion.code, value=round(value, 4), points=round(points, 2), met=met, of=whole
    )
