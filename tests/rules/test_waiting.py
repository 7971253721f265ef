"""Quarter-hours that wait: what is found is what would be found if every rule saw each at once."""

import gc
import json
import random

import pytest

from contract.item import Item
from rules.cells import Cell
from rules.config import default_rules
from rules.derived import POWER_SLOT
from rules.engine import Engine
from rules.rule import HomeFacts, is_patient
from rules.waiting import NEVER, SLOTS_MAX, Waiting
from tests.rules.hasty import hasty

SLOT_MS = 900_000
# 00:00 in China.
START_MS = 1_794_758_400_000
RULES = list(default_rules())
PATIENT = {rule.name for rule in RULES if is_patient(rule.kind)}


HASTY = [hasty(rule) for rule in RULES]


def item(at_ms, device, kind, values, attrs=None):
    return Item(
        id=f"{device}-{at_ms}",
        seq=1,
        device=device,
        kind=kind,
        measured_at_ms=at_ms,
        received_at_ms=at_ms,
        values=values,
        attrs=attrs or {},
    )


def story(seed, days):
    """[(now, observation or None)]: a home's quarter-hours, and what else is said there."""
    chance, kwh = random.Random(seed), 100.0
    meter = "meter"
    for number in range(days * 96):
        at_ms = START_MS + number * SLOT_MS + chance.choice([0, 0, 5_000])
        hour = number % 96 / 4
        up = 7 <= hour < 22 or chance.random() < 0.02
        # A stove is forgotten now and then, and there are days on which nobody gets up early.
        long = number // 96 % 5 == 4 and 9 <= hour < 20
        watts = chance.choice([60, 90, 400, 900, 2500]) if up or long else chance.choice([40, 55])
        watts = 6200 if long else watts
        kwh += watts / 4000
        q = chance.random()
        if q < 0.02:
            continue
        if q < 0.0205:
            meter = "meter-2" if meter == "meter" else "meter"
        values = {"energy_kwh": round(kwh, 3)}
        if q > 0.97:
            values["power_w"] = float(watts)
        late_ms = chance.choice([0] * 30 + [600_000, 9_000_000])
        yield at_ms, item(at_ms - late_ms, meter, "power", values)
        if q > 0.9 and up:
            yield at_ms + 1000, item(at_ms, "pir", "motion", {"active": 1.0})
        if 0.5 < q < 0.504:
            stay = {"stay": chance.choice(["away", "visitors"])}
            yield at_ms + 2000, item(at_ms, "", "stay", {"active": chance.choice([0.0, 1.0])}, stay)
        if 0.6 < q < 0.63:
            yield at_ms + 3000, item(at_ms, "plug", "power", {"power_w": chance.random() * 2000})
        if q > 0.99:
            yield at_ms + 4000, None


def begun(rules, at_ms=START_MS, facts=None):
    engine = Engine(rules)
    engine.add_home(facts or HomeFacts(home="h"), at_ms)
    return engine


def heard(engine, now_ms, seen):
    found = engine.advance(now_ms)
    return [repr(f) for f in found + (engine.observe("h", seen, now_ms) if seen else [])]


def everything(engine):
    """All states after all have caught up, but for what waits."""
    known = engine._homes["h"]
    engine._wake_all(known)
    for cell in known.cells.values():
        engine._catch_up(cell)
        engine._touch(cell)
    rows = {rule: json.loads(state) for _home, rule, state in engine.take_dirty()}
    for document in rows.values():
        document.pop("waiting", None)
    # Until when it is calm depends on when that was asked.
    _slots, _seen_ms, _calm_ms, proved_ms, _window = rows["no_sign_of_life"]["quiet"]
    assert proved_ms == -1
    del rows["no_sign_of_life"]["quiet"][2]
    return rows


def test_eight_rules_are_patient() -> None:
    assert len(PATIENT) == 8


@pytest.mark.parametrize("seed", range(4))
def test_the_same_is_found_as_by_rules_that_see_everything_at_once(seed) -> None:
    chance = random.Random(seed)
    patient, eager = begun(RULES), begun(HASTY)
    stored, found, facts = {}, [], HomeFacts(home="h")
    for now_ms, seen in story(seed, 34):
        here = heard(patient, now_ms, seen)
        assert here == heard(eager, now_ms, seen)
        found += here
        luck = chance.random()
        if luck < 0.004:
            assert patient.view("h", now_ms) == eager.view("h", now_ms)
        if luck < 0.002:
            # Killed, and begun again from what was written.
            stored.update({rule: state for _home, rule, state in patient.take_dirty()})
            patient = begun(RULES, now_ms, facts)
            for rule, state in sorted(stored.items(), key=lambda _row: chance.random()):
                patient.restore("h", rule, state)
            for engine in (patient, eager):
                engine.resume(now_ms)
            assert patient.take_problems() == []
            assert patient.view("h", now_ms) == eager.view("h", now_ms)
        if luck > 0.998:
            hours = chance.choice([0.5, 1.0, 3.0])
            facts = HomeFacts(home="h", overrides={"load_left_on": {"at_least_h": hours}})
            for engine in (patient, eager):
                engine.add_home(facts, now_ms)
    assert {f.split("rule='")[1].split("'")[0] for f in found} >= {"overload", "load_left_on"}
    assert everything(patient) == everything(eager)


