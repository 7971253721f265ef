"""Missing data, dead supply and late readings are never silence."""

import pytest

from tests.rules.silent_home import House, hours_after


def test_missing_data_is_never_silence(kit) -> None:
    rows = kit.electricity(4, 20, away=[(14.2, 20)])
    gone_ms = kit.START_MS + int(14.5 * kit.DAY_MS)
    house = House(kit).power([row for row in rows if row[0] < gone_ms])
    assert house.engine.advance(gone_ms + 5 * kit.DAY_MS) == []
    view = house.state(gone_ms + 5 * kit.DAY_MS)
    assert (view.state, view.explanation["reason"]) == ("cannot_judge", "meter_quiet")


def test_the_clock_of_silence_stands_still_in_a_gap(kit) -> None:
    rows = kit.electricity(4, 18, away=[(14.2, 18)])
    since_ms = kit.START_MS + int(14.4 * kit.DAY_MS)
    until_ms = since_ms + 2 * kit.DAY_MS
    house = House(kit).power([row for row in rows if not since_ms < row[0] < until_ms])
    hours = hours_after(kit, house, 14.2)
    assert len(hours) == 1
    # Five hours were seen before the gap; nineteen or so must be seen after it.
    assert 48 + 14 <= hours[0] <= 48 + 26


def test_nights_alone_are_not_a_silent_day(kit) -> None:
    rows = kit.electricity(0, 30)
    nights = [
        row
        for row in rows
        if row[0] < kit.START_MS + 14 * kit.DAY_MS
        or (row[0] - kit.START_MS) // kit.HOUR_MS % 24 in (22, 23, 0, 1, 2, 3, 4)
    ]
    house = House(kit).power(
        [(at, round(kwh * 0 + 500 + i * 0.005, 3)) for i, (at, kwh) in enumerate(nights)]
    )
    assert house.found == []
    real = House(kit).power(nights)
    assert [f for f in real.found if f.phase == "raised"] == []


def test_energy_used_in_a_gap_proves_life(kit) -> None:
    rows = kit.electricity(5, 15.9, away=[(14, 16)])
    house = House(kit)
    jump_ms = kit.START_MS + int(14.75 * kit.DAY_MS)
    for at_ms, kwh in rows:
        if jump_ms < at_ms < jump_ms + 5 * kit.HOUR_MS:
            continue
        house.power([(at_ms, round(kwh + (4.0 if at_ms > jump_ms else 0.0), 3))])
    assert house.found == []
    assert house.state().explanation["last_sign"] == "energy_unseen"


def test_a_dead_supply_is_not_silence(kit) -> None:
    rows = kit.electricity(1, 17)
    cut_ms = kit.START_MS + int(14.3 * kit.DAY_MS)
    before = [row for row in rows if row[0] <= cut_ms]
    dead = [(row[0], before[-1][1]) for row in rows if row[0] > cut_ms]
    house = House(kit).power(before + dead)
    assert house.found == []
    view = house.state()
    assert (view.state, view.explanation["reason"]) == ("cannot_judge", "supply_dead")


def test_readings_of_yesterday_wake_nobody(kit) -> None:
    """A gateway drains three days after a partition; the present alone may raise."""
    rows = kit.electricity(3, 18, away=[(14, 16.5)])
    cut_ms, now_ms = kit.START_MS + 14 * kit.DAY_MS, kit.START_MS + 18 * kit.DAY_MS
    house = House(kit).power([row for row in rows if row[0] < cut_ms])
    for at_ms, kwh in rows:
        if at_ms >= cut_ms:
            house.see("power", at_ms, {"energy_kwh": kwh}, now_ms=now_ms)
    assert house.found == []


def test_a_drained_silence_that_lasts_is_raised_when_the_present_comes(kit) -> None:
    rows = kit.electricity(3, 18.2, away=[(14, 19)])
    cut_ms, now_ms = kit.START_MS + 14 * kit.DAY_MS, kit.START_MS + 18 * kit.DAY_MS
    house = House(kit).power([row for row in rows if row[0] < cut_ms])
    for at_ms, kwh in rows:
        if at_ms >= cut_ms:
            house.see("power", at_ms, {"energy_kwh": kwh}, now_ms=max(at_ms, now_ms))
    assert len(house.raised_at()) == 1


@pytest.mark.parametrize(("what", "hours"), [("gap", 4), ("blackout", 4), ("blackout", 1)])
def test_nothing_is_raised_just_after_a_gap_or_a_blackout(kit, what, hours) -> None:
    """It begins a quarter of an hour before the alarm, which waits until an hour was seen again."""
    rows = kit.electricity(2, 17, away=[(14, 17)])
    raised_ms = House(kit).power(rows).raised_at()[0]
    begin_ms = raised_ms - 15 * kit.MINUTE_MS
    end_ms = begin_ms + hours * kit.HOUR_MS
    before = [row for row in rows if row[0] <= begin_ms]
    dark = [(at_ms, before[-1][1]) for at_ms, _ in rows if begin_ms < at_ms <= end_ms]
    lost = next(kwh for at_ms, kwh in rows if at_ms >= end_ms) - before[-1][1]
    after = [
        (at_ms, round(kwh - (lost if what == "blackout" else 0), 3))
        for at_ms, kwh in rows
        if at_ms > end_ms
    ]
    house = House(kit).power([*before, *(dark if what == "blackout" else []), *after])
    assert house.raised_at()[0] >= end_ms + kit.HOUR_MS


def test_a_home_without_a_floor_whose_refrigerator_rests_is_judged_as_any(kit) -> None:
    """Its register stands still in most of the quarter-hours in which nobody uses anything."""
    kwh, rows, day = 100.0, [], 96
    for number in range(17 * day):
        rows.append((kit.START_MS + number * 15 * kit.MINUTE_MS, round(kwh, 3)))
        lived = number < 14 * day and number % day in (26, 27, 48, 49, 72, 73)
        kwh += 0.016 * (number % 4 == 0) + 0.2 * lived
    house = House(kit).power(rows)
    (at_ms,) = house.raised_at()
    last_ms = kit.START_MS + (13 * day + 74) * 15 * kit.MINUTE_MS
    assert at_ms - last_ms <= 26 * kit.HOUR_MS
