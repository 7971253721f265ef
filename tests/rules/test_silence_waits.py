"""A silence is found at the same quarter-hour, with the same evidence, whether or not its rule
looks at each of them: absences, sensors, gaps, blackouts, coarse registers and restarts."""

import json
import random

import pytest

from rules.config import default_rules
from rules.engine import Engine
from rules.rule import HomeFacts
from tests.rules.hasty import hasty

RULE = "no_sign_of_life"
SLOT_MS = 900_000
DAYS = 26


RULES = [rule for rule in default_rules() if rule.name in (RULE, "mains", "load_left_on")]
HASTY = [hasty(rule) if rule.name == RULE else rule for rule in RULES]
SIGNS = [
    ("motion", {"active": 1.0}, {}),
    ("motion", {"active": 0.0}, {}),
    ("contact", {"open": 1.0}, {}),
    ("contact", {"open": 0.0}, {}),
    ("presence", {"present": 1.0}, {"action": "well"}),
    ("sos", {}, {"action": "press"}),
]


class House:
    """The same home under both rule sets."""

    def __init__(self, kit) -> None:
        self.kit = kit
        self.engines = [self.begun(rules, kit.START_MS, {}) for rules in (RULES, HASTY)]
        self.stored = [{}, {}]
        self.found = []
        self.facts = HomeFacts(home="h")

    def begun(self, rules, at_ms, stored, chance=None):
        engine = Engine(rules)
        engine.add_home(getattr(self, "facts", HomeFacts(home="h")), at_ms)
        for rule, state in sorted(stored.items(), key=lambda _row: chance.random()):
            engine.restore("h", rule, state)
        assert engine.take_problems() == []
        return engine

    def restart(self, at_ms, chance, *, down) -> None:
        for place, rules in enumerate((RULES, HASTY)):
            written = self.engines[place].take_dirty()
            self.stored[place].update({rule: state for _home, rule, state in written})
            self.engines[place] = self.begun(rules, at_ms, self.stored[place], chance)
            if down:
                self.engines[place].resume(at_ms)

    def override(self, hours, at_ms) -> None:
        self.facts = HomeFacts(home="h", overrides={RULE: {"window_h": hours}})
        for engine in self.engines:
            engine.add_home(self.facts, at_ms)

    def see(self, kind, at_ms, values, *, now_ms, device="meter", attrs=None) -> None:
        seen = self.kit.Seen(
            id=f"{device}-{at_ms}",
            device=device,
            kind=kind,
            measured_at_ms=at_ms,
            received_at_ms=now_ms,
            values=values,
            attrs=attrs or {},
        )
        patient, hasty = ([*map(repr, e.observe("h", seen, now_ms))] for e in self.engines)
        assert patient == hasty
        self.found += patient

    def same_view(self, now_ms) -> None:
        patient, hasty = (engine.view("h", now_ms) for engine in self.engines)
        assert patient == hasty

    def states(self):
        """What each remembers in the end, but for until when it is calm."""
        found = []
        for engine in self.engines:
            known = engine._homes["h"]
            engine._wake_all(known)
            cell = known.cells[RULE]
            engine._catch_up(cell)
            document = json.loads(json.dumps(cell.monitor.dump()))
            del document["quiet"][2]
            found.append(document)
        return found


