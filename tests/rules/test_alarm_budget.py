"""Three refuted alarms a year are a home's budget: then it must look empty for longer."""

import json

import pytest

from rules.config import rules_from_toml
from rules.found_out import FoundOut, Word
from rules.quiet_limit import BUDGET, LONGER, LOWS_MAX, NEAR, REFUTED_DAYS, QuietLimit
from rules.silences import Ended
from tests.rules.silent_home import House
from tests.rules.test_found_out import say, until

WELL, OUT, HELP, UNKNOWN = FoundOut
PATIENCE = 64
FIRST = 300
# Of this home three quiet days are found silent: over soon after that, or after so long that
# nobody can say what they were; then one like the longest, and an absence.
QUIET = [(14.3, 15.5), (24.3, 25.76), (31.3, 32.76)]
ALIKE, GONE = (38.3, 39.76), (46, 50)


def home(usual=NEAR) -> QuietLimit:
    quiet = QuietLimit(PATIENCE)
    for day in range(LOWS_MAX):
        quiet.lived(usual, day)
    return quiet


def silences(quiet, *each, apart=10) -> None:
    """How each ended, and what was found out about it; the first ends on the day `FIRST`."""
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
        (Ended.SOON, UNKNOWN, True),
        (Ended.LATER, UNKNOWN, True),
        (Ended.LASTED, UNKNOWN, False),
        (Ended.UNTAUGHT, UNKNOWN, False),
        *((ended, WELL, True) for ended in (Ended.SOON, Ended.LATER, Ended.LASTED)),
        *((ended, said, False) for ended in (Ended.SOON, Ended.LATER) for said in (OUT, HELP)),
    ],
)
def test_what_counts_against_the_budget(ended, said, counts) -> None:
    quiet = home()
    silences(quiet, *[(Ended.SOON, WELL)] * (BUDGET - 1), (ended, said))
    assert quiet.spent == counts
    assert (quiet.longer == PATIENCE) == counts


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


def test_a_home_that_has_spent_it_is_found_later_and_says_so(kit) -> None:
    rows = kit.electricity(2, 50, away=[*QUIET, ALIKE, GONE])
    house = House(kit)
    until(kit, house, rows, 33)
    explained = house.state().explanation
    assert (explained["refuted_in_year"], explained["window_h"]) == (BUDGET, 40)
    assert explained["quiet_hours_left"] > 25
    until(kit, house, rows, 50)
    *_three, last = (found for found in house.found if found.phase == "raised")
    assert len(_three) == BUDGET
    assert (last.evidence["refuted_in_year"], last.evidence["window_h"]) == (BUDGET, 40)
    assert last.at_ms - last.evidence["quiet_since_ms"] == 40 * kit.HOUR_MS
    assert 39 <= (last.at_ms - kit.START_MS) / kit.HOUR_MS - GONE[0] * 24 <= 42


def test_one_of_them_that_was_help_gives_it_back(kit) -> None:
    """Corrected after weeks: from the next day on this home waits no longer than others."""
    rows = kit.electricity(2, 50, away=[*QUIET, GONE])
    house = House(kit)
    until(kit, house, rows, 45)
    assert "refuted_in_year" in house.state().explanation
    say(house, HELP, of=0)
    assert "refuted_in_year" not in house.state().explanation
    until(kit, house, rows, 50)
    last = [found for found in house.found if found.phase == "raised"][-1]
    assert "refuted_in_year" not in last.evidence
    assert last.evidence["window_h"] < 40


def test_it_is_the_same_whatever_restarts_lie_between(kit) -> None:
    rows = kit.electricity(2, 50, away=[*QUIET, ALIKE, GONE])
    straight, house = House(kit).power(rows), House(kit)
    for number, row in enumerate(rows):
        if number % 131 == 0 or 46 * 96 < number < 48 * 96:
            house.restart()
        house.power([row])
    assert [repr(found) for found in house.found] == [repr(found) for found in straight.found]
    assert len(straight.raised_at()) == BUDGET + 1


@pytest.mark.parametrize(("spent_h", "waited_h"), [(20, 36), (48, 48)])
def test_how_long_it_waits_is_for_the_office_to_say(kit, spent_h, waited_h) -> None:
    """Less than it would wait anyway changes nothing."""
    rules = rules_from_toml(f"[[rule]]\nname = 'no_sign_of_life'\nspent_h = {spent_h}\n")
    house = House(kit, rules).power(kit.electricity(2, 50, away=[*QUIET, GONE]))
    assert house.found[-1].evidence["window_h"] == waited_h
