"""Regions in the engine: each hears its own homes, and what waits at a gateway has time to come."""

import pytest

from rules.config import default_rules
from rules.engine import Engine
from rules.rule import DEVICE_WORD, DeviceFacts, HomeFacts
from tests.rules.heard_items import item


def villages(homes_each=4):
    """Two regions; the meters of both hang on one gateway."""
    for region in ("a", "b"):
        members = tuple(
            HomeFacts(
                home=f"{region}{n}",
                region=region,
                devices=(DeviceFacts("gw-1", f"meter-{region}{n}", "power"),),
            )
            for n in range(homes_each)
        )
        yield HomeFacts(home=f"region:{region}", members=members), members


def village_engine(kit, *, homes_first=False):
    engine = Engine(default_rules(), lane="readings")
    for region, members in villages():
        for facts in (*members, region) if homes_first else (region, *members):
            engine.add_home(facts, kit.START_MS)
    return engine


def no_answer(kit, home, number):
    name = f"gw-1/meter-{home}"
    return item(kit, DEVICE_WORD, device=name, number=number, attrs={"fault": "no_answer"})


@pytest.mark.parametrize("homes_first", [False, True])
def test_a_region_hears_its_own_homes_alone(kit, homes_first) -> None:
    engine = village_engine(kit, homes_first=homes_first)
    # Three meters of one village, two of the other: one village is dark.
    for number, home in enumerate(("a0", "b0", "a1", "b1", "a2")):
        engine.observe(home, no_answer(kit, home, number), kit.START_MS)
    found = engine.advance(kit.START_MS + kit.MINUTE_MS)
    assert [(f.home, f.kind, f.severity) for f in found] == [
        ("region:a", "village_dark", "technical")
    ]
    assert found[0].evidence["homes_others"] == ["a0", "a1", "a2"]
    engine.observe("b2", no_answer(kit, "b2", 9), kit.START_MS + kit.MINUTE_MS)
    found = engine.advance(kit.START_MS + 2 * kit.MINUTE_MS)
    assert [f.home for f in found] == ["region:b"]


def test_a_region_says_nothing_of_what_its_rules_do_not_hear(kit) -> None:
    """What the hot path sees of regions: nothing, unless a region's rule wants this kind."""
    alone = Engine(default_rules(), lane="readings")
    alone.add_home(HomeFacts(home="a0", region="a"), kit.START_MS)
    engine = village_engine(kit)
    reading = item(kit, "power", values={"power_w": 40.0})
    for one in (alone, engine):
        one.take_dirty()
        one.observe("a0", reading, kit.START_MS)
    assert [row[:2] for row in engine.take_dirty()] == [row[:2] for row in alone.take_dirty()]


def test_a_region_that_went_hears_nothing_and_one_that_came_does(kit) -> None:
    engine = village_engine(kit)
    (region, members), _other = villages()
    engine.observe("a0", no_answer(kit, "a0", 1), kit.START_MS)
    engine.remove_home("region:a")
    for number, home in enumerate(("a0", "a1", "a2"), start=2):
        engine.observe(home, no_answer(kit, home, number), kit.START_MS)
    later_ms = kit.START_MS + kit.MINUTE_MS
    assert [f for f in engine.advance(later_ms) if f.kind == "village_dark"] == []
    engine.add_home(region, later_ms)
    for number, home in enumerate(("a0", "a1", "a2"), start=5):
        engine.observe(home, no_answer(kit, home, number), later_ms)
    assert [f.home for f in engine.advance(later_ms + kit.MINUTE_MS)] == ["region:a"]
    assert members[0].home == "a0"


def test_a_home_that_moved_away_counts_no_more(kit) -> None:
    engine = village_engine(kit)
    (region, members), _other = villages()
    for number, home in enumerate(("a0", "a1", "a2")):
        engine.observe(home, no_answer(kit, home, number), kit.START_MS)
    engine.add_home(HomeFacts(home="region:a", members=members[1:]), kit.START_MS)
    assert [f for f in engine.advance(kit.START_MS + kit.HOUR_MS) if f.home == region.home] == []


@pytest.mark.parametrize("recovers", [False, True])
def test_after_a_restart_what_waits_at_the_gateway_has_time_to_come(kit, recovers) -> None:
    engine = village_engine(kit)
    for number, home in enumerate(("a0", "a1", "a2")):
        engine.observe(home, no_answer(kit, home, number), kit.START_MS)
    states = engine.take_dirty()
    again = village_engine(kit)
    for row in states:
        again.restore(*row)
    assert again.take_problems() == []
    again.resume(kit.START_MS + 1000)
    back = item(
        kit, DEVICE_WORD, device="gw-1/meter-a0", number=9, attrs={"recovered": "no_answer"}
    )
    dark_ms = kit.START_MS + 1000 + 5 * kit.MINUTE_MS
    assert again.advance(dark_ms - 1) == []
    if recovers:
        again.observe("a0", back, dark_ms - 1)
    found = [f.home for f in again.advance(dark_ms) if f.kind == "village_dark"]
    assert found == ([] if recovers else ["region:a"])
