"""What a home's days say of what it does alone, and how a window is compared with it."""

import random
from itertools import pairwise
from statistics import pstdev

import pytest

from rules.home_memory import STEADY
from rules.lived_days import (
    BEFORE_H,
    HOURS,
    SLOTS_PER_DAY,
    UNSEEN,
    Alone,
    Day,
    activity,
    checked_day,
    coded,
    day_of_hours,
    day_row,
    decoded,
    hour_of,
    learn_alone,
)
from rules.living import Living
from rules.signs import DOUBTED_MS, SOON_MS

FLOOR_W, KETTLE_W, FRIDGE_W, BOILER_W = 50, 900, 60, 1500
# What a refrigerator that runs in one quarter-hour of three swings.
FRIDGE_SPREAD_W = FRIDGE_W * 2**0.5 / 3


def slots_of(chance, *makers):
    """A day of everything that the makers put above the floor."""
    slots = [FLOOR_W] * SLOTS_PER_DAY
    for maker in makers:
        for slot, watts in maker(chance).items():
            slots[slot % SLOTS_PER_DAY] += watts
    return slots


def day_of(before, slots):
    watts = [*before[-BEFORE_H * 4 :], *slots]
    hours = [hour_of(watts[n : n + 4]) for n in range(0, len(watts), 4)]
    return day_of_hours(hours, FLOOR_W, sum(slots) // len(slots))


def days(count, *makers):
    chance = random.Random(1)
    rows = [slots_of(chance, *makers) for _ in range(count + 1)]
    return [day_of(before, row) for before, row in pairwise(rows)]


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
    assert alone.spread_w == pytest.approx(FRIDGE_SPREAD_W, rel=0.1)
    assert alone.peak_w == pytest.approx(FRIDGE_W, rel=0.1)


def test_a_boiler_at_night_does_not_hide_people_by_day() -> None:
    alone = learn_alone(days(28, fridge, boiler_by_night, meals))
    assert alone.spread_w < FRIDGE_W
    assert alone.peak_w < KETTLE_W


def test_machines_alone_are_about_one_and_a_meal_is_far_above() -> None:
    alone = learn_alone(days(28, fridge, meals))
    assert activity(FRIDGE_SPREAD_W, FRIDGE_W, alone) == pytest.approx(1.0, abs=0.1)
    assert activity(FRIDGE_SPREAD_W + 2 * KETTLE_W / 96, KETTLE_W, alone) > 2


def machine_by_day(chance):
    """Something that comes on by itself while people are about, too."""
    return dict.fromkeys(range(chance.randint(0, 11), 96, 12), 150)


@pytest.mark.parametrize("machines", [(fridge,), (fridge, machine_by_day)])
@pytest.mark.parametrize("left_on_w", [0, 120])
def test_an_empty_day_is_told_from_a_lived_one(machines, left_on_w) -> None:
    chance = random.Random(3)
    found = {}
    for name, makers in {"lived": (*machines, meals), "empty": machines}.items():
        living = Living(24)
        living.alone = learn_alone(days(28, *machines, meals))
        for number, watts in enumerate(slots_of(chance, *makers)):
            living.push(number, float(watts + left_on_w), 0.0, learn=True)
        found[name] = living.measure()
    assert found["empty"] < 1.15
    assert found["lived"] > 1.5


def test_a_wider_spread_and_a_higher_peak_both_are_more_activity() -> None:
    alone = Alone(20.0, 60.0, 16)
    spreads = [activity(w, 60.0, alone) for w in (0.0, 20.0, 300.0)]
    peaks = [activity(20.0, w, alone) for w in (-5.0, 0.0, 60.0, 3000.0)]
    assert spreads == sorted(spreads)
    assert peaks == sorted(peaks)
    assert min(spreads + peaks) > 0


def test_the_window_moves_by_a_slot_as_if_it_were_counted_anew() -> None:
    chance, living = random.Random(7), Living(20)
    watts = [chance.randint(0, 3000) for _ in range(300)]
    for number, value in enumerate(watts):
        living.push(number, float(value), 0.0, learn=True)
    window = watts[-80:]
    assert living.mean_w() == sum(window) // 80
    assert living.peak_w() == max(window)
    living.alone = Alone(20.0, 60.0, 16)
    living.measure()
    assert living.spread_w == pytest.approx(pstdev(window))


def test_nothing_is_covered_just_after_a_break_or_a_doubtful_supply() -> None:
    living = Living(24)
    for number in range(96):
        living.push(number, 60.0, 0.0, learn=True)
    assert living.covered()
    living.unsteady()
    for number in range(96, 96 + STEADY):
        assert not living.covered()
        living.push(number, 60.0, 0.0, learn=True)
    assert living.covered()
    living.push(96 + STEADY + 3, 60.0, 0.0, learn=True)
    assert not living.covered()


@pytest.mark.parametrize("watts", [0.0, 1.0, 7.0, 60.0, 1800.0, 12_000.0])
def test_watts_in_a_byte(watts) -> None:
    assert decoded(coded(watts)) == pytest.approx(watts, rel=0.03, abs=0.05)
    assert coded(60_000.0) < UNSEEN
    assert coded(-3.0) == 0


@pytest.mark.parametrize("count", [0, 1, 2])
def test_two_days_say_nothing(count) -> None:
    assert learn_alone(days(count, fridge)) is None


def test_hours_that_were_not_seen_say_nothing() -> None:
    seen = days(28, fridge, meals)
    holes = []
    for number, made in enumerate(seen):
        blocks = bytearray(made.blocks)
        for hour in range(number % 5, HOURS, 11):
            blocks[hour] = blocks[HOURS + hour] = UNSEEN
        holes.append(Day(bytes(blocks), made.floor_w, made.mean_w))
    assert learn_alone(holes).spread_w == pytest.approx(learn_alone(seen).spread_w, rel=0.1)


def test_a_part_of_an_hour_leaves_its_six_blocks_unseen() -> None:
    hours = [hour_of([50] * 4)] * (BEFORE_H + HOURS)
    hours[BEFORE_H + 3] = None
    blocks = day_of_hours(hours, 50, 50).blocks[:HOURS]
    assert [n for n, code in enumerate(blocks) if code == UNSEEN] == list(range(3, 9))


def test_days_of_which_hardly_anything_was_seen_are_no_crash() -> None:
    for hours in ([None] * 29, [hour_of([200] * 4), *[None] * 28]):
        assert learn_alone([day_of_hours(hours, 0, 0)] * 5) is None


def test_the_quietest_hours_are_found_across_midnight() -> None:
    def busy(chance):
        return {slot: chance.choice([0, 500]) for slot in range(16, 88)}

    # 22 to 4 o'clock.
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
    [[256] * 48, 0, 0],
    [["1"] * 48, 0, 0],
    [7, 0, 0],
]


