"""No sign of life over weeks of a home's electricity, and what refutes it."""

import json
from pathlib import Path

import pytest

from rules.config import default_rules, rules_from_toml
from rules.engine import Engine
from rules.rule import HomeFacts
from rules.staying import STAY

RULE = "no_sign_of_life"
# Of homes of 21.4 days, as programs before wrote them: 3 of `electricity(2, 21.4)`, the others of
# `electricity(2, 24, away=[(21.5, 24)])`.
FORMER_STATES = Path(__file__).parent / "former_states"
FORMER = FORMER_STATES / "no_sign_of_life_3.json"


class House:
    """One home on the engine; remembers what was found."""

    def __init__(self, kit, rules=None) -> None:
        self.kit = kit
        self.rules = rules or default_rules()
        self.engine = Engine(self.rules, lane="readings")
        self.engine.add_home(HomeFacts(home="h"), kit.START_MS)
        self.found = []
        self.now_ms = kit.START_MS

    def see(self, kind, at_ms, values, *, now_ms=None, device="meter", attrs=None) -> None:
        self.now_ms = max(self.now_ms, at_ms if now_ms is None else now_ms)
        seen = self.kit.Seen(
            id=f"{device}-{at_ms}",
            device=device,
            kind=kind,
            measured_at_ms=at_ms,
            received_at_ms=self.now_ms,
            values=values,
            attrs=attrs or {},
        )
        found = self.engine.observe("h", seen, self.now_ms)
        self.found += [finding for finding in found if finding.rule == RULE]

    def power(self, rows, *, device="meter") -> "House":
        for at_ms, kwh in rows:
            self.see("power", at_ms, {"energy_kwh": kwh}, device=device)
        return self

    def restart(self) -> None:
        self.engine._touch(self.engine._cell("h", RULE))
        states = self.engine.take_dirty()
        self.engine = Engine(self.rules, lane="readings")
        self.engine.add_home(HomeFacts(home="h"), self.now_ms)
        for row in states:
            self.engine.restore(*row)
        assert self.engine.take_problems() == []

    def state(self, now_ms=None):
        views = self.engine.view("h", self.now_ms if now_ms is None else now_ms)
        return next(v for v in views if v.rule == RULE)

    def raised_at(self):
        return [f.at_ms for f in self.found if f.phase == "raised"]


def hours_after(kit, house, day):
    return [(at - kit.START_MS) / kit.HOUR_MS - day * 24 for at in house.raised_at()]


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


def test_where_a_silence_was_none_a_day_is_not_enough(kit) -> None:
    """It must look empty for an hour more."""
    rows = kit.electricity(2, 35.9, away=[(14.3, 15.45), (34, 37)])
    first, again = (found for found in House(kit).power(rows).found if found.phase == "raised")
    assert (first.evidence["window_h"], again.evidence["window_h"]) == (24, 25)
    assert again.at_ms - again.evidence["quiet_since_ms"] == 25 * kit.HOUR_MS


def test_a_sign_begins_the_hour_more_anew_too(kit) -> None:
    rows = kit.electricity(2, 36.5, away=[(14.3, 15.45), (34, 37)])
    moved_ms = kit.START_MS + int(34.6 * kit.DAY_MS)
    house = House(kit).power([row for row in rows if row[0] <= moved_ms])
    house.see("motion", moved_ms, {"active": 1.0}, device="pir")
    house.power([row for row in rows if row[0] > moved_ms])
    _first, again = house.raised_at()
    assert again - moved_ms >= 25 * kit.HOUR_MS


@pytest.mark.parametrize("minutes", [1, 5, 30, 60])
def test_meters_of_any_interval(kit, minutes) -> None:
    step_ms = minutes * kit.MINUTE_MS
    rows = kit.electricity(3, 16, away=[(14, 16)], step_ms=step_ms)
    hours = hours_after(kit, House(kit).power(rows), 14)
    assert len(hours) == 1
    assert 18 <= hours[0] <= 26


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


