"""The engine itself: lanes, homes, order of timers, dirty states, overrides."""

from dataclasses import replace

import pytest

from contract.config import ConfigError
from rules.config import default_rules
from rules.engine import Engine
from rules.rule import DEVICE_WORD, NOTHING, DeviceFacts, HomeFacts
from tests.rules.heard_items import item


def cuff(kit, systolic, *, at_ms=None, number=1):
    values = {"systolic_mmhg": float(systolic), "diastolic_mmhg": 90.0}
    return item(kit, "blood_pressure", at_ms=at_ms, number=number, values=values)


def test_lanes_share_out_the_rules(kit) -> None:
    urgent, readings = (Engine(default_rules(), lane=lane) for lane in ("urgent", "readings"))
    for engine in (urgent, readings):
        engine.add_home(HomeFacts(home="h"), kit.START_MS)
    press = item(kit, "sos")
    assert [f.rule for f in urgent.observe("h", press, kit.START_MS)] == ["sos"]
    assert readings.observe("h", press, kit.START_MS) == []
    assert urgent.observe("h", cuff(kit, 210), kit.START_MS) is NOTHING
    assert [f.reason for f in readings.observe("h", cuff(kit, 210), kit.START_MS)] == ["crisis"]
    names = {v.rule for e in (urgent, readings) for v in e.view("h", kit.START_MS)}
    assert names == {
        rule.name for rule in default_rules() if rule.kind.subject in ("home", "either")
    }


def test_unknown_home_is_an_error_the_caller_sees(kit) -> None:
    engine = Engine(default_rules())
    with pytest.raises(KeyError):
        engine.observe("nobody", item(kit, "sos"), kit.START_MS)
    with pytest.raises(KeyError):
        engine.view("nobody", kit.START_MS)
    engine.remove_home("nobody")


def test_a_home_without_a_bed_sensor_is_not_said_to_be_out_of_bed(kit) -> None:
    engine = Engine(default_rules())
    engine.add_home(HomeFacts(home="h"), kit.START_MS)

    def told() -> tuple[str, str]:
        view = {v.rule: v for v in engine.view("h", kit.START_MS)}["bed_absence"]
        return view.state, str(view.explanation["reason"])

    assert told() == ("unknown", "no_bed")
    left = item(kit, "bed", values={"occupied": 0.0})
    engine.observe("h", left, kit.START_MS)
    assert told() == ("out_of_bed", "out_of_bed")


def test_gateways_have_their_own_rules(kit) -> None:
    engine = Engine(default_rules())
    engine.add_home(HomeFacts(home="gateway:gw-1"), kit.START_MS)
    # Faults and batteries of its own devices, and of those that no home has claimed.
    rules = ["device_fault", "gateway_silent", "low_battery"]
    assert [v.rule for v in engine.view("gateway:gw-1", kit.START_MS)] == rules
    assert engine.observe("gateway:gw-1", item(kit, "sos"), kit.START_MS) is NOTHING


BUTTON = DeviceFacts("gw-1", "button", "sos", test_interval_s=86_400, life_critical=True)


def test_other_devices_are_known_without_a_restart(kit) -> None:
    engine = Engine(default_rules(), lane="readings")
    assert engine.wants_devices
    engine.add_home(HomeFacts(home="h"), kit.START_MS)
    hour_ms = kit.START_MS + kit.HOUR_MS
    # A button that is bound now has its first test a day from now, and again after facts that
    # say the same.
    for _ in range(2):
        engine.add_home(HomeFacts(home="h", devices=(BUTTON,)), hour_ms)
    assert engine.advance(hour_ms + kit.DAY_MS - 1) == []
    (found,) = engine.advance(hour_ms + kit.DAY_MS)
    assert (found.reason, found.part, found.device) == ("weekly_test_due", "gw-1/button", "button")
    assert found.repair_within_ms == 7 * kit.DAY_MS
    # It is bound elsewhere: the alarm here must not wait for it.
    later_ms = hour_ms + 3 * kit.DAY_MS
    engine.add_home(HomeFacts(home="h"), later_ms)
    (gone,) = engine.advance(later_ms)
    assert (gone.phase, gone.reason, gone.episode) == ("cleared", "not_watched", found.episode)
    assert engine.next_due_ms() is None


