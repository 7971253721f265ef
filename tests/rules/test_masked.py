"""A home that goes on to look lived in while everybody is away: electricity can't tell there."""

from types import SimpleNamespace

import pytest

from rules.living import Living
from rules.masked import LEAVING_MS, SURE_MS, Masked
from rules.signs import SAID_WELL
from rules.staying import STAY
from rules.stillness import power_says
from tests.rules.silent_home import House

LEFT, BACK, END = 14.4, 17.4, 20.0
# A window, and what lies before and behind it.
PROVED_H = 24 + (LEAVING_MS + SURE_MS) / 3_600_000


def lives(kit, told, *, days=END, away=(), restarts=False, **more) -> House:
    """Days of a home whose machines look like somebody while nobody is there, but for those that
    are `away`; told: (day, kind, values, attrs) of what else is seen."""
    house = House(kit)
    told = sorted(told, key=lambda each: each[0])
    for number, row in enumerate(kit.electricity(2, days, away=away, **more)):
        while told and kit.START_MS + told[0][0] * kit.DAY_MS <= row[0]:
            _day, kind, values, attrs = told.pop(0)
            house.see(kind, row[0], values, device="other", attrs=attrs)
        house.power([row])
        if restarts and number % 11 == 0:
            house.restart()
    return house


def stay(kind, start=LEFT, end=BACK):
    return [(start, STAY, {"active": 1.0}, {"stay": kind}),
            (end, STAY, {"active": 0.0}, {"stay": kind})]  # fmt: skip


def opinion(house):
    state = house.state()
    return state.state, state.explanation["reason"]


CAN_NOT = ("cannot_judge", "lived_while_away")
WELL = ("well", "activity")


@pytest.mark.parametrize("restarts", [False, True])
def test_who_is_away_from_a_home_that_looks_lived_in_shows_that_it_can_not_be_told(
    kit, restarts
) -> None:
    house = lives(kit, stay("away"), restarts=restarts)
    assert opinion(house) == CAN_NOT
    since_h = (house.state().since_ms - kit.START_MS - LEFT * kit.DAY_MS) / kit.HOUR_MS
    assert PROVED_H <= since_h <= PROVED_H + 1
    assert house.found == []


def test_a_stay_that_ended_sooner_says_nothing(kit) -> None:
    """By its date or by activity, which may be that of somebody who came."""
    assert opinion(lives(kit, stay("away", end=LEFT + (PROVED_H - 1) / 24))) == WELL
    assert opinion(lives(kit, stay("away", end=LEFT + (PROVED_H + 1) / 24))) == CAN_NOT


def test_of_who_is_in_hospital_it_takes_two_stays(kit) -> None:
    """The family may sleep in the home."""
    first, second = stay("hospital"), stay("hospital", 18.0, 20.0)
    assert opinion(lives(kit, first)) == WELL
    assert opinion(lives(kit, [*first, *second])) == CAN_NOT


def cut_short(start, still_h, *more):
    """Electricity ended it after half a day; so long it was still to last."""
    began, (_at, kind, values, attrs) = stay("away", start)
    over = (start + 0.5, kind, values | {"cut_short_ms": still_h * 3_600_000}, attrs)
    return [began, *more, over]


def test_of_absences_that_electricity_cut_short_it_takes_two(kit) -> None:
    """Nobody knows whether somebody came or a machine ran."""
    assert opinion(lives(kit, cut_short(LEFT, 30))) == WELL
    twice = [*cut_short(LEFT, 30), *cut_short(17.4, 30)]
    assert opinion(lives(kit, twice)) == CAN_NOT
    assert opinion(lives(kit, [*cut_short(LEFT, 30), *stay("hospital", 17.4, 20)])) == CAN_NOT


def test_one_that_is_told_again_counts_once(kit) -> None:
    """As after a restart, and while somebody is in hospital."""
    once = cut_short(LEFT, 30)
    again = (17.0, *once[-1][1:])
    assert opinion(lives(kit, [*once, again])) == WELL
    meanwhile = [*once, (15.5, STAY, {"active": 1.0}, {"stay": "hospital"}), (16.0, *again[1:])]
    assert opinion(lives(kit, meanwhile, days=16.3)) == WELL


def test_who_is_back_on_the_day_that_was_said_is_back(kit) -> None:
    assert opinion(lives(kit, [*cut_short(LEFT, 20), *cut_short(17.4, 20)])) == WELL


