"""States that sleep: what a restart gives back is read when needed, and says the same then."""

import json
from dataclasses import replace

import pytest

from contract.item import Item
from rules.asleep import head_of
from rules.config import default_rules
from rules.engine import Engine
from rules.packed import packed, packed_small, unpacked, unpacked_bytes
from rules.rule import HomeFacts

SLOT_MS = 900_000
# Where the register of `lived` stands at the end, and a little more.
END_KWH = 145.01
RULES = default_rules()


def reading(at_ms, kwh, *, device="meter"):
    return Item(
        id=f"{device}-{at_ms}",
        seq=1,
        device=device,
        kind="power",
        measured_at_ms=at_ms,
        received_at_ms=at_ms,
        values={"energy_kwh": kwh},
    )


def cuff(at_ms, systolic):
    return Item(
        id=f"cuff-{at_ms}",
        seq=1,
        device="cuff",
        kind="blood_pressure",
        measured_at_ms=at_ms,
        received_at_ms=at_ms,
        values={"systolic_mmhg": float(systolic), "diastolic_mmhg": 90.0},
    )


def days_of(kit, days, *, up_h=7):
    """(at, register) every quarter of an hour: somebody cooks from a certain hour on."""
    kwh = 100.0
    start_ms = kit.START_MS - kit.START_MS % kit.DAY_MS + 16 * kit.HOUR_MS
    for number in range(days * 96):
        at_ms = start_ms + number * SLOT_MS
        hour = number % 96 / 4
        kwh += (0.9 if up_h <= hour < 22 and number % 5 == 0 else 0.05) / 4
        yield at_ms, round(kwh, 3)


def lived(kit, days=12):
    """An engine whose home has lived some days, and its states."""
    engine = Engine(RULES, lane="readings")
    states: dict[str, bytes] = {}
    at_ms = kit.START_MS
    for at_ms, kwh in days_of(kit, days):
        if not engine.homes():
            engine.add_home(HomeFacts(home="h"), at_ms)
        engine.advance(at_ms)
        engine.observe("h", reading(at_ms, kwh), at_ms)
    states.update({rule: state for _home, rule, state in engine.take_dirty()})
    return engine, states, at_ms


def restored(states, at_ms, rules=RULES, facts=None):
    engine = Engine(rules, lane="readings")
    engine.add_home(facts or HomeFacts(home="h"), at_ms)
    for rule, state in states.items():
        engine.restore("h", rule, state)
    return engine


def asleep(engine):
    known = engine._homes["h"].asleep
    return set() if known is None else set(known.states)


def test_a_restored_home_is_bytes_until_something_is_heard(kit) -> None:
    _engine, states, at_ms = lived(kit)
    again = restored(states, at_ms)
    assert "profile_change" in asleep(again)
    assert again.take_problems() == []
    before = asleep(again)
    again.observe("h", reading(at_ms + 60_000, END_KWH), at_ms + 60_000)
    # A reading that completes no quarter-hour wakes those who hear readings, and nobody else.
    assert before - asleep(again) == {"mains", "meter_dead", "overload"}


def test_it_finds_what_it_would_have_found_awake(kit) -> None:
    engine, states, at_ms = lived(kit)
    again = restored(states, at_ms)
    straight, slept = [], []
    # Nobody gets up: the timers of a morning run out, in a home that slept until then.
    for one, found in ((engine, straight), (again, slept)):
        for number in range(1, 3 * 96):
            now_ms = at_ms + number * SLOT_MS
            seen = reading(now_ms, END_KWH + number * 0.0125)
            found.extend(one.advance(now_ms) + one.observe("h", seen, now_ms))
    assert [repr(f) for f in slept] == [repr(f) for f in straight]
    assert "not_up_yet" in {f.rule for f in straight}


def test_a_timer_wakes_its_state(kit) -> None:
    engine = Engine(RULES, lane="readings")
    engine.add_home(HomeFacts(home="h"), kit.START_MS)
    engine.observe("h", cuff(kit.START_MS, 185), kit.START_MS)
    states = {rule: state for _home, rule, state in engine.take_dirty()}
    again = restored(states, kit.START_MS)
    assert "blood_pressure" in asleep(again)
    assert again.next_due_ms() == engine.next_due_ms() == kit.START_MS + 30 * kit.MINUTE_MS
    again = restored(states, kit.START_MS)
    assert again.advance(kit.START_MS + 30 * kit.MINUTE_MS - 1) == []
    assert "blood_pressure" in asleep(again)
    found = again.advance(kit.START_MS + 30 * kit.MINUTE_MS)
    assert [f.reason for f in found] == ["high_unconfirmed"]


