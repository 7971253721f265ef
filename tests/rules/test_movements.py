"""Silences that sensors find: with and without electricity, what ends them, what they learn from,
and that a restart at any moment changes nothing."""

import json
import random

import pytest

from rules.config import default_rules, rules_from_toml
from rules.engine import Engine
from rules.found_out import FOUND_OUT, FoundOut
from rules.rule import DEVICE_STATUS, DeviceFacts, HomeFacts
from rules.signs import SAID_WELL
from rules.staying import STAY
from rules.usual_gaps import usual_of
from rules.watched_hours import DAYS, no_hours

RULE = "no_sign_of_life"
FEED = "movements"
KINDS = {"pir": "motion", "door": "contact", "radar": "presence"}
FIELDS = {"motion": "active", "contact": "open", "presence": "present"}
RULES = [rule for rule in default_rules() if rule.name in (RULE, FEED, "mains")]
STEP_MS = 600_000


class Home:
    """A home with sensors; its gateway says every ten minutes what it has heard. Days of a person
    who is up from seven to ten and passes the sensor now and then."""

    def __init__(self, kit, *, sensors=("pir", "door"), rules=RULES, seed=1) -> None:
        self.kit, self.rules, self.sensors = kit, rules, sensors
        self.chance = random.Random(seed)
        facts = tuple(DeviceFacts("gw", name, KINDS[name]) for name in sensors)
        self.facts = HomeFacts(home="h", devices=facts)
        self.engine = Engine(rules, lane="readings")
        self.engine.add_home(self.facts, kit.START_MS)
        self.found, self.stored, self.now_ms = [], {}, kit.START_MS
        self.heard = dict.fromkeys(sensors, kit.START_MS)
        self.open = 0.0

    def day_ms(self, day) -> int:
        """Local midnight of a day, 0: the first whole one."""
        return self.kit.START_MS + 16 * self.kit.HOUR_MS + int(day * self.kit.DAY_MS)

    def see(self, kind, at_ms, values, *, device="", attrs=None, now_ms=None) -> None:
        now_ms = at_ms if now_ms is None else now_ms
        self.now_ms = max(self.now_ms, now_ms)
        seen = self.kit.Seen(
            id=f"{kind}{at_ms}",
            device=device,
            kind=kind,
            measured_at_ms=at_ms,
            received_at_ms=self.now_ms,
            values=values,
            attrs=attrs or {},
        )
        found = self.engine.observe("h", seen, self.now_ms)
        self.found += [one for one in found if one.rule == RULE]

    def sign(self, device, at_ms, *, value=1.0, now_ms=None) -> None:
        kind = KINDS[device]
        self.heard[device] = at_ms
        self.see(kind, at_ms, {FIELDS[kind]: value}, device=device, now_ms=now_ms)

    def status(self, at_ms, *, dead=()) -> None:
        for device in self.sensors:
            if device not in dead and at_ms - self.heard[device] >= self.kit.HOUR_MS:
                self.heard[device] = at_ms
        values = {device: float(ms) for device, ms in self.heard.items()}
        self.see(DEVICE_STATUS, at_ms, values, device="gw")

    def live(self, start, end, *, out=(), dead=(), down=(), power=()) -> "Home":
        """From a day to another. out: when nobody is seen; dead: sensors that are not heard; down:
        when the gateway isn't. power: rows of a meter."""
        rows = list(power)
        at_ms, end_ms = self.day_ms(start), self.day_ms(end)
        while at_ms < end_ms:
            day = (at_ms - self.day_ms(0)) / self.kit.DAY_MS
            gone = any(a <= day < b for a, b in out)
            while rows and rows[0][0] <= at_ms:
                row_ms, kwh = rows.pop(0)
                self.see("power", row_ms, {"energy_kwh": kwh}, device="meter")
            awake = 7 / 24 <= day % 1 < 22 / 24
            luck = self.chance.random()
            if awake and not gone and luck < 0.25:
                self.act(at_ms, dead, door=luck < 0.02)
            if not any(a <= day < b for a, b in down):
                self.status(at_ms + 1000, dead=dead)
            at_ms += STEP_MS
        return self

    def act(self, at_ms, dead, *, door) -> None:
        if door and "door" in self.sensors and "door" not in dead:
            self.open = 1.0 - self.open
            self.sign("door", at_ms, value=self.open)
        elif "pir" in self.sensors and "pir" not in dead:
            self.sign("pir", at_ms)

    def restart(self) -> None:
        self.stored.update({rule: state for _home, rule, state in self.engine.take_dirty()})
        self.engine = Engine(self.rules, lane="readings")
        self.engine.add_home(self.facts, self.now_ms)
        for rule, state in self.stored.items():
            self.engine.restore("h", rule, state)
        assert self.engine.take_problems() == []

    def phases(self):
        return [(one.phase, one.reason) for one in self.found]

    def hours(self, day):
        """After which each was raised."""
        raised = [one.at_ms for one in self.found if one.phase == "raised"]
        return [round((at - self.day_ms(day)) / self.kit.HOUR_MS, 1) for at in raised]

    def state(self):
        views = self.engine.view("h", self.now_ms)
        return next(view for view in views if view.rule == RULE)


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


