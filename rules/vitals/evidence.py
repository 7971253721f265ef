"""What a finding about a vital sign shows, and what a screen is told of it."""

from collections.abc import Mapping, Sequence
from typing import Final

from rules.finding import EvidenceValue
from rules.rule import Observation, Opinion
from rules.vitals.days import day_of
from rules.vitals.measures import Measurement, mean_of
from rules.vitals.person import Pending, Person
from rules.vitals.reasons import SignReason
from rules.vitals.sign import Limits, Sign

# Measurements shown with a finding, enough to draw the sitting and the days before it.
_READINGS_SHOWN: Final = 12
_WEEK_DAYS: Final = 7
# What devices say of a measurement's own quality.
_QUALITY: Final = ("irregular_pulse", "body_movement", "cuff_fit", "quality", "mode")


def of_sitting(
    sign: Sign, sitting: Sequence[Measurement], limits: Limits
) -> dict[str, EvidenceValue]:
    """The newest measurement and, when it was repeated, the mean that counts."""
    newest = sitting[-1].values
    shown: dict[str, EvidenceValue] = {
        name: round(value, 1)
        for name, value in zip(sign.fields, newest, strict=True)
        if value or name in sign.fields[: sign.judged]
    }
    shown["count"] = len(sitting)
    if len(sitting) > 1:
        mean = mean_of(sitting)
        for name, value in zip(sign.fields[: sign.judged], mean, strict=False):
            shown[f"mean_{name}"] = round(value, 1)
        first = [m.values[0] for m in sitting]
        if len(sitting) == 2 and max(first) - min(first) > limits.third_spread:
            shown["third_advised"] = True
    return shown


def of_quality(observation: Observation) -> dict[str, EvidenceValue]:
    return {n: observation.attrs[n] for n in _QUALITY if n in observation.attrs}


def of_history(
    sign: Sign, person: Person, week: Sequence[float] | None
) -> dict[str, EvidenceValue]:
    """The mean of the week and the measurements to draw."""
    shown: dict[str, EvidenceValue] = {}
    if week is not None:
        for name, value in zip(sign.fields[: sign.judged], week, strict=False):
            shown[f"week_{name}"] = round(value, 1)
    shown["fields"] = list(sign.fields)
    shown["readings"] = [
        [m.began_ms, *(round(v, 2) for v in m.values)]
        for m in person.history.measurements[-_READINGS_SHOWN:]
    ]
    return shown


def week_of_days(person: Person, at_ms: int) -> list[float] | None:
    """The mean of the days of the week up to now, when there are several."""
    today = day_of(at_ms)
    means = [mean for _, mean in person.days.means(today - _WEEK_DAYS + 1, today)]
    return [sum(means) / len(means)] if len(means) > 1 else None


def opinion(sign: Sign, persons: Mapping[str, Person], marked: tuple[int, str] | None) -> Opinion:
    """The rule's present view of a home: the worst of its persons."""
    more: dict[str, EvidenceValue] = {}
    if marked is not None:
        more = {"implausible_at_ms": marked[0], "implausible": marked[1]}
    newest: Measurement | None = None
    worst: tuple[int, int, str] | None = None
    waiting: Pending | None = None
    for person in persons.values():
        waiting = person.pending[0] if person.pending else waiting
        last = person.history.measurements[-1:]
        if last and (newest is None or last[0].began_ms > newest.began_ms):
            newest = last[0]
        for trouble, (level, since_ms) in person.troubles.items():
            worst = max(worst or (0, 0, ""), (level, since_ms, trouble))
    if newest is not None:
        more["measured_at_ms"] = newest.last_ms
        for name, value in zip(sign.fields, newest.values, strict=True):
            more[name] = round(value, 1) if value else None
    if worst is not None:
        return Opinion(state=worst[2], since_ms=worst[1], explanation={"reason": worst[2], **more})
    if waiting is not None:
        return Opinion(
            state="awaiting_repeat",
            since_ms=waiting.began_ms,
            explanation={
                "reason": SignReason.AWAITING_REPEAT,
                "until_ms": waiting.due_ms,
                **more,
            },
        )
    if newest is None:
        reason = SignReason.NO_MEASUREMENT
        return Opinion(state="unknown", since_ms=None, explanation={"reason": reason, **more})
    return Opinion(
        state="usual", since_ms=newest.last_ms, explanation={"reason": SignReason.USUAL, **more}
    )
