"""Once a home's tank is known the last week is told again without it, so that it is judged on."""

import pytest

from rules.lived_days import SLOTS_PER_DAY
from rules.living import Living
from rules.quarter_hours import WEEK_SLOTS
from rules.quiet_limit import DAYS_MIN
from tests.rules.silent_home import House, hours_after

SEEDS = [1, 2, 3, 4]


def known(kit, seed, *, restarts=False) -> tuple[House, float]:
    """A home at the moment at which its tank is known, and the day."""
    house = House(kit)
    for number, row in enumerate(kit.electricity(seed, 20, tank=True)):
        house.power([row])
        if restarts and number % 96 == 50:
            house.restart()
        if number % 4 == 0 and house.monitor()._hours.tank.on:
            return house, number / SLOTS_PER_DAY
    raise AssertionError("no tank")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_home_is_judged_on_when_its_tank_is_known(kit, seed) -> None:
    house, day = known(kit, seed)
    living = house.monitor()._living
    assert day < 16
    assert living.quiet.days >= DAYS_MIN
    assert house.state().state == "well"
    # Without its tank it is far from an empty one; with it it was near.
    assert living.quiet.limit > 1.3
    assert living.activity > 5 * living.quiet.limit


def test_whether_it_was_restarted_is_no_matter(kit) -> None:
    straight, again = known(kit, 1), known(kit, 1, restarts=True)
    assert straight[1] == again[1]
    assert straight[0].monitor().dump() == again[0].monitor().dump()


@pytest.mark.parametrize("seed", SEEDS)
def test_an_absence_in_the_days_in_which_its_tank_is_known_is_found(kit, seed) -> None:
    _house, day = known(kit, seed)
    left = day + 0.5
    house = House(kit).power(kit.electricity(seed, left + 2, away=[(left, left + 2)], tank=True))
    (after_h,) = hours_after(kit, house, left)
    assert after_h <= 27


def test_of_a_home_without_a_tank_no_week_is_kept(kit) -> None:
    house = House(kit).power(kit.electricity(1, 16))
    living = house.monitor()._living
    assert living.behind == 0
    assert len(living._window) < 2 * SLOTS_PER_DAY


@pytest.mark.parametrize("unlike", [{"learn": False}, {"learn": True, "usual": False}])
def test_a_silence_and_a_stay_are_not_told_again(unlike) -> None:
    living = Living(24)
    living.behind = WEEK_SLOTS
    for number in range(WEEK_SLOTS):
        living.push(number, 100.0, 0.0, learn=True)
    assert len(living.since_back()) == WEEK_SLOTS
    living.push(WEEK_SLOTS, 100.0, 0.0, **unlike)
    assert len(living.since_back()) < 2 * SLOTS_PER_DAY


def test_what_was_before_a_gap_is_not_told_again() -> None:
    living = Living(24)
    living.behind = WEEK_SLOTS
    for number in (*range(200), *range(210, 300)):
        living.push(number, 100.0, 0.0, learn=True)
    assert [slot.number for slot in living.since_back()] == [*range(210, 300)]


@pytest.mark.parametrize("gap_h", [2, 5])
def test_what_is_held_as_a_gap_begins_wakes_nobody_as_it_ends(kit, gap_h) -> None:
    left = 18.3
    rows = kit.electricity(1, left + 2.5, away=[(left, left + 2.5)], tank=True)
    (found_ms,) = House(kit).power(rows).raised_at()
    for slots in range(-4, 3):
        begins_ms = found_ms + slots * 900_000
        ends_ms = begins_ms + gap_h * kit.HOUR_MS
        seen = [row for row in rows if not begins_ms < row[0] < ends_ms]
        (again_ms,) = House(kit).power(seen).raised_at()
        assert again_ms == found_ms if slots >= 0 else again_ms >= ends_ms + kit.HOUR_MS