def shifted(kit, rows):
    """Electricity whose days begin with the local midnight."""
    return [(at_ms + 16 * kit.HOUR_MS, kwh) for at_ms, kwh in rows]


def test_where_electricity_shows_somebody_sensors_are_believed_later(kit) -> None:
    rows = shifted(kit, kit.electricity(2, 22.5))
    home = Home(kit).live(0, 21.2, out=[(20.4, 30)], power=rows)
    assert home.found == []
    (finding,) = home.live(21.2, 21.6, out=[(20.4, 30)], power=rows).found
    assert (finding.evidence["power_shows"], finding.evidence["quiet_watched_h"]) == (
        "somebody",
        22,
    )


def test_where_both_show_nobody_it_is_found_sooner_than_by_electricity(kit) -> None:
    rows = shifted(kit, kit.electricity(2, 22.5, away=[(20.4, 30)]))
    both = Home(kit).live(0, 22, out=[(20.4, 30)], power=rows)
    alone = Home(kit, sensors=()).live(0, 22, power=rows)
    assert both.hours(20.4)[0] + 3 <= alone.hours(20.4)[0]
    (finding,) = both.found
    assert finding.evidence["power_shows"] == "nobody"


def test_electricity_ends_it_only_once_it_had_found_it_too(kit) -> None:
    """Raised by sensors, agreed by electricity; a machine alone ends nothing, an evening does."""
    rows = shifted(kit, kit.electricity(2, 24, away=[(20.4, 22.4)]))
    home = Home(kit).live(0, 24, out=[(20.4, 30)], power=rows)
    assert home.phases() == [("raised", "no_movement"), ("cleared", "activity")]
    assert home.found[1].at_ms > home.day_ms(22.4)
    assert home.found[0].episode == home.found[1].episode


@pytest.mark.parametrize("power", [False, True])
def test_restart_at_every_step_changes_nothing(kit, power) -> None:
    rows = shifted(kit, kit.electricity(3, 12, away=[(9.4, 11)])) if power else []

    def lived(*, broken):
        home = Home(kit, seed=5)
        if broken:
            see = home.see

            def after_restart(*args, **kwargs):
                if args[0] != "power":
                    home.restart()
                see(*args, **kwargs)

            home.see = after_restart
        home.live(0, 12, out=[(9.4, 11)], down=[(4.2, 4.6)], power=rows)
        return [repr(one) for one in home.found], home.state()

    assert lived(broken=True) == lived(broken=False)
    assert lived(broken=False)[0]


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


def told(home, found_out, *, of=0, at_ms=None) -> None:
    raised = [one for one in home.found if one.phase == "raised"][of]
    until_ms = home.now_ms if at_ms is None else at_ms
    values = {"raised_ms": float(raised.at_ms), "until_ms": float(until_ms)}
    attrs = {"found_out": str(found_out)}
    home.see(FOUND_OUT, until_ms, values, attrs=attrs, now_ms=until_ms)


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize("truth", [FoundOut.NEEDED_HELP, FoundOut.WAS_OUT])
def test_a_fall_that_was_found_soon_is_found_again_the_next_time(kit, truth, early) -> None:
    """Whoever came walked past the sensor within hours."""
    home = Home(kit).live(0, 21.2 if early else 21.4, out=[(20.4, 21.25)])
    if early:
        told(home, truth)
        home.live(21.2, 21.4, out=[(20.4, 21.25)])
    else:
        told(home, truth)
        home.restart()
    home.live(21.4, 61.4, out=[(60.4, 61.25)])
    assert home.phases() == [("raised", "no_movement"), ("cleared", "moved")] * 2


def test_whoever_is_found_well_by_nobody_s_sensor_has_another_silence_begin(kit) -> None:
    home = Home(kit).live(0, 21.2, out=[(20.4, 24)])
    assert len(home.found) == 1
    told(home, FoundOut.WAS_IN_AND_WELL)
    assert home.phases()[-1] == ("cleared", "found_well")
    home.restart()
    # Its hours are counted from then on.
    home.live(21.2, 21.7, out=[(20.4, 24)])
    assert len(home.found) == 2
    home.live(21.7, 24, out=[(20.4, 24)])
    assert [phase for phase, _reason in home.phases()] == ["raised", "cleared", "raised"]


def test_a_state_of_before_words_were_heard_goes_on_with_what_it_knew(kit) -> None:
    home = Home(kit).live(0, 21.4, out=[(20.4, 21.25)])
    home.restart()
    document = json.loads(home.stored[FEED])
    [silences] = document.pop("silences")
    document |= {"v": 1, "refuted": [row[:2] for row in silences]}
    home.stored[FEED] = json.dumps(document).encode()
    home.restart()
    home.live(21.4, 61.4, out=[(60.4, 61.25)])
    assert len(home.found) == 2
