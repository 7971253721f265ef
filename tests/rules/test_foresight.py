"""What a screen is told of an absence that may be found: never later than it is."""

import pytest

from rules.signs import SAID_WELL
from tests.rules.silent_home import House

STEP_H = 3


def left_h(house) -> float | None:
    return house.state().explanation.get("quiet_hours_left")


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_found_before_the_hours_that_were_left(kit, seed) -> None:
    """Somebody leaves on the fifteenth day; a screen is looked at every three hours."""
    rows = kit.electricity(seed, 17, away=[(14.4, 17)])
    house, looked = House(kit), []
    for row in rows:
        house.power([row])
        if house.found:
            break
        if row[0] % (STEP_H * kit.HOUR_MS) == 0 and left_h(house) is not None:
            looked.append((row[0], left_h(house)))
    [found] = house.found
    assert len(looked) > 50
    assert all(found.at_ms - at_ms >= left * kit.HOUR_MS for at_ms, left in looked)
    # And it tells something: on the last evening it knows that the alarm is near.
    assert looked[-1][1] <= 2 * STEP_H
    assert max(left for _at, left in looked) >= 12
    assert left_h(house) is None


def test_the_last_quarter_hour_in_which_somebody_used_power(kit) -> None:
    leaves_ms = kit.START_MS + round(14.4 * kit.DAY_MS)
    house = House(kit).power(kit.electricity(2, 15, away=[(14.4, 16)]))
    seen_ms = house.state().explanation["power_sign_ms"]
    assert leaves_ms - 12 * kit.HOUR_MS < seen_ms <= leaves_ms + 15 * kit.MINUTE_MS


def test_while_nothing_is_known_no_time_is_told(kit) -> None:
    house = House(kit).power(kit.electricity(2, 1.5))
    assert house.state().state == "learning"
    assert left_h(house) is None
    blind_ms = house.now_ms + 5 * kit.HOUR_MS
    assert "quiet_hours_left" not in house.state(blind_ms).explanation


def test_who_said_on_the_telephone_that_she_is_well_is_alive(kit) -> None:
    rows = kit.electricity(2, 17, away=[(14, 17)])
    usual = House(kit).power(rows)
    called_ms = usual.raised_at()[0] - 6 * kit.HOUR_MS
    house = House(kit).power([row for row in rows if row[0] <= called_ms])
    house.see(SAID_WELL, called_ms, {}, device="")
    shown = house.state().explanation
    assert (shown["last_sign"], shown["last_sign_ms"]) == ("said_well", called_ms)
    assert shown["quiet_hours_left"] >= 24
    house.power([row for row in rows if row[0] > called_ms])
    assert house.raised_at()[0] - called_ms >= 24 * kit.HOUR_MS


def test_a_call_after_the_alarm_clears_it_and_an_old_one_changes_nothing(kit) -> None:
    rows = kit.electricity(2, 15.5, away=[(14, 17)])
    house = House(kit).power(rows)
    raised_ms = house.raised_at()[0]
    house.see(SAID_WELL, raised_ms - 30 * kit.HOUR_MS, {}, device="")
    assert house.found[-1].phase == "raised"
    house.see(SAID_WELL, house.now_ms, {}, device="")
    assert (house.found[-1].phase, house.found[-1].reason) == ("cleared", "said_well")
