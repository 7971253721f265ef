"""Homes: registers that never run backwards, energy that adds up, days that look lived in."""

from random import Random

import pytest

from device_sims.day import Use, coldness, day_number, day_of, day_start_ms, weekday
from device_sims.habits import DAY_MS, HOUR_MS, MINUTE_MS, habits
from device_sims.profile import Profile
from device_sims.world import Home

# 2026-01-01T00:00:00Z
T0 = 1_767_225_600_000
SEEDS = range(1, 25)


def home(seed: int = 1, **options: object) -> Home:
    return Home(home="home", person=habits(seed), began_ms=T0, initial_kwh=500.0, **options)


def test_the_days_of_the_week() -> None:
    assert weekday(day_number(T0)) == 3, "2026-01-01 was a Thursday"
    assert [weekday(day_number(T0) + n) for n in (3, 4, 330)] == [6, 0, 4]
    assert day_start_ms(day_number(T0)) == T0 - 8 * HOUR_MS


def test_the_cold_months() -> None:
    january, july = day_number(T0) + 14, day_number(T0) + 190
    assert coldness(january) > 0.95
    assert coldness(july) == 0.0


@pytest.mark.parametrize("seed", SEEDS)
def test_the_register_never_runs_backwards_whatever_happens(seed: int) -> None:
    r = Random(seed)
    it = home(seed, travels=True)
    at_ms, last_kwh = T0, it.register_kwh(T0)
    for step in range(400):
        at_ms += r.randint(0, 6 * HOUR_MS)
        match r.randrange(12):
            case 0:
                it.be_quiet(at_ms, quiet=step % 2 == 0, left_on_w=r.choice([0.0, 120.0]))
            case 1:
                it.go_dark(at_ms, dark=step % 2 == 0)
            case 2:
                it.visit(at_ms, r.uniform(5, 90))
        now_kwh = it.register_kwh(at_ms)
        assert now_kwh >= last_kwh
        last_kwh = now_kwh
    assert last_kwh > 500.0


@pytest.mark.parametrize("seed", SEEDS)
def test_energy_in_pieces_is_energy_at_once_and_the_sum_of_power(seed: int) -> None:
    it = home(seed)
    it.go_dark(T0 + 30 * HOUR_MS, dark=True)
    it.go_dark(T0 + 33 * HOUR_MS, dark=False)
    asked_late = home(seed)
    asked_late.go_dark(T0 + 30 * HOUR_MS, dark=True)
    asked_late.go_dark(T0 + 33 * HOUR_MS, dark=False)
    end_ms = T0 + 2 * DAY_MS
    in_pieces_uj, before_uj = 0, it.taken_uj(T0)
    watt_seconds = 0.0
    for at_ms in range(T0, end_ms, 10_000):
        watt_seconds += it.power_w(at_ms) * 10
        now_uj = it.taken_uj(at_ms + 10_000)
        in_pieces_uj, before_uj = in_pieces_uj + now_uj - before_uj, now_uj
    assert in_pieces_uj == it.taken_uj(end_ms) == asked_late.taken_uj(end_ms)
    assert in_pieces_uj / 1e6 == pytest.approx(watt_seconds, rel=0.01)


def test_a_story_does_not_change_what_was_read() -> None:
    it, other = home(3), home(3)
    now_ms = T0 + 3 * DAY_MS + 11 * HOUR_MS
    times = [T0 + n * HOUR_MS for n in range(83)]
    before = [it.energy_kwh(t) for t in times]
    it.energy_kwh(now_ms + 5 * DAY_MS)
    it.be_quiet(now_ms, quiet=True)
    assert [it.energy_kwh(t) for t in times] == before
    assert it.energy_kwh(now_ms + DAY_MS) < other.energy_kwh(now_ms + DAY_MS)
    other.be_quiet(now_ms, quiet=True)
    never_asked = home(3)
    never_asked.be_quiet(now_ms, quiet=True)
    later_ms = now_ms + 4 * DAY_MS
    assert it.energy_kwh(later_ms) == never_asked.energy_kwh(later_ms)


