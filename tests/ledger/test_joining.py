"""Joining, leaving and returning: what can't be, who is there on a day, what a visit plan owes."""

import datetime
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.forms.joining import (
    DIED,
    FIELDS,
    GAPS,
    GAPS_MAX,
    changes_within,
    check,
    in_service,
    is_gone,
    returned,
)
from ledger.visiting.days import day_number, iso
from ledger.visiting.in_service import presence_of
from ledger.visiting.periods import ALWAYS

TODAY = datetime.date(2026, 11, 25)
NOBODY = {**dict.fromkeys(FIELDS, ""), GAPS: []}
GAP = {"left_on": "2026-03-10", "why": "moved", "note": "", "returned_on": "2026-05-01"}


def somebody(**more: Any) -> dict[str, Any]:
    return {**NOBODY, **more}


def returns(row: dict[str, Any], day: str) -> dict[str, Any]:
    fields = returned(row, day, TODAY)
    assert isinstance(fields, dict)
    return fields


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, {}),
        ({"joined_on": "2026-01-05", "left_on": "2026-01-05", "left_why": "moved"}, {}),
        ({"left_on": "2026-11-26", "left_why": "moved"}, {"left_on": "ahead_of_today"}),
        ({"joined_on": "2026-11-26"}, {"joined_on": "ahead_of_today"}),
        ({"joined_on": "1800-01-01"}, {"joined_on": "impossible_date"}),
        ({"joined_on": "soon"}, {"joined_on": "no_date"}),
        ({"joined_on": "20260105"}, {"joined_on": "no_date"}),
        ({"left_on": "2026-11-20"}, {"left_why": "missing"}),
        ({"left_why": DIED}, {"left_on": "missing"}),
        ({"left_on": "2026-11-20", "left_why": "gone"}, {"left_why": "no_such_choice"}),
        ({"left_note": "x" * 201}, {"left_note": "too_long"}),
        (
            {"joined_on": "2026-02-01", "left_on": "2026-01-31", "left_why": "moved"},
            {"left_on": "out_of_order"},
        ),
        ({"joined_on": "2026-03-11", GAPS: [GAP]}, {"joined_on": "out_of_order"}),
        (
            {"left_on": "2026-04-30", "left_why": "moved", GAPS: [GAP]},
            {"left_on": "out_of_order"},
        ),
    ],
)
def test_what_cannot_be_is_told(fields: dict[str, Any], wrong: dict[str, str]) -> None:
    refusals = check(somebody(**fields), TODAY)
    assert {refusal.field: refusal.code for refusal in refusals} == wrong
    assert all(refusal.zh and refusal.en for refusal in refusals)


def test_who_returns_is_there_again_and_was_away_between() -> None:
    left = somebody(left_on="2026-03-10", left_why="moved")
    assert is_gone(left)
    back = {**left, **returns(left, "2026-05-01")}
    assert not is_gone(back)
    assert back[GAPS] == [GAP]
    days = ["2026-03-10", "2026-03-11", "2026-04-30", "2026-05-01"]
    assert [in_service(back, back[GAPS], day) for day in days] == [True, False, False, True]
    assert changes_within(back, back[GAPS], "2026-03-01", "2026-03-31") == ["moved"]
    assert changes_within(back, back[GAPS], "2026-05-01", "2026-05-01") == ["returned"]


@pytest.mark.parametrize(
    ("register", "day", "code"),
    [
        (somebody(left_on="2026-11-01", left_why=DIED), "2026-11-02", "died"),
        (somebody(left_on="2026-11-01", left_why="moved"), "2026-11-01", "out_of_order"),
        (somebody(left_on="2026-11-01", left_why="moved"), "2026-11-26", "ahead_of_today"),
        (
            somebody(left_on="2026-11-01", left_why="moved", **{GAPS: [GAP] * GAPS_MAX}),
            "2026-11-02",
            "too_many",
        ),
    ],
)
def test_who_cannot_return(register: dict[str, Any], day: str, code: str) -> None:
    refusal = returned(register, day, TODAY)
    assert not isinstance(refusal, dict)
    assert refusal.code == code


def test_who_left_on_a_day_is_owed_it_and_who_died_on_it_is_not() -> None:
    tenth = day_number("2026-11-10")
    for why, last in (("moved", tenth), (DIED, tenth - 1)):
        row = somebody(left_on="2026-11-10", left_why=why)
        presence = presence_of(row, [], ())
        assert presence.present(last)
        assert not presence.present(last + 1)
    assert presence_of(NOBODY, [], ()) is ALWAYS


DAY = st.integers(day_number("2026-01-01"), day_number("2026-11-25"))


@given(
    st.lists(DAY, min_size=1, max_size=6, unique=True).map(sorted),
    DAY,
    st.sampled_from([DIED, "moved"]),
)
def test_the_register_and_the_plan_agree_on_every_day(
    turns: list[int], day: int, last_why: str
) -> None:
    """Joined, left, returned, left ...: whoever is counted at the end of a day is visited on it."""
    row = somebody(joined_on=iso(turns[0]))
    for place, turn in enumerate(turns[1:]):
        if place % 2 == 0:
            row |= {"left_on": iso(turn), "left_why": "moved"}
        else:
            row |= returns(row, iso(turn))
    if is_gone(row):
        row["left_why"] = last_why
    assert check(row, TODAY) == []
    gaps = json.loads(json.dumps(row[GAPS]))
    assert in_service(row, gaps, iso(day)) == presence_of(row, gaps, ()).present(day)