def calm_home(rules=RULES, days=9, *, until_h=12):
    """A home whose last quarter-hours nobody had to look at."""
    engine, kwh, at_ms = begun(rules), 100.0, START_MS
    for number in range(days * 96 + until_h * 4):
        at_ms = START_MS + number * SLOT_MS
        kwh += 0.2 if 28 <= number % 96 < 34 else 0.015
        heard(engine, at_ms, item(at_ms, "meter", "power", {"energy_kwh": round(kwh, 3)}))
    return engine, at_ms, kwh


def test_a_load_is_found_in_the_quarter_hour_in_which_it_has_lasted_too_long() -> None:
    patient, eager, kwh = begun(RULES), begun(HASTY), 100.0
    found = []
    # A home without strong loads, so that three hours are too long.
    for number in range(15 * 96 + 60):
        at_ms = START_MS + number * SLOT_MS
        kwh += 0.5 if number >= 15 * 96 + 41 else 0.01
        seen = item(at_ms, "meter", "power", {"energy_kwh": round(kwh, 3)})
        here = heard(patient, at_ms, seen)
        assert here == heard(eager, at_ms, seen)
        found += here
    assert [f.split("rule='")[1].split("'")[0] for f in found] == ["load_left_on"]


def test_a_timer_sees_what_waited() -> None:
    """Nights are judged, and late mornings found, by what was seen until then."""
    patient, eager, kwh = begun(RULES), begun(HASTY), 100.0
    for number in range(9 * 96):
        at_ms = START_MS + number * SLOT_MS
        kwh += 0.2 if 28 <= number % 96 < 34 and number < 8 * 96 else 0.015
        seen = item(at_ms, "meter", "power", {"energy_kwh": round(kwh, 3)})
        for now_ms in (at_ms, at_ms + 600_000):
            said = seen if now_ms == at_ms else None
            assert heard(patient, now_ms, said) == heard(eager, now_ms, said)


@pytest.mark.parametrize("late_min", [-8, 0, 20, 12 * 60])
def test_a_sensor_at_the_edge_of_a_night_changes_nothing_in_the_order(late_min) -> None:
    (patient, at_ms, kwh), (eager, _at_ms, _kwh) = (
        calm_home(until_h=22),
        calm_home(HASTY, until_h=22),
    )
    for number in range(1, 80):
        now_ms = at_ms + number * SLOT_MS // 3
        motion = item(now_ms - late_min * 60_000, "pir", "motion", {"active": 1.0})
        register = item(now_ms, "meter", "power", {"energy_kwh": round(kwh + number * 0.004, 3)})
        for seen in (register, motion):
            assert heard(patient, now_ms, seen) == heard(eager, now_ms, seen)
    assert everything(patient) == everything(eager)


def test_the_bound_of_yesterday_does_not_hold_for_a_morning() -> None:
    engine, at_ms, kwh = calm_home()
    monitor = engine._homes["h"].cells["not_up_yet"].monitor
    midnight_ms = at_ms - (at_ms - START_MS) % (96 * SLOT_MS) + 96 * SLOT_MS
    heard(engine, midnight_ms + 60_000, item(midnight_ms, "pir", "motion", {"active": 1.0}))
    assert monitor.calm() == NEVER
    for number in (1, 2):
        now_ms = midnight_ms + number * SLOT_MS
        seen = item(now_ms, "meter", "power", {"energy_kwh": kwh + number * 0.01})
        heard(engine, now_ms, seen)
    assert monitor.calm().until_ms == midnight_ms + 96 * SLOT_MS


def test_a_calm_quarter_hour_is_written_once_for_all_rules() -> None:
    engine, at_ms, kwh = calm_home()
    engine.take_dirty()
    later_ms = at_ms + SLOT_MS
    heard(engine, later_ms, item(later_ms, "meter", "power", {"energy_kwh": kwh + 0.02}))
    # Of the patient only one: the one that follows each register.
    written = {rule for _home, rule, _state in engine.take_dirty()}
    assert "mains" in written
    assert len(written & PATIENT) == len(written - {"mains"}) == 1
    waiting = engine._homes["h"].waiting
    assert waiting.count - waiting.first > 0


