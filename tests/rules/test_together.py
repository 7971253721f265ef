"""Quarter-hours that are judged together say what each says by itself, to the last bit."""

import json
from array import array

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.home_memory import FLOOR_FROM, FLOOR_TO
from rules.lived_days import Alone, activity, spread_of
from rules.living import GRAIN_MAX_W, Living
from rules.looking_back import look_back
from rules.metering import SLOT_MS, Slot
from rules.packed import packed_bytes
from rules.quarter_hours import QuarterHours
from rules.quiet_limit import TOP
from rules.quiet_time import QuietTime
from rules.slow_part import slow_factor
from rules.tank import Tank
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


# A heating of 900 W is its own, four hours after another; it is doubted after the next nights.
TANK = {
    "on": True, "wanted": True, "nights": packed_bytes(b"\x80\xff" * 28), "tonight": None,
    "held": [None], "before": [], "long": False, "heated": -1, "quiet_from": 22, "usual": 60,
    "own": [100.0, 400.0, 16],
}  # fmt: skip


class House:
    """A home whose slots are looked at together, or each by itself."""

    def __init__(self, *, together: bool, tank: bool = False) -> None:
        self.together = together
        self.living, self.hours, self.quiet = lived(), QuarterHours(), QuietTime()
        if tank:
            self.hours.tank = Tank.load(TANK)
        self.quiet.seen_ms = (self.living.newest + 1) * SLOT_MS
        self.quiet.proved_ms = self.quiet.seen_ms + 40 * SLOT_MS

    def take(self, slot) -> bool:
        """As the rule does."""
        self.living = self.hours.turned(slot.number, self.living, (25, 48))
        steps = self.hours.told(slot, self.living)
        for place, step in enumerate(steps, start=1):
            if step.doubtful:
                self.living.unsteady()
            self.living.push(*step.slot, learn=True)
            self.quiet.slots += 1
            if step.measured and place < len(steps):
                self.living.measure()
        return bool(steps)

    def look(self, slots) -> None:
        if self.together:
            look_back(slots, lambda: self.living, self.hours, self.quiet, self.take)
            return
        for end_ms, watts, _now_ms, grain_w in slots:
            slot = Slot(end_ms // SLOT_MS - 1, watts, grain_w)
            if self.quiet.sees(end_ms) and self.take(slot):
                self.living.measure()
        self.quiet.caught_up()

    def remembers(self):
        living = self.living
        document = [living.dump(), self.hours.dump(), self.quiet.dump(living.window)]
        shown = living.mean_w(), living.peak_w(), living.newest, living.outlook()
        return json.loads(json.dumps(document)), living.activity, living.floor_w, shown


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_home_remembers_the_same(data) -> None:
    """However its slots come: with holes, dark ones, coarse ones, in parts or again."""
    tank = data.draw(st.booleans())
    together, alone = House(together=True, tank=tank), House(together=False, tank=tank)
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
