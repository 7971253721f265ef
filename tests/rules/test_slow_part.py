"""What is slow in a day counts for more, where the machines are small."""

import random
from array import array

import pytest

from rules.lived_days import Alone
from rules.living import Living
from rules.slow_part import SLOW_FROM, STRONG_W, slow_factor

DAY = 96
SMALL = Alone(25.0, 80.0, 16)
STRONG = Alone(STRONG_W + 1, 300.0, 16)


def fridge(seed=1) -> list[int]:
    chance = random.Random(seed)
    return [50 + 80 * (slot % 4 < 2) + chance.randint(0, 6) for slot in range(DAY)]


def evening(watts, load_w) -> list[int]:
    """A lamp and a radio for four hours."""
    return [w + load_w * (70 <= slot < 86) for slot, w in enumerate(watts)]


def factor(watts, alone=SMALL) -> float:
    return slow_factor(array("H", watts), alone)


@pytest.mark.parametrize("seed", range(20))
def test_an_evening_with_a_lamp_counts_and_a_refrigerator_does_not(seed) -> None:
    assert factor(fridge(seed)) == 1.0
    assert factor(evening(fridge(seed), 40)) > 1.2


def test_what_is_on_all_day_is_not_slow() -> None:
    left_on = [w + 120 for w in evening(fridge(), 40)]
    assert factor(left_on) == pytest.approx(factor(evening(fridge(), 40)))
    assert factor([60] * DAY) == 1.0


def test_more_of_it_counts_for_more_and_never_for_more_than_double() -> None:
    found = [factor(evening(fridge(), load_w)) for load_w in (0, 15, 30, 60, 500)]
    assert found == sorted(found)
    assert found[0] < found[-1] <= 1 / SLOW_FROM


def test_strong_machines_have_slow_hours_of_their_own() -> None:
    assert factor(evening(fridge(), 500), STRONG) == 1.0


@pytest.mark.parametrize("size", [76, 80, 95, 156, 8, 1, 0])
def test_a_window_of_any_length(size) -> None:
    assert 1.0 <= factor((evening(fridge(), 40) * 2)[:size]) <= 2.0


def test_a_day_with_a_slow_evening_is_measured_as_more_lived_than_an_empty_one() -> None:
    found = []
    for load_w in (0, 40):
        living = Living(24)
        for number, watts in enumerate(evening(fridge(), load_w)):
            living.push(number, float(watts), 0.0, learn=True)
        living.alone = SMALL
        found.append((living.measure(), living.spread_w))
    (empty, _), (lived, spread_w) = found
    assert lived > 1.4 * empty
    # The spread alone would hardly tell.
    assert spread_w < 1.2 * found[0][1]