def test_a_test_interval_that_is_changed_counts_from_the_last_test(kit) -> None:
    engine = Engine(default_rules(), lane="readings")
    engine.add_home(HomeFacts(home="h", devices=(BUTTON,)), kit.START_MS)
    engine.advance(kit.START_MS + kit.DAY_MS)
    monthly = BUTTON._replace(test_interval_s=30 * 86_400)
    now_ms = kit.START_MS + 2 * kit.DAY_MS
    engine.add_home(HomeFacts(home="h", devices=(monthly,)), now_ms)
    assert [f.phase for f in engine.advance(now_ms)] == ["cleared"]
    assert engine.next_due_ms() == kit.START_MS + 30 * kit.DAY_MS


def test_a_word_of_a_device_that_was_just_discovered_is_kept(kit) -> None:
    engine = Engine(default_rules(), lane="readings")
    gateway = HomeFacts(home="gateway:gw-1")
    engine.add_home(gateway, kit.START_MS)
    word = item(kit, DEVICE_WORD, device="gw-1/modem", attrs={"fault": "sim_missing"})
    engine.observe("gateway:gw-1", word, kit.START_MS)
    engine.add_home(gateway, kit.START_MS + 1000)
    found = engine.advance(kit.START_MS + kit.HOUR_MS)
    assert "sim_missing" in {f.reason for f in found}


def test_timers_fire_in_order_of_due_and_home_and_rule(kit) -> None:
    engine = Engine(default_rules())
    for name in ("gateway:b", "gateway:a", "gateway:c"):
        engine.add_home(HomeFacts(home=name), kit.START_MS)
    later = kit.START_MS + 10_000
    engine.observe("gateway:a", item(kit, "status"), later)
    assert engine.next_due_ms() == kit.START_MS + 90_000
    found = engine.advance(later + 90_000)
    assert [(f.home, f.at_ms - kit.START_MS) for f in found] == [
        ("gateway:b", 90_000),
        ("gateway:c", 90_000),
        ("gateway:a", 100_000),
    ]
    assert engine.next_due_ms() is None


def test_a_timer_that_moved_on_does_not_fire_early(kit) -> None:
    engine = Engine(default_rules())
    engine.add_home(HomeFacts(home="gateway:a"), kit.START_MS)
    for seconds in range(0, 3000, 30):
        now_ms = kit.START_MS + seconds * 1000
        assert engine.observe("gateway:a", item(kit, "status", number=seconds), now_ms) == []
        assert engine.advance(now_ms) == []
    assert len(engine._timers) == 1
    assert engine.next_due_ms() == kit.START_MS + 2970_000 + 90_000


def test_a_due_timer_fires_before_the_observation_that_finds_it(kit) -> None:
    engine = Engine(default_rules())
    engine.add_home(HomeFacts(home="h"), kit.START_MS)
    engine.observe("h", cuff(kit, 185), kit.START_MS)
    late_ms = kit.START_MS + 40 * kit.MINUTE_MS
    found = engine.observe("h", cuff(kit, 186, at_ms=late_ms, number=2), late_ms)
    assert [(f.reason, f.at_ms) for f in found] == [
        ("high_unconfirmed", kit.START_MS + 30 * kit.MINUTE_MS)
    ]


def test_resume_gives_silent_gateways_their_time_again(kit) -> None:
    engine = Engine(default_rules())
    engine.add_home(HomeFacts(home="gateway:a"), kit.START_MS)
    hour_ms = kit.START_MS + kit.HOUR_MS
    engine.resume(hour_ms)
    assert engine.advance(hour_ms + 89_999) == []
    assert [f.reason for f in engine.advance(hour_ms + 90_000)] == ["never_heard"]


