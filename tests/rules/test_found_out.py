"""What humans found out about silences teaches the rule: late, twice, corrected, forgotten."""

import json
import random

import pytest

from rules.found_out import FOUND_OUT, FoundOut, Word
from rules.quiet_limit import BEYOND, BORNE, LONGER, LONGEST, LOW, NEAR, QuietLimit
from rules.silences import KEPT_MAX, Ended, Silences
from tests.rules.silent_home import RULE, House
from tests.rules.test_silence_states import FORMER_STATES

WELL, OUT, HELP, UNKNOWN = FoundOut
# A silence that is over two hours after it was found, as days at home are …
SHORT = (14.3, 15.45)
# … one that goes on for 15 hours more …
LONG = (14.3, 15.98)
# … and a real one, weeks later.
AGAIN = (34, 37)


def say(house, found_out, *, of=None, until_ms=None, seen_ms=None, at_ms=None) -> None:
    """`of`: the number of the silence, the last if None."""
    raised = [f for f in house.found if f.phase == "raised"][-1 if of is None else of]
    house.now_ms = house.now_ms if at_ms is None else at_ms
    raised_ms = float(raised.raised_at_ms)
    house.see(
        FOUND_OUT,
        house.now_ms if seen_ms is None else seen_ms,
        {"raised_ms": raised_ms, "until_ms": float(until_ms or raised_ms)},
        now_ms=house.now_ms,
        device="",
        attrs={"found_out": str(found_out)},
    )


def until(kit, house, rows, day) -> None:
    since_ms = house.now_ms if house.now_ms > kit.START_MS else -1
    house.power([r for r in rows if since_ms < r[0] <= kit.START_MS + day * kit.DAY_MS])


def living_of(house):
    return house.engine._cell("h", RULE).monitor._living


def learned(house):
    """What is learned of days and silences, without what was said of them. Words that say nothing
    make the rule look at the quarter-hours that wait."""
    house.see(FOUND_OUT, house.now_ms, {}, device="")
    living = living_of(house)
    quiet = living.quiet
    return (list(living.days), sorted(quiet._lows), living.alone, quiet.limit, quiet.longer)


def home_with(kit, *silences, days=40):
    rows = kit.electricity(2, days, away=[*silences, AGAIN])
    house = House(kit)
    until(kit, house, rows, silences[-1][1] + 0.5)
    return house, rows


@pytest.mark.parametrize("truth", [HELP, OUT])
def test_a_fall_that_was_found_with_the_lights_on_again_is_never_learned_as_a_quiet_day(
    kit, truth
) -> None:
    """Whoever came put the lights on within hours: that looks like somebody who was well."""
    house, rows = home_with(kit, SHORT)
    wrongly = learned(house)
    assert len(living_of(house).wrong) == 1
    say(house, truth)
    told = learned(house)
    assert living_of(house).wrong == []
    assert len(told[0]) < len(wrongly[0])
    assert len(told[1]) == len(wrongly[1]) - 1
    assert told[3] > wrongly[3]
    until(kit, house, rows, 40)
    *_, again = (f for f in house.found if f.phase == "raised")
    assert "wrong_in_year" not in again.evidence
    assert (again.at_ms - kit.START_MS) / kit.HOUR_MS - 34 * 24 <= 26


def test_whoever_is_found_well_ends_the_silence_and_another_can_begin(kit) -> None:
    """She is found well four hours after the alarm; nothing stirs for another two days."""
    house, rows = home_with(kit, SHORT)
    until(kit, house, rows, 35.3)
    raised_ms = house.raised_at()[-1]
    seen_ms, told_ms = raised_ms + 2 * kit.HOUR_MS, raised_ms + 4 * kit.HOUR_MS
    house.power([row for row in rows if house.now_ms < row[0] <= told_ms])
    say(house, WELL, seen_ms=seen_ms, until_ms=told_ms, at_ms=told_ms)
    assert (house.found[-1].phase, house.found[-1].reason) == ("cleared", "found_well")
    assert house.state().state == "well"
    assert house.state().explanation["last_sign"] == "found_well"
    # How long it would have looked empty nobody knows.
    assert living_of(house).wrong[-1].beyond == LONGEST
    until(kit, house, rows, 37)
    again_ms = house.raised_at()[-1]
    assert again_ms > raised_ms
    assert 24 * kit.HOUR_MS <= again_ms - told_ms <= 30 * kit.HOUR_MS


