"""Who could go: the responsible visitor, who is on duty, the nearest, each with why. Pure.

Nobody's telephone is followed. Where somebody is, is guessed from what the book knows: the home of
a visit that goes on, else the middle of the homes that somebody is responsible for, else the
village whose account it is. Who is at another emergency comes after all who are not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from alarms.arrival import distance_km

Place = tuple[float, float]
Whence = Literal["visit", "homes", "village"]

# A list that a duty officer reads in two seconds.
SUGGESTED_MAX: Final = 8
_UNKNOWN_KM: Final = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An account that may take the task; `place` is where this person probably is."""

    username: str
    name: str
    role: str
    phone: str = ""
    responsible: bool = False
    on_duty: bool = False
    busy: bool = False
    # Those accepted and not ended.
    tasks: int = 0
    place: Place | None = None
    whence: Whence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    candidate: Candidate
    km: float | None
    why: Sequence[dict[str, Any]]


def suggest(home: Place | None, candidates: Iterable[Candidate]) -> list[Suggestion]:
    found = [_suggestion(home, candidate) for candidate in candidates]
    return sorted(found, key=_order)[:SUGGESTED_MAX]


def _suggestion(home: Place | None, candidate: Candidate) -> Suggestion:
    km = None
    if home is not None and candidate.place is not None:
        km = round(distance_km(*home, *candidate.place), 1)
    why: list[dict[str, Any]] = []
    if candidate.responsible:
        why.append({"code": "responsible"})
    if candidate.on_duty:
        why.append({"code": "on_duty"})
    if km is not None:
        why.append({"code": "near", "km": km, "from": candidate.whence})
    if candidate.busy:
        why.append({"code": "busy"})
    return Suggestion(candidate=candidate, km=km, why=why)


def _order(one: Suggestion) -> tuple[object, ...]:
    who = one.candidate
    km = _UNKNOWN_KM if one.km is None else one.km
    at_the_desk = who.role != "visitor"
    # Whoever watches or manages goes where nobody else can, on duty or not: the board would be
    # empty.
    elsewhere = at_the_desk and not who.responsible
    rank = (who.busy, not who.responsible, not who.on_duty, at_the_desk)
    return elsewhere, rank, km, who.username
