"""Most readings are a meter's register and nothing else: they go past the rules that they tell
nothing, and nothing is different for it."""

import random
from dataclasses import replace

import pytest

from rules.config import default_rules
from rules.engine import Engine
from rules.plain import PlainKind
from rules.rule import UNCHANGED, HomeFacts, hears_no_register

RULES = list(default_rules())
DEAF = [rule for rule in RULES if hears_no_register(rule.kind)]


def asked(rule):
    kind = rule.kind
    if not hears_no_register(kind):
        return rule
    assert isinstance(kind, PlainKind)
    return replace(rule, kind=replace(kind, hears_no_register=False))


def power(kit, at_ms, values):
    return kit.Seen(
        id=f"m-{at_ms}",
        device="meter",
        kind="power",
        measured_at_ms=at_ms,
        received_at_ms=at_ms,
        values=values,
    )


def test_there_are_such_rules() -> None:
    assert [rule.name for rule in DEAF] == ["overload"]


@pytest.mark.parametrize("seed", range(3))
def test_the_same_is_found_and_kept_as_if_they_were_asked(kit, seed) -> None:
    chance, kwh = random.Random(seed), 100.0
    engines = [Engine(rules, lane="readings") for rules in (RULES, [*map(asked, RULES)])]
    for engine in engines:
        engine.add_home(HomeFacts(home="h"), kit.START_MS)
    found = []
    for minute in range(3000):
        at_ms = kit.START_MS + minute * kit.MINUTE_MS
        # Half an hour of an overload now and then.
        watts = 7000.0 if minute % 500 > 460 else chance.choice([60.0, 900.0])
        kwh += watts / 60_000
        values = {"energy_kwh": round(kwh, 3)}
        if chance.random() < 0.3:
            values["power_w"] = watts
        if chance.random() < 0.05:
            values = {"power_w": watts}
        here, there = (
            [*map(repr, e.observe("h", power(kit, at_ms, values), at_ms))] for e in engines
        )
        assert here == there
        found += here
        if minute % 100 == 0:
            here_rows, there_rows = (sorted(engine.take_dirty()) for engine in engines)
            assert here_rows == there_rows
    assert any("rule='overload'" in told for told in found)


@pytest.mark.parametrize("rule", DEAF, ids=lambda rule: rule.name)
def test_each_would_have_said_that_nothing_is_changed(kit, rule) -> None:
    engine = Engine([rule])
    engine.add_home(HomeFacts(home="h"), kit.START_MS)
    engine.observe("h", power(kit, kit.START_MS, {"power_w": 7000.0}), kit.START_MS)
    monitor = engine._homes["h"].cells[rule.name].monitor
    later_ms = kit.START_MS + kit.MINUTE_MS
    before = monitor.dump()
    assert monitor.observe(power(kit, later_ms, {"energy_kwh": 1.0}), later_ms) is UNCHANGED
    assert monitor.dump() == before


def test_a_region_that_comes_and_goes_hears_registers_while_it_is_there(kit) -> None:
    [of_region] = [
        replace(rule, kind=replace(rule.kind, subject="region"))
        for rule in RULES
        if isinstance(rule.kind, PlainKind) and "power" in rule.kind.hears and rule not in DEAF
    ]
    engine = Engine([of_region], lane="readings")
    engine.add_home(HomeFacts(home="h", region="a"), kit.START_MS)
    heard = []
    for minute in range(6):
        at_ms = kit.START_MS + minute * kit.MINUTE_MS
        if minute == 2:
            engine.add_home(HomeFacts(home="region:a"), at_ms)
        if minute == 4:
            engine.remove_home("region:a")
        engine.observe("h", power(kit, at_ms, {"energy_kwh": 100.0 + minute}), at_ms)
        heard.append([home for home, _rule, _state in engine.take_dirty()])
    assert heard == [[], [], ["region:a"], ["region:a"], [], []]
