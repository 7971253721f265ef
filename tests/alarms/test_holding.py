"""What may be held, by what, and for how long."""

import pytest

from alarms.holding import (
    ABSENCE_KINDS,
    DARK_MAX_MS,
    DUE_MAX,
    HOLDABLE_KINDS,
    HOUR_MS,
    LIGHT_GRACE_MS,
    STAY_MAX_MS,
    due,
    held_by_dark,
    held_by_stay,
    holding,
)
from contract.kinds import ACTIVATION_KINDS
from rules.config import default_rules
from rules.local_time import DAY_MS
from tests.alarms.village import NOW_MS


def row(**changes) -> dict:
    held = {"id": "a", "state": "open", "held_at_ms": 1000, "held_until_ms": 9000}
    return {**held, "released_at_ms": None, **changes}


def stay(**changes) -> dict:
    made = {"id": "s", "kind": "away", "person": None, "from_ms": 0, "until_ms": 10 * DAY_MS}
    return {**made, "ended_at_ms": None, "ended_how": None, **changes}


@pytest.mark.parametrize(
    ("changes", "held"),
    [
        ({}, True),
        ({"held_until_ms": None}, False),
        ({"released_at_ms": 2000}, False),
        ({"state": "acknowledged"}, False),
        ({"state": "in_response"}, False),
        ({"state": "closed"}, False),
    ],
)
def test_it_is_held_until_it_is_released_or_taken(changes, held) -> None:
    assert holding(row(**changes)) is held
    assert due([row(**changes)], 9000) == (["a"] if held else [])


@pytest.mark.parametrize(("now_ms", "over"), [(8999, False), (9000, True), (999, True)])
def test_its_time_is_never_late(now_ms, over) -> None:
    assert due([row()], now_ms) == (["a"] if over else [])


def test_a_round_is_bounded() -> None:
    rows = [row(id=f"{n:03}", held_until_ms=9000 - n) for n in range(DUE_MAX + 7)]
    found = due(rows, 10_000)
    assert (len(found), found[0]) == (DUE_MAX, f"{DUE_MAX + 6:03}")


def test_nothing_that_must_be_heard_can_be_held() -> None:
    """Promise 6: a call, a detector or a vital sign, whatever holds in its home."""
    assert not HOLDABLE_KINDS & (ACTIVATION_KINDS | {"activation"})
    vital = {"blood_pressure", "oximetry", "pulse", "temperature", "glucose", "weight"}
    assert not HOLDABLE_KINDS & (vital | {"carbon_monoxide", "gateway_silent", "village_dark"})
    known = {rule.kind.name for rule in default_rules()}
    assert known >= HOLDABLE_KINDS
    for kind in known | ACTIVATION_KINDS:
        dark = held_by_dark(kind, "power", "d", NOW_MS)
        assert (dark is not None) == (kind in ABSENCE_KINDS | {"device_fault", "device_silent"})


def test_the_times_are_those_that_were_promised() -> None:
    assert (LIGHT_GRACE_MS, DARK_MAX_MS) == (1_800_000, 43_200_000)
    assert STAY_MAX_MS == 90 * 86_400_000


def test_of_devices_those_without_electricity_alone() -> None:
    assert held_by_dark("device_fault", "power", "d", NOW_MS) is not None
    assert held_by_dark("device_fault", "sos", "d", NOW_MS) is None
    assert held_by_dark("device_fault", None, "d", NOW_MS) is None


@pytest.mark.parametrize(
    ("kind", "stays", "holds"),
    [
        ("no_sign_of_life", [stay()], True),
        ("load_left_on", [stay(kind="hospital")], True),
        ("overload", [stay()], False),
        ("no_sign_of_life", [stay(kind="visitors")], False),
        ("overload", [stay(kind="visitors")], True),
        ("night_activity", [stay(kind="visitors")], True),
        ("no_sign_of_life", [stay(from_ms=3 * DAY_MS)], False),  # not yet
        ("no_sign_of_life", [stay(until_ms=DAY_MS)], False),  # over, not yet said
        # Of two people one is at home.
        ("no_sign_of_life", [stay(person="p1")], False),
        ("no_sign_of_life", [stay(person="p1"), stay(id="t", person="p2")], True),
    ],
)
def test_what_a_stay_explains(kind, stays, holds) -> None:
    assert (held_by_stay(kind, stays, ["p1", "p2"], 2 * DAY_MS) is not None) is holds


@pytest.mark.parametrize(
    ("kind", "how", "after_ms", "holds"),
    [
        ("no_sign_of_life", "until", 24 * HOUR_MS - 1, True),
        ("no_sign_of_life", "until", 24 * HOUR_MS, False),
        ("no_sign_of_life", "user", HOUR_MS, True),
        ("no_sign_of_life", "activity", 0, False),  # somebody is there: judged as ever
        ("bed_absence", "until", 0, False),
        ("not_up_yet", "user", HOUR_MS, False),
    ],
)
def test_the_silence_of_a_stay_explains_one_that_is_found_after_it(
    kind, how, after_ms, holds
) -> None:
    ended = stay(ended_at_ms=5 * DAY_MS, ended_how=how)
    assert (held_by_stay(kind, [ended], ["p1"], 5 * DAY_MS + after_ms) is not None) is holds


def test_a_stay_that_was_taken_back_before_it_began_explains_nothing() -> None:
    never = stay(from_ms=6 * DAY_MS, ended_at_ms=5 * DAY_MS, ended_how="user")
    assert held_by_stay("no_sign_of_life", [never], ["p1"], 5 * DAY_MS + 1) is None
