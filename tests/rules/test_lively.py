"""As long as a window is surely lively, no slots whatever make it look empty."""

from array import array

from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules.home_memory import FLOOR_FROM, FLOOR_TO
from rules.lived_days import Alone
from rules.lively import TRIES, lively_slots
from rules.living import Living
from rules.quiet_limit import TOP
from rules.window import WATTS_MAX

WINDOW_H = 25
SLOTS = WINDOW_H * 4
WATTS = st.one_of(
    st.sampled_from([0, 40, 60, 150, 2000, WATTS_MAX]), st.integers(0, 300), st.integers(0, 9000)
)
ALONE = st.builds(
    Alone, st.floats(0, 400), st.sampled_from([0.0, 20.0, 120.0, 900.0]), st.integers(0, 23)
)
LIMITS = st.sampled_from([0.8, 1.0, TOP, 2.0, 6.0])


def living_of(watts, alone, limit):
    """A window of these watts that begins with a day."""
    living = Living(WINDOW_H)
    living.quiet.limit = limit
    for number, value in enumerate(watts):
        living.push(number, float(value), 0.0, learn=False)
    living.alone, living.quiet.limit = alone, limit
    return living


def runs(draw, size):
    """Slots in a few runs of one level, here and there something else: as homes are."""
    found: list[int] = []
    while len(found) < size:
        found += [draw(WATTS)] * draw(st.sampled_from([1, 1, 2, 7, 30]))
    return found[:size]


@st.composite
def windows(draw):
    return runs(draw, SLOTS)


@st.composite
def futures(draw):
    return runs(draw, max(TRIES))


@settings(max_examples=400, deadline=None)
@given(windows(), futures(), ALONE, LIMITS)
@example([60] * 98 + [3000, 3000], [60] * 48, Alone(20.0, 100.0, 0), TOP)
@example([3000] * 52 + [60] * 48, [60] * 48, Alone(20.0, 100.0, 0), TOP)
@example([60] * 52 + [3000] * 48, [WATTS_MAX] * 48, Alone(400.0, 900.0, 0), TOP)
def test_no_slot_of_the_time_that_is_surely_lively_looks_empty(watts, future, alone, limit) -> None:
    living = living_of(watts, alone, limit)
    sure = lively_slots(array("H", watts), (FLOOR_FROM, FLOOR_TO), alone, limit)
    for number, value in enumerate(future[:sure], SLOTS):
        living.push(number, float(value), 0.0, learn=False)
        # The day's end changes neither here: nothing is learned.
        living.alone, living.quiet.limit = alone, limit
        activity = living.measure()
        assert activity is not None
        assert activity > limit


def test_a_lived_day_is_sure_for_half_a_day_and_an_empty_one_for_nothing() -> None:
    alone = Alone(30.0, 100.0, 0)
    lived = array("H", [60, 120, 60, 60] * 22 + [2000, 900, 60] * 4)
    assert lively_slots(lived, (FLOOR_FROM, FLOOR_TO), alone, TOP) == max(TRIES)
    empty = array("H", [60, 120, 60, 60] * 25)
    assert lively_slots(empty, (FLOOR_FROM, FLOOR_TO), alone, TOP) == 0


def test_nothing_is_sure_beyond_the_day_for_its_limit_may_be_another() -> None:
    living = living_of([60, 900] * 50, Alone(10.0, 50.0, 0), TOP)
    # The last of a hundred slots is the fourth of its day.
    assert living.newest == 99
    assert living.patience() == 48
    for number in range(100, 96 * 2 - 3):
        living.push(number, 900.0 * (number % 2), 0.0, learn=False)
    living.alone, living.quiet.limit = Alone(10.0, 50.0, 0), TOP
    assert living.newest == 188
    assert living.patience() == 3
