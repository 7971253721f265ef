"""Dark quarter-hours: a pause is told after all, a dead supply never."""

import json

import pytest

from rules.lived_days import Alone
from rules.metering import Slot
from rules.supply import DEAD_SLOTS, Supply

FRIDGE = Alone(20.0, 80.0, 16)
NO_MACHINE = Alone(2.0, 5.0, 16)


def dark(supply, count, *, watts=0.0, grain_w=4.0, base_w=1, alone=FRIDGE) -> int:
    """How many of so many slots were held."""
    slots = [Slot(number, watts, grain_w) for number in range(count)]
    return sum(supply.holds(slot, base_w, alone) for slot in slots)


@pytest.mark.parametrize("count", [1, DEAD_SLOTS - 1])
def test_a_pause_is_told_after_all_in_its_order(count) -> None:
    supply = Supply()
    assert dark(supply, count) == count
    assert not supply.dead
    assert [slot.number for slot in supply.release()] == list(range(count))
    assert supply.release() == ()


@pytest.mark.parametrize("base_w", [1, 40])
def test_a_dead_supply_is_never_told(base_w) -> None:
    supply = Supply()
    assert dark(supply, 100, base_w=base_w) == 100
    assert supply.dead
    assert len(json.dumps(supply.dump())) < 400
    assert supply.release() == ()
    assert not supply.dead


def test_what_the_home_uses_is_not_dark() -> None:
    supply = Supply()
    assert dark(supply, 3, watts=15.0, base_w=40) == 0
    assert dark(supply, 3, watts=9.0, base_w=40) == 3
    assert dark(Supply(), 3, watts=0.5, base_w=1) == 0


def test_without_a_floor_and_without_a_machine_nothing_proves_that_it_is_dead() -> None:
    for alone in (NO_MACHINE, None):
        assert dark(Supply(), 50, alone=alone) == 0


def test_a_coarse_register_may_stand_still_for_longer_and_too_coarse_a_one_for_ever() -> None:
    supply = Supply()
    assert dark(supply, DEAD_SLOTS, grain_w=40.0) == DEAD_SLOTS
    assert not supply.dead
    assert dark(supply, 2, grain_w=40.0) == 2
    assert supply.dead
    assert dark(Supply(), 50, grain_w=400.0) == 0


def test_a_refrigerator_that_rests_is_no_blackout() -> None:
    for base_w, count, doubtful in ((1, 4, False), (1, 5, True), (40, 1, True), (40, 0, False)):
        supply = Supply()
        dark(supply, count, base_w=base_w)
        assert supply.doubtful(base_w) == doubtful
    coarse = Supply()
    dark(coarse, 5, grain_w=40.0)
    assert not coarse.doubtful(1)


def test_it_is_the_same_after_the_disk() -> None:
    supply = Supply()
    dark(supply, 9, grain_w=40.0)
    again = Supply.load(json.loads(json.dumps(supply.dump())))
    assert not again.dead
    assert dark(again, 1, grain_w=40.0) == 1
    assert again.dead
    assert [slot.number for slot in Supply.load([[5, 0.0, 4.0]]).release()] == [5]