def test_that_the_hub_was_down_is_told_when_it_wakes_up(kit) -> None:
    _engine, states, at_ms = lived(kit)
    # Between midnight and the usual morning its timer is set.
    end_ms = at_ms + 3 * kit.DAY_MS
    awake, slept = restored(states, at_ms), restored(states, at_ms)
    awake._wake_all(awake._homes["h"])
    found = []
    for one in (awake, slept):
        one.resume(end_ms)
        found.append([repr(f) for f in one.advance(end_ms)])
        found.append([repr(f) for f in one.observe("h", reading(end_ms, END_KWH), end_ms)])
    assert found[:2] == found[2:]
    assert slept.next_due_ms() == awake.next_due_ms()
    one, other = (e.view("h", end_ms) for e in (awake, slept))
    assert one == other


def test_a_second_time_down_is_told_as_well(kit) -> None:
    _engine, states, at_ms = lived(kit)
    awake, slept = restored(states, at_ms), restored(states, at_ms)
    awake._wake_all(awake._homes["h"])
    for one in (awake, slept):
        one.resume(at_ms + 1000)
        one.resume(at_ms + kit.HOUR_MS)
    assert sorted(awake.take_dirty()) == sorted(slept.take_dirty())


def test_looking_at_a_sleeping_home_changes_nothing(kit) -> None:
    engine, states, at_ms = lived(kit)
    again = restored(states, at_ms)
    again.take_dirty()
    before = asleep(again)
    assert again.view("h", at_ms) == engine.view("h", at_ms)
    assert asleep(again) == before
    assert again.take_dirty() == []


def test_a_state_for_other_parameters_is_read_at_once(kit) -> None:
    """With another limit its timer may run out earlier than its bytes say."""
    _engine, states, at_ms = lived(kit)
    other = [
        replace(r, params=r.kind.parse({"late_min": 60}, r.name)) if r.name == "not_up_yet" else r
        for r in RULES
    ]
    assert "not_up_yet" in asleep(restored(states, at_ms))
    assert "not_up_yet" not in asleep(restored(states, at_ms, other))
    strict = HomeFacts(home="h", overrides={"not_up_yet": {"late_min": 60}})
    assert "not_up_yet" not in asleep(restored(states, at_ms, facts=strict))


def test_parameters_that_change_meanwhile_wake_whom_they_concern(kit) -> None:
    _engine, states, at_ms = lived(kit)
    again = restored(states, at_ms)
    before = asleep(again)
    again.add_home(HomeFacts(home="h"), at_ms)
    assert asleep(again) == before
    again.configure(
        [
            replace(r, params=r.kind.parse({"factor": 2.0}, r.name))
            if r.name == "load_left_on"
            else r
            for r in RULES
        ]
    )
    again.add_home(HomeFacts(home="h"), at_ms)
    # With a rule that looks at quarter-hours later wakes the feed that keeps them.
    assert before - asleep(again) == {"load_left_on", "mains"}
    again.add_home(HomeFacts(home="h", overrides={"overload": {"limit_w": 4000.0}}), at_ms)
    assert before - asleep(again) == {"load_left_on", "mains", "overload"}
    assert again._homes["h"].cells["overload"].params.limit_w == 4000.0
    assert {rule for _home, rule, _state in again.take_dirty()} >= {"load_left_on", "overload"}


def test_what_the_register_says_of_a_person_wakes_whom_it_concerns(kit) -> None:
    engine = Engine(RULES, lane="readings")
    engine.add_home(HomeFacts(home="h"), kit.START_MS)
    seen = replace(cuff(kit.START_MS, 120), kind="oximetry", values={"spo2_pct": 95.0})
    engine.observe("h", seen, kit.START_MS)
    engine.observe("h", cuff(kit.START_MS, 120), kit.START_MS)
    states = {rule: state for _home, rule, state in engine.take_dirty()}
    again = restored(states, kit.START_MS)
    before = asleep(again)
    again.add_home(HomeFacts(home="h", copd="only_person"), kit.START_MS)
    assert before - asleep(again) == {"oximetry"}
    assert again._homes["h"].cells["oximetry"].subject.copd == "only_person"