def test_resume_does_not_forgive_what_waits_for_a_person(kit) -> None:
    engine = Engine(default_rules())
    engine.add_home(HomeFacts(home="h"), kit.START_MS)
    engine.observe("h", cuff(kit, 185), kit.START_MS)
    engine.resume(kit.START_MS + kit.DAY_MS)
    assert [f.reason for f in engine.advance(kit.START_MS + kit.DAY_MS)] == ["high_unconfirmed"]


def test_dirty_states_are_given_once_and_only_when_changed(kit) -> None:
    engine = Engine(default_rules(), lane="readings")
    engine.add_home(HomeFacts(home="h"), kit.START_MS)
    engine.add_home(HomeFacts(home="other"), kit.START_MS)
    rules = sorted(default_rules(), key=lambda rule: rule.name)
    kinds = [r for r in rules if r.kind.lane == "readings" and r.kind.subject != "gateway"]
    # Only what waits for something from the beginning is there before anything was heard.
    waiting = [r.name for r in kinds if not r.kind.starts_idle]
    assert [row[:2] for row in engine.take_dirty()] == [
        (home, name) for home in ("h", "other") for name in waiting
    ]
    engine.observe("h", cuff(kit, 120), kit.START_MS)
    engine.observe("h", cuff(kit, 121, number=2), kit.START_MS)
    hears = [r.name for r in kinds if "blood_pressure" in r.kind.listens(r.params)]
    assert len(hears) > 1
    # What is made of an observation comes behind what is found in it.
    hears.sort(key=lambda name: name == "movements")
    assert [row[:2] for row in engine.take_dirty()] == [("h", name) for name in hears]
    assert engine.take_dirty() == []


def test_states_of_strangers_are_reported(kit) -> None:
    engine = Engine(default_rules())
    engine.restore("nobody", "sos", b"{}")
    engine.add_home(HomeFacts(home="h"), kit.START_MS)
    engine.restore("h", "no_such_rule", b"{}")
    engine.restore("h", "fall", b'{"v":1,"kind":"sos","seen":[],"open":null}')
    problems = engine.take_problems()
    assert len(problems) == 3
    assert "kind 'sos'" in problems[2]
    assert engine.take_problems() == []


def test_states_of_before_a_kind_had_its_name_are_taken(kit) -> None:
    """What older programs kept of a detector names the kind `activation`."""
    engine = Engine(default_rules())
    engine.add_home(HomeFacts(home="h"), kit.START_MS)
    old = b'{"v":1,"kind":"activation","seen":["item-1"],"open":["item-1",1000,"smoke-1"]}'
    for rule in ("fall", "smoke", "gas", "leak", "tamper"):
        engine.restore("h", rule, old)
    assert engine.take_problems() == []
    views = {view.rule: view for view in engine.view("h", kit.START_MS)}
    assert (views["smoke"].kind, views["smoke"].state) == ("hazard", "activated")
    assert (views["fall"].kind, views["fall"].state) == ("fall", "activated")
    now_ms = kit.START_MS + 1000
    seen = kit.Seen(
        id="item-1", device="smoke-1", kind="smoke", measured_at_ms=now_ms, received_at_ms=now_ms
    )
    assert engine.observe("h", seen, now_ms) == []
    written = {rule: state for _home, rule, state in engine.take_dirty()}
    assert b'"kind":"hazard"' in written["smoke"]
    engine.restore("h", "sos", old)
    assert "kind 'activation'" in engine.take_problems()[0]