def test_duplicates_and_disorder_change_nothing(kit) -> None:
    rows = kit.electricity(1, 17, away=[(14, 17)])
    straight = House(kit).power(rows)
    house = House(kit)
    for number, (at_ms, kwh) in enumerate(rows):
        house.power([(at_ms, kwh)])
        again = rows[max(0, number - 5 * (number % 3))]
        house.see("power", again[0], {"energy_kwh": again[1]}, now_ms=at_ms)
    assert [(f.episode, f.phase, f.at_ms) for f in house.found] == [
        (f.episode, f.phase, f.at_ms) for f in straight.found
    ]


def test_restart_at_every_reading_gives_the_same(kit) -> None:
    rows = kit.electricity(5, 18.5, away=[(14, 15.5), (17, 18.5)])
    straight = House(kit).power(rows)
    house = House(kit)
    for number, row in enumerate(rows):
        if number % 7 == 0 or number > 14 * 96:
            house.restart()
        house.power([row])
    assert [repr(f) for f in house.found] == [repr(f) for f in straight.found]
    assert len(straight.found) >= 3


def test_a_quiet_day_at_home_makes_the_home_be_judged_more_carefully(kit) -> None:
    """Back within hours: nobody had been away. The next day like it raises nothing."""
    quiet = [(14.3, 15.45), (20.3, 21.45), (26.3, 27.45), (33.3, 34.45)]
    house = House(kit).power(kit.electricity(2, 36, away=quiet))
    days = [(at - kit.START_MS) // kit.DAY_MS for at in house.raised_at()]
    assert 1 <= len(days) < len(quiet)
    assert days[0] in (14, 15)
    assert len([f for f in house.found if f.phase == "cleared"]) == len(days)


def test_lively_days_with_visitors_are_not_this_person_s(kit) -> None:
    rows = kit.electricity(2, 24)
    house = House(kit).power([row for row in rows if row[0] <= kit.START_MS + 14 * kit.DAY_MS])
    living = house.engine._cell("h", RULE).monitor._living
    before = (len(living.days), living.quiet.days)
    house.see(STAY, house.now_ms, {"active": 1.0}, device="", attrs={"stay": "visitors"})
    house.power([r for r in rows if 14 < (r[0] - kit.START_MS) / kit.DAY_MS <= 19])
    assert (len(living.days), living.quiet.days) == before
    house.see(STAY, house.now_ms, {"active": 0.0}, device="", attrs={"stay": "visitors"})
    house.power([r for r in rows if (r[0] - kit.START_MS) / kit.DAY_MS > 19])
    assert len(living.days) > before[0]


@pytest.mark.parametrize("stay", ["away", "hospital", "visitors"])
def test_days_of_a_stay_are_not_learned_and_a_silence_is_found_all_the_same(kit, stay) -> None:
    """The book holds what is found meanwhile; afterwards the home is judged as before."""
    rows = kit.electricity(2, 30, away=[(14, 19)])
    house = House(kit).power([row for row in rows if row[0] <= kit.START_MS + 14 * kit.DAY_MS])
    cell = house.engine._cell("h", RULE)
    before = (len(cell.monitor._living.days), cell.monitor._living.quiet.days)
    house.see(STAY, house.now_ms, {"active": 1.0}, device="", attrs={"stay": stay})
    house.power([r for r in rows if 0 < r[0] - kit.START_MS - 14 * kit.DAY_MS <= 5.2 * kit.DAY_MS])
    house.see(STAY, house.now_ms, {"active": 0.0}, device="", attrs={"stay": stay})
    living = house.engine._cell("h", RULE).monitor._living
    assert len(house.raised_at()) == 1
    assert (len(living.days), living.quiet.days) == before
    house.power([r for r in rows if r[0] - kit.START_MS > 19.2 * kit.DAY_MS])
    assert house.found[-1].phase == "cleared"
    assert house.state().state == "well"
    assert living.quiet.days > before[1]
    assert living.quiet._refuted == []


def test_a_longer_window_from_the_configuration(kit) -> None:
    rules = rules_from_toml("[[rule]]\nname = 'no_sign_of_life'\nwindow_h = 40\n")
    rows = kit.electricity(2, 17, away=[(14.4, 17)])
    usual, longer = (hours_after(kit, House(kit, r).power(rows), 14.4) for r in (None, rules))
    assert len(usual) == len(longer) == 1
    assert 30 <= longer[0] <= 42
    assert longer[0] > usual[0]


def test_a_learned_state_is_small_and_survives_another_window(kit) -> None:
    house = House(kit).power(kit.electricity(1, 70))
    rows = {rule: state for _, rule, state in house.engine.take_dirty()}
    assert len(rows[RULE]) < 10_240
    assert json.loads(rows[RULE])["v"] == 5
    shorter = rules_from_toml("[[rule]]\nname = 'no_sign_of_life'\nwindow_h = 20\n")
    other = House(kit, shorter)
    other.engine.restore("h", RULE, rows[RULE])
    assert other.engine.take_problems() == []
    assert other.state(house.now_ms).state == "well"


def test_a_home_without_a_meter_cannot_be_judged(kit) -> None:
    house = House(kit)
    house.see("motion", kit.START_MS, {"active": 1.0}, device="m")
    assert house.state().state == "cannot_judge"
    assert house.state().explanation["reason"] == "no_meter"


def test_a_state_of_the_program_before_goes_on_with_what_it_learned(kit) -> None:
    house = House(kit)
    rows = kit.electricity(2, 24, away=[(21.5, 24)])
    seen_until_ms = kit.START_MS + int(21.4 * kit.DAY_MS)
    house.now_ms = seen_until_ms
    house.engine.restore("h", RULE, FORMER.read_bytes())
    assert house.state().explanation["days_learned"] >= 15
    assert house.state().state == "well"
    house.power([row for row in rows if row[0] > seen_until_ms])
    assert house.engine.take_problems() == []
    (at_ms,) = house.raised_at()
    assert at_ms - kit.START_MS - 21.5 * kit.DAY_MS <= 26 * kit.HOUR_MS


def test_a_state_that_read_its_meter_itself_goes_on_as_if_nothing_had_changed(kit) -> None:
    """It had seen each of the quarter-hours that the state of `mains` keeps for the others."""
    rows = kit.electricity(2, 24, away=[(21.5, 24)])
    seen_until_ms = kit.START_MS + int(21.4 * kit.DAY_MS)
    straight, house = House(kit).power(rows), House(kit)
    house.now_ms = seen_until_ms
    for rule, version in ((RULE, 4), ("mains", 2)):
        house.engine.restore("h", rule, (FORMER_STATES / f"{rule}_{version}.json").read_bytes())
    assert house.engine._homes["h"].waiting.count > 0
    last_ms = max(at_ms for at_ms, _kwh in rows if at_ms <= seen_until_ms)
    assert house.state().explanation["last_reading_ms"] == last_ms
    house.power([row for row in rows if row[0] > seen_until_ms])
    assert house.engine.take_problems() == []
    # What it had learned of its days is of another window: so is what the evidence says of them.
    told = [[(f.episode, f.phase, f.reason, f.at_ms) for f in h.found] for h in (house, straight)]
    assert told[0] == told[1] != []
    cells = (h.engine._homes["h"].cells[RULE] for h in (house, straight))
    here, there = (cell.monitor._living.dump() for cell in cells)
    assert {name for name in here if here[name] != there[name]} <= {"days", "quiet"}


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


@pytest.mark.parametrize("field", ["days", "quiet", "pending", "runs"])
def test_a_former_state_that_lacks_a_part_starts_afresh(kit, field) -> None:
    document = json.loads(FORMER.read_bytes())
    del document["living"][field]
    house = House(kit)
    house.engine.restore("h", RULE, json.dumps(document).encode())
    house.power(kit.electricity(2, 0.1))
    assert house.engine.take_problems() != []
    assert house.state().state == "learning"


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