def test_a_silence_that_went_on_for_long_is_one_of_hers_once_somebody_says_so(kit) -> None:
    house, _rows = home_with(kit, LONG)
    assert living_of(house).wrong == []
    before = learned(house)
    say(house, WELL)
    assert [each.confirmed for each in living_of(house).wrong] == [True]
    assert len(learned(house)[0]) > len(before[0])
    assert house.state().explanation["confirmed_in_year"] == 1
    say(house, UNKNOWN)
    assert learned(house) == before


def test_the_finding_says_how_often_it_was_confirmed(kit) -> None:
    house, rows = home_with(kit, SHORT)
    say(house, WELL)
    until(kit, house, rows, 40)
    evidence = house.found[-1].evidence if house.found[-1].phase == "raised" else {}
    evidence = evidence or [f for f in house.found if f.phase == "raised"][-1].evidence
    assert (evidence["wrong_in_year"], evidence["confirmed_in_year"]) == (1, 1)


def test_the_last_word_counts_however_often_it_was_said_and_corrected(kit) -> None:
    words = [HELP, WELL, OUT, WELL, UNKNOWN, HELP, HELP, WELL]
    for last in FoundOut:
        house, _rows = home_with(kit, SHORT)
        straight, _rows = home_with(kit, SHORT)
        say(straight, last)
        for word in [*words, last, last]:
            say(house, word)
            house.restart()
        assert learned(house) == learned(straight)
        assert len(house.found) == len(straight.found)


def test_it_is_the_same_whether_it_is_said_before_the_end_or_after_it(kit) -> None:
    told = []
    for early in (True, False):
        rows = kit.electricity(2, 40, away=[SHORT, AGAIN])
        house = House(kit)
        until(kit, house, rows, 15.4 if early else 16)
        assert (house.state().state == "silent") == early
        say(house, OUT)
        until(kit, house, rows, 40)
        told.append(([repr(f) for f in house.found], learned(house)))
    assert told[0] == told[1]


def test_restarts_and_repetitions_between_all_of_it_change_nothing(kit) -> None:
    rows = kit.electricity(2, 40, away=[SHORT, (20.3, 21.45), (26.3, 27.45), AGAIN])
    said = {16: (0, WELL), 22: (1, HELP), 23: (1, WELL), 27.4: (2, WELL), 30: (0, OUT)}

    def play(restarts):
        house, r = House(kit), random.Random(5)
        for day, (number, word) in said.items():
            until(kit, house, rows, day)
            for _again in range(r.randint(1, 3) if restarts else 1):
                say(house, word, of=number)
                if restarts:
                    house.restart()
                    # After a start all that is known is told once more, in any order.
                    for other, before in r.sample(sorted(_newest(said, day).items()), 1):
                        say(house, before, of=other)
        until(kit, house, rows, 40)
        return house

    straight, house = play(restarts=False), play(restarts=True)
    assert [repr(f) for f in house.found] == [repr(f) for f in straight.found]
    assert len(straight.raised_at()) == 4
    assert learned(house) == learned(straight)


def _newest(said, day):
    return {number: word for when, (number, word) in said.items() if when <= day}


@pytest.mark.parametrize(
    ("values", "attrs"),
    [
        ({}, {"found_out": "was_out"}),
        ({"raised_ms": 1.0}, {"found_out": "was_out"}),
        ({"raised_ms": 1.0, "until_ms": 2.0}, {"found_out": "was_out"}),
        ({"raised_ms": 0.0, "until_ms": 1.0}, {"found_out": "needed_help"}),
        ({"raised_ms": 0.0, "until_ms": 1e15}, {"found_out": "well"}),
        ({"raised_ms": 0.0, "until_ms": 1e15}, {"found_out": 3}),
        ({"raised_ms": 0.0, "until_ms": 1e15}, {}),
    ],
)
def test_nonsense_and_what_names_no_silence_change_nothing(kit, values, attrs) -> None:
    house, _rows = home_with(kit, SHORT)
    assert learned(house)
    before, found = json.dumps(living_of(house).dump()), len(house.found)
    house.see(FOUND_OUT, house.now_ms, values, device="", attrs=attrs)
    assert json.dumps(living_of(house).dump()) == before
    assert len(house.found) == found


