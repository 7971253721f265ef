"""What is shown as being in force is what the engine is given."""

import random

import pytest

from rules.config import rules_from_toml
from rules.in_force import Dwelling, InForce
from rules.layers import homes_changed, said_in, values_in
from rules.settings import Setting

RULES = rules_from_toml(
    """
[[rule]]
name = "not_up_yet"
late_min = 100
[[override]]
home = "h1"
rule = "not_up_yet"
late_min = 90
ask_first_s = 0
"""
)
NAME = "not_up_yet"
HOME = Dwelling(home="h1", persons=[("p1", ["独居"]), ("p2", ["失能"])])
OTHER = Dwelling(home="h2", persons=[("p3", [])])
SCOPES = (
    "county",
    "category:独居",
    "category:失能",
    "home:h1",
    "home:h2",
    "person:p1",
    "person:p2",
)


def setting(seq, scope, **params):
    return Setting(seq=seq, scope=scope, rule=NAME, params=params)


def effective(rules: InForce, dwelling: Dwelling):
    """As `rules.engine` makes a home's parameters."""
    rule = rules.rule(NAME)
    base = rule.overrides.get(dwelling.home, rule.params)
    table = rules.home(dwelling).overrides.get(NAME)
    params = rule.kind.parse(table, NAME, base) if table else base
    return {"from_h": params.from_h, "late_min": params.late_min}


@pytest.mark.parametrize("seed", range(60))
def test_what_is_shown_is_what_the_rule_has(seed) -> None:
    chance = random.Random(seed)
    settings = []
    for seq in range(1, chance.randrange(1, 8)):
        keys = chance.sample(["from_h", "late_min"], chance.randrange(0, 3))
        ranges = {"from_h": (0, 9), "late_min": (30, 480)}
        params = {key: chance.randint(*ranges[key]) for key in keys}
        settings.append(setting(seq, chance.choice(SCOPES), **params))
    rules = InForce(RULES, settings)
    for dwelling in (HOME, OTHER):
        for scope in (f"home:{dwelling.home}", f"person:{dwelling.persons[0][0]}"):
            shown = values_in(rules, NAME, scope, dwelling)
            wanted = effective(rules, dwelling)
            assert {key: shown[key].value for key in wanted} == wanted
    county = values_in(rules, NAME, "county")
    assert county["late_min"].value == rules.rule(NAME).params.late_min


def test_the_source_is_the_nearest_that_says_something() -> None:
    rules = InForce(RULES, [setting(1, "county", late_min=110, from_h=5), setting(2, "person:p1")])
    values = values_in(rules, NAME, "home:h1", HOME)
    assert (values["late_min"].value, values["late_min"].source) == (90, "configured")
    assert (values["from_h"].value, values["from_h"].source) == (5, "county")
    assert values["ask_first_s"].value == 0
    asks = InForce(RULES, [setting(1, "person:p2", ask_first_s=120)])
    shown = values_in(asks, NAME, "person:p2", HOME)["ask_first_s"]
    assert (shown.value, shown.source) == (120, "person:p2")


def test_homes_that_a_change_reaches_are_counted() -> None:
    before = InForce(RULES, [setting(1, "home:h2", late_min=200)])
    wide = InForce(RULES, [*before.settings, setting(2, "county", late_min=150)])
    assert homes_changed(before, wide, NAME, [HOME, OTHER]) == 0
    both = InForce(RULES, [*before.settings, setting(2, "county", from_h=6)])
    assert homes_changed(before, both, NAME, [HOME, OTHER]) == 2
    assert said_in(before, NAME, "home:h2") == {"late_min": 200}
    assert said_in(before, NAME, "county") == {}


def test_homes_that_are_alike_are_judged_once_and_rightly() -> None:
    settings = [setting(1, "category:独居", late_min=200), setting(2, "person:p7", from_h=6)]
    rules = InForce(RULES, settings)
    alone = [Dwelling(home=f"a{n}", persons=[(f"a{n}", ["独居"])]) for n in range(3)]
    both = Dwelling(home="b", persons=[("p7", ["独居"])])
    # Of h1 rules.toml says something of its own.
    own = Dwelling(home="h1", persons=[("x", ["独居"])])
    assert rules.home(alone[0]) is rules.home(alone[1])
    assert rules.home(both).overrides[NAME] == {"late_min": 200, "from_h": 6}
    for dwelling in (*alone, both, own):
        fresh = InForce(RULES, settings)
        assert rules.home(dwelling) == fresh.home(dwelling)
    after = InForce(RULES, [*settings, setting(3, "county", late_min=300)])
    assert homes_changed(rules, after, NAME, [*alone, both, own, OTHER]) == 1
    narrower = InForce(RULES, [*settings, setting(3, "category:独居", late_min=100)])
    assert homes_changed(rules, narrower, NAME, [*alone, both, own, OTHER]) == 5
