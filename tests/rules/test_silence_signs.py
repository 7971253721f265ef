"""What refutes a silence or ends it: presses, movement, doors, measurements, an "I'm well"."""

import pytest

from tests.rules.silent_home import House

SIGNS = {
    "press": ("sos", {}, {"action": "press"}, "pressed"),
    "test press": ("sos", {}, {"action": "test"}, "pressed"),
    "motion": ("motion", {"active": 1.0}, {}, "moved"),
    "well": ("presence", {"present": 1.0}, {"action": "well"}, "said_well"),
    "cuff": ("blood_pressure", {"systolic_mmhg": 120.0, "diastolic_mmhg": 80.0}, {}, "measured"),
}


@pytest.mark.parametrize("sign", SIGNS)
def test_a_sign_of_life_holds_off_the_alarm(kit, sign) -> None:
    kind, values, attrs, reason = SIGNS[sign]
    rows = kit.electricity(2, 17, away=[(14, 17)])
    at_ms = kit.START_MS + int(14.8 * kit.DAY_MS)
    house = House(kit).power([row for row in rows if row[0] <= at_ms])
    house.see(kind, at_ms, values, device="other", attrs=attrs)
    house.power([row for row in rows if row[0] > at_ms])
    assert house.found[0].at_ms >= at_ms + 24 * kit.HOUR_MS
    assert house.found[0].evidence["last_sign"] == reason


@pytest.mark.parametrize("sign", SIGNS)
def test_a_sign_of_life_clears(kit, sign) -> None:
    kind, values, attrs, reason = SIGNS[sign]
    house = House(kit).power(kit.electricity(2, 15.6, away=[(14, 17)]))
    assert house.state().state == "silent"
    house.see(kind, house.now_ms, values, device="other", attrs=attrs)
    assert [(f.phase, f.reason) for f in house.found][-1] == ("cleared", reason)


NO_SIGNS = {
    "motion ended": [("motion", {"active": 0.0}, {})],
    "smoke": [("smoke", {}, {"action": "press"})],
    "press cleared by the device": [("sos", {}, {"action": "clear"})],
    "door says the same again": [("contact", {"open": 0.0}, {}), ("contact", {"open": 0.0}, {})],
}


@pytest.mark.parametrize("case", NO_SIGNS)
def test_what_proves_nothing(kit, case) -> None:
    house = House(kit).power(kit.electricity(2, 15.6, away=[(14, 17)]))
    for kind, values, attrs in NO_SIGNS[case]:
        house.see(kind, house.now_ms, values, device="other", attrs=attrs)
    assert [f.phase for f in house.found] == ["raised"]


def test_who_says_well_is_not_asked_again_for_the_same_silence(kit) -> None:
    """The answer begins a new silence: a whole window must be seen before the next question."""
    rows = kit.electricity(2, 18, away=[(14, 18)])
    house = House(kit)
    answered_ms = None
    for at_ms, kwh in rows:
        house.see("power", at_ms, {"energy_kwh": kwh})
        if answered_ms is None and house.raised_at():
            answered_ms = house.raised_at()[0] + 2 * kit.MINUTE_MS
            house.see(
                "presence", answered_ms, {"present": 1}, device="well", attrs={"action": "well"}
            )
            assert (house.found[-1].phase, house.found[-1].reason) == ("cleared", "said_well")
    _first, *again = house.raised_at()
    assert answered_ms is not None
    assert [at - answered_ms >= 24 * kit.HOUR_MS for at in again] == [True]


def test_a_door_that_changes_is_life(kit) -> None:
    house = House(kit).power(kit.electricity(2, 15.6, away=[(14, 17)]))
    house.see("contact", house.now_ms, {"open": 0.0}, device="door")
    house.see("contact", house.now_ms, {"open": 1.0}, device="door")
    assert [f.phase for f in house.found] == ["raised", "cleared"]


def test_a_sign_from_before_the_silence_does_not_clear_it(kit) -> None:
    house = House(kit).power(kit.electricity(2, 15.6, away=[(14, 17)]))
    early_ms = house.found[0].evidence["quiet_since_ms"] - kit.HOUR_MS
    house.see("motion", early_ms, {"active": 1.0}, now_ms=house.now_ms, device="other")
    assert [f.phase for f in house.found] == ["raised"]


def test_a_sign_begins_the_hour_more_anew_too(kit) -> None:
    rows = kit.electricity(2, 36.5, away=[(14.3, 15.45), (34, 37)])
    moved_ms = kit.START_MS + int(34.6 * kit.DAY_MS)
    house = House(kit).power([row for row in rows if row[0] <= moved_ms])
    house.see("motion", moved_ms, {"active": 1.0}, device="pir")
    house.power([row for row in rows if row[0] > moved_ms])
    _first, again = house.raised_at()
    assert again - moved_ms >= 25 * kit.HOUR_MS
