"""The limit below which a home looks empty: from its own quiet days, lower with each mistake."""

import json

import pytest

from rules.quiet_limit import (
    BEYOND,
    BORNE,
    CROWD_DAYS,
    CROWD_MAX,
    DAYS_MIN,
    DAYS_TRUSTED,
    FAR_TOP,
    LONGER,
    LONGEST,
    LOW,
    LOWS_MAX,
    NEAR,
    REFUTED_DAYS,
    REFUTED_PART,
    SUNLIT_BUDGET,
    SUNLIT_LONGER,
    SUNLIT_MAX_H,
    TOP,
    QuietLimit,
    quietest_of_a_year,
)
from rules.silences import Ended

# Where the usual day is near an empty one, of those that nobody confirmed.
BORNE_NEAR = 2
DAY, PATIENCE = 400, 96


def home(*, days=60, usual=4.0, least=None) -> QuietLimit:
    """`least`: the quietest days, as many as given."""
    quiet = QuietLimit()
    lows = [*(least or []), *[usual] * days]
    for day, low in enumerate(lows[-days:] if least is None else lows):
        quiet.lived(low, day)
    return quiet


def test_a_lively_home_has_the_highest_limit() -> None:
    assert home().limit == TOP


def test_a_home_that_is_far_apart_has_a_limit_of_its_own_and_need_not_wait() -> None:
    near, far, farthest = home(usual=4.0), home(usual=5.5), home(usual=90.0)
    assert (near.limit, near.longer) == (TOP, LONGER)
    assert TOP < far.limit < FAR_TOP == farthest.limit
    assert (far.longer, farthest.longer) == (0, 0)
    # Quiet days say that quieter ones will come.
    assert home(usual=5.5, least=[1.2] * 3).limit <= TOP


def test_where_a_silence_was_none_it_must_look_empty_for_longer() -> None:
    quiet = home(usual=90.0)
    quiet.ended(Ended.SOON, 60.0, 70)
    assert quiet.limit == FAR_TOP
    assert quiet.longer == LONGER
    quiet.learn(70 + REFUTED_DAYS)
    assert quiet.longer == 0


def test_the_quietest_day_of_a_year_lies_beyond_those_that_are_known() -> None:
    even = sorted([400] * 60)
    wide = sorted(400 + 10 * day for day in range(60))
    assert quietest_of_a_year(even) < 400
    # A single quiet day may have been a journey; several are a habit.
    assert 400 < quietest_of_a_year([400, *[2000] * 59]) < 2000
    assert quietest_of_a_year([400] * 6 + [2000] * 54) < 400
    # The more days were no lower, the less lower it is.
    assert quietest_of_a_year(even) < quietest_of_a_year([400] * 180)
    assert quietest_of_a_year(wide) / quietest_of_a_year([2 * low for low in wide]) == (
        pytest.approx(0.5)
    )
    assert 0 < quietest_of_a_year([0, 0, 0]) < 100


def test_nothing_is_said_of_few_days_and_less_is_silence_while_they_are_few() -> None:
    assert home(days=DAYS_MIN - 1).limit == 0.0
    assert not home(days=DAYS_MIN - 1).weak
    assert 0.0 < home(days=DAYS_MIN).limit < home(days=10).limit < home(days=DAYS_TRUSTED).limit


def test_the_limit_lies_between_the_machines_and_the_quietest_days() -> None:
    assert home(least=[1.44] * 6).limit == pytest.approx(1.2)
    assert home(least=[1.1] * 6).limit == LOW
    # One of fifty doesn't count: people travel.
    assert home(least=[1.1], days=60).limit == TOP


def test_a_home_whose_days_are_like_empty_ones_is_not_judged() -> None:
    quiet = home(usual=1.5)
    assert quiet.limit == 0.0
    assert quiet.weak


def test_what_was_refuted_is_no_silence_again() -> None:
    quiet = home()
    quiet.ended(Ended.SOON, 1.25, 70)
    assert quiet.limit == pytest.approx(1.25 * REFUTED_PART)
    quiet.learn(70 + REFUTED_DAYS)
    assert quiet.limit == TOP


def test_quiet_days_never_hide_an_empty_home() -> None:
    """Its days may be as quiet as its machines: an absence is still below the limit."""
    quiet = home(days=LOWS_MAX, usual=NEAR)
    limits = []
    for number in range(2 * BORNE):
        quiet.ended(Ended.SOON, 0.9, 200 + 40 * number)
        limits.append(quiet.limit)
    assert limits == [LOW] * 2 * BORNE