def test_a_word_on_several_silences_counts_only_where_somebody_needed_help() -> None:
    """They had joined one alarm: who was well in one of them may not have been in the other."""
    silences = Silences()
    for number in range(3):
        silences.begin(100 * (number + 1), number)
        silences.end(Ended.SOON, number, 1.0, LONGER)
    both = Word(100, 200, HELP)
    silences.say(both._replace(found_out=WELL))
    assert [each.found_out for each in silences] == [UNKNOWN] * 3
    silences.say(both)
    assert [each.found_out for each in silences] == [HELP, HELP, UNKNOWN]
    # Corrected: nobody can say of which.
    silences.say(both._replace(found_out=OUT))
    assert [each.found_out for each in silences] == [UNKNOWN] * 3


def test_a_silence_that_has_no_name_is_meant_by_nobody() -> None:
    silences = Silences()
    silences.end(Ended.SOON, 5, 1.0, LONGER)
    assert silences.say(Word(0, 2_000_000_000_000, HELP)) == []


def quiet_home(usual=4.0) -> QuietLimit:
    quiet = QuietLimit()
    for day in range(60):
        quiet.lived(usual, day)
    return quiet


@pytest.mark.parametrize("usual", [NEAR - 1, NEAR])
def test_three_that_somebody_confirmed_are_borne_in_every_home(usual) -> None:
    quiet, waits = quiet_home(usual), []
    for number in range(BORNE):
        quiet.raised(100 + number, 0, 1000 + number)
        quiet.ended(Ended.SOON, 1.2, 100 + number, 10)
        quiet.found_out(Word(1000 + number, 1000 + number, WELL), 101 + number)
        waits.append(quiet.longer)
    assert waits == [LONGER, LONGER, 10 + BEYOND]


def test_silences_that_were_found_rightly_lower_no_limit() -> None:
    """Nor is a home taken for a quiet one because its people travel."""
    quiet = quiet_home()
    alone = quiet.limit
    for number in range(4):
        quiet.raised(70 + number, 0, 1000 + number)
        quiet.ended(Ended.SOON, 0.9, 70 + number)
    assert quiet.limit < LOW
    for number, word in enumerate((OUT, HELP, OUT, HELP)):
        quiet.found_out(Word(1000 + number, 1000 + number, word), 75)
    assert quiet.limit == alone
    assert quiet.as_quiet(1.0) == 0


def test_what_is_known_of_silences_never_grows_and_the_oldest_are_forgotten() -> None:
    quiet = quiet_home()
    for number in range(3 * KEPT_MAX):
        quiet.raised(100 + number, 0, 1_767_225_600_000 + number)
        quiet.ended(Ended.SOON, 1.2, 100 + number)
    assert len(list(quiet.silences)) == KEPT_MAX
    before = quiet.dump()
    assert not quiet.found_out(Word(1_767_225_600_000, 1_767_225_600_000, HELP), 200)
    assert quiet.dump() == before


def test_a_state_of_before_silences_had_names_goes_on_as_if_nothing_had_changed(kit) -> None:
    """Three silences of before, two of which may have been some."""
    quiet = [(14.3, 15.76), (24.3, 25.5), (34.3, 35.76)]
    rows = kit.electricity(2, 54, away=[*quiet, (44.3, 45.5), (52, 56)])
    straight, house = House(kit).power(rows), House(kit)
    house.now_ms = kit.START_MS + 40 * kit.DAY_MS
    for name, file in ((RULE, f"{RULE}_6"), ("mains", "mains_3_40_days")):
        house.engine.restore("h", name, (FORMER_STATES / f"{file}.json").read_bytes())
    house.power([row for row in rows if row[0] > house.now_ms])
    assert house.engine.take_problems() == []
    since = [repr(f) for f in straight.found if f.at_ms > kit.START_MS + 40 * kit.DAY_MS]
    assert [repr(f) for f in house.found] == since != []
    # Of those nobody knows when they were found, so nobody can say what they were.
    assert [each.raised_ms for each in list(living_of(house).quiet.silences)[:3]] == [0, 0, 0]
