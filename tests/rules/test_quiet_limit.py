"""The limit below which a home looks empty: from its own quiet days, lower with each mistake."""

import json

import pytest

from rules.quiet_limit import (
    ALONE,
    CROWD_DAYS,
    CROWD_MAX,
    DAYS_MIN,
    DAYS_TRUSTED,
    DOUBTED_DAYS,
    LOWS_MAX,
    REFUTED_DAYS,
    REFUTED_FEW,
    SURE,
    TOP,
    QuietLimit,
)


def home(*, days=60, usual=4.0, least=None) -> QuietLimit:
    """`least`: the quietest days, as many as given."""
    quiet = QuietLimit()
    lows = [*(least or []), *[usual] * days]
    for day, low in enumerate(lows[-days:] if least is None else lows):
        quiet.lived(low, day)
    return quiet


def test_a_lively_home_has_the_highest_limit() -> None:
    assert home().limit == TOP


def test_nothing_is_said_of_few_days_and_less_is_silence_while_they_are_few() -> None:
    assert home(days=DAYS_MIN - 1).limit == 0.0
    assert not home(days=DAYS_MIN - 1).weak
    assert 0.0 < home(days=DAYS_MIN).limit < home(days=10).limit < home(days=DAYS_TRUSTED).limit


def test_quiet_days_of_its_own_lower_it_but_one_of_a_month_does_not() -> None:
    quiet_days = home(least=[0.9] * 6).limit
    assert SURE <= quiet_days < 0.9
    assert home(least=[0.5] * 1, days=29).limit > quiet_days
    assert home(least=[0.3] * 6).limit == SURE


def test_a_home_whose_days_are_like_empty_ones_is_not_judged() -> None:
    quiet = home(usual=0.8)
    assert quiet.limit == 0.0
    assert quiet.weak


def test_what_was_refuted_is_no_silence_again() -> None:
    quiet = home()
    quiet.refuted(0.9, 70)
    assert quiet.limit < 0.9
    quiet.learn(70 + REFUTED_DAYS)
    assert quiet.limit == TOP


def test_a_few_quiet_days_do_not_hide_an_empty_home_many_do() -> None:
    quiet = home()
    limits = []
    for number in range(REFUTED_FEW + 1):
        quiet.refuted(0.6, 70 + 40 * number)
        limits.append(quiet.limit)
    assert limits == [ALONE] * REFUTED_FEW + [pytest.approx(0.57)]


def test_one_short_absence_is_a_journey_and_two_are_a_habit() -> None:
    quiet = home()
    quiet.doubted(0.85, 70)
    assert quiet.limit == TOP
    quiet.doubted(0.9, 100)
    assert quiet.limit < 0.85
    quiet.learn(101 + DOUBTED_DAYS)
    assert quiet.limit == TOP


def test_many_silences_in_a_short_time_make_it_careful() -> None:
    quiet = home()
    for number in range(CROWD_MAX + 1):
        quiet.raised(70 + number)
        quiet.learn(71 + number)
        assert (quiet.limit < TOP) == (number >= CROWD_MAX - 1)
    quiet.learn(80 + CROWD_DAYS)
    assert quiet.limit == TOP


def test_how_many_days_were_as_quiet() -> None:
    quiet = home(least=[0.9, 1.2, 3.0])
    assert [quiet.as_quiet(a) for a in (0.5, 0.9, 1.3, 9.0)] == [0, 1, 2, 63]


def test_it_is_the_same_after_the_disk_and_never_grows() -> None:
    quiet = home(days=LOWS_MAX + 50, usual=3.21)
    for day in range(60):
        quiet.raised(day)
        quiet.refuted(0.9, day)
        quiet.doubted(0.95, day)
    written = json.dumps(quiet.dump())
    assert len(written) < 2_500
    again = QuietLimit.load(json.loads(written))
    assert json.dumps(again.dump()) == written
    for each in (quiet, again):
        each.lived(2.5, 61)
    assert again.dump() == quiet.dump()
