"""Which meter speaks for a home, and that any interval does."""

import pytest

from rules.config import rules_from_toml
from tests.rules.silent_home import House, hours_after


@pytest.mark.parametrize("minutes", [1, 5, 30, 60])
def test_meters_of_any_interval(kit, minutes) -> None:
    step_ms = minutes * kit.MINUTE_MS
    rows = kit.electricity(3, 16, away=[(14, 16)], step_ms=step_ms)
    hours = hours_after(kit, House(kit).power(rows), 14)
    assert len(hours) == 1
    assert 18 <= hours[0] <= 26


def test_another_meter_in_the_middle_of_a_silence(kit) -> None:
    rows = kit.electricity(1, 17, away=[(14, 17)])
    swap_ms = kit.START_MS + int(14.4 * kit.DAY_MS)
    base = next(kwh for at, kwh in rows if at >= swap_ms)
    house = House(kit).power([(at, k if at < swap_ms else round(k - base, 3)) for at, k in rows])
    assert len(house.raised_at()) == 1


def test_a_meter_under_another_name_goes_on(kit) -> None:
    rows = kit.electricity(1, 20, away=[(18, 20)])
    swap_ms = kit.START_MS + 15 * kit.DAY_MS
    house = House(kit).power([row for row in rows if row[0] < swap_ms])
    house.power([row for row in rows if row[0] >= swap_ms], device="meter-2")
    hours = hours_after(kit, house, 18)
    assert len(hours) == 1
    assert hours[0] <= 26


def test_a_socket_does_not_speak_for_the_home(kit) -> None:
    rows = kit.electricity(1, 17)
    house = House(kit)
    for number, (at_ms, kwh) in enumerate(rows):
        plug = 50.0 + (number // 8 % 12 == 0) * 0.0 + min(number, 14 * 96) * 0.002
        house.see("power", at_ms, {"energy_kwh": round(plug, 3)}, device="a-socket")
        house.power([(at_ms, kwh)])
    assert house.found == []
    assert house.engine._homes["h"].cells["mains"].monitor._mains.primary == "meter"


def test_a_home_without_a_meter_cannot_be_judged(kit) -> None:
    house = House(kit)
    house.see("motion", kit.START_MS, {"active": 1.0}, device="m")
    assert house.state().state == "cannot_judge"
    assert house.state().explanation["reason"] == "no_meter"


def test_a_meter_that_is_named_is_read_by_the_rule_itself(kit) -> None:
    rules = rules_from_toml("[[rule]]\nname = 'no_sign_of_life'\nmeter = 'flat'\n")
    rows = kit.electricity(2, 16, away=[(14.3, 16)])
    house, straight = House(kit, rules), House(kit).power(rows)
    for at_ms, kwh in rows:
        house.power([(at_ms, kwh)], device="flat")
        # The house has more on the same wire, and `mains` follows that.
        house.power([(at_ms, round(kwh * 3, 3))], device="house")
    assert house.raised_at() == straight.raised_at() != []
    assert house.state().explanation["last_reading_ms"] == rows[-1][0]
    assert house.engine._homes["h"].waiting.mains.primary == "house"
    house.restart()
    assert house.state().state == "silent"
