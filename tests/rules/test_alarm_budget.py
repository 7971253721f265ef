"""Three refuted alarms a year are a home's budget: then it must look empty for longer."""

import json

import pytest

from rules.config import rules_from_toml
from rules.found_out import FoundOut, Word
from rules.quiet_limit import BUDGET, LONGER, LOWS_MAX, NEAR, REFUTED_DAYS, QuietLimit
from rules.silences import Ended
from tests.rules.silent_home import RULE, House
from tests.rules.test_found_out import say, until
from tests.rules.test_silence_states import FORMER_STATES

WELL, OUT, HELP, UNKNOWN = FoundOut
PATIENCE = 96
FIRST = 300
# Quiet days of one home that are found silent, and soon over; one that goes on for longer, weeks
# after them, and an absence.
QUIET = [(14.3, 15.5), (24.3, 25.5), (31.3, 32.5)]
LONG, GONE = (78.3, 79.76), (85, 89)
DAYS = 88


def home(usual=NEAR) -> QuietLimit:
    quiet = QuietLimit(PATIENCE)
    for day in range(LOWS_MAX):
        quiet.lived(usual, day)
    return quiet


def silences(quiet, *each, apart=10) -> None:
    """How each ended and what was found out about it; the first ends on the day `FIRST`."""
    for number, (ended, said) in enumerate(each):
        day, raised_ms = FIRST + apart * number, 1_000 + number
        quiet.raised(day, 0, raised_ms)
        # None of them had looked empty for longer than the window asks.
        quiet.ended(ended, 1.2, day, 0)
        quiet.found_out(Word(raised_ms, raised_ms, said), day)
    quiet.learn(FIRST + apart * len(each))


@pytest.mark.parametrize(
    ("ended", "said", "counts"),
    [
        (Ended.SOON, UNKNOWN, 1),
        # One in three was none.
        (Ended.LATER, UNKNOWN, 0.5),
        # A journey, most likely.
        (Ended.LASTED, UNKNOWN, 0),
        (Ended.UNTAUGHT, UNKNOWN, 0),
        *((ended, WELL, 1) for ended in (Ended.SOON, Ended.LATER, Ended.LASTED)),
        *((ended, said, 0) for ended in (Ended.SOON, Ended.LATER) for said in (OUT, HELP)),
    ],
)
def test_what_counts_against_the_budget(ended, said, counts) -> None:
    one, all_three = home(), home()
    silences(one, (ended, said))
    assert one.refuted == counts
    silences(all_three, *[(Ended.SOON, WELL)] * (BUDGET - 1), (ended, said))
    assert all_three.spent == (all_three.longer == PATIENCE) == (counts == 1)


def test_it_is_spent_until_the_oldest_of_three_is_a_year_old() -> None:
    quiet = home()
    silences(quiet, *[(Ended.SOON, UNKNOWN)] * BUDGET)
    for day, longer in ((-1, PATIENCE), (0, LONGER)):
        quiet.learn(FIRST + REFUTED_DAYS + day)
        assert quiet.longer == longer


def test_no_limit_is_moved_by_it_and_a_longer_wait_stays() -> None:
    told = []
    for patience in (0, PATIENCE, 10):
        quiet = home()
        quiet.patience = patience
        silences(quiet, *[(Ended.SOON, UNKNOWN)] * BUDGET)
        told.append((quiet.limit, quiet.longer))
    assert {limit for limit, _longer in told} == {told[0][0]}
    assert [longer for _limit, longer in told] == [LONGER + 12, PATIENCE, LONGER + 12]


def test_it_is_kept_on_disk_as_it_was_counted_last() -> None:
    quiet = home()
    silences(quiet, *[(Ended.SOON, UNKNOWN)] * BUDGET)
    document = json.loads(json.dumps(quiet.dump()))
    again = QuietLimit.load(document, PATIENCE)
    assert (again.refuted, again.longer, again.dump()) == (BUDGET, PATIENCE, document)
    # A state of before didn't count it: what it knows of silences is enough.
    del document["budget"]
    assert QuietLimit.load(document, PATIENCE).longer == PATIENCE
    quiet.learn(FIRST + REFUTED_DAYS)
    assert QuietLimit.load(quiet.dump(), PATIENCE).longer == LONGER


