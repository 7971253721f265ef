"""Stays, as the rules that learn take them: such days are not this person's usual days."""

import pytest

from rules.config import default_rules
from rules.engine import Engine
from rules.rule import HomeFacts
from rules.staying import STAY

LEARNERS = {
    "night_activity": "nights_learned",
    "not_up_yet": "days_learned",
    "profile_change": "days_learned",
}


def learned(kit, stays) -> dict[str, int]:
    """What is known after twelve days; `stays`: (day, kind, active)."""
    engine = Engine(default_rules(), lane="readings")
    engine.add_home(HomeFacts(home="h"), kit.START_MS)
    told = [(kit.START_MS + round(day * kit.DAY_MS), kind, on) for day, kind, on in stays]
    for number, (at_ms, kwh) in enumerate(kit.electricity(3, 12)):
        while told and told[0][0] <= at_ms:
            _at_ms, kind, on = told.pop(0)
            observe(kit, engine, at_ms, STAY, number, values={"active": on}, attrs={"stay": kind})
        if number % 96 == 4:  # nine in the morning there
            observe(kit, engine, at_ms, "motion", number, values={"active": 1})
        observe(kit, engine, at_ms, "power", number, values={"energy_kwh": kwh})
    views = {view.rule: view.explanation for view in engine.view("h", at_ms)}
    return {rule: views[rule].get(name, 0) for rule, name in LEARNERS.items()}


def observe(kit, engine, at_ms, kind, number, **more) -> None:
    engine.advance(at_ms)
    seen = kit.Seen(
        id=f"{kind}-{number}",
        device="meter",
        kind=kind,
        measured_at_ms=at_ms,
        received_at_ms=at_ms,
        **more,
    )
    engine.observe("h", seen, at_ms)


@pytest.mark.parametrize("kind", ["away", "hospital", "visitors"])
def test_days_of_a_stay_are_not_learned(kit, kind) -> None:
    usual, never = learned(kit, []), learned(kit, [(0, kind, 1)])
    assert all(count >= 6 for count in usual.values())
    assert set(never.values()) == {0}
    # Four days; those of leaving and coming back are usual ones as far as they were lived.
    some = learned(kit, [(4.4, kind, 1), (8.4, kind, 0)])
    assert {rule: usual[rule] - count for rule, count in some.items()} == {
        "night_activity": 4,
        "not_up_yet": 4,
        "profile_change": 5,
    }


def test_a_word_that_means_nothing_stops_nobody_from_learning(kit) -> None:
    assert learned(kit, [(0, "holiday", 1), (1, "away", 0)]) == learned(kit, [])