def test_after_three_in_a_year_it_waits_beyond_the_longest_of_them() -> None:
    quiet = home(days=LOWS_MAX, usual=NEAR)
    waits = []
    for number, beyond in enumerate((2, 14, 6, 1)):
        quiet.ended(Ended.SOON, 1.0, 200 + 100 * number, beyond)
        waits.append(quiet.longer)
    assert waits == [LONGER, LONGER, 14 + BEYOND, 14 + BEYOND]
    # The first is a year ago, then the longest: three are left, then two.
    quiet.learn(200 + REFUTED_DAYS)
    assert quiet.longer == 14 + BEYOND
    quiet.learn(300 + REFUTED_DAYS)
    assert quiet.longer == LONGER
    assert len(quiet.wrong(300 + REFUTED_DAYS)) == BORNE - 1


def test_a_home_whose_days_are_near_an_empty_one_bears_one_less() -> None:
    for usual, borne in ((NEAR, BORNE), (NEAR - 0.01, BORNE_NEAR)):
        quiet = home(days=LOWS_MAX, usual=usual)
        waits = []
        for number in range(BORNE):
            quiet.ended(Ended.SOON, 1.0, 200 + number, 10)
            waits.append(quiet.longer)
        assert waits == [LONGER if n < borne else 10 + BEYOND for n in range(1, BORNE + 1)]


def test_there_what_may_have_been_none_counts_half_and_refutes_nothing() -> None:
    near, far = home(days=LOWS_MAX, usual=NEAR - 0.01), home(days=LOWS_MAX, usual=NEAR)
    waits = []
    for quiet in (near, far):
        quiet.ended(Ended.SOON, 1.29, 200, 10)
        limit = quiet.limit
        for day in (210, 220, 230, 240):
            quiet.ended(Ended.LATER, 0.9, day, 30)
            quiet.learn(day + 1)
            waits.append(quiet.longer)
        assert quiet.limit == limit
        assert len(quiet.wrong(241)) == 1
    # Beyond those that may have been none, too; elsewhere they don't count.
    assert waits == [LONGER, *[30 + BEYOND] * 3, *[LONGER] * 4]
    # A year later they are forgotten.
    near.learn(240 + REFUTED_DAYS)
    assert near.longer < LONGER


def test_where_only_doubts_are_known_four_of_them_make_it_wait() -> None:
    quiet = home(days=LOWS_MAX, usual=5.5)
    assert quiet.longer == 0
    waits = []
    for day in range(200, 204):
        quiet.ended(Ended.LATER, 0.9, day, 30)
        quiet.learn(day + 1)
        waits.append(quiet.longer)
    assert waits == [0, 0, 0, 30 + BEYOND]


def test_it_never_waits_for_longer_than_half_a_day_more() -> None:
    quiet = home(days=LOWS_MAX)
    for number in range(BORNE_NEAR):
        quiet.ended(Ended.SOON, 1.0, 200 + number, 400)
    assert quiet.longer == LONGEST


def test_a_state_of_before_says_nothing_of_how_long_they_lasted() -> None:
    document = home(days=LOWS_MAX).dump()
    del document["silences"]
    document |= {"raised": [200], "refuted": [[200, 1.0], [201, 1.0], [202, 1.0]]}
    quiet = QuietLimit.load(json.loads(json.dumps(document)))
    quiet.learn(203)
    assert quiet.longer == LONGER + BEYOND


def test_many_silences_in_a_short_time_make_it_careful() -> None:
    quiet = home()
    for number in range(CROWD_MAX + 1):
        quiet.raised(70 + number, 0, 1 + number)
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
        quiet.raised(day, day * 96, 1 + day)
        quiet.ended(Ended.SOON, 0.9, day)
        quiet.ended(Ended.LATER, 0.9, day, 60)
    written = json.dumps(quiet.dump())
    assert len(written) < 2_750
    again = QuietLimit.load(json.loads(written))
    assert json.dumps(again.dump()) == written
    for each in (quiet, again):
        each.lived(2.5, 61)
    assert again.dump() == quiet.dump()


def test_where_the_sun_hides_a_part_of_the_day_more_is_asked_for() -> None:
    quiet = QuietLimit(PATIENCE)
    for _ in range(40):
        quiet.lived(9.0, DAY)
    assert quiet.longer == 0  # far apart
    quiet.sunlit = 10
    quiet.learn(DAY)
    assert quiet.longer == SUNLIT_LONGER
    # Of so much of the day that what is left is the night.
    quiet.sunlit = SUNLIT_MAX_H + 1
    assert quiet.longer == PATIENCE
    quiet.sunlit = 10
    for count in range(1, SUNLIT_BUDGET + 1):
        quiet.raised(DAY, 0, count)
        assert quiet.ended(Ended.SOON, 1.0, DAY)
        assert quiet.spent == (count == SUNLIT_BUDGET)
    assert quiet.longer == PATIENCE
    # The same in a winter without sun.
    quiet.sunlit = 0
    quiet.learn(DAY)
    assert not quiet.spent
