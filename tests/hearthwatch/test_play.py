"""What is found when only the readings that matter are shown is what is found when all are."""

import random

import pytest

from hearthwatch.backtest.crew import CrewError, in_turn
from hearthwatch.backtest.past_readings import PastReadings
from hearthwatch.backtest.play import play
from hearthwatch.backtest.rows import RowParts
from rules.config import default_rules, rules_from_toml
from rules.rule import HomeFacts

BEGIN_MS = 1_794_758_400_000
MINUTE_MS = 60_000
DAY_MS = 86_400_000
# Limits at which an ordinary week says much.
TOUCHY = """
[[rule]]
name = "overload"
limit_w = 900.0
limit_min = 3
high_w = 2500.0
[[rule]]
name = "meter_dead"
after_h = 6
[[rule]]
name = "no_sign_of_life"
window_h = 20
[[rule]]
name = "load_left_on"
[[override]]
home = "home"
rule = "overload"
limit_w = 1200.0
"""


class House:
    """A home whose meters are read every minute; habits and troubles follow from the seed."""

    def __init__(self, seed, days=4):
        self.chance = random.Random(seed)
        self.past = PastReadings()
        self.days = days
        for device, says in self._devices():
            self._meter(device, says)
        for _ in range(days * 4):
            at_ms = BEGIN_MS + self.chance.randrange(days * DAY_MS)
            if self.chance.random() < 0.5:
                self._row("motion", "motion", at_ms, "active", 1.0)
            else:
                self._row("button", "sos", at_ms, "action", "press")

    def _devices(self):
        says = self.chance.choice(["register", "register", "watts", "both", "interval", "amperes"])
        devices = [("meter", says)]
        if self.chance.random() < 0.5:
            devices.append((self.chance.choice(["a-socket", "z-socket"]), "register"))
        return devices

    def _row(self, device, kind, at_ms, name, said):
        value, text = (0.0, said) if isinstance(said, str) else (said, None)
        self.past.add(RowParts("home", (device, kind, name), at_ms, value, text))

    def _meter(self, device, says):
        chance, at_ms, kwh = self.chance, BEGIN_MS + self.chance.randrange(60_000), 100.0
        end_ms = BEGIN_MS + self.days * DAY_MS
        # A socket that begins late, a meter that is exchanged before the end.
        if device != "meter" and chance.random() < 0.5:
            at_ms += 2 * DAY_MS
        elif device == "meter" and chance.random() < 0.3:
            end_ms -= 2 * DAY_MS
        stands_from = chance.randrange(self.days) * DAY_MS if chance.random() < 0.4 else None
        watts = 60.0
        while at_ms < end_ms:
            if chance.random() < 0.02:
                watts = chance.choice([60.0, 60.0, 150.0, 1000.0, 1500.0, 3000.0])
            if chance.random() < 0.0005:
                at_ms += chance.randrange(5 * 3_600_000)
            passed = at_ms - BEGIN_MS
            stands = stands_from is not None and 0 <= passed - stands_from < DAY_MS
            kwh += 0.0 if stands else watts / 60_000
            self._read(device, says, at_ms, kwh, watts)
            at_ms += MINUTE_MS + chance.randrange(-500, 500)

    def _read(self, device, says, at_ms, kwh, watts):
        if says in ("register", "both"):
            self._row(device, "power", at_ms, "energy_kwh", round(kwh, 2))
        if says in ("watts", "both"):
            self._row(device, "power", at_ms, "power_w", watts)
        if says == "interval":
            self._row(device, "power", at_ms, "energy_interval_wh", watts / 60)
            self._row(device, "power", at_ms, "interval_s", "60")
        if says == "amperes":
            self._row(device, "power", at_ms, "current_a", watts / 230)
            self._row(device, "power", at_ms, "voltage_v", 230.0)
            self._row(device, "power", at_ms, "energy_kwh", round(kwh, 3))


RULE_SETS = [default_rules(), rules_from_toml(TOUCHY)]


@pytest.mark.parametrize("seed", range(14))
def test_columns_find_what_readings_find(seed) -> None:
    house = House(seed)
    facts = HomeFacts(home="home", overrides={"load_left_on": {}} if seed % 2 else {})
    end_ms = house.past.end_ms
    one_by_one = play(house.past, facts, RULE_SETS, end_ms, columns=False)
    assert play(house.past, facts, RULE_SETS, end_ms) == one_by_one
    # Each set by itself as well: what one wants to see must not help the other.
    for number, rules in enumerate(RULE_SETS):
        assert play(house.past, facts, [rules], end_ms) == [one_by_one[number]]


def test_the_houses_say_something_of_every_rule_about_electricity() -> None:
    said = set()
    for seed in range(14):
        house = House(seed)
        for rows in play(house.past, HomeFacts(home="home"), RULE_SETS, house.past.end_ms):
            said |= {row.finding.rule for row in rows}
    assert {"overload", "meter_dead", "sos"} <= said


def test_an_interval_that_is_no_number_is_read_one_by_one() -> None:
    past = PastReadings()
    for number in range(2000):
        at_ms = BEGIN_MS + number * MINUTE_MS
        past.add(RowParts("home", ("m", "power", "energy_interval_wh"), at_ms, 20.0, None))
        past.add(RowParts("home", ("m", "power", "interval_s"), at_ms, 0.0, "a minute"))
    assert past.power_columns("home") is None
    facts = HomeFacts(home="home")
    assert play(past, facts, RULE_SETS, past.end_ms) == play(
        past, facts, RULE_SETS, past.end_ms, columns=False
    )


@pytest.mark.parametrize("processes", [1, 2, 5])
def test_several_processes_answer_in_the_order_of_the_items(processes) -> None:
    assert list(in_turn(_squared, list(range(23)), processes)) == [n * n for n in range(23)]


def _squared(number):
    return number * number


def test_what_a_process_raises_is_raised_here_and_an_end_is_told() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_turn(_inverse, [1, 2, 0, 4], 2))
    with pytest.raises(CrewError, match="ended"):
        list(in_turn(_leave, [1, 2, 3], 2))


def _inverse(number):
    return 1 / number


def _leave(number):
    raise SystemExit(number)


@pytest.mark.parametrize("seed", range(6))
def test_a_home_of_which_nothing_says_what_was_given_is_told_by_what_it_takes(seed) -> None:
    house = House(seed)
    named = {"mains": {"meter": "meter", "panels_meter": "z-socket"}}
    facts = HomeFacts(home="home", overrides=named)
    alone = HomeFacts(home="home", overrides={"mains": {"meter": "meter"}})
    end_ms = house.past.end_ms
    found = play(house.past, facts, RULE_SETS, end_ms)
    assert found == play(house.past, facts, RULE_SETS, end_ms, columns=False)
    assert found == play(house.past, alone, RULE_SETS, end_ms)
