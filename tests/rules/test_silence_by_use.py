"""A home with a meter at its panels is found silent as one without panels, and never for a part
that is lost."""

import math
import random

import pytest

from rules.config import rules_from_toml
from tests.rules.silent_home import House, hours_after

NAMED = rules_from_toml(
    "[[rule]]\nname = 'mains'\nmeter = 'meter'\npanels_meter = 'panels'\n"
    "[[rule]]\nname = 'no_sign_of_life'\n"
)
SLOT_MS = 900_000
LATE_MS = 4_000
DAYS, LEFT = 17.0, 14.3


def three(kit, rows, seed=3):
    """(moment, taken, given, made) of a home that uses `rows`, under a sky that changes."""
    chance, sky = random.Random(seed), 1.0
    taken, given, made, told = 500.0, 80.0, 300.0, []
    before_kwh = rows[0][1]
    for at_ms, kwh in rows:
        slot = (at_ms - kit.START_MS) // SLOT_MS % 96
        if not slot % 5:
            sky = chance.uniform(0.1, 1.0)
        sun = 0.75 * sky * max(0.0, math.sin(math.pi * (slot - 32) / 36)) if 32 <= slot < 68 else 0
        net, before_kwh = kwh - before_kwh - sun, kwh
        taken, given, made = taken + max(0.0, net), given + max(0.0, -net), made + sun
        told.append((at_ms, round(taken, 3), round(given, 3), round(made, 3)))
    return told


def live(house, told, *, lost=lambda _at_ms, _part: False, restarts=0):
    for number, (at_ms, taken, given, made) in enumerate(told):
        if not lost(at_ms, "main"):
            attrs = {} if lost(at_ms, "given") else {"reverse_energy_kwh": given}
            house.see("power", at_ms, {"energy_kwh": taken}, attrs=attrs)
        if restarts and not number % restarts:
            house.restart()
        if not lost(at_ms, "panels"):
            house.see("power", at_ms + LATE_MS, {"energy_kwh": made}, device="panels")
        if restarts and not number % restarts:
            house.restart()
    return house


@pytest.mark.parametrize("seed", [1, 2, 3, 5])
def test_an_absence_is_found_as_in_a_home_without_panels(kit, seed) -> None:
    rows = kit.electricity(seed, DAYS, away=[(LEFT, DAYS)])
    house = live(House(kit, NAMED), three(kit, rows, seed))
    (hours,) = hours_after(kit, house, LEFT)
    (straight,) = hours_after(kit, House(kit).power(rows), LEFT)
    assert hours == pytest.approx(straight, abs=0.6)
    assert not house.monitor()._hours.sunlit.hours
    # Not the panels', whose reading completes them.
    assert house.engine._homes["h"].waiting.device == "meter"


def test_what_was_learned_of_what_is_taken_is_forgotten(kit) -> None:
    told = three(kit, kit.electricity(1, DAYS))
    house = House(kit, NAMED)
    live(house, told[: 12 * 96], lost=lambda _at_ms, of: of == "given")
    assert house.state().explanation["days_learned"] > 3
    live(house, told[12 * 96 : 13 * 96])
    assert house.state().state == "learning"
    assert house.state().explanation["days_learned"] <= 1


def test_restarts_between_the_two_meters_change_nothing(kit) -> None:
    rows = kit.electricity(2, DAYS, away=[(LEFT, DAYS)])
    straight, cut = House(kit, NAMED), House(kit, NAMED)
    told = three(kit, rows)
    assert live(straight, told).raised_at() == live(cut, told, restarts=7).raised_at() != []


@pytest.mark.parametrize("part", ["given", "panels"])
@pytest.mark.parametrize("hours", [5, 40, 90])
def test_a_lost_part_is_no_silence(kit, part, hours) -> None:
    rows = kit.electricity(1, DAYS + 2)
    from_ms = kit.START_MS + 12 * kit.DAY_MS + 3 * kit.HOUR_MS
    until_ms = from_ms + hours * kit.HOUR_MS
    house = live(
        House(kit, NAMED),
        three(kit, rows),
        lost=lambda at_ms, of: of == part and from_ms <= at_ms < until_ms,
    )
    assert house.found == []
    assert house.state().state == "well"


def test_a_home_of_which_a_part_is_lost_is_told(kit) -> None:
    told = three(kit, kit.electricity(1, 12.6))
    from_ms = kit.START_MS + 12 * kit.DAY_MS + 9 * kit.HOUR_MS
    house = live(
        House(kit, NAMED), told, lost=lambda at_ms, of: of == "panels" and at_ms >= from_ms
    )
    assert house.state(from_ms).state == "well"
    state = house.state()
    assert (state.state, state.explanation["reason"]) == ("cannot_judge", "meter_quiet")


def test_nor_is_a_dead_meter_at_the_panels(kit) -> None:
    rows = kit.electricity(1, DAYS + 2)
    dead_ms = kit.START_MS + 12 * kit.DAY_MS + 3 * kit.HOUR_MS
    told = three(kit, rows)
    stood = max(made for at_ms, _taken, _given, made in told if at_ms < dead_ms)
    told = [(at, taken, given, min(made, stood)) for at, taken, given, made in told]
    assert live(House(kit, NAMED), told).found == []


def test_who_is_away_is_found_behind_a_gap(kit) -> None:
    rows = kit.electricity(1, DAYS, away=[(LEFT, DAYS)])
    from_ms = kit.START_MS + int(LEFT * kit.DAY_MS) + 6 * kit.HOUR_MS
    house = live(
        House(kit, NAMED),
        three(kit, rows),
        lost=lambda at_ms, of: of == "panels" and 0 <= at_ms - from_ms < 3 * kit.HOUR_MS,
    )
    (hours,) = hours_after(kit, house, LEFT)
    assert 20 < hours < 34