def test_a_broken_state_is_told_when_it_is_read_and_stops_nobody(kit) -> None:
    _engine, states, at_ms = lived(kit)
    broken = states["profile_change"]
    states["profile_change"] = broken[: len(broken) // 2] + b"}"
    again = restored(states, at_ms)
    assert again.take_problems() == []
    again.view("h", at_ms)
    # It is read when its rule is asked the next time: at midnight.
    for number in range(1, 96):
        later_ms = at_ms + number * SLOT_MS
        again.observe("h", reading(later_ms, END_KWH + number * 0.01), later_ms)
    (problem,) = again.take_problems()
    assert "h/profile_change: unreadable state, starts afresh" in problem
    rows = {rule: state for _home, rule, state in again.take_dirty()}
    assert json.loads(rows["profile_change"])["days"] == "i="
    assert json.loads(rows["load_left_on"])["recent"] != "H="


@pytest.mark.parametrize("wake", [b"soon", b"-1", b"1e3", b"1234567890123456", b""])
def test_a_state_that_does_not_say_when_it_wakes_is_read_at_once(kit, wake) -> None:
    rule = next(r for r in RULES if r.name == "meter_dead")
    state = head_of(rule.kind, rule.params) + wake + b',"main":"m","meters":{}}'
    again = restored({"meter_dead": state}, kit.START_MS)
    assert asleep(again) == set()


PACKED = {"ceilings", "slots", "recent", "days", "hours", "watts"}
PACKED_KINDS = {"load_left_on", "profile_change", "night_activity", "not_up_yet", "back_early"}


def as_before(state):
    """A state as it was written before states could sleep and numbers were packed."""
    document = json.loads(state)

    def plain(value):
        if isinstance(value, dict):
            return {
                k: unpacked(v[0], v).tolist() if k in PACKED else plain(v) for k, v in value.items()
            }
        return value

    rest = {k: v for k, v in document.items() if k not in ("params", "wake", "waiting")}
    if document["kind"] == "mains":
        rest["v"] = 1
    if document["kind"] == "profile_change":
        rest["rows"] = unpacked_bytes(rest["rows"]).hex()
    if document["kind"] in PACKED_KINDS:
        rest = {**plain(rest), "v": 1}
    return json.dumps(rest, separators=(",", ":")).encode()


def without_waiting(state):
    document = json.loads(state)
    document.pop("waiting", None)
    return document


def test_states_of_older_programs_are_taken_and_nothing_is_lost(kit) -> None:
    engine, _states, at_ms = lived(kit)
    for cell in engine._homes["h"].cells.values():
        engine._catch_up(cell)
        engine._touch(cell)
    states = {rule: state for _home, rule, state in engine.take_dirty()}
    old = {rule: as_before(state) for rule, state in states.items()}
    assert b'"recent":[' in old["load_left_on"]
    again = restored(old, at_ms)
    assert again.take_problems() == []
    assert asleep(again) == set()
    for cell in again._homes["h"].cells.values():
        again._touch(cell)
    written = {rule: without_waiting(state) for _home, rule, state in again.take_dirty()}
    assert written == {rule: without_waiting(state) for rule, state in states.items()}


def test_a_home_that_went_is_not_woken(kit) -> None:
    _engine, states, at_ms = lived(kit)
    again = restored(states, at_ms)
    again.remove_home("h")
    assert again.advance(at_ms + 3 * kit.DAY_MS) == []
    again.add_home(HomeFacts(home="h"), at_ms)
    assert asleep(again) == set()


def test_what_changes_nothing_is_not_written(kit) -> None:
    engine, _states, at_ms = lived(kit)
    now_ms = at_ms + 60_000
    engine.observe("h", reading(now_ms, END_KWH), now_ms)
    written = {rule for _home, rule, _state in engine.take_dirty()}
    assert "meter_dead" in written
    # A register alone says nothing of the load of this moment.
    assert "overload" not in written


@pytest.mark.parametrize("typecode", ["B", "H", "i", "q", "f", "d"])
def test_packed_numbers_come_back(typecode) -> None:
    numbers = unpacked(typecode, [0, 1, 200])
    assert unpacked(typecode, packed(numbers)) == numbers
    assert unpacked(typecode, packed(numbers[:0])) == numbers[:0]


def test_numbers_are_packed_as_small_as_they_are() -> None:
    small, large = unpacked("i", [0, 65_535]), unpacked("i", [-1, 1_000_000])
    assert packed_small(small) == "H=AAD//w=="
    # As programs of before wrote it.
    assert unpacked("i", "H0000ffff") == small
    assert unpacked("i", packed_small(large)) == large
    assert unpacked("i", packed_small(small)) == small


@pytest.mark.parametrize(
    "stored", ["", "x00", "i00", "izz", "u0000", "H=A", "H=zz!!", "i=AAA=", {"a": 1}, ["x"]]
)
def test_what_is_no_row_of_numbers_is_refused(stored) -> None:
    with pytest.raises((ValueError, TypeError)):
        unpacked("i", stored)