def test_overrides_of_a_home_win_and_can_change_later(kit) -> None:
    engine = Engine(default_rules())
    strict = {"blood_pressure": {"crisis_systolic_mmhg": 190}}
    engine.add_home(HomeFacts(home="h", overrides=strict), kit.START_MS)
    assert engine.observe("h", cuff(kit, 192), kit.START_MS) != []
    engine.add_home(HomeFacts(home="h"), kit.START_MS)
    day_ms = kit.START_MS + kit.DAY_MS
    assert engine.observe("h", cuff(kit, 193, at_ms=day_ms, number=2), day_ms) == []
    view = {v.rule: v for v in engine.view("h", day_ms)}["blood_pressure"]
    assert view.explanation["systolic_mmhg"] == 193.0
    assert (
        engine._homes["h"]
        .cells["blood_pressure"]
        .monitor._persons[""]
        .history.measurements[0]
        .values[0]
        == 192
    )


def test_an_override_that_makes_no_sense_changes_nothing(kit) -> None:
    engine = Engine(default_rules())
    with pytest.raises(ConfigError, match="crisis_systolic_mmhg"):
        engine.add_home(
            HomeFacts(home="h", overrides={"blood_pressure": {"crisis_systolik_mmhg": 190}}),
            kit.START_MS,
        )
    assert engine.homes() == []


def test_a_removed_home_is_silent(kit) -> None:
    engine = Engine(default_rules())
    engine.add_home(HomeFacts(home="gateway:a"), kit.START_MS)
    engine.remove_home("gateway:a")
    assert engine.advance(kit.START_MS + kit.DAY_MS) == []
    assert engine.take_dirty() == []


def test_two_rules_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="one name"):
        Engine([*default_rules(), default_rules()[0]])


def test_taken_states_are_let_go(kit) -> None:
    engine = Engine(default_rules(), lane="readings")
    engine.add_home(HomeFacts(home="h"), kit.START_MS)
    for number in range(50):
        engine.observe("h", cuff(kit, 120, number=number), kit.START_MS)
        engine.take_dirty()
    assert engine._dirty == []


def test_two_urgent_findings_of_one_millisecond_keep_their_order(kit) -> None:
    """The alarms take a finding that is no newer than the last for a replay, and drop it."""
    engine = Engine(default_rules(), lane="readings")
    engine.add_home(HomeFacts(home="h"), kit.START_MS)
    found = []
    for number, user in enumerate(("a", "b")):
        values = {"systolic_mmhg": 210.0, "diastolic_mmhg": 100.0}
        seen = item(kit, "blood_pressure", number=number, values=values, attrs={"user": user})
        found += engine.observe("h", seen, kit.START_MS)
    assert [f.reason for f in found] == ["crisis", "crisis"]
    assert found[0].episode != found[1].episode
    assert found[0].at_ms < found[1].at_ms


def test_homes_have_only_the_rules_that_heard_something(kit) -> None:
    engine = Engine(default_rules(), lane="readings")
    engine.add_home(HomeFacts(home="h"), kit.START_MS)
    before = set(engine._homes["h"].cells)
    engine.observe("h", cuff(kit, 120), kit.START_MS)
    started = set(engine._homes["h"].cells) - before
    assert "blood_pressure" in started
    assert "oximetry" not in started
    # A screen sees all of them.
    assert "oximetry" in {view.rule for view in engine.view("h", kit.START_MS)}


def test_parameters_change_while_it_runs_and_nothing_is_forgotten(kit) -> None:
    rules = default_rules()
    engine = Engine(rules, lane="readings")
    engine.add_home(HomeFacts(home="h"), kit.START_MS)
    engine.observe("h", cuff(kit, 185), kit.START_MS)
    stricter = [
        replace(r, params=r.kind.parse({"crisis_systolic_mmhg": 190.0}, r.name, r.params))
        if r.name == "blood_pressure"
        else r
        for r in rules
    ]
    engine.configure(stricter)
    engine.add_home(HomeFacts(home="h"), kit.START_MS)
    found = engine.observe("h", cuff(kit, 195, number=2), kit.START_MS + 1000)
    assert [f.reason for f in found if f.rule == "blood_pressure"] == ["crisis"]
    with pytest.raises(ValueError, match="only the parameters"):
        engine.configure([r for r in stricter if r.name != "blood_pressure"])
