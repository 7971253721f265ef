"""Absences in weeks of a home's electricity are found, days at home are not."""

import pytest

from tests.rules.silent_home import House, hours_after


@pytest.mark.parametrize("seed", range(6))
def test_three_weeks_at_home_raise_nothing(kit, seed) -> None:
    house = House(kit).power(kit.electricity(seed, 21))
    assert house.found == []
    assert house.state().state == "well"


@pytest.mark.parametrize("left_on_w", [0.0, 120.0])
def test_silences_are_found_within_26_hours(kit, left_on_w) -> None:
    hours = []
    for seed in range(16):
        rows = kit.electricity(seed, 16, away=[(14.4, 16)], left_on_w=left_on_w)
        house = House(kit).power(rows)
        assert all(f.at_ms > kit.START_MS + int(14.4 * kit.DAY_MS) for f in house.found)
        hours.append(hours_after(kit, house, 14.4)[0] if house.found else 99.0)
    assert sum(h <= 26 for h in hours) >= 14
    assert all(h >= 10 for h in hours)


def test_silences_are_found_behind_a_tank_that_heats_itself(kit) -> None:
    hours = []
    for seed in range(8):
        house = House(kit)
        rows = kit.electricity(seed, 38, away=[(36.4, 38)], tank=True)
        for day in range(38):
            house.power(rows[day * 96 : day * 96 + 96])
            house.restart()
        assert all(f.at_ms > kit.START_MS + int(36.4 * kit.DAY_MS) for f in house.found)
        hours.append(hours_after(kit, house, 36.4)[0] if house.found else 99.0)
    assert sum(h <= 27 for h in hours) >= 7
    assert all(h >= 16 for h in hours)


def test_what_a_finding_tells(kit) -> None:
    house = House(kit).power(kit.electricity(2, 15.6, away=[(14, 16)]))
    (finding,) = house.found
    assert (finding.severity, finding.phase, finding.reason) == ("urgent", "raised", "no_activity")
    assert finding.evidence["activity_pct"] <= 100 < finding.evidence["usual_pct"]
    # Its days are far from an empty one: a day is enough.
    assert finding.evidence["window_h"] == 24
    assert finding.at_ms - finding.evidence["quiet_since_ms"] == 24 * kit.HOUR_MS
    # What was seen, what the home does alone, and how rare that is.
    assert finding.evidence["spread_w"] <= finding.evidence["alone_spread_w"] * 1.5
    assert finding.evidence["peak_w"] <= finding.evidence["alone_peak_w"] * 1.5
    assert finding.evidence["days_as_quiet"] == 0 < finding.evidence["days_learned"]
    view = house.state()
    assert (view.state, view.since_ms) == ("silent", finding.evidence["quiet_since_ms"])


def test_return_clears(kit) -> None:
    house = House(kit).power(kit.electricity(1, 19, away=[(14, 16.3)]))
    phases = [(f.phase, f.reason) for f in house.found]
    assert phases == [("raised", "no_activity"), ("cleared", "activity")]
    assert house.found[0].episode == house.found[1].episode
    back_h = (house.found[1].at_ms - kit.START_MS) / kit.HOUR_MS - 16.3 * 24
    assert 0 < back_h < 24
    assert house.state().state == "well"


def test_a_first_silence_after_a_week(kit) -> None:
    house = House(kit).power(kit.electricity(2, 11, away=[(8.6, 11)]))
    hours = hours_after(kit, house, 8.6)
    assert len(hours) == 1
    assert hours[0] <= 27


def test_no_opinion_in_the_first_two_days(kit) -> None:
    house = House(kit).power(kit.electricity(2, 1.99, away=[(0, 2)]))
    assert house.found == []
    assert house.state().state == "learning"


def test_an_empty_home_from_the_start_is_not_judged_silent(kit) -> None:
    house = House(kit).power(kit.electricity(2, 20, away=[(0, 20)]))
    assert house.found == []
    assert house.state().state == "cannot_judge"
    assert house.state().explanation["reason"] == "weak_signal"