def lived(kit, until_day, *, restarts=False, rules=None, said=WELL):
    """A home of `QUIET` days, each of which somebody confirms a day later."""
    rows, house = kit.electricity(2, DAYS, away=[*QUIET, LONG, GONE]), House(kit, rules)
    for number, (_since, back) in enumerate(QUIET):
        until(kit, house, rows, back + 1)
        say(house, said, of=number)
        if restarts:
            house.restart()
    for row in rows:
        if house.now_ms < row[0] <= kit.START_MS + until_day * kit.DAY_MS:
            if restarts and (row[0] // kit.HOUR_MS) % 31 == 0:
                house.restart()
            house.power([row])
    return house, rows


def test_a_home_that_has_spent_it_is_found_after_two_days_and_says_so(kit) -> None:
    house, rows = lived(kit, LONG[0])
    explained = house.state().explanation
    assert (explained["refuted_in_year"], explained["window_h"]) == (BUDGET, 48)
    assert explained["quiet_hours_left"] > 36
    until(kit, house, rows, DAYS)
    *before, last = (found for found in house.found if found.phase == "raised")
    assert len(before) == BUDGET
    assert not any("refuted_in_year" in found.evidence for found in before)
    assert (last.evidence["refuted_in_year"], last.evidence["window_h"]) == (BUDGET, 48)
    assert last.at_ms - last.evidence["quiet_since_ms"] == 48 * kit.HOUR_MS
    assert 44 <= (last.at_ms - kit.START_MS) / kit.HOUR_MS - GONE[0] * 24 <= 49


def test_one_of_them_that_was_help_gives_it_back(kit) -> None:
    """Corrected after weeks: at once the home waits no longer than others do."""
    house, rows = lived(kit, LONG[0])
    say(house, HELP, of=0)
    assert "refuted_in_year" not in house.state().explanation
    assert house.state().explanation["window_h"] == 25
    until(kit, house, rows, LONG[1] + 0.5)
    last = [found for found in house.found if found.phase == "raised"][-1]
    assert last.at_ms > kit.START_MS + LONG[0] * kit.DAY_MS
    assert (last.evidence["window_h"], "refuted_in_year" in last.evidence) == (25, False)


def test_it_is_the_same_whatever_restarts_lie_between(kit) -> None:
    (straight, _), (house, _) = lived(kit, DAYS), lived(kit, DAYS, restarts=True)
    assert [repr(found) for found in house.found] == [repr(found) for found in straight.found]
    assert len(straight.raised_at()) == BUDGET + 1


def test_how_long_it_waits_is_for_the_office_to_say(kit) -> None:
    """Less than it would wait anyway (three hours beyond the longest) changes nothing; a change
    holds at once, also for what is on disk."""
    waits = []
    house, _rows = lived(kit, 34)
    for spent_h in (20, 40):
        rules = rules_from_toml(f"[[rule]]\nname = 'no_sign_of_life'\nspent_h = {spent_h}\n")
        house.rules = rules
        house.restart()
        waits.append(house.state().explanation["window_h"])
    assert waits == [32, 40]


def test_a_state_of_before_alarms_were_counted_knows_that_its_budget_is_spent(kit) -> None:
    """Of `lived` after 40 days, as the program before this one wrote it (version 7)."""
    house = House(kit)
    house.now_ms = kit.START_MS + 40 * kit.DAY_MS
    house.engine.restore("h", RULE, (FORMER_STATES / f"{RULE}_7.json").read_bytes())
    explained = house.state().explanation
    assert (explained["refuted_in_year"], explained["window_h"]) == (BUDGET, 48)
    # It is so after the next day, which is learned by this one, too.
    rows = kit.electricity(2, DAYS, away=[*QUIET, LONG, GONE])
    until(kit, house, rows, 43)
    assert house.engine.take_problems() == []
    assert house.state().explanation["window_h"] == 48
