"""Appliances: energy is the integral of power to the microjoule, and each shape is its own."""

from itertools import pairwise
from random import Random

import pytest

from device_sims.day import Use, automatic, day_number, day_start_ms
from device_sims.habits import DAY_MS, HOUR_MS, MINUTE_MS, equipped, habits
from device_sims.loads import SHAPES, Course, course
from device_sims.profile import Profile
from device_sims.sun import sun_steps
from device_sims.world import Home

# 2026-01-01T00:00:00Z
T0 = 1_767_225_600_000


def walked_uj(it: Course, from_ms: int, to_ms: int) -> int:
    """The integral, edge by edge."""
    edges = [from_ms, *(ms for ms in it.edges(from_ms, to_ms) if ms > from_ms), to_ms]
    return sum(it.power_mw(a) * (b - a) for a, b in pairwise(edges))


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("variant", range(5))
def test_energy_is_the_integral_of_power(name: str, variant: int) -> None:
    it, r = course(name, 800_000, variant), Random(variant)
    for _ in range(30):
        from_ms = r.randrange(3 * HOUR_MS)
        to_ms = from_ms + r.randrange(1, 2 * HOUR_MS)
        assert it.energy_uj(to_ms) - it.energy_uj(from_ms) == walked_uj(it, from_ms, to_ms)
    assert it.energy_uj(0) == 0
    assert course(name, 800_000, variant).energy_uj(HOUR_MS) == it.energy_uj(HOUR_MS)


@pytest.mark.parametrize(
    ("name", "from_min"),
    [("hob", 5), ("rice_cooker", 60), ("heater", 40), ("washing", 8), ("television", 0)],
)
def test_between_edges_nothing_changes(name: str, from_min: int) -> None:
    it, from_ms = course(name, 900_000, 3), from_min * MINUTE_MS
    to_ms = from_ms + 10 * MINUTE_MS
    edges = set(it.edges(from_ms, to_ms))
    powers = [it.power_mw(ms) for ms in range(from_ms, to_ms)]
    changes = {from_ms + n for n, (a, b) in enumerate(pairwise(powers), start=1) if a != b}
    assert changes
    assert changes <= edges


def seen(name: str, from_min: float, to_min: float, step_ms: int = 500) -> list[int]:
    it = course(name, 1_000_000, 7)
    return [
        it.power_mw(ms) for ms in range(int(from_min * MINUTE_MS), int(to_min * MINUTE_MS), step_ms)
    ]


def test_each_appliance_draws_as_it_does() -> None:
    assert course("refrigerator", 90_000, 1).power_mw(100) == 540_000, "a compressor's inrush"
    assert course("refrigerator", 90_000, 1).power_mw(10 * MINUTE_MS) == 90_000
    assert set(seen("rice_cooker", 0, 20)) == {1_000_000}, "full power until the water is gone"
    warm = seen("rice_cooker", 40, 200)
    assert 30_000 < sum(warm) / len(warm) < 120_000, "then warm in pulses, for hours"
    assert len(set(warm)) == 2
    boiling = seen("hob", 10, 30)
    assert sum(a != b for a, b in pairwise(boiling)) > 100, "hob pulses"
    room = seen("heater", 40, 120)
    assert set(room) == {1_000_000, 1000}, "a thermostat"
    drum = seen("washing", 5, 12)
    assert {1_000_000, 940_000, 4000} <= set(drum), "to and fro"
    assert max(seen("hot_washing", 0, 5)) > 1_800_000
    assert len(set(seen("television", 0, 60))) == 7


@pytest.mark.parametrize("seed", range(1, 13))
def test_a_thermostat_goes_on_over_midnight_and_never_doubles(seed: int) -> None:
    person, first = habits(seed), day_number(T0)
    for load in person.thermostats:
        runs = [
            u for d in range(first, first + 8) for u in automatic(person, d) if u.name == load.name
        ]
        for run, after in pairwise(runs):
            assert run.start_ms < run.end_ms
            assert run.start_ms < after.start_ms
            apart_ms = after.start_ms - run.start_ms
            defrosted = load.name == "refrigerator" and len(person.thermostats) > 1
            if not defrosted:
                assert run.end_ms <= after.start_ms
                assert 0.75 * load.period_ms < apart_ms < 1.25 * load.period_ms, (
                    "no break at midnight"
                )


