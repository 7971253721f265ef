"""Homes that an engine meets when something is heard of them, and states that come behind homes."""

from dataclasses import replace

import pytest

from contract.item import Item
from rules.config import default_rules
from rules.engine import Engine
from rules.rule import DEVICE_PRESS, DeviceFacts, HomeFacts

NOW_MS = 1_767_225_600_000
WEEK_MS = 7 * 86_400_000
BUTTON = DeviceFacts("gw-1", "button-1", "sos", test_interval_s=WEEK_MS // 1000)
HOME = HomeFacts(home="h", devices=(BUTTON,))


def press(number: int = 1, kind: str = "sos", device: str = "button-1") -> Item:
    return Item(id=f"p{number}", seq=number, device=device, kind=kind, measured_at_ms=NOW_MS,
                received_at_ms=NOW_MS, attrs={"action": "press"})  # fmt: skip


def meeting(known: dict[str, HomeFacts]) -> Engine:
    engine = Engine(default_rules(), lane="urgent")
    assert engine.meets
    engine.meet(known.get, NOW_MS)
    return engine


def test_a_press_of_a_home_that_was_never_added_is_found_as_any_other() -> None:
    met, added = meeting({"h": HOME}), Engine(default_rules(), lane="urgent")
    added.add_home(HOME, NOW_MS)
    found = met.observe("h", press(), NOW_MS)
    assert found == added.observe("h", press(), NOW_MS)
    assert [finding.rule for finding in found] == ["sos"]
    assert met.take_dirty() == added.take_dirty()
    assert met.homes() == ["h"]


def test_nobody_knows_a_home_that_is_not_listed() -> None:
    engine = meeting({})
    for ask in (lambda: engine.observe("h", press(), NOW_MS), lambda: engine.view("h", NOW_MS)):
        with pytest.raises(KeyError):
            ask()
    engine.restore("h", "sos", b"{}")
    assert "not configured" in engine.take_problems()[0]


def test_a_look_keeps_nothing() -> None:
    engine = meeting({"h": HOME})
    assert "sos" in {view.rule for view in engine.view("h", NOW_MS)}
    assert engine.homes() == []


def test_a_stored_state_finds_its_home() -> None:
    first = meeting({"h": HOME})
    first.observe("h", press(), NOW_MS)
    again = meeting({"h": HOME})
    for home, rule, state in first.take_dirty():
        again.restore(home, rule, state)
    assert again.take_problems() == []
    for number in (1, 2):
        seen = press(number), NOW_MS + number
        assert again.observe("h", *seen) == first.observe("h", *seen)


def test_who_waits_for_devices_or_from_the_beginning_meets_nobody() -> None:
    assert not Engine(default_rules(), lane="readings").meets


def readings(home: HomeFacts = HOME, states: dict[str, bytes] | None = None) -> Engine:
    engine = Engine(default_rules(), lane="readings")
    engine.expect_states()
    engine.add_home(home, NOW_MS)
    for rule, state in (states or {}).items():
        engine.restore("h", rule, state)
    engine.resume(NOW_MS)
    return engine


def once_tested() -> dict[str, bytes]:
    """States of a home whose button was pressed a day after it was listed."""
    engine = readings()
    engine.observe("h", press(1, DEVICE_PRESS, BUTTON.part), NOW_MS + WEEK_MS // 7)
    return {rule: state for _home, rule, state in engine.take_dirty()}


def asleep(engine: Engine) -> set[str]:
    known = engine._homes["h"].asleep
    return set() if known is None else set(known.states)


def test_rules_that_wait_from_the_beginning_begin_behind_the_states() -> None:
    assert {"test_due", "device_silent"} <= engine_cells(readings())
    states = once_tested()
    again = readings(states={"test_due": states["test_due"]})
    assert asleep(again) == {"test_due"}
    assert "device_silent" in engine_cells(again)


def engine_cells(engine: Engine) -> set[str]:
    return set(engine._homes["h"].cells)


def test_a_state_about_devices_sleeps_and_is_due_when_it_would_have_been() -> None:
    states = once_tested()
    assert b'"devices":' in states["test_due"]
    again = readings(states=states)
    assert "test_due" in asleep(again)
    due_ms = NOW_MS + WEEK_MS // 7 + WEEK_MS
    assert again.advance(due_ms - 1) == []
    assert [finding.rule for finding in again.advance(due_ms)] == ["test_due"]


def test_with_other_devices_it_is_read_at_once() -> None:
    longer = replace(HOME, devices=(BUTTON._replace(test_interval_s=2 * WEEK_MS // 1000),))
    again = readings(longer, once_tested())
    assert "test_due" not in asleep(again)
    assert again.advance(NOW_MS + WEEK_MS // 7 + WEEK_MS) == []


def test_devices_that_change_while_it_sleeps_wake_it() -> None:
    again = readings(states=once_tested())
    again.add_home(replace(HOME, devices=()), NOW_MS + 1)
    assert "test_due" not in asleep(again)
    assert again.advance(NOW_MS + 3 * WEEK_MS) == []


def test_a_state_of_an_older_program_is_read_at_once() -> None:
    states = {rule: older(state) for rule, state in once_tested().items()}
    again = readings(states=states)
    assert not asleep(again) & {"test_due", "device_silent"}
    due_ms = NOW_MS + WEEK_MS // 7 + WEEK_MS
    assert [finding.rule for finding in again.advance(due_ms)] == ["test_due"]


def older(state: bytes) -> bytes:
    """Without the mark of the devices."""
    before, mark, rest = state.partition(b'"devices":')
    return before + rest.partition(b",")[2] if mark else state