def test_what_waits_is_bounded() -> None:
    engine, at_ms, kwh = calm_home()
    for number in range(1, 400):
        later_ms = at_ms + number * SLOT_MS
        seen = item(later_ms, "meter", "power", {"energy_kwh": round(kwh + number * 0.01, 3)})
        heard(engine, later_ms, seen)
        waiting = engine._homes["h"].waiting
        assert len(waiting.rows) == waiting.count - waiting.first <= SLOTS_MAX


def test_a_look_sees_what_waits_and_changes_nothing() -> None:
    patient, at_ms, _kwh = calm_home()
    eager, _at_ms, _kwh = calm_home(HASTY)
    stands = [(cell.rule.name, cell.seen) for cell in patient._homes["h"].cells.values()]
    patient.take_dirty()
    assert patient.view("h", at_ms) == eager.view("h", at_ms)
    assert patient.take_dirty() == []
    assert stands == [(cell.rule.name, cell.seen) for cell in patient._homes["h"].cells.values()]


def test_a_look_at_sleeping_states_sees_what_waits() -> None:
    patient, at_ms, _kwh = calm_home()
    eager, _at_ms, _kwh = calm_home(HASTY)
    again = begun(RULES, at_ms)
    for _home, rule, state in patient.take_dirty():
        again.restore("h", rule, state)
    assert again._homes["h"].sleeps(next(r for r in RULES if r.name == "mains"))
    assert again.view("h", at_ms + 60_000) == eager.view("h", at_ms + 60_000)
    assert again.take_dirty() == []


def test_sleeping_rules_go_on_sleeping_while_all_is_calm() -> None:
    engine, at_ms, kwh = calm_home()
    again = begun(RULES, at_ms)
    for _home, rule, state in engine.take_dirty():
        again.restore("h", rule, state)
    later_ms = at_ms + SLOT_MS
    heard(again, later_ms, item(later_ms, "meter", "power", {"energy_kwh": kwh + 0.02}))
    asleep = again._homes["h"].asleep
    assert asleep is not None
    assert {"profile_change", "night_activity", "back_early", "not_up_yet"} <= set(asleep.states)


def test_a_rule_without_patience_sees_each_at_once() -> None:
    rules = [hasty(r) if r.name == "profile_change" else r for r in RULES]
    engine, at_ms, _kwh = calm_home(rules)
    cells = engine._homes["h"].cells
    assert cells["profile_change"].monitor._seen_ms == at_ms - at_ms % SLOT_MS
    assert cells["back_early"].monitor._seen_ms < at_ms - SLOT_MS
    assert POWER_SLOT in engine._homes["h"].hears


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("slots", "=AA=="),
        ("slots", "zz"),
        ("rows", "=AA=="),
        ("rows", "=AAAA"),
        ("seen", {"overload": 99}),
        ("until", "x"),
        ("seen", []),
    ],
)
def test_what_waits_and_cannot_be_read_is_refused(field, value) -> None:
    engine, _at_ms, _kwh = calm_home()
    document = {**engine._homes["h"].waiting.dump(), field: value}
    with pytest.raises((ValueError, TypeError, AttributeError, KeyError)):
        Waiting.load(document)


def test_a_state_that_starts_afresh_is_shown_nothing_of_before() -> None:
    engine, at_ms, kwh = calm_home()
    states = {rule: state for _home, rule, state in engine.take_dirty()}
    states["profile_change"] = b'{"v":2,"kind":"profile_change"}'
    again = begun(RULES, at_ms)
    for rule, state in states.items():
        again.restore("h", rule, state)
    assert len(again.take_problems()) == 1
    for number in range(1, 100):
        later_ms = at_ms + number * SLOT_MS
        seen = item(later_ms, "meter", "power", {"energy_kwh": round(kwh + number * 0.01, 3)})
        heard(again, later_ms, seen)
    assert len(again._homes["h"].cells["profile_change"].monitor._days) == 0


def cells_alive():
    return sum(isinstance(found, Cell) for found in gc.get_objects())


@pytest.mark.parametrize("leave", ["let_go", "remove_home"])
def test_what_is_dropped_is_free_without_the_collector(leave) -> None:
    """A hub hides what lives long from the collector, and a province is too much to wait for it."""
    gc.collect()
    before = cells_alive()
    engine, _at_ms, _kwh = calm_home(days=1)
    assert cells_alive() > before
    gc.disable()
    try:
        getattr(engine, leave)(*(["h"] if leave == "remove_home" else []))
        del engine
        assert cells_alive() == before
    finally:
        gc.enable()