def test_the_register_shows_whole_steps_and_never_a_begun_one() -> None:
    fine, coarse = home(2), home(2, resolution_kwh=0.1)
    for at_ms in range(T0, T0 + DAY_MS, 7 * MINUTE_MS):
        used_kwh = fine.energy_kwh(at_ms)
        assert 0 <= used_kwh - fine.register_kwh(at_ms) < 0.01 + 1e-9
        assert 0 <= used_kwh - coarse.register_kwh(at_ms) < 0.1 + 1e-9
        assert round(coarse.register_kwh(at_ms) * 10) == pytest.approx(
            coarse.register_kwh(at_ms) * 10
        )


def test_in_the_dark_nothing_is_used() -> None:
    it = home(5)
    it.go_dark(T0 + HOUR_MS, dark=True)
    assert it.power_w(T0 + 2 * HOUR_MS) == 0.0
    assert it.energy_kwh(T0 + 9 * HOUR_MS) == it.energy_kwh(T0 + HOUR_MS)
    assert it.uses(T0 + HOUR_MS, T0 + DAY_MS) == []
    it.go_dark(T0 + 9 * HOUR_MS, dark=False)
    assert it.power_w(T0 + 9 * HOUR_MS) >= it.person.standing_w


def test_when_somebody_lies_still_only_what_runs_by_itself_goes_on() -> None:
    seed = next(s for s in SEEDS if len(habits(s).thermostats) >= 2)
    it = home(seed)
    it.be_quiet(T0, quiet=True)
    from_ms, to_ms = T0 + DAY_MS, T0 + 3 * DAY_MS
    assert it.uses(from_ms, to_ms) == []
    assert all(m < T0 for day in range(4) for m in it.day(day_number(T0) + day).moves_ms)
    automatic_w = it.person.standing_w + sum(t.watts for t in it.person.thermostats)
    # Means of five minutes: a compressor starts with many times its power for a moment.
    times = range(from_ms, to_ms, 5 * MINUTE_MS)
    powers = [(it.taken_uj(t + 5 * MINUTE_MS) - it.taken_uj(t)) / 3e8 for t in times]
    starting_w = sum(0.25 * t.watts for t in it.person.thermostats if t.name == "refrigerator")
    assert max(powers) <= automatic_w + starting_w
    assert max(powers) > it.person.standing_w, "the refrigerator goes on"
    assert min(powers) >= it.person.standing_w - 1e-9
    it.be_quiet(to_ms, quiet=False)
    assert it.uses(to_ms, to_ms + DAY_MS)


def test_an_appliance_has_a_register_of_its_own() -> None:
    seed = next(s for s in SEEDS if habits(s).television_w > 0)
    it = home(seed)
    times = [T0 + n * 15 * MINUTE_MS for n in range(96 * 6)]
    registers = [it.appliance_kwh("television", t) for t in times]
    assert registers == sorted(registers)
    assert home(seed).appliance_kwh("television", times[-1]) == pytest.approx(registers[-1])
    joules = sum(it.appliance_w("television", t) * 60 for t in range(T0, times[-1], MINUTE_MS))
    assert registers[-1] == pytest.approx(joules / 3_600_000, rel=0.02)
    now_ms = T0 + 2 * DAY_MS + 3 * HOUR_MS
    it.be_quiet(now_ms, quiet=True)
    assert it.appliance_kwh("television", times[-1]) == it.appliance_kwh("television", now_ms)


def test_a_load_left_on_burns_until_somebody_comes() -> None:
    it, other = home(4), home(4)
    for one, left_on_w in ((it, 120.0), (other, 0.0)):
        one.be_quiet(T0 + HOUR_MS, quiet=True, left_on_w=left_on_w)
        one.be_quiet(T0 + 49 * HOUR_MS, quiet=False)
    more_kwh = it.energy_kwh(T0 + 60 * HOUR_MS) - other.energy_kwh(T0 + 60 * HOUR_MS)
    assert more_kwh == pytest.approx(48 * 0.12)


