"""A home with a meter at its panels is found silent as one without panels, and never for a part
that is lost."""

import pytest

from tests.rules.silent_home import House, hours_after
from tests.rules.sunny_home import NAMED, live, three

DAYS, LEFT = 17.0, 14.3


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
