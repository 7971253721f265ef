"""A tank is told by heatings of one size at any hour, and somebody who cooks is not."""

import json

import pytest

from rules.lived_days import SLOTS_PER_DAY
from rules.living import Living
from rules.lone_heatings import (
    ALIKE_MIN,
    CALM_SLOTS,
    KEPT,
    LEAST_WH,
    STRONG_SLOTS_MAX,
    Lone,
    lone_heatings,
    remembered,
    usual_size,
)
from rules.metering import Slot
from rules.quarter_hours import QuarterHours
from rules.tank import FORGOTTEN_H, NIGHTS_MAX, Tank

USUAL_W = 80
DAY = 1000 * SLOTS_PER_DAY
BEHIND = 24
# A heating of 435 Wh.
HEATING = (500, 1400)
SIZE_WH = 435.0


def day(at: dict[int, tuple[int, ...]]) -> list[int]:
    """A day's watts and those of six hours before it; at: what is on from a slot of the day."""
    watts = [USUAL_W] * (BEHIND + SLOTS_PER_DAY)
    for start, heating in at.items():
        watts[BEHIND + start : BEHIND + start + len(heating)] = heating
    return watts


def found(at: dict[int, tuple[int, ...]]) -> list[Lone]:
    return lone_heatings(day(at), DAY + SLOTS_PER_DAY - 1, USUAL_W)


def test_what_stands_alone_is_a_heating_with_what_it_spills() -> None:
    assert found({40: (330, *HEATING, 120)}) == [Lone(DAY + 41, SIZE_WH + (250 + 40) / 4)]


@pytest.mark.parametrize("beside", [CALM_SLOTS, CALM_SLOTS + 1])
def test_what_something_strong_is_near_is_none(beside) -> None:
    seen = found({40: HEATING, 40 + len(HEATING) - 1 + beside: (1900,)})
    assert len(seen) == (0 if beside == CALM_SLOTS else 2)


@pytest.mark.parametrize(
    ("why", "on"),
    [("weak", (450,)), ("a kettle", (900,)), ("for hours", (1400,) * (STRONG_SLOTS_MAX + 1))],
)
def test_what_is_no_heating(why, on) -> None:
    assert found({40: on}) == []


@pytest.mark.parametrize("start", range(-8, SLOTS_PER_DAY, 7))
def test_each_is_counted_in_one_day(start) -> None:
    """Also where a day ends meanwhile."""
    watts = day({start: HEATING}) + [USUAL_W] * SLOTS_PER_DAY
    ends = [BEHIND + SLOTS_PER_DAY, BEHIND + 2 * SLOTS_PER_DAY]
    seen = [
        lone_heatings(watts[max(0, end - 120) : end], DAY + end - BEHIND - 1, USUAL_W)
        for end in ends
    ]
    assert [each.number - DAY for of_day in seen for each in of_day] == [start]


def sizes(by_day: list[float], by_night: list[float]) -> bytes:
    told = [*((each, False) for each in by_day), *((each, True) for each in by_night)]
    return remembered(b"", told)


MANY = [3000.0, 300.0, 800.0, 1200.0, 650.0, 1000.0, 2000.0]


def test_many_alike_some_of_them_by_night_are_a_tank() -> None:
    size_wh = usual_size(sizes([*[435.0, 450.0] * 4, *MANY], [440.0, 430.0]))
    assert size_wh == pytest.approx(440, rel=0.04)


@pytest.mark.parametrize(
    ("why", "by_day", "by_night"),
    [
        ("never by night", [435.0] * 20, []),
        ("once by night", [435.0] * 20, [435.0]),
        ("too few", [435.0] * (ALIKE_MIN - 3), [435.0] * 2),
        ("others by night", [435.0] * 20, [900.0, 1500.0]),
        ("mostly others by night", [435.0] * 14, [435.0, 435.0, 900.0, 1500.0]),
        (
            "nine of 24, as in a home without a tank",
            [*[270.0] * 7, *MANY[2:] * 3],
            [272, 282],
        ),
        ("of all sizes", [LEAST_WH * 1.2**n for n in range(12)], [300.0, 500.0]),
    ],
)
def test_what_people_do_is_no_tank(why, by_day, by_night) -> None:
    assert usual_size(sizes(by_day, by_night)) is None