def test_a_visit_is_seen_by_the_meter() -> None:
    it, other = home(6), home(6)
    for one in (it, other):
        one.be_quiet(T0, quiet=True)
    it.visit(T0 + 30 * HOUR_MS, 40)
    assert it.power_w(T0 + 30 * HOUR_MS + 6 * MINUTE_MS) > other.power_w(T0 + 30 * HOUR_MS) + 1000


def test_who_travels_is_away_and_back_again() -> None:
    travellers = [home(s, travels=True) for s in range(1, 60)]
    trips = [(h, t) for h in travellers for t in h.trips(day_number(T0 + 15 * DAY_MS))]
    assert len(trips) >= 5
    for it, (left_ms, back_ms) in trips:
        assert back_ms - left_ms > DAY_MS
        assert it.uses(left_ms, back_ms) == []
    assert all(home(s).trips(day_number(T0 + 15 * DAY_MS)) == [] for s in range(1, 60))


def test_same_seed_same_life_other_seed_other_life() -> None:
    times = [T0 + n * 15 * MINUTE_MS for n in range(96 * 7)]
    assert [home(8).energy_kwh(t) for t in times] == [home(8).energy_kwh(t) for t in times]
    assert len({home(s).energy_kwh(times[-1]) for s in SEEDS}) == len(SEEDS)
    first, second = day_of(habits(8), 20_000), day_of(habits(8), 20_001)
    assert [u.name for u in first.uses] != [u.name for u in second.uses]


@pytest.mark.parametrize("seed", SEEDS)
def test_days_look_lived_in(seed: int) -> None:
    person = habits(seed)
    for day in range(20_454, 20_461):
        plan = day_of(person, day)
        begin_ms = day_start_ms(day)
        assert plan.uses, "somebody who is there switches something on"
        assert all(u.end_ms > u.start_ms and u.watts > 0 for u in (*plan.uses, *plan.automatic))
        hours = [(m - begin_ms) / HOUR_MS for m in plan.moves_ms]
        asleep = [h for h in hours if h < 4.5 or h > 23]
        assert len(asleep) <= 2
        assert len(hours) > 8
        for number, (at_ms, is_open) in enumerate(plan.door):
            assert is_open == (number % 2 == 0)
            assert at_ms >= begin_ms
        for out, back in zip(plan.door[::4], plan.door[2::4], strict=True):
            assert not [u for u in plan.uses if out[0] <= u.start_ms < back[0]]
            assert not [u for u in plan.uses if u.start_ms < out[0] < u.end_ms]
            assert not [m for m in plan.moves_ms if out[0] <= m < back[0]]


def test_homes_are_as_different_as_villages_are() -> None:
    month = [home(s).energy_kwh(T0 + 30 * DAY_MS) - 500 for s in range(1, 61)]
    assert 5 < min(month) < 45
    assert 120 < max(month) < 500
    standing = [habits(s).standing_w for s in range(1, 61)]
    assert max(standing) / min(standing) >= 25


def test_a_profile_is_what_it_is_made_of() -> None:
    uses = [
        Use(start_ms=-50, end_ms=1000, watts=100.0, name="a"),
        Use(start_ms=500, end_ms=5000, watts=50.0, name="b"),
    ]
    it = Profile(0, 2000, 10.0, uses, [(1500, 1700)])
    assert [it.power_mw(t) for t in (0, 499, 500, 1000, 1500, 1699, 1700)] == [
        110_000,
        110_000,
        160_000,
        60_000,
        0,
        0,
        60_000,
    ]
    assert it.taken_uj(2000) == 500 * 110_000 + 500 * 160_000 + 500 * 60_000 + 300 * 60_000
    assert it.taken_uj(99_999) == it.taken_uj(2000)
    assert it.taken_uj(-5) == it.given_uj(2000) == 0
