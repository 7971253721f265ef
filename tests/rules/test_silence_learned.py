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
    assert not any(each.was_none for each in living.quiet.silences)


@pytest.mark.parametrize(
    ("quiet", "wrong"),
    [
        # Two that were none …
        ([(14.3, 15.5), (24.3, 25.5)], [0, 1, 2]),
        # … or one, and two that went on for so long that nobody can say.
        ([(14.3, 15.76), (24.3, 25.5), (34.3, 35.76)], [0, 0, 1, 1]),
    ],
)
def test_after_silences_that_were_none_it_waits_and_finds_all_the_same(kit, quiet, wrong) -> None:
    """Of this home two are borne. Each had looked empty for 26 h and more: the next like the
    shortest raises nothing, an absence does, later than elsewhere and with its whole time said."""
    away = [*quiet, (44.3, 45.5), (52, 56)]
    house = House(kit).power(kit.electricity(2, 54, away=away))
    *none, last = (found for found in house.found if found.phase == "raised")
    days = [int(since) + 1 for since, _back in quiet]
    assert [(found.at_ms - kit.START_MS) // kit.DAY_MS for found in none] == days
    assert [found.evidence.get("wrong_in_year", 0) for found in (*none, last)] == wrong
    ends = (found.at_ms for found in house.found if found.phase == "cleared")
    starts = (found.evidence["quiet_since_ms"] for found in none)
    longest_h = max(end - start for start, end in zip(starts, ends, strict=True)) / kit.HOUR_MS
    waited_h = (last.at_ms - last.evidence["quiet_since_ms"]) / kit.HOUR_MS
    assert last.evidence["window_h"] == int(waited_h)
    assert waited_h == pytest.approx(min(longest_h + 3, 36), abs=0.5)
    assert last.at_ms - kit.START_MS <= 52 * kit.DAY_MS + 37 * kit.HOUR_MS
    assert house.state().explanation["window_h"] == last.evidence["window_h"]


def test_what_it_waits_for_is_the_same_after_a_restart(kit) -> None:
    quiet = [(14.3, 15.5), (24.3, 25.76), (31.3, 32.76)]
    rows = kit.electricity(2, 42, away=[*quiet, (38, 42)])
    straight, house = House(kit).power(rows), House(kit)
    for number, row in enumerate(rows):
        if number % 97 == 0 or number > 38 * 96:
            house.restart()
        house.power([row])
    assert [repr(f) for f in house.found] == [repr(f) for f in straight.found]
    assert len(straight.raised_at()) == len(quiet) + 1
    assert straight.found[-1].evidence["window_h"] == 36


def test_a_third_weekend_away_is_found_as_ever_and_says_that_it_is_one(kit) -> None:
    """From Friday evening to Sunday morning; nothing is held back, for somebody may lie there."""
    weekends = [(15.7, 17.4), (29.7, 31.4), (50.7, 52.4)]
    rows = kit.electricity(2, 53, away=weekends)
    house = House(kit).power([row for row in rows if row[0] <= kit.START_MS + 40 * kit.DAY_MS])
    house.restart()
    house.power([row for row in rows if row[0] > kit.START_MS + 40 * kit.DAY_MS])
    first, second, third = (found for found in house.found if found.phase == "raised")
    assert "weekly_times" not in {**first.evidence, **second.evidence}
    assert third.severity == "urgent"
    assert third.at_ms - third.evidence["quiet_since_ms"] <= 25 * kit.HOUR_MS
    assert third.evidence["weekly_times"] == 2
    back_h = (third.evidence["weekly_until_ms"] - kit.START_MS) / kit.HOUR_MS - 52.4 * 24
    assert -4 <= back_h <= 4


def test_a_weekend_that_was_said_beforehand_is_not_learned(kit) -> None:
    weekends = [(15.7, 17.4), (29.7, 31.4), (50.7, 52.4)]
    rows = kit.electricity(2, 53, away=weekends)
    house = House(kit).power([row for row in rows if row[0] <= kit.START_MS + 15 * kit.DAY_MS])
    house.see(STAY, house.now_ms, {"active": 1.0}, device="", attrs={"stay": "away"})
    house.power([r for r in rows if 15 < (r[0] - kit.START_MS) / kit.DAY_MS <= 18])
    house.see(STAY, house.now_ms, {"active": 0.0}, device="", attrs={"stay": "away"})
    house.power([r for r in rows if (r[0] - kit.START_MS) / kit.DAY_MS > 18])
    *_, third = (found for found in house.found if found.phase == "raised")
    assert len(house.raised_at()) == 3
    assert "weekly_times" not in third.evidence
