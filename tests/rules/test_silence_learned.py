"""What a home's silences and stays teach the rule, and what they don't."""

import pytest

from rules.staying import STAY
from tests.rules.silent_home import RULE, House


def test_where_a_silence_was_none_a_day_is_not_enough(kit) -> None:
    """It must look empty for an hour more."""
    rows = kit.electricity(2, 35.9, away=[(14.3, 15.45), (34, 37)])
    first, again = (found for found in House(kit).power(rows).found if found.phase == "raised")
    assert (first.evidence["window_h"], again.evidence["window_h"]) == (24, 25)
    assert again.at_ms - again.evidence["quiet_since_ms"] == 25 * kit.HOUR_MS


def test_a_quiet_day_at_home_makes_the_home_be_judged_more_carefully(kit) -> None:
    """Back within hours: nobody had been away. The next day like it raises nothing."""
    quiet = [(14.3, 15.45), (20.3, 21.45), (26.3, 27.45), (33.3, 34.45)]
    house = House(kit).power(kit.electricity(2, 36, away=quiet))
    days = [(at - kit.START_MS) // kit.DAY_MS for at in house.raised_at()]
    assert 1 <= len(days) < len(quiet)
    assert days[0] in (14, 15)
    assert len([f for f in house.found if f.phase == "cleared"]) == len(days)


def test_lively_days_with_visitors_are_not_this_person_s(kit) -> None:
    rows = kit.electricity(2, 24)
    house = House(kit).power([row for row in rows if row[0] <= kit.START_MS + 14 * kit.DAY_MS])
    living = house.engine._cell("h", RULE).monitor._living
    before = (len(living.days), living.quiet.days)
    house.see(STAY, house.now_ms, {"active": 1.0}, device="", attrs={"stay": "visitors"})
    house.power([r for r in rows if 14 < (r[0] - kit.START_MS) / kit.DAY_MS <= 19])
    assert (len(living.days), living.quiet.days) == before
    house.see(STAY, house.now_ms, {"active": 0.0}, device="", attrs={"stay": "visitors"})
    house.power([r for r in rows if (r[0] - kit.START_MS) / kit.DAY_MS > 19])
    assert len(living.days) > before[0]


@pytest.mark.parametrize("stay", ["away", "hospital", "visitors"])
def test_days_of_a_stay_are_not_learned_and_a_silence_is_found_all_the_same(kit, stay) -> None:
    """The book holds what is found meanwhile; afterwards the home is judged as before."""
    rows = kit.electricity(2, 30, away=[(14, 19)])
    house = House(kit).power([row for row in rows if row[0] <= kit.START_MS + 14 * kit.DAY_MS])
    cell = house.engine._cell("h", RULE)
    before = (len(cell.monitor._living.days), cell.monitor._living.quiet.days)
    house.see(STAY, house.now_ms, {"active": 1.0}, device="", attrs={"stay": stay})
    house.power([r for r in rows if 0 < r[0] - kit.START_MS - 14 * kit.DAY_MS <= 5.2 * kit.DAY_MS])
    house.see(STAY, house.now_ms, {"active": 0.0}, device="", attrs={"stay": stay})
    living = house.engine._cell("h", RULE).monitor._living
    assert len(house.raised_at()) == 1
    assert (len(living.days), living.quiet.days) == before
    house.power([r for r in rows if r[0] - kit.START_MS > 19.2 * kit.DAY_MS])
    assert house.found[-1].phase == "cleared"
    assert house.state().state == "well"
    assert living.quiet.days > before[1]
    assert living.quiet._refuted == []
