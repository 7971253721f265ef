"""What a home's days say of what it does alone, and how a window is compared with it."""

import random

import pytest

from rules.lived_days import (
    HOURS,
    SLOTS_PER_DAY,
    UNSEEN,
    Alone,
    activity,
    checked_day,
    day_of_slots,
    day_row,
    learn_alone,
)
from rules.living import Living

FLOOR_W, KETTLE_W, FRIDGE_W, BOILER_W = 50, 900, 60, 1500


def day(chance, *makers):
    """A day of everything that the makers put above the floor."""
    slots = dict.fromkeys(range(SLOTS_PER_DAY), FLOOR_W)
    for maker in makers:
        for slot, watts in maker(chance).items():
            slots[slot] += watts
    return day_of_slots(slots, FLOOR_W)


def days(count, *makers):
    chance = random.Random(1)
    return [day(chance, *makers) for _ in range(count)]


def meals(chance):
    """By day, at hours of the person's own, now and then none; 8 to 22 o'clock."""
    hours = [h for h in (32, 50, 72) if chance.random() < 0.85]
    return {h + chance.randint(-5, 5): KETTLE_W for h in hours} | dict.fromkeys(range(76, 88), 100)


def noon(chance):
    """Every day without fail, in the hour after noon."""
    return {48 + chance.randint(0, 3): KETTLE_W}


def fridge(chance):
    first = chance.randint(0, 2)
    return dict.fromkeys(range(first, SLOTS_PER_DAY, 3), FRIDGE_W)


def boiler_by_night(chance):
    return dict.fromkeys(range(8, 14), BOILER_W)


def lamp_till_late(chance):
    """Somebody is up on some nights."""
    return dict.fromkeys(range(24), 80) if chance.random() < 0.4 else {}


@pytest.mark.parametrize("person", [meals, noon, lamp_till_late])
def test_what_people_do_is_no_machine(person) -> None:
    alone = learn_alone(days(28, fridge, person))
    assert alone.above_w == pytest.approx(FRIDGE_W / 3, rel=0.3)
    assert alone.peak_w == pytest.approx(FRIDGE_W, rel=0.1)


def test_a_boiler_at_night_does_not_hide_people_by_day() -> None:
    alone = learn_alone(days(28, fridge, boiler_by_night, meals))
    assert alone.above_w < FRIDGE_W
    assert alone.peak_w < KETTLE_W


def test_machines_alone_are_below_one_and_a_meal_is_above() -> None:
    alone = learn_alone(days(28, fridge, meals))
    assert activity(FRIDGE_W / 3, FRIDGE_W, alone) < 0.8
    assert activity(FRIDGE_W / 3 + 2 * KETTLE_W / 96, KETTLE_W, alone) > 2


def tank(chance):
    """It warms its water again every eight hours or so, whoever is there."""
    first = chance.randint(0, 30)
    return dict.fromkeys(range(first, 96, 31), BOILER_W)


def test_what_comes_on_by_itself_several_times_a_day_is_left_out() -> None:
    assert learn_alone(days(28, fridge, meals)).bursts == 0
    assert learn_alone(days(28, fridge, lamp_till_late, meals)).bursts == 0
    assert 4 <= learn_alone(days(28, fridge, tank, meals)).bursts <= 10


@pytest.mark.parametrize("machines", [(fridge,), (fridge, tank)])
def test_an_empty_day_is_told_from_a_lived_one_with_a_boiler_and_without(machines) -> None:
    chance = random.Random(3)
    found = {}
    for name, makers in {"lived": (*machines, meals), "empty": machines}.items():
        living = Living(24)
        living.days = days(28, *machines, meals)
        living._know()
        for number in range(96):
            if number == 0:
                slots = dict.fromkeys(range(96), FLOOR_W)
                for maker in makers:
                    for slot, watts in maker(chance).items():
                        slots[slot] += watts
            living.push(number, float(slots[number]), 0.0, learn=True)
        found[name] = living.measure()
    assert found["empty"] < 1.0
    assert found["lived"] > 1.0


def test_more_energy_and_a_higher_peak_both_are_more_activity() -> None:
    alone = Alone(20.0, 60.0, 16)
    levels = [activity(w, 60.0, alone) for w in (-5.0, 0.0, 20.0, 300.0)]
    peaks = [activity(20.0, w, alone) for w in (-5.0, 0.0, 60.0, 3000.0)]
    assert levels == sorted(levels)
    assert peaks == sorted(peaks)
    assert min(levels + peaks) > 0


@pytest.mark.parametrize("count", [0, 1, 2])
def test_two_days_say_nothing(count) -> None:
    assert learn_alone(days(count, fridge)) is None


def test_hours_that_were_not_seen_say_nothing() -> None:
    seen = days(28, fridge, meals)
    holes = [made._replace(hours=made.hours[:]) for made in seen]
    for number, made in enumerate(holes):
        for hour in range(number % 5, HOURS, 11):
            made.hours[hour] = made.hours[HOURS + hour] = UNSEEN
    assert learn_alone(holes).above_w == pytest.approx(learn_alone(seen).above_w, rel=0.3)


def test_days_of_which_hardly_anything_was_seen_are_no_crash() -> None:
    for slots in ({}, {5: 300}, dict.fromkeys(range(4), 200)):
        assert learn_alone([day_of_slots(slots, 0)] * 5) is None


def test_the_quietest_hours_are_found_across_midnight() -> None:
    def busy(chance):
        return dict.fromkeys(range(12, 88), 500)

    # 22 to 3 o'clock.
    assert learn_alone(days(5, busy)).quiet_from == 22


def test_a_day_of_the_disk_is_the_same_day() -> None:
    (made,) = days(1, fridge, meals)
    assert checked_day(day_row(made)) == made


BAD = [
    None,
    [],
    [[1] * 47, 0, 0],
    [[1] * 49, 0, 0],
    [[-1] * 48, 0, 0],
    [["1"] * 48, 0, 0],
    [7, 0, 0],
]


@pytest.mark.parametrize("row", BAD)
def test_days_of_the_disk_are_checked(row) -> None:
    with pytest.raises((ValueError, TypeError, OverflowError)):
        checked_day(row)


@pytest.mark.parametrize("soon", [True, False])
def test_silent_days_are_lived_only_when_somebody_was_back_soon(soon) -> None:
    living = Living(24)
    for number in range(96 * 8 + 48):
        living.push(number, 50.0 + 900.0 * (number % 96 in (30, 50)), 0.0, learn=True)
        living.measure()
    lived, lows = len(living.days), living.quiet.days
    living.suspect()
    for number in range(96 * 8 + 48, 96 * 10 + 1):
        living.push(number, 50.0, 0.0, learn=False)
        living.measure()
    living.back(soon=soon, within_a_day=False)
    # The day that waited and the two of the silence; their least activity counts once.
    assert len(living.days) - lived == (3 if soon else 0)
    assert living.quiet.days - lows == (1 if soon else 0)
