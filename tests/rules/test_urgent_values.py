"""Every urgent value is alarmed: confirmed by its repeats or repeated by nobody, it always ends in
an urgent finding, whatever else comes: other persons, nonsense, duplicates, disorder, restarts.

The limits stand here once more, by hand: the rules' own would agree with any mistake in them.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.config import default_rules
from rules.engine import Engine
from rules.rule import HomeFacts

MINUTE_MS = 60_000
REPEAT_MS = 30 * MINUTE_MS

# Rule: item kind, field, (urgent low values, urgent high values, others, values of nobody).
SIGNS = {
    "oximetry": ("oximetry", "spo2_pct", ([91, 88, 70, 40], [], [92, 95, 98, 100], [0, 20, 127])),
    "temperature": (
        "temperature",
        "temperature_c",
        ([35.0, 33.5, 30.0], [39.1, 40.2, 42.0], [35.1, 36.5, 38.5, 39.0], [0, 60, 98.6]),
    ),
    "glucose": (
        "glucose",
        "glucose_mmol_l",
        ([2.9, 1.5, 0.6], [16.7, 25.0, 33.0], [3.0, 3.5, 5.5, 12.0, 16.6], [0, 90.0, 5000]),
    ),
    "pulse": (
        "heart_rate",
        "pulse_bpm",
        ([40, 35, 25], [131, 160, 220], [41, 50, 70, 112, 130], [0, 15, 300]),
    ),
    "blood_pressure": (
        "blood_pressure",
        "systolic_mmhg",
        ([], [180, 195, 240], [95, 130, 150, 179], [18, 310]),
    ),
}


@st.composite
def stories(draw, rule: str):
    """(arrival, measured, user, value) by arrival; single measurements, at least 15 s apart."""
    low, high, usual, absurd = SIGNS[rule][2]
    at_ms, rows = 0, []
    for _ in range(draw(st.integers(1, 14))):
        at_ms += draw(st.sampled_from([15_000, 45_000, MINUTE_MS, 12 * MINUTE_MS, 47 * MINUTE_MS]))
        side = draw(st.sampled_from([low or high, high or low, usual, absurd]))
        delay_ms = draw(st.sampled_from([0, 0, 0, 20_000, 9 * MINUTE_MS, 110 * MINUTE_MS]))
        user = draw(st.sampled_from(["a", "a", "a", "b"]))
        rows.append((at_ms + delay_ms, at_ms, user, draw(st.sampled_from(side))))
        if draw(st.integers(0, 5)) == 0:
            rows.append((rows[-1][0] + draw(st.sampled_from([0, 5000])), *rows[-1][1:]))
    return sorted(rows, key=lambda row: row[0])


def played(kit, rule, story, chance):
    """The findings as (at, measured, user, severity)."""
    rules = [one for one in default_rules() if one.name == rule]
    kind, field, _ = SIGNS[rule]

    def fresh(now_ms):
        engine = Engine(rules)
        engine.add_home(HomeFacts(home="h"), now_ms)
        return engine

    engine, found, state = fresh(kit.START_MS), [], None
    for number, (arrived_ms, at_ms, user, value) in enumerate(story):
        now_ms = kit.START_MS + arrived_ms
        values = {field: float(value)}
        if rule == "blood_pressure":
            values["diastolic_mmhg"] = 80.0 if value > 100 else 60.0
        seen = kit.Seen(
            id=f"i{number}",
            device="d",
            kind=kind,
            measured_at_ms=kit.START_MS + at_ms,
            received_at_ms=now_ms,
            values=values,
            attrs={"user": user, "mode": "single"},
        )
        found += engine.advance(now_ms)
        found += engine.observe("h", seen, now_ms)
        for row in engine.take_dirty():
            state = row[2]
        if chance.random() < 0.3:
            engine = fresh(now_ms)
            engine.restore("h", rule, state)
            engine.resume(now_ms)
            assert engine.take_problems() == []
    found += engine.advance(kit.START_MS + story[-1][0] + kit.DAY_MS)
    return [
        (f.at_ms - kit.START_MS, f.evidence["measured_at_ms"] - kit.START_MS,
         f.evidence["user"], f.severity)
        for f in found
        if f.phase == "raised"
    ]  # fmt: skip


def side_of(rule, value):
    low, high, _, absurd = SIGNS[rule][2]
    if value in absurd:
        return "absurd"
    return "low" if value in low else "high" if value in high else "usual"


@pytest.mark.parametrize("rule", SIGNS)
def test_an_urgent_value_confirmed_or_not_repeated_is_alarmed(kit, rule) -> None:
    @settings(max_examples=250, deadline=None)
    @given(stories(rule), st.randoms(use_true_random=False))
    def check(story, chance) -> None:
        findings = played(kit, rule, story, chance)
        for arrived_ms, at_ms, user, value in story:
            side = side_of(rule, value)
            if side not in ("low", "high"):
                continue
            repeats = {
                side_of(rule, v)
                for _, t, u, v in story
                if u == user and at_ms < t <= at_ms + REPEAT_MS
            }
            if repeats - {side, "absurd"}:
                continue  # a repeat differed: the mean decides
            alarmed = [
                row
                for row in findings
                if row[3] == "urgent"
                and row[2] == user
                and (
                    abs(row[1] - at_ms) <= REPEAT_MS
                    # A newer one woke everybody before this one would have.
                    or (row[1] > at_ms and row[0] <= arrived_ms + REPEAT_MS)
                )
            ]
            assert alarmed, (at_ms, user, value, findings)

    check()


class _Steady:
    """No restart in between."""

    def random(self) -> float:
        return 1.0


def test_what_came_late_is_told_with_a_newer_one_or_when_that_one_was_none(kit) -> None:
    usual, low = (
        (36 * MINUTE_MS, 36 * MINUTE_MS, "a", 95),
        (83 * MINUTE_MS, 83 * MINUTE_MS, "a", 91),
    )
    late = (110 * MINUTE_MS, MINUTE_MS, "a", 91)
    story = [usual, low, late]
    [told] = played(kit, "oximetry", story, _Steady())
    assert told == (113 * MINUTE_MS, 83 * MINUTE_MS, "a", "urgent")
    at_ms = 112 * MINUTE_MS
    [told] = played(kit, "oximetry", [*story, (at_ms, at_ms, "a", 98)], _Steady())
    assert told == (at_ms, MINUTE_MS, "a", "urgent")


@pytest.mark.parametrize("rule", SIGNS)
def test_nonsense_alone_never_alarms(kit, rule) -> None:
    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.sampled_from(SIGNS[rule][2][3]), min_size=1, max_size=8), st.randoms())
    def check(values, chance) -> None:
        story = [(n * MINUTE_MS, n * MINUTE_MS, "a", value) for n, value in enumerate(values)]
        assert played(kit, rule, story, chance) == []

    check()