@pytest.mark.parametrize("row", BAD)
def test_days_of_the_disk_are_checked(row) -> None:
    with pytest.raises((ValueError, TypeError, OverflowError)):
        checked_day(row)


@pytest.mark.parametrize(
    ("lasted_ms", "soon", "doubted"),
    [
        (0, True, 0),
        (SOON_MS - 1, True, 0),
        (SOON_MS, False, 1),
        (DOUBTED_MS - 1, False, 1),
        (DOUBTED_MS, False, 0),
        (None, False, 0),
    ],
)
def test_silent_days_are_lived_only_when_somebody_was_back_soon(lasted_ms, soon, doubted) -> None:
    living = Living(24)
    for number in range(96 * 8 + 48):
        living.push(number, 50.0 + 900.0 * (number % 96 in (30, 50)), 0.0, learn=True)
        living.measure()
    lived, lows = len(living.days), living.quiet.days
    living.suspect()
    for number in range(96 * 8 + 48, 96 * 10 + 1):
        living.push(number, 50.0, 0.0, learn=False)
        living.measure()
    living.back(lasted_ms=lasted_ms, since=96 * 8 + 48)
    # The day that waited and the two of the silence; their least activity counts once.
    assert len(living.days) - lived == (3 if soon else 0)
    assert living.quiet.days - lows == (1 if soon else 0)
    assert len(living.wrong) == (1 if soon else 0)
    assert sum(silence.may_be_none for silence in living.quiet.silences) == doubted
