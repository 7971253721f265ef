"""Silences that sensors find alone: what ends them, what they learn from, and what the hours of a
usual day say."""

import json

import pytest

from rules.config import rules_from_toml
from rules.rule import DeviceFacts, HomeFacts
from rules.signs import SAID_WELL
from rules.staying import STAY
from rules.usual_gaps import usual_of
from rules.watched_hours import DAYS, no_hours
from tests.rules.sensor_home import FEED, RULE, STEP_MS, Home


@pytest.mark.parametrize("seed", range(4))
def test_a_month_of_life_raises_nothing(kit, seed) -> None:
    home = Home(kit, seed=seed).live(0, 30)
    assert home.found == []
    view = home.state()
    assert (view.state, view.explanation["reason"]) == ("well", "sensors_well")
    assert (view.explanation["sensors"], view.explanation["power_shows"]) == (2, "unknown")


@pytest.mark.parametrize("seed", range(4))
def test_a_home_without_a_meter_is_found_silent_within_a_day(kit, seed) -> None:
    home = Home(kit, seed=seed).live(0, 21.5, out=[(20.4, 30)])
    (hours,) = home.hours(20.4)
    assert 14 <= hours <= 24
    (finding,) = home.found
    assert (finding.severity, finding.device) == ("urgent", None)
    evidence = finding.evidence
    assert evidence["missed_signs_h"] > evidence["missed_limit_h"] > evidence["missed_usual_h"]
    assert evidence["quiet_watched_h"] > evidence["longest_quiet_h"]
    assert evidence["quiet_since_ms"] == evidence["last_sign_ms"] <= home.day_ms(20.4)
    assert home.state().state == "silent"


def test_the_first_week_has_no_opinion_and_the_second_a_wider_limit(kit) -> None:
    home = Home(kit).live(0, 6.9, out=[(5.4, 9)])
    assert home.found == []
    view = home.state()
    assert (view.state, view.explanation["reason"]) == ("learning", "sensors_learning")
    signs, limits = bits(range(8, 20)), []
    for known in (12, 20):
        seen = bits(range(24))
        seen[: DAYS - 1 - known] = no_hours()[: DAYS - 1 - known]
        limits.append(usual_of([seen], [signs], no_hours(), [], 0).alone_h)
    assert limits[0] > limits[1] * 1.2


def test_a_sensor_that_is_not_heard_makes_no_silence(kit) -> None:
    """Batteries that end with the last sign, each and both."""
    for dead in (("pir",), ("pir", "door")):
        home = Home(kit).live(0, 20).live(20, 22, dead=dead, out=[(20.4, 30)])
        assert [f for f in home.found if "pir" not in dead] == []
        assert home.hours(20.4) == []


def test_a_dead_sensor_leaves_the_judgement_to_the_others(kit) -> None:
    home = Home(kit, sensors=("pir", "radar"))
    home.live(0, 20)
    for hour in range(10, 22):
        home.sign("radar", home.now_ms, value=float(hour % 2))
    assert home.found == []
    home.live(20, 26, dead=("pir",))
    assert home.found == []


def test_a_gateway_that_is_not_heard_stops_the_clock(kit) -> None:
    out = [(20.4, 30)]
    straight = Home(kit).live(0, 21.5, out=out).hours(20.4)[0]
    paused = Home(kit).live(0, 22.5, out=out, down=[(20.5, 21.0)]).hours(20.4)[0]
    assert paused >= straight + 5


def test_what_is_still_on_its_way_is_waited_for(kit) -> None:
    """The line was down for an hour; the movement that it held comes ten minutes after it."""
    out, raised = [(20.4, 30)], Home(kit).live(0, 21.5, out=[(20.4, 30)]).hours(20.4)[0]
    down = (20.4 + (raised - 0.9) / 24, 20.4 + (raised + 0.1) / 24)
    home = Home(kit).live(0, down[1] + 0.005, out=out, down=[down])
    home.sign("pir", home.day_ms(down[0] + 0.01), now_ms=home.now_ms)
    home.live(down[1] + 0.012, down[1] + 0.2, out=out)
    assert home.found == []


