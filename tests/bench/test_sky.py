"""The sky over panels is like the ones that are published, and a meter counts both ways of it."""

from itertools import pairwise

import numpy as np
import pytest

from bench.absence.crest_with import FAMILIES, SKY, USED
from bench.absence.houses import DAY, House
from bench.absence.meters import METERS, Meter, observations, record
from bench.absence.sky import SUNSHINE, clear_sky_index

SKIES, DAYS = 8, 365
# About noon of all seasons.
HOURS = slice(8 * 60, 17 * 60)
# A sky in which the sun casts shadows.
SUNNY = 0.75


@pytest.fixture(scope="module")
def skies():
    """By sky, day and minute about noon."""
    made = [clear_sky_index(np.random.default_rng(seed), DAYS) for seed in range(SKIES)]
    return np.array(made).reshape(SKIES, DAYS, DAY)[:, :, HOURS]


def means(skies, minutes: int):
    return skies.reshape(SKIES, DAYS, -1, minutes).mean(axis=3)


def alike(one, other) -> float:
    return float(
        np.mean([np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(one, other, strict=True)])
    )


def test_a_quarter_hour_tells_of_the_next_as_it_does_in_three_towns(skies) -> None:
    quarters = means(skies, 15)
    found = [alike(quarters[:, :, :-n], quarters[:, :, n:]) for n in range(1, 5)]
    towns = ((0.90, 0.92), (0.79, 0.85), (0.73, 0.80), (0.69, 0.77))
    for value, (low, high) in zip(found, towns, strict=True):
        assert low - 0.02 <= value <= high + 0.02


def test_minutes_have_two_heaps(skies) -> None:
    """Sun and shadow, and a valley between them."""
    shadow, valley, sun = (
        ((low <= skies) & (skies < low + 0.1)).mean() for low in (0.2, 0.65, 0.95)
    )
    assert shadow > 1.5 * valley
    assert sun > 3 * valley


def test_a_place_has_its_share_of_sunshine_and_some_days_without_a_cloud(skies) -> None:
    shares = (skies > SUNNY).mean(axis=(1, 2))
    assert SUNSHINE[0] - 0.05 < shares.min() < shares.max() < SUNSHINE[1] + 0.05
    clear_days = (skies > SUNNY).all(axis=2).sum(axis=1)
    assert 5 < clear_days.min() < clear_days.max() < 150


def test_a_day_resembles_the_one_before(skies) -> None:
    days = skies.mean(axis=2)
    assert 0.1 < alike(days[:, :-1], days[:, 1:]) < 0.5


def test_a_meter_counts_what_is_taken_and_what_is_given() -> None:
    watts = np.full(DAY, 100, dtype=np.float32)
    watts[600:660] = -2000
    house = House(name="sunny", watts=watts, absences=[])
    tape = record(house, Meter(name="both", two_way=True), seed=1)
    taken, given = (np.diff(kwh) for kwh in (tape.values, tape.given))
    assert taken.sum() == pytest.approx(0.1 * (23 - 0.5), abs=0.002)
    assert given.sum() == pytest.approx(2.0, abs=0.002)
    assert all(after >= before for before, after in pairwise(tape.given))
    seen = list(observations(tape))
    assert [row.attrs["reverse_energy_kwh"] for row in seen] == tape.given
    one_way = record(house, Meter(name="one"), seed=1)
    assert one_way.values == tape.values
    assert all(not row.attrs for row in observations(one_way))


def test_homes_that_give_are_told() -> None:
    assert {family.NAME for family in FAMILIES if family.feeds_in} == {"crest-panels", "crest-sky"}
    assert any(meter.two_way for meter in METERS)


def test_what_a_home_uses_is_what_it_takes_and_what_its_panels_give() -> None:
    used, metered = (family.build(1, 30).watts.reshape(30, DAY) for family in (USED, SKY))
    night, noon = slice(0, 240), slice(600, 840)
    assert np.array_equal(used[:, night], metered[:, night])
    assert (used[:, noon] > metered[:, noon]).all()


def test_a_meter_at_the_panels_is_read_a_moment_later() -> None:
    house = SKY.build(1, 3)
    assert house.made is not None
    assert USED.build(1, 3).watts == pytest.approx(house.watts + house.made, abs=0.01)
    tape = record(house, Meter(name="three", two_way=True, panels=True), seed=1)
    taken, given, made = (np.diff(kwh).sum() for kwh in (tape.values, tape.given, tape.made))
    assert made > 1
    used_kwh = (house.watts + house.made)[15:].sum() / 60_000
    assert taken - given + made == pytest.approx(used_kwh, abs=0.06)
    main, panels = list(observations(tape))[:2]
    assert (main.device, panels.device) == ("meter", "panels")
    assert 0 < panels.measured_at_ms - main.measured_at_ms < 60_000
    assert not panels.attrs


def test_panels_feed_no_street_that_is_dark() -> None:
    watts = np.full(DAY * 40, -500, dtype=np.float32)
    house = House(name="sunny", watts=watts, absences=[], made=np.full_like(watts, 600))
    tape = record(house, Meter(name="dark", troubled=True, two_way=True, panels=True), seed=3)
    kwh = np.diff(tape.made) / np.diff(tape.minutes) * 60
    assert np.median(kwh) > 0.55
    assert kwh.min() < 0.1