def test_who_gave_a_sign_is_back(kit) -> None:
    moved = [(start + 0.4, "motion", {"active": 1.0}, {}) for start in (LEFT, 17.4)]
    twice = [*cut_short(LEFT, 30, moved[0]), *cut_short(17.4, 30, moved[1])]
    assert opinion(lives(kit, twice)) == WELL


def test_a_day_between_them_that_looks_empty_shows_that_it_can_be_told(kit) -> None:
    twice = [*cut_short(LEFT, 30), *cut_short(19.4, 30)]
    assert opinion(lives(kit, twice, away=[(16.4, 18.0)], days=21)) == WELL


@pytest.mark.parametrize(
    "seen",
    [
        ("motion", {"active": 1.0}, {}),
        ("weight", {"weight_kg": 60.0}, {}),
        (STAY, {"active": 1.0}, {"stay": "visitors"}),
    ],
)
def test_where_somebody_was_meanwhile_a_stay_says_nothing(kit, seen) -> None:
    assert opinion(lives(kit, [*stay("away"), (LEFT + 0.5, *seen)])) == WELL


def test_where_visitors_are_from_before_it_says_nothing(kit) -> None:
    assert opinion(lives(kit, [*stay("visitors", 14.0, 18.0), *stay("away")])) == WELL


@pytest.mark.parametrize(
    "seen",
    [
        # As they leave.
        (LEFT + 0.1, "motion", {"active": 1.0}, {}),
        # By telephone.
        (LEFT + 0.5, SAID_WELL, {}, {}),
    ],
)
def test_what_says_of_nobody_in_the_home_is_no_matter(kit, seen) -> None:
    assert opinion(lives(kit, [*stay("away"), seen])) == CAN_NOT


def test_a_home_that_looks_empty_at_first_can_be_told(kit) -> None:
    """Whoever came back after two days had told nobody."""
    told = lives(kit, stay("away", end=18.4), away=[(LEFT, 16.4)])
    assert opinion(told) == WELL


def test_a_later_stay_in_which_it_looks_empty_takes_it_back(kit) -> None:
    told = [*stay("away"), *stay("away", 19.4, 21.4)]
    assert opinion(lives(kit, told, days=19.3)) == CAN_NOT
    assert opinion(lives(kit, told, days=24, away=[(19.4, 21.4)])) == WELL


def test_so_does_a_silence_which_is_found_all_the_same(kit) -> None:
    house = lives(kit, stay("away"), days=21.4, away=[(19.4, 21.4)])
    assert opinion(house) == ("silent", "no_activity")
    assert len(house.raised_at()) == 1
    back = lives(kit, stay("away"), days=23, away=[(19.4, 21.4)])
    assert opinion(back) == WELL


def test_so_does_a_meter_that_shows_more(kit) -> None:
    house = lives(kit, stay("away"))
    monitor = house.monitor()
    monitor._start_over(house.now_ms)
    assert monitor._masked.since_ms is None


@pytest.mark.parametrize(("activity", "proved"), [(1.5, False), (2.0, True)])
def test_what_is_near_the_limit_shows_nothing(kit, activity, proved) -> None:
    """What would not end a silence either."""
    masked, window_ms, slot_ms = Masked(), 24 * 3_600_000, 900_000
    living = SimpleNamespace(activity=activity, quiet=SimpleNamespace(limit=1.3), newest=0)
    living.window_from_number = lambda: (living.newest + 1) - window_ms // slot_ms
    seen = kit.Seen(id="1", device="", kind=STAY, measured_at_ms=0, received_at_ms=0,
                    values={"active": 1.0}, attrs={"stay": "away"})  # fmt: skip
    masked.told(seen, 0)
    for living.newest in range(4 * 96):
        masked.judged(living)
    assert (masked.since_ms is not None) is proved


def test_sensors_are_asked_as_where_electricity_can_not_judge(kit) -> None:
    living = Living(24)
    for at_ms, kwh in kit.electricity(2, 10):
        number, watts = at_ms // 900_000, kwh
        living.push(number, watts % 7 * 100, 0.0, learn=True)
        living.measure()
    assert living.quiet.limit > 0
    said = [power_says(living, 0, blind=False, masked=masked) for masked in (False, True)]
    assert said == ["somebody", "unknown"]