def test_a_door_last_then_nothing_says_that_they_left(kit) -> None:
    home = Home(kit).live(0, 20.4)
    home.sign("pir", home.day_ms(20.41))
    home.sign("door", home.day_ms(20.412), value=1.0 - home.open)
    home.live(20.42, 21.5, out=[(20.4, 30)])
    (finding,) = home.found
    assert finding.reason == "left_by_door"
    assert finding.evidence["door_last"] is True
    stayed = Home(kit).live(0, 20.4)
    stayed.sign("door", stayed.day_ms(20.41), value=1.0 - stayed.open)
    stayed.sign("pir", stayed.day_ms(20.42))
    stayed.live(20.43, 21.5, out=[(20.4, 30)])
    assert [f.reason for f in stayed.found] == ["no_movement"]
    assert stayed.hours(20.42)[0] < home.hours(20.412)[0]


def test_who_is_there_by_the_radar_has_not_left(kit) -> None:
    home = Home(kit, sensors=("pir", "door", "radar")).live(0, 20.4)
    home.sign("radar", home.day_ms(20.4), value=0.0)
    home.sign("radar", home.day_ms(20.41), value=1.0)
    home.sign("door", home.day_ms(20.412), value=1.0 - home.open)
    home.live(20.42, 21.5, out=[(20.4, 30)])
    (finding,) = home.found
    assert (finding.reason, finding.evidence["somebody_there"]) == ("no_movement", True)


@pytest.mark.parametrize("how", ["pir", "sos", SAID_WELL, "blood_pressure"])
def test_a_sign_ends_it_once(kit, how) -> None:
    home = Home(kit).live(0, 21.4, out=[(20.4, 30)])
    at_ms = home.day_ms(21.41)
    values = {"active": 1.0} if how == "pir" else {"systolic_mmhg": 120.0}
    kind = "motion" if how == "pir" else how
    home.see(kind, at_ms, values, device=how, attrs={"action": "press"})
    home.live(21.42, 21.6)
    assert [phase for phase, _reason in home.phases()] == ["raised", "cleared"]
    assert home.state().state == "well"


def test_a_silence_that_was_none_makes_the_home_be_judged_more_carefully(kit) -> None:
    """A day in bed: found, and refuted an hour later. The next one is not found."""
    home = Home(kit).live(0, 21.4, out=[(20.4, 21.25)])
    first = len(home.found)
    assert home.phases()[0][0] == "raised"
    home.live(21.4, 30.4, out=[(29.4, 30.25)])
    assert len(home.found) == first


def test_a_silence_that_lasted_is_forgotten(kit) -> None:
    home = Home(kit).live(0, 24.4, out=[(20.4, 23.4)])
    limit = home.found[0].evidence["missed_limit_h"]
    home.live(24.4, 36.5, out=[(35.4, 37)])
    again = [one for one in home.found if one.phase == "raised"][1]
    assert again.evidence["missed_limit_h"] < limit * 1.4


@pytest.mark.parametrize("stay", ["away", "hospital", "visitors"])
def test_stays_are_not_learned_and_a_silence_is_found_all_the_same(kit, stay) -> None:
    home = Home(kit).live(0, 20)
    home.see(STAY, home.now_ms, {"active": 1.0}, attrs={"stay": stay})
    home.live(20, 24, out=[(20.4, 24)])
    home.see(STAY, home.now_ms, {"active": 0.0}, attrs={"stay": stay})
    limit = home.found[0].evidence["missed_limit_h"]
    home.live(24, 30.4, out=[(29.4, 31)])
    raised = [one for one in home.found if one.phase == "raised"]
    assert len(raised) == 2
    assert raised[1].evidence["missed_limit_h"] < limit * 1.4


def test_a_sensor_that_looks_at_a_wall_is_left_out(kit) -> None:
    """It reports and sees nobody; the door goes on for two days, and then rests for one."""
    home = Home(kit, sensors=("pir", "door")).live(0, 20)
    for half_days in range(1, 5):
        home.live(20 + (half_days - 1) / 2, 20 + half_days / 2, out=[(20, 40)])
        home.open = 1.0 - home.open
        home.sign("door", home.now_ms + 60_000, value=home.open)
    home.live(22, 23, out=[(20, 40)])
    assert home.found == []


