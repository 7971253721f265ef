"""Alarms against what is known of a house: found in time, how late, false."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import numpy as np

from bench.absence.finding_out import BACK_MIN, Answer, County, is_away, minute_of
from bench.absence.going import FIRST_DAY
from bench.absence.houses import DAY, House, Span
from bench.absence.meters import BEGIN_MS, MAIN, PANELS, Seen, Tape, observations
from rules.config import default_rules
from rules.engine import Engine
from rules.rule import DeviceFacts, HomeFacts

RULE: Final = "no_sign_of_life"
# It, and what makes quarter-hours and hours for it.
_RULES: Final = frozenset({RULE, "mains", "movements"})
# An absence has to be found while it lasts, and within this.
IN_TIME_H: Final = 26
# An alarm so soon after a gap or blackout counts as raised because of it.
AFTER_BLIND_MIN: Final = 60
# A false alarm that goes on for so long is hardly one: in `crest`, whose people are known, none of
# fifty did, and real homes were empty at times that nobody knows.
LASTING_H: Final = 16
# So many false alarms a year are borne in the worst home.
BORNE_PER_YEAR: Final = 3
_NOTHING_NAMED: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType({})


_SUMS: Final = (
    "absences", "found", "alarms_false", "alarms_unplanned", "unplanned", "unplanned_found",
    "lasting", "in_blind", "homes", "above", "days", "delays_h",
)  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Score:
    """Sums over homes. Absences shorter than `IN_TIME_H` are never missed, and never false.
    above: homes with more false alarms a year than are borne. unplanned: stretches of `IN_TIME_H`
    and more in which nobody was about though the calendar had nobody travel, and
    alarms_unplanned: those raised in such stretches of a day and more. They stand beside absences
    and false alarms, and count as neither."""

    absences: int = 0
    found: int = 0
    alarms_false: int = 0
    alarms_unplanned: int = 0
    unplanned: int = 0
    unplanned_found: int = 0
    lasting: int = 0
    in_blind: int = 0
    homes: int = 0
    above: int = 0
    days: float = 0.0
    worst_per_year: float = 0.0
    delays_h: list[float] = field(default_factory=list)

    def add(self, other: "Score") -> None:
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.worst_per_year = max(self.worst_per_year, other.worst_per_year)

    @property
    def false_per_year(self) -> float:
        return self.alarms_false / max(self.days, 1.0) * 365.25

    @property
    def unplanned_per_year(self) -> float:
        return self.alarms_unplanned / max(self.days, 1.0) * 365.25

    @property
    def lasting_per_year(self) -> float:
        return self.lasting / max(self.days, 1.0) * 365.25

    @property
    def delay_h(self) -> float:
        return float(np.median(self.delays_h)) if self.delays_h else float("nan")


def rule_alarms(tape: Tape, house: House, county: County | None = None) -> list[Span]:
    """From when to when the product's own rule calls, through the engine that runs in the hub."""
    named = {"mains": {"meter": MAIN, "panels_meter": PANELS}} if tape.meter.panels else {}
    return alarms_of(house, observations(tape), (), county, named)


def alarms_of(
    house: House,
    rows: Iterable[Seen],
    devices: tuple[DeviceFacts, ...],
    county: County | None = None,
    named: Mapping[str, Mapping[str, str]] = _NOTHING_NAMED,
) -> list[Span]:
    """Of whatever is seen in it, in the order of arrival; county: who says how it was; named:
    parameters of the home's own."""
    rules = [rule for rule in default_rules() if rule.name in _RULES]
    engine = Engine(rules)
    engine.add_home(HomeFacts(home=house.name, devices=devices, overrides=named), BEGIN_MS)
    found: list[Span] = []
    answers: list[Answer] = []

    def see(seen: Seen) -> None:
        for finding in engine.observe(house.name, seen, seen.received_at_ms):
            minute = minute_of(finding.at_ms)
            if finding.phase == "raised":
                found.append(Span(start=minute, end=len(house.watts)))
                answer = county and county.answer(minute, finding.raised_at_ms)
                answers.extend([answer] if answer else [])
            else:
                found[-1] = Span(start=found[-1].start, end=minute)

    for seen in rows:
        # In their order: an alarm is closed long before the next one is raised.
        while answers and answers[0].minute <= minute_of(seen.received_at_ms):
            see(answers.pop(0).seen)
        see(seen)
    return found


def judge(alarms: Sequence[Span], house: House, tape: Tape) -> Score:
    days = len(house.watts) / DAY
    score = Score(homes=1, days=days)
    for span in house.absences:
        first = _first(alarms, span)
        if first is not None:
            score.delays_h.append((first - span.start) / 60)
        if _asked(span, tape):
            score.absences += 1
            score.found += _in_time(first, span)
    for span in house.nobody_about:
        if _asked(span, tape) and span.start >= FIRST_DAY * DAY and not _travels(house, span):
            score.unplanned += 1
            score.unplanned_found += _in_time(_first(alarms, span), span)
    for alarm in alarms:
        at = alarm.start
        if not is_away(house, at):
            score.alarms_false += 1
            score.lasting += alarm.end - at >= LASTING_H * 60
        elif not any(span.start <= at <= span.end + BACK_MIN for span in house.absences):
            score.alarms_unplanned += 1
        score.in_blind += any(b.start <= at <= b.end + AFTER_BLIND_MIN for b in tape.blind)
    score.worst_per_year = score.alarms_false / days * 365.25
    # Three in 365 days are no more than three a year.
    score.above = int(round(score.worst_per_year) > BORNE_PER_YEAR)
    return score


def _first(alarms: Sequence[Span], span: Span) -> int | None:
    times = (alarm.start for alarm in alarms)
    return next((at for at in times if span.start <= at <= span.end + BACK_MIN), None)


def _in_time(first: int | None, span: Span) -> bool:
    return first is not None and first - span.start <= IN_TIME_H * 60


def _asked(span: Span, tape: Tape) -> bool:
    """Whether it lasts for long enough, and could be seen."""
    return not _blind_min(tape.blind, span) and span.end - span.start >= IN_TIME_H * 60


def _travels(house: House, span: Span) -> bool:
    """Whether some of it belongs to an absence of the calendar."""
    return any(each.start <= span.end and span.start <= each.end for each in house.absences)


def _blind_min(blind: Sequence[Span], span: Span) -> int:
    """Minutes of the first day of an absence in which nothing could be seen: it can't be found
    in time then, and isn't asked for."""
    end = min(span.end, span.start + IN_TIME_H * 60)
    return sum(max(0, min(b.end, end) - max(b.start, span.start)) for b in blind)