def test_no_more_is_kept_than_says_something() -> None:
    assert len(sizes([435.0] * 100, [40_000.0] * 100)) == KEPT


# From eleven to six in China, in slots of a day of UTC.
AT_NIGHT = range(60, 88)


class Home:
    """As the rule has it, and loaded anew after every day where asked."""

    def __init__(self, *, restarts: bool = False) -> None:
        self.living, self.hours, self.restarts = Living(24), QuarterHours(), restarts
        self.day = 0

    @property
    def tank(self) -> Tank:
        return self.hours.tank

    def lives(self, watts: list[int]) -> None:
        """A day more of these quarter-hours."""
        for place, each in enumerate(watts):
            number = DAY + self.day * SLOTS_PER_DAY + place
            lamp_w = 0.0 if place in AT_NIGHT else number % 3 * 8.0
            slot = Slot(number, each + lamp_w, 0.0)
            self.living = self.hours.turned(number, self.living, (24, 48))
            for step in self.hours.told(slot, self.living):
                self.living.push(*step.slot, learn=True)
                self.living.measure()
            if self.restarts and place == SLOTS_PER_DAY - 1:
                written = json.dumps([self.living.dump(), self.hours.dump()])
                living, hours = json.loads(written)
                self.living, self.hours = Living.load(24, 48, living), QuarterHours.load(hours)
        self.day += 1


# Noon in China and one o'clock by night there, in slots of a day of UTC.
NOON, NIGHT = 16, 68


def tanks_day(number: int) -> list[int]:
    """It heats at noon, in each sixth night too, and somebody cooks in between."""
    at = {NOON: HEATING, 40: (900, 1300 + number % 5 * 300, 1300), 46: (2000,) * 6}
    if number % 6 == 5:
        at[NIGHT] = HEATING
    return day(at)[BEHIND:]


def test_a_tank_that_hardly_heats_by_night_is_known_by_what_it_takes() -> None:
    home, again = Home(), Home(restarts=True)
    for number in range(20):
        home.lives(tanks_day(number))
        again.lives(tanks_day(number))
        assert json.dumps(again.hours.dump()) == json.dumps(home.hours.dump())
    assert home.tank.on
    home.lives(day({NOON: HEATING})[BEHIND:])
    assert max(home.living._window.watts) < USUAL_W + 20


def test_a_rice_cooker_at_noon_is_none() -> None:
    home = Home()
    for number in range(40):
        home.lives(
            day({NOON: HEATING, **({NIGHT: (1800, 700)} if number % 6 == 5 else {})})[BEHIND:]
        )
    assert not home.tank.on


def test_what_the_home_does_alone_is_known_on_where_it_has_a_tank() -> None:
    home, turned = Home(), None
    while turned is None and home.day < 30:
        alone = home.living.alone
        home.lives(tanks_day(home.day))
        turned = home.living.alone if home.tank.on else None
    assert turned is not None
    assert turned == alone
    assert home.living.quiet.days == 0


def test_a_day_is_counted_once_where_the_next_begins_with_a_pause() -> None:
    """What is dark is held, and the day of the newest stays the last one."""
    home, pause = Home(), Home()
    for number in range(10):
        home.lives(tanks_day(number))
        watts = tanks_day(number)
        watts[:3] = [1, 1, 1]
        pause.lives(watts)
    assert home.tank.dump()["sizes"] == pause.tank.dump()["sizes"]


def test_it_is_forgotten_when_it_was_off_for_a_month_and_no_sooner_than_a_fortnight() -> None:
    home = Home()
    for number in range(20):
        home.lives(tanks_day(number))
    assert home.tank.on
    days = FORGOTTEN_H // 24
    for _day in range(days - 1):
        home.lives(day({})[BEHIND:])
    assert home.tank.on
    for _day in range(NIGHTS_MAX - days + 2):
        home.lives(day({})[BEHIND:])
    assert not home.tank.on