# The last five by a register of whole kilowatt-hours, of a home that uses more.
@pytest.mark.parametrize("seed", range(17))
def test_a_silence_is_found_as_by_a_rule_that_looks_at_every_quarter_hour(kit, seed) -> None:
    chance, house = random.Random(seed), House(kit)
    minutes, digits = (15, 5, 15, 60)[seed % 4], (3, 2, 1)[seed % 3] if seed < 12 else 0
    away = [(9.4, 10.7), (14.1, 15.6), (19.2, 21.9)]
    rows = kit.electricity(seed, DAYS, away=away, left_on_w=chance.choice([0.0, 120.0]))
    unseen_ms = dark_ms = 0
    dark_kwh = 0.0
    for at_ms, home_kwh in rows[:: minutes // 15 or 1]:
        kwh = home_kwh if digits else home_kwh * 2.5
        luck = chance.random()
        if luck < 0.001:
            unseen_ms = at_ms + chance.choice([1, 5, 30]) * kit.HOUR_MS
        elif luck < 0.002:
            dark_ms, dark_kwh = at_ms + chance.choice([1, 4, 9, 40]) * SLOT_MS, kwh
        elif luck < 0.004:
            house.restart(at_ms, chance, down=chance.random() < 0.5)
        elif luck < 0.0045:
            house.override(chance.choice([20, 25, 31]), at_ms)
        elif luck > 0.99:
            house.same_view(at_ms)
        late_ms = chance.choice([0] * 40 + [400_000, 9_000_000])
        if at_ms >= unseen_ms:
            shown = round(dark_kwh if at_ms < dark_ms else kwh, digits)
            house.see("power", at_ms - late_ms, {"energy_kwh": shown}, now_ms=at_ms)
        gone = any(a <= (at_ms - kit.START_MS) / kit.DAY_MS < b for a, b in away)
        if seed % 4 > 1 and chance.random() < (0.0005 if gone else 0.1):
            now_ms = at_ms + chance.randrange(SLOT_MS)
            kind, values, attrs = chance.choice(SIGNS)
            late_ms = chance.choice([0, 0, 0, 200_000, 1_000_000, 4_000_000])
            house.see(kind, now_ms - late_ms, values, now_ms=now_ms, device="s", attrs=attrs)
        if chance.random() < 0.002:
            stay = {"stay": chance.choice(["away", "visitors"])}
            active = {"active": chance.choice([0.0, 1.0])}
            house.see("stay", at_ms, active, now_ms=at_ms, device="", attrs=stay)
    house.same_view(rows[-1][0])
    patient, hasty = house.states()
    assert patient == hasty


def test_silences_are_among_them(kit) -> None:
    house = House(kit)
    for at_ms, kwh in kit.electricity(2, 18, away=[(14.3, 15.6)]):
        house.see("power", at_ms, {"energy_kwh": kwh}, now_ms=at_ms)
    assert ["raised" in found for found in house.found if RULE in found] == [True, True]


def test_most_quarter_hours_of_a_lived_home_are_not_looked_at_when_they_come(kit) -> None:
    house, written = House(kit), [0, 0]
    rows = kit.electricity(2, 20)
    for at_ms, kwh in rows:
        house.see("power", at_ms, {"energy_kwh": kwh}, now_ms=at_ms)
        if at_ms > rows[-1][0] - 5 * kit.DAY_MS:
            for place, engine in enumerate(house.engines):
                written[place] += RULE in {rule for _home, rule, _state in engine.take_dirty()}
    assert written[1] == 5 * 96
    assert written[0] < 5 * 6


def test_a_proof_of_life_that_comes_while_quarter_hours_wait_is_not_forgotten(kit) -> None:
    """It need not look at them, and yet the silence begins anew after it, also after a restart."""
    house = House(kit)
    rows = kit.electricity(2, 17.5, away=[(14, 17.5)])
    moved_ms = kit.START_MS + int(14.6 * kit.DAY_MS) + 60_000
    for at_ms, kwh in rows:
        if at_ms - SLOT_MS < moved_ms <= at_ms:
            house.see("motion", moved_ms, {"active": 1.0}, now_ms=moved_ms, device="pir")
            cell = house.engines[0]._homes["h"].cells[RULE]
            assert cell.seen < cell.waiting.count
            house.restart(moved_ms, random.Random(1), down=True)
        house.see("power", at_ms, {"energy_kwh": kwh}, now_ms=at_ms)
    raised = [found for found in house.found if "raised'" in found]
    assert len(raised) == 1
    assert f"'last_sign_ms': {moved_ms}" in raised[0]
    assert int(raised[0].split(" at_ms=")[1].split(",")[0]) - moved_ms >= 24 * kit.HOUR_MS


def test_a_shorter_window_is_judged_at_once_and_not_when_the_longer_would_have_been(kit) -> None:
    house = House(kit)
    away_ms = kit.START_MS + 14 * kit.DAY_MS
    for at_ms, kwh in kit.electricity(2, 15.2, away=[(14, 17)]):
        if at_ms == away_ms:
            house.see("motion", at_ms, {"active": 1.0}, now_ms=at_ms, device="pir")
        if at_ms == away_ms + 22 * kit.HOUR_MS:
            house.override(20, at_ms)
        house.see("power", at_ms, {"energy_kwh": kwh}, now_ms=at_ms)
    (raised,) = house.found
    assert f" at_ms={away_ms + 22 * kit.HOUR_MS}" in raised
