"""Remembered days as columns: like a list of days, in less room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.days import Days
from rules.lived_days import BLOCKS, Day, day_row

DAY = st.builds(
    Day, st.binary(min_size=BLOCKS, max_size=BLOCKS), st.integers(0, 65_534), st.integers(0, 65_534)
)


@given(st.lists(DAY, max_size=8), st.integers(1, 8))
def test_they_are_what_was_put_in_and_the_newest_are_kept(listed, count) -> None:
    days = Days()
    for day in listed:
        days.append(day)
    assert list(days) == days[:] == listed
    assert len(days) == len(listed)
    assert bool(days) == bool(listed)
    assert days.floor_w == min((day.floor_w for day in listed), default=0)
    assert days.lived_w == min((day.mean_w - day.floor_w for day in listed), default=0)
    again = Days.load(days.dump())
    assert list(again) == listed
    again.keep(count)
    assert list(again) == listed[-count:]
    if listed:
        assert days[-1] == listed[-1]


@given(st.lists(DAY, max_size=4))
def test_rows_of_before_are_read(listed) -> None:
    assert list(Days.load([day_row(day) for day in listed])) == listed


@pytest.mark.parametrize(
    "document",
    [
        {"blocks": "B=", "watts": "H=AQABAA=="},
        {"blocks": "B=AAAA", "watts": "H="},
        {"blocks": "B=", "watts": "H=AQA="},
        {"blocks": "x", "watts": "H="},
        [["B=AA==", 1, 2]],
    ],
)
def test_what_is_no_days_is_refused(document) -> None:
    with pytest.raises((ValueError, TypeError, OverflowError)):
        Days.load(document)
