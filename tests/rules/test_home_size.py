"""What a home takes of memory stays within bounds, however long it has been lived in."""

import gc
import random
import tracemalloc

import pytest

from contract.item import Item
from rules.config import default_rules
from rules.engine import Engine
from rules.kinds.load_left_on import LoadLeftOnMonitor, LoadLeftOnParams
from rules.rule import HomeFacts
from rules.waiting import SLOTS_MAX

SLOT_MS = 900_000
PAUSE_SLOTS = 16
HOMES = 20
# A province has a hundred thousand homes. Asleep: the bytes as stored; awake: objects. The rule of
# the silent home has nearly half of it.
ASLEEP_MAX = 13_000
AWAKE_MAX = 18_000
OTHERS_AWAKE_MAX = 12_000


def reading(at_ms, kwh):
    return Item(
        id=str(at_ms),
        seq=1,
        device="meter",
        kind="power",
        measured_at_ms=at_ms,
        received_at_ms=at_ms,
        values={"energy_kwh": kwh},
    )


@pytest.fixture(scope="module")
def lived():
    """States of a home after a month and after three, and the last moment of each."""
    chance = random.Random(5)
    engine, states, kwh = Engine(default_rules(), lane="readings"), {}, 100.0
    engine.add_home(HomeFacts(home="h"), 1_767_225_600_000)
    told = {}
    for number in range(90 * 96):
        at_ms = 1_767_225_600_000 + number * SLOT_MS
        kwh += chance.choice([0.01, 0.02, 0.02, 0.4, 0.9]) / 4
        engine.advance(at_ms)
        engine.observe("h", reading(at_ms, round(kwh, 3)), at_ms)
        if number in (30 * 96, 90 * 96 - 1):
            states.update({rule: state for _home, rule, state in engine.take_dirty()})
            told[number] = (dict(states), at_ms, kwh)
    return list(told.values())


def size(states, at_ms, kwh, *, awake, without=()):
    """Bytes of a home: twenty of them, each with bytes of its own as a store gives them."""
    rules = [rule for rule in default_rules() if rule.name not in without]
    gc.collect()
    tracemalloc.start()
    engine = Engine(rules, lane="readings")
    names = {rule.name for rule in rules}
    for number in range(HOMES):
        engine.add_home(HomeFacts(home=f"home-{number}"), at_ms)
        for rule, state in states.items():
            if rule in names:
                engine.restore(f"home-{number}", rule, bytes(bytearray(state)))
    if awake:
        # After a pause every rule is asked; then as many quarter-hours wait as can.
        for step in range(PAUSE_SLOTS, PAUSE_SLOTS + SLOTS_MAX + 2):
            later_ms, later_kwh = at_ms + step * SLOT_MS, round(kwh + step * 0.01, 3)
            for number in range(HOMES):
                engine.observe(f"home-{number}", reading(later_ms, later_kwh), later_ms)
        for number in range(HOMES):
            assert engine._homes[f"home-{number}"].asleep is None
    engine.take_dirty()
    assert engine.take_problems() == []
    gc.collect()
    taken, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return taken / HOMES


def test_a_sleeping_home_is_little_more_than_its_bytes(lived) -> None:
    for states, at_ms, kwh in lived:
        taken = size(states, at_ms, kwh, awake=False)
        assert taken < ASLEEP_MAX, f"{taken:.0f} bytes"
        stored = sum(len(state) for state in states.values())
        assert taken < stored + 4000, f"{taken:.0f} bytes for {stored} stored"


def test_a_home_that_is_awake_stays_within_bounds(lived) -> None:
    for states, at_ms, kwh in lived:
        assert size(states, at_ms, kwh, awake=True) < AWAKE_MAX
        others = size(states, at_ms, kwh, awake=True, without={"no_sign_of_life"})
        assert others < OTHERS_AWAKE_MAX, f"{others:.0f} bytes"


def test_after_a_month_the_other_rules_grow_no_more(lived) -> None:
    month, quarter = (size(*one, awake=True, without={"no_sign_of_life"}) for one in lived)
    assert quarter < month * 1.1, f"{month:.0f} bytes, later {quarter:.0f}"


@pytest.mark.parametrize("seed", range(20))
def test_the_floor_is_the_lowest_tenth_of_two_days_whatever_came(seed) -> None:
    chance = random.Random(seed)
    monitor = LoadLeftOnMonitor(None, LoadLeftOnParams())
    widest = chance.choice([3, 40, 4000, 90_000])
    kept = []
    for number in range(700):
        # Levels that drift, so that what was lowest leaves and comes back.
        watts = chance.randrange(widest) + (number // 150 % 2) * widest // 2 - (widest > 65_535)
        kept = [*kept, watts][-192:]
        monitor._remember(watts)
        if number == 300:
            monitor = LoadLeftOnMonitor(None, LoadLeftOnParams()).load(monitor.dump())
        wanted = sorted(kept)[int(len(kept) * 0.1)] if len(kept) >= 48 else None
        assert monitor.floor_w == wanted
