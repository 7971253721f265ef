"""What eyes see of a home with panels, and what stands out of the net of both registers."""

import numpy as np
import pytest

from bench.absence.houses import DAY, House, Span
from bench.absence.sun_eye import (
    EYES,
    QUIET_SLOTS,
    SLOT_MIN,
    SLOTS,
    Sunny,
    calls,
    read_of_net,
    stands_out,
    taken_alone,
    told_of_the_sun,
)

NOON = SLOTS // 2
KETTLE_W = 400.0


def clear_day(peak_w: float = 3000.0):
    """Of the sun, an arc from six to six."""
    turn = (np.arange(SLOTS) - NOON) / (SLOTS / 4)
    return peak_w * np.cos(np.clip(turn, -1, 1) * np.pi / 2)


def home(used, sun, about) -> Sunny:
    net = used - sun
    house = House(name="h", watts=np.zeros(len(net) * SLOT_MIN, dtype=np.float32), absences=[])
    return Sunny(house, net, np.maximum(net, 0.0), sun, about, floor_w=60.0)


def kettle_at(slot: int, watts: float = KETTLE_W):
    used = np.full(SLOTS, 60.0)
    used[slot] += watts
    return used


def test_a_kettle_stands_out_of_a_clear_day_and_its_arc_does_not() -> None:
    sun = clear_day()
    assert not stands_out(kettle_at(NOON, 0.0) - sun).any()
    for slot in (NOON, NOON + 9):
        assert np.flatnonzero(stands_out(kettle_at(slot) - sun)).tolist() == [slot]


def test_a_step_that_stays_does_not_stand_out() -> None:
    """Clouds that come, and a heater that is left on."""
    sun = clear_day()
    sun[NOON:] *= 0.4
    assert not stands_out(kettle_at(NOON, 0.0) - sun).any()


def test_nothing_stands_out_among_clouds() -> None:
    rng = np.random.default_rng(1)
    sun = clear_day() * rng.uniform(0.3, 1.0, SLOTS)
    assert not stands_out(kettle_at(NOON) - sun).any()


def test_nothing_stands_out_where_the_sun_flickers() -> None:
    """A little, but all the time."""
    flicker = 35.0 * (-1.0) ** np.arange(SLOTS)
    assert not stands_out(kettle_at(NOON) - clear_day() + flicker).any()
    assert stands_out(kettle_at(NOON) - clear_day() + flicker / 4)[NOON]


def test_a_lone_cloud_stands_out_as_a_kettle_does() -> None:
    """That is why no rule reads it."""
    sun = clear_day()
    sun[NOON] -= KETTLE_W
    assert np.flatnonzero(stands_out(kettle_at(0, 0.0) - sun)).tolist() == [NOON]


def test_eyes_see_who_is_about_where_they_can() -> None:
    about = np.zeros(SLOTS, dtype=bool)
    about[[4, NOON, NOON + 6]] = True
    sun = clear_day()
    sun[NOON + 6] -= 900.0
    seen = home(kettle_at(NOON), sun, about)
    assert np.flatnonzero(taken_alone(seen)).tolist() == [4]
    assert np.flatnonzero(told_of_the_sun(50.0)(seen)).tolist() == [4, NOON]
    # It is no eye in there: the cloud shows it somebody.
    assert np.flatnonzero(read_of_net(seen)).tolist() == [4, NOON, NOON + 6]
    assert len(EYES) == 4


@pytest.mark.parametrize("quiet", [QUIET_SLOTS - 1, QUIET_SLOTS])
def test_an_eye_calls_after_its_hours_and_until_it_sees_somebody(quiet: int) -> None:
    shows = np.ones(30 * SLOTS, dtype=bool)
    begin = 20 * SLOTS
    shows[begin : begin + quiet] = False
    end = (begin + quiet) * SLOT_MIN
    expected = [Span(start=end, end=end)] if quiet == QUIET_SLOTS else []
    assert calls(shows) == expected
    assert SLOTS * SLOT_MIN == DAY
