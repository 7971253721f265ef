"""Quarter-hours that are judged together say what each says by itself, to the last bit."""

import json
from array import array

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.lived_days import Alone, activity, spread_of
from rules.living import FLOOR_FROM, FLOOR_TO, GRAIN_MAX_W, Living
from rules.looking_back import look_back
from rules.metering import SLOT_MS, Slot
from rules.quiet_limit import TOP
from rules.quiet_time import QuietTime
from rules.slow_part import slow_factor
from rules.supply import Supply
from rules.together import TOGETHER_MIN, Step, judged
from rules.window import WATTS_MAX

WATTS = st.one_of(st.sampled_from([0, 40, 60, 150, 2000, WATTS_MAX]), st.integers(0, 3000))
ALONE = st.builds(
    Alone, st.floats(0, 100), st.sampled_from([0.0, 20.0, 120.0, 900.0]), st.integers(0, 23)
)
DAY = 96


def one(window, alone):
    """(activity, factor, floor, spread) of a window by itself."""
    ordered, size = sorted(window), len(window)
    low, high = int(size * FLOOR_FROM), max(int(size * FLOOR_TO), 1)
    floor = sum(ordered[low:high]) // (high - low)
    spread = spread_of(sum(window), sum(w * w for w in window), size)
    found = activity(spread, ordered[-1] - floor, alone)
    return found, slow_factor(array("H", window), alone), floor, spread


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([76, 80, 96, 100, 116, 188]), st.integers(1, 48), ALONE, st.data())
def test_each_window_says_what_it_says_alone(size, count, alone, data) -> None:
    watts = []
    while len(watts) < size + count - 1:
        watts += [data.draw(WATTS)] * data.draw(st.sampled_from([1, 1, 3, 9, 40]))
    del watts[size + count - 1 :]
    seen = judged(watts, size, (FLOOR_FROM, FLOOR_TO), alone)
    assert [tuple(each) for each in seen] == [
        one(watts[at : at + size], alone) for at in range(count)
    ]


def lived(hours=25, *, slots=7 * DAY):
    living = Living(hours)
    for number in range(slots):
        living.push(number, 60.0 + 700.0 * (number * 7 % 11 == 0), 0.0, learn=True)
    living.alone, living.quiet.limit = Alone(20.0, 100.0, 0), TOP
    living.measure()
    return living


class House:
    """A home whose slots are looked at together, or each by itself."""

    def __init__(self, *, together: bool) -> None:
        self.together = together
        self.living, self.supply, self.quiet = lived(), Supply(), QuietTime()
        self.quiet.seen_ms = (self.living.newest + 1) * SLOT_MS
        self.quiet.proved_ms = self.quiet.seen_ms + 40 * SLOT_MS

    def take(self, slot) -> bool:
        """As the rule does."""
        living, supply = self.living, self.supply
        slot, living.hidden = supply.sunlit.seen(slot, living.usual_floor_w)
        if supply.holds(slot, living.base_w, living.alone):
            return False
        doubtful = supply.doubtful(living.base_w)
        for before in supply.release():
            living.push(*before, learn=True)
            self.quiet.slots += 1
        if doubtful:
            living.unsteady()
        living.push(*slot, learn=True)
        self.quiet.slots += 1
        return True

    def look(self, slots) -> None:
        if self.together:
            look_back(slots, lambda: self.living, self.supply, self.quiet, self.take)
            return
        for end_ms, watts, _now_ms, grain_w in slots:
            slot = Slot(end_ms // SLOT_MS - 1, watts, grain_w)
            if self.quiet.sees(end_ms) and self.take(slot):
                self.living.measure()
        self.quiet.caught_up()

    def remembers(self):
        living, supply = self.living, self.supply
        document = [living.dump(), supply.dump(), self.quiet.dump(living.window)]
        shown = living.mean_w(), living.peak_w(), living.newest, living.outlook()
        return json.loads(json.dumps(document)), living.activity, living.floor_w, shown


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_home_remembers_the_same(data) -> None:
    """However its slots come: with holes, dark ones, coarse ones, in parts or again."""
    together, alone = House(together=True), House(together=False)
    number, slots = together.living.newest, []
    for _slot in range(data.draw(st.integers(20, 300))):
        number += data.draw(st.sampled_from([1] * 15 + [2, 30]))
        watts = data.draw(st.sampled_from([0.0, 55.5, 61.0, 61.0, 62.0, 900.0, 4000.0]))
        grain = data.draw(st.sampled_from([0.0] * 12 + [40.0, GRAIN_MAX_W + 1.0]))
        slots.append(((number + 1) * SLOT_MS, watts, 0, grain))
        slots += [slots[-1]] * data.draw(st.sampled_from([0] * 20 + [1]))
    while slots:
        size = data.draw(st.integers(1, 48))
        part, slots = slots[:size], slots[size:]
        for house in (together, alone):
            house.look(part)
        assert together.remembers() == alone.remembers()


class Counting(Living):
    """It tells how many slots it took one by one."""

    __slots__ = ("alone_taken",)

    def push(self, number, watts, grain_w, *, learn, usual=True) -> None:
        self.alone_taken = getattr(self, "alone_taken", 0) + 1
        super().push(number, watts, grain_w, learn=learn, usual=usual)


def test_all_of_a_day_but_its_first_are_taken_together() -> None:
    house = House(together=True)
    living = Counting(25)
    for number in range(7 * DAY):
        living.push(number, 60.0 + 700.0 * (number * 7 % 11 == 0), 0.0, learn=True)
    house.living = living
    before = living.alone_taken
    # Two of them dark, one behind the other, as of a register that stands for a while.
    watts = [0.0 if at in (20, 21) else 66.0 for at in range(48)]
    ends = range(house.quiet.seen_ms + SLOT_MS, house.quiet.seen_ms + 49 * SLOT_MS, SLOT_MS)
    house.look([(end_ms, each, 0, 0.0) for end_ms, each in zip(ends, watts, strict=True)])
    assert living.newest == 7 * DAY + 47
    assert living.alone_taken == before + 1


def test_too_few_are_taken_one_by_one() -> None:
    living = lived()
    steps = [
        Step(Slot(7 * DAY + at, 60.0, 0.0), measured=True, doubtful=False)
        for at in range(TOGETHER_MIN - 1)
    ]
    living.take(steps)
    assert living.newest == 7 * DAY + TOGETHER_MIN - 2