def test_who_lives_on_beside_a_dead_sensor_is_found_silent(kit) -> None:
    """The door's battery is empty for days: it is not waited for."""
    home = Home(kit).live(0, 22).live(22, 23.5, dead=("door",), out=[(22.4, 30)])
    assert [phase for phase, _reason in home.phases()] == ["raised"]
    assert home.found[0].evidence["sensors"] == 1


def test_days_of_a_stay_are_not_usual_days(kit) -> None:
    home = Home(kit).live(0, 20)
    home.see(STAY, home.now_ms, {"active": 1.0}, attrs={"stay": "visitors"})
    home.live(20, 26, out=[(day + 0.35, day + 0.8) for day in range(20, 26)])
    home.see(STAY, home.now_ms, {"active": 0.0}, attrs={"stay": "visitors"})
    home.live(26, 29.4, out=[(28.4, 31)])
    # Eight hours and more of each of those days.
    assert home.found[0].evidence["missed_limit_h"] < 7


def test_what_was_refuted_holds_for_half_a_year(kit) -> None:
    home = Home(kit).live(0, 21.4, out=[(20.4, 21.25)])
    first = len(home.found)
    home.live(21.4, 61.4, out=[(60.4, 61.25)])
    assert (first, len(home.found)) == (2, 2)


def test_sensors_may_end_a_silence_and_not_make_one(kit) -> None:
    rules = rules_from_toml('[[rule]]\nname = "no_sign_of_life"\nby_sensors = false\n')
    home = Home(kit, rules=[rule for rule in rules if rule.name in (RULE, FEED, "mains")])
    home.live(0, 22, out=[(20.4, 30)])
    assert home.found == []
    assert home.state().state == "cannot_judge"


def test_the_state_of_a_home_with_sensors_is_small(kit) -> None:
    home = Home(kit, sensors=("pir", "door", "radar")).live(0, 40)
    states = {rule: state for _home, rule, state in home.engine.take_dirty()}
    assert len(states[FEED]) < 2_500
    assert len(states[RULE]) < 1_200
    assert json.loads(states[FEED])["sensors"].keys() == {"pir", "door"}


def test_a_home_without_sensors_is_asked_nothing(kit) -> None:
    home = Home(kit, sensors=())
    home.status(home.now_ms)
    home.engine.take_dirty()
    home.status(home.now_ms + STEP_MS)
    assert home.engine.take_dirty() == []


def test_two_devices_of_one_name_are_no_witnesses(kit) -> None:
    home = Home(kit, sensors=("pir",))
    twin = DeviceFacts("gw-2", "pir", "motion")
    home.engine.add_home(HomeFacts(home="h", devices=(*home.facts.devices, twin)), home.now_ms)
    home.live(0, 22, out=[(20.4, 30)])
    assert home.found == []


def bits(hours_of_a_day):
    made = no_hours()
    for place in range(DAYS):
        for hour in hours_of_a_day:
            made[place] |= 1 << hour
    return made


def test_an_hour_counts_as_often_as_there_is_a_sign(kit) -> None:
    seen, signs = bits(range(24)), bits(range(8, 20))
    usual = usual_of([seen], [signs], no_hours(), [], 0)
    assert usual.days == DAYS - 1
    assert min(usual.chances[8:20]) > 0.97
    assert max(usual.chances[:8] + usual.chances[20:]) < 0.03
    assert usual.longest_h == 12
    assert usual.joint_h <= usual.alone_h


def test_what_was_refuted_is_never_called_again() -> None:
    seen, signs = bits(range(24)), bits(range(8, 20))
    assert usual_of([seen], [signs], no_hours(), [9.0], 0).alone_h > 9.0
    assert usual_of([seen], [signs], no_hours(), [9.0], 0).joint_h >= 9.0


def test_a_silence_is_not_its_own_measure() -> None:
    seen, signs = bits(range(24)), bits(range(8, 20))
    for place in range(DAYS - 3, DAYS):
        signs[place] = 0
    assert usual_of([seen], [signs], no_hours(), [], 52).longest_h == 12
    assert usual_of([seen], [signs], no_hours(), [], 0).longest_h > 50
