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
    """One criterion. `value`: the share or mark; None: not judged. `points` of its weight."""

    code: str
    value: float | None
    points: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """`total` of 100, of what was judged; None when that is too little."""

    parts: tuple[Part, ...]
    judged_weight: int
    total: float | None


def measures(
    visits: Mapping[str, Any], figures: Mapping[str, Mapping[str, int]]
) -> dict[str, float]:
    """Of a tally (`people`, `owed`, `done`, `people_short`) and a sheet's document; what there is
    nothing to judge by is left out."""
    contacts, ways = figures.get("contacts", {}), figures.get("way", {})
    grades = figures.get("satisfaction", {})
    at_home, nobody = ways.get("home_visit", 0), contacts.get("nobody_met", 0)
    asked = sum(grades.values())
    content = grades.get("satisfied", 0) + grades.get("fairly_satisfied", 0)
    people = visits.get("people", 0)
    pairs = {
        "visits_done": (visits.get("done", 0), visits.get("owed", 0)),
        "nobody_short": (people - visits.get("people_short", 0), people),
        "met": (at_home - nobody, at_home),
        "with_service": (contacts.get("with_service", 0), at_home - nobody),
        "satisfied": (content, asked),
    }
    return {name: min(1.0, part / whole) for name, (part, whole) in pairs.items() if whole > 0}


def score(
    criteria: Sequence[Criterion], measured: Mapping[str, float], marks: Mapping[str, float]
) -> Score:
    """`marks` by the criterion's code, 0 to 100."""
    parts = tuple(_part(criterion, measured, marks) for criterion in criteria)
    judged = sum(
        criterion.weight
        for criterion, part in zip(criteria, parts, strict=True)
        if part.points is not None
    )
    points = sum(part.points for part in parts if part.points is not None)
    total = round(points * WEIGHTS / judged, 1) if judged >= JUDGED_MIN else None
    return Score(parts=parts, judged_weight=judged, total=total)


def _part(criterion: Criterion, measured: Mapping[str, float], marks: Mapping[str, float]) -> Part:
    by_hand = criterion.measure == BY_HAND
    value = marks.get(criterion.code) if by_hand else measured.get(criterion.measure)
    if value is None:
        return Part(code=criterion.code, value=None, points=None)
    share = (value - criterion.zero) / (criterion.full - criterion.zero)
    points = criterion.weight * min(1.0, max(0.0, share))
    return Part(code=criterion.code, value=round(value, 4), points=round(points, 2))