def test_while_the_frost_melts_the_compressor_rests() -> None:
    seed = next(s for s in range(1, 90) if any(t.name == "defrost" for t in habits(s).thermostats))
    first = day_number(T0)
    uses = [u for d in range(first, first + 20) for u in automatic(habits(seed), d)]
    frost = [u for u in uses if u.name == "defrost"]
    assert 14 <= len(frost) <= 45, "once or twice a day"
    for melting in frost:
        overlapping = [
            u
            for u in uses
            if u.name == "refrigerator"
            and u.start_ms < melting.end_ms
            and melting.start_ms < u.end_ms
        ]
        assert not overlapping


def test_a_refrigerator_works_harder_in_july() -> None:
    seed = next(s for s in range(1, 50) if habits(s).thermostats)
    person = habits(seed)

    def running_ms(day: int) -> int:
        days = range(day, day + 10)
        uses = [u for d in days for u in automatic(person, d) if u.name == "refrigerator"]
        return sum(u.end_ms - u.start_ms for u in uses)

    assert running_ms(day_number(T0) + 190) > 1.25 * running_ms(day_number(T0) + 10)


def test_a_tank_is_heated_at_night_when_nobody_is_there() -> None:
    person = equipped(habits(2), water_heater=True)
    it = Home(home="h", person=person, began_ms=T0, initial_kwh=0.0)
    it.be_quiet(T0, quiet=True)
    starts = [
        u.start_ms
        for d in range(10)
        for u in automatic(person, day_number(T0) + d)
        if u.name == "water_heater"
    ]
    assert 20 < len(starts) < 60
    assert any((ms - day_start_ms(day_number(ms))) < 5 * HOUR_MS for ms in starts)
    assert equipped(person, water_heater=True) == person


def panels(seed: int = 5) -> Home:
    person = equipped(habits(seed), pv=True)
    return Home(home="h", person=person, began_ms=T0, initial_kwh=0.0)


def test_panels_give_what_the_home_does_not_use() -> None:
    """Taken less given is the load less the sun, to the microjoule, however it is asked."""
    it, without = panels(), Home(home="h", person=habits(5), began_ms=T0, initial_kwh=0.0)
    assert it.person.pv_w > 0 == without.person.pv_w
    end_ms = T0 + 5 * DAY_MS
    sun = [s for d in range(7) for s in sun_steps(5, it.person.pv_w, day_number(T0) + d)]
    made_uj = sum(mw * max(0, min(b, end_ms) - max(a, T0)) for (a, mw), (b, _) in pairwise(sun))
    assert made_uj > 0
    net_uj = it.taken_uj(end_ms) - it.given_uj(end_ms)
    assert net_uj == without.taken_uj(end_ms) - made_uj
    assert it.given_uj(end_ms) > 0
    registers = [(it.taken_uj(t), it.given_uj(t)) for t in range(T0, end_ms, 7 * MINUTE_MS)]
    for column in zip(*registers, strict=True):
        assert list(column) == sorted(column)
    powers = [it.power_w(t) for t in range(T0, end_ms, 7 * MINUTE_MS)]
    assert min(powers) < 0 < max(powers)


def test_an_inverter_stops_with_the_grid() -> None:
    it = panels()
    noon_ms = T0 + 5 * HOUR_MS
    it.go_dark(noon_ms, dark=True)
    given_uj = it.given_uj(noon_ms)
    assert it.given_uj(noon_ms + 3 * HOUR_MS) == given_uj
    assert it.power_w(noon_ms + HOUR_MS) == 0.0


def test_two_courses_and_the_sun_are_told_apart_to_the_piece() -> None:
    """A hob's pulses above the sun are taken, the pauses are given: no mean of both."""
    uses = [Use(start_ms=0, end_ms=HOUR_MS, watts=1000.0, name="cooker", shape="hob", variant=1)]
    sun = [(0, 400_000), (HOUR_MS, 0)]
    it = Profile(0, 2 * HOUR_MS, 0.0, uses, sun=sun)
    hob = course("hob", 1_000_000, 1)
    edges = [*hob.edges(0, HOUR_MS), HOUR_MS]
    net = [(hob.power_mw(a) - 400_000) * (b - a) for a, b in pairwise(edges)]
    assert it.taken_uj(HOUR_MS) == sum(n for n in net if n > 0)
    assert it.given_uj(HOUR_MS) == -sum(n for n in net if n < 0) > 0


def test_motors_bend_the_power_factor() -> None:
    it = Home(home="h", person=habits(1), began_ms=T0, initial_kwh=0.0)
    factors = {round(it.power_factor(t), 2) for t in range(T0, T0 + DAY_MS, 5 * MINUTE_MS)}
    assert min(factors) < 0.9
    assert max(factors) > 0.98
    assert all(0.5 < f <= 1.0 for f in factors)
