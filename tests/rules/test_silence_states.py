"""The state of `no_sign_of_life`: restarts, duplicates, other windows, programs of before."""

import json
from pathlib import Path

import pytest

from rules.config import rules_from_toml
from tests.rules.silent_home import RULE, House, hours_after

# Of homes of 21.4 days, as programs before wrote them: 3 of `electricity(2, 21.4)`, the others of
# `electricity(2, 24, away=[(21.5, 24)])`.
FORMER_STATES = Path(__file__).parent / "former_states"
FORMER = FORMER_STATES / "no_sign_of_life_3.json"


def test_duplicates_and_disorder_change_nothing(kit) -> None:
    rows = kit.electricity(1, 17, away=[(14, 17)])
    straight = House(kit).power(rows)
    house = House(kit)
    for number, (at_ms, kwh) in enumerate(rows):
        house.power([(at_ms, kwh)])
        again = rows[max(0, number - 5 * (number % 3))]
        house.see("power", again[0], {"energy_kwh": again[1]}, now_ms=at_ms)
    assert [(f.episode, f.phase, f.at_ms) for f in house.found] == [
        (f.episode, f.phase, f.at_ms) for f in straight.found
    ]


def test_restart_at_every_reading_gives_the_same(kit) -> None:
    rows = kit.electricity(5, 18.5, away=[(14, 15.5), (17, 18.5)])
    straight = House(kit).power(rows)
    house = House(kit)
    for number, row in enumerate(rows):
        if number % 7 == 0 or number > 14 * 96:
            house.restart()
        house.power([row])
    assert [repr(f) for f in house.found] == [repr(f) for f in straight.found]
    assert len(straight.found) >= 3


def test_a_longer_window_from_the_configuration(kit) -> None:
    rules = rules_from_toml("[[rule]]\nname = 'no_sign_of_life'\nwindow_h = 40\n")
    rows = kit.electricity(2, 17, away=[(14.4, 17)])
    usual, longer = (hours_after(kit, House(kit, r).power(rows), 14.4) for r in (None, rules))
    assert len(usual) == len(longer) == 1
    assert 30 <= longer[0] <= 42
    assert longer[0] > usual[0]


def test_a_learned_state_is_small_and_survives_another_window(kit) -> None:
    house = House(kit).power(kit.electricity(1, 70))
    rows = {rule: state for _, rule, state in house.engine.take_dirty()}
    assert len(rows[RULE]) < 10_240
    assert json.loads(rows[RULE])["v"] == 9
    shorter = rules_from_toml("[[rule]]\nname = 'no_sign_of_life'\nwindow_h = 20\n")
    other = House(kit, shorter)
    other.engine.restore("h", RULE, rows[RULE])
    assert other.engine.take_problems() == []
    assert other.state(house.now_ms).state == "well"


def test_a_state_of_the_program_before_goes_on_with_what_it_learned(kit) -> None:
    house = House(kit)
    rows = kit.electricity(2, 24, away=[(21.5, 24)])
    seen_until_ms = kit.START_MS + int(21.4 * kit.DAY_MS)
    house.now_ms = seen_until_ms
    house.engine.restore("h", RULE, FORMER.read_bytes())
    assert house.state().explanation["days_learned"] >= 15
    assert house.state().state == "well"
    house.power([row for row in rows if row[0] > seen_until_ms])
    assert house.engine.take_problems() == []
    (at_ms,) = house.raised_at()
    assert at_ms - kit.START_MS - 21.5 * kit.DAY_MS <= 26 * kit.HOUR_MS


def test_a_state_that_read_its_meter_itself_goes_on_as_if_nothing_had_changed(kit) -> None:
    """It had seen each of the quarter-hours that the state of `mains` keeps for the others."""
    rows = kit.electricity(2, 24, away=[(21.5, 24)])
    seen_until_ms = kit.START_MS + int(21.4 * kit.DAY_MS)
    straight, house = House(kit).power(rows), House(kit)
    house.now_ms = seen_until_ms
    for rule, version in ((RULE, 4), ("mains", 2)):
        house.engine.restore("h", rule, (FORMER_STATES / f"{rule}_{version}.json").read_bytes())
    assert house.engine._homes["h"].waiting.count > 0
    last_ms = max(at_ms for at_ms, _kwh in rows if at_ms <= seen_until_ms)
    assert house.state().explanation["last_reading_ms"] == last_ms
    house.power([row for row in rows if row[0] > seen_until_ms])
    assert house.engine.take_problems() == []
    # What it had learned of its days is of another window: so is what the evidence says of them.
    told = [[(f.episode, f.phase, f.reason, f.at_ms) for f in h.found] for h in (house, straight)]
    assert told[0] == told[1] != []
    cells = (h.engine._homes["h"].cells[RULE] for h in (house, straight))
    here, there = (cell.monitor._living.dump() for cell in cells)
    assert {name for name in here if here[name] != there[name]} <= {"days", "quiet"}


def test_a_state_of_before_sensors_were_asked_goes_on_as_if_nothing_had_changed(kit) -> None:
    rows = kit.electricity(2, 24, away=[(21.5, 24)])
    seen_until_ms = kit.START_MS + int(21.4 * kit.DAY_MS)
    straight, house = House(kit).power(rows), House(kit)
    house.now_ms = seen_until_ms
    for rule, version in ((RULE, 5), ("mains", 3)):
        house.engine.restore("h", rule, (FORMER_STATES / f"{rule}_{version}.json").read_bytes())
    house.power([row for row in rows if row[0] > seen_until_ms])
    assert house.engine.take_problems() == []
    assert [*map(repr, house.found)] == [*map(repr, straight.found)] != []


@pytest.mark.parametrize("field", ["days", "quiet", "pending", "runs"])
def test_a_former_state_that_lacks_a_part_starts_afresh(kit, field) -> None:
    document = json.loads(FORMER.read_bytes())
    del document["living"][field]
    house = House(kit)
    house.engine.restore("h", RULE, json.dumps(document).encode())
    house.power(kit.electricity(2, 0.1))
    assert house.engine.take_problems() != []
    assert house.state().state == "learning"
