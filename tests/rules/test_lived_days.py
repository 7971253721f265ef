"""What the days of a home say: machines weigh nothing, people much, whatever the hour."""

import random

import pytest

from rules.lived_days import LEVELS_W, Day, checked_row, learn_scale, row_of
from rules.living import Living

KETTLE, PUMP, FRIDGE = 20, 8, 6


def day(slots) -> Day:
    bands = dict.fromkeys(range(96), 0) | slots
    return Day(row_of(bands), 20, 80)


def days(count, *makers):
    """Days of everything that the makers put into them: (chance, day number) to slots."""
    chance = random.Random(1)
    made = []
    for number in range(count):
        slots = {}
        for maker in makers:
            slots |= maker(chance, number)
        made.append(day(slots))
    return made


def meals(chance, number):
    """By day, at hours of the person's own, now and then none."""
    hours = [h for h in (28, 48, 72) if chance.random() < 0.85]
    return {h + chance.randint(-5, 5): KETTLE for h in hours}


def noon(chance, number):
    """Every day without fail, in the hour after noon."""
    return {48 + chance.randint(0, 3): KETTLE}


def timer(chance, number):
    return {22: PUMP + 2, 23: PUMP + 2}


def pump(chance, number):
    """A thermostat that only works by day, every third quarter-hour."""
    return dict.fromkeys(range(24 + chance.randint(0, 2), 88, 3), PUMP)


def weight(scale, band):
    return scale.weights[band - 1]


@pytest.mark.parametrize("person", [meals, noon])
def test_people_weigh_whether_their_hours_are_regular_or_not(person) -> None:
    assert weight(learn_scale(days(40, person), [], 96), KETTLE) > 1.5


@pytest.mark.parametrize(("machine", "band"), [(timer, PUMP + 2), (pump, PUMP)])
def test_machines_of_the_day_weigh_next_to_nothing(machine, band) -> None:
    scale = learn_scale(days(40, machine, meals), [], 96)
    assert weight(scale, band) < 0.5
    assert weight(scale, KETTLE) > 1.5


def test_a_day_of_machines_alone_is_below_the_limit_and_a_lived_one_above() -> None:
    scale = learn_scale(days(40, pump, meals), [], 96)
    alone = sum([0.0, *scale.weights][ord(c) - 65] for made in days(1, pump) for c in made.row)
    assert scale.tells
    assert alone <= scale.limit < scale.poor


def test_days_without_people_tell_nothing() -> None:
    assert not learn_scale(days(40, pump), [], 96).tells


def test_a_band_that_was_never_met_is_like_its_neighbours() -> None:
    scale = learn_scale([day({28 + n: KETTLE, 60 + n: KETTLE - 2}) for n in range(9)], [], 96)
    assert weight(scale, KETTLE - 1) > 1.0
    assert weight(scale, KETTLE + 1) > 1.0


def test_a_known_absence_teaches_what_the_hours_could_not() -> None:
    boiler = lambda chance, number: {chance.randint(30, 80): KETTLE}  # noqa: E731
    before = learn_scale(days(40, boiler, meals), [], 96)
    after = learn_scale(days(40, boiler, meals), [d.row for d in days(4, boiler)], 96)
    assert weight(after, KETTLE) < weight(before, KETTLE) / 2


def test_a_day_of_which_hardly_anything_was_seen_is_no_crash() -> None:
    for slots in ({}, {5: 3}, dict.fromkeys(range(4), 2)):
        scale = learn_scale([Day(row_of(slots), 0, 0)], [], 96)
        assert all(0.0 <= w <= 5.0 for w in scale.weights)


@pytest.mark.parametrize("row", ["", "A" * 95, "A" * 95 + "z", 7, None, "A" * 97, "é" * 96])
def test_rows_of_the_disk_are_checked(row) -> None:
    with pytest.raises(ValueError, match=r"row of|letters that"):
        checked_row(row)


def test_every_band_has_its_letter() -> None:
    row = row_of({n: n for n in range(len(LEVELS_W) + 1)})
    assert checked_row(row) == row
    assert row.startswith("ABC")


@pytest.mark.parametrize("soon", [True, False])
def test_silent_days_are_lived_when_somebody_was_back_soon_and_empty_otherwise(soon) -> None:
    living = Living(24)
    for number in range(96 * 5 + 48):
        living.push(number, 50.0 + 900.0 * (number % 96 in (30, 50)), 0.0, learn=True)
    lived = len(living.days)
    living.suspect()
    for number in range(96 * 5 + 48, 96 * 7 + 1):
        living.push(number, 50.0, 0.0, learn=False)
    living.back(soon=soon)
    # The day that waited and the two of the silence.
    assert len(living.days) - lived == (3 if soon else 0)
    assert len(living.dump()["absent"]) == (0 if soon else 2)
