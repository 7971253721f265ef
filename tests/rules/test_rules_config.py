"""rules.toml: what it changes, and how its mistakes are answered."""

import pytest

from contract.config import ConfigError
from rules.config import RULES_MAX, default_rules, describe, rules_from_toml

MISTAKES = {
    "not TOML": ("[[rule", "not TOML"),
    "unknown table": ("[[rules]]\nname = 'x'", "did you mean 'rule'"),
    "no name": ("[[rule]]\nkind = 'sos'", "missing"),
    "unknown kind": ("[[rule]]\nname = 'x'\nkind = 'blod_pressure'", "'blood_pressure'"),
    "new rule without kind": ("[[rule]]\nname = 'x'", "missing"),
    "unknown key": (
        "[[rule]]\nname = 'blood_pressure'\nurgent_sistolic_mmhg = 1",
        "did you mean 'urgent_systolic_mmhg'",
    ),
    "wrong type": ("[[rule]]\nname = 'gateway_silent'\nafter_s = '90'", "expected int"),
    "boolean as number": ("[[rule]]\nname = 'gateway_silent'\nafter_s = true", "expected int"),
    "out of bounds": ("[[rule]]\nname = 'gateway_silent'\nafter_s = 1", "not between"),
    "bands crossed": (
        "[[rule]]\nname = 'blood_pressure'\nurgent_systolic_mmhg = 220",
        "must not be above crisis_systolic_mmhg",
    ),
    "severity": ("[[rule]]\nname = 'fall'\nseverity = 'urgnt'", "did you mean 'urgent'"),
    "twice": ("[[rule]]\nname = 'fall'\n[[rule]]\nname = 'fall'", "configured twice"),
    "kind of a default": ("[[rule]]\nname = 'fall'\nkind = 'sos'", "choose a new name"),
    "feed switched off": (
        "[[rule]]\nname = 'mains'\nenabled = false",
        "no_sign_of_life, not_up_yet",
    ),
    "sos switched off": ("[[rule]]\nname = 'sos'\nenabled = false", "always on"),
    "sos made soft": ("[[rule]]\nname = 'sos'\nseverity = 'watch'", "always urgent"),
    "second sos soft": ("[[rule]]\nname = 's2'\nkind='sos'\nseverity = 'watch'", "always urgent"),
    "activation of sos": ("[[rule]]\nname = 'fall'\nlistens_to = ['sos']", "not one of"),
    "activation of nothing": ("[[rule]]\nname = 'fall'\nlistens_to = []", "names no kind"),
    "list of numbers": ("[[rule]]\nname = 'fall'\nlistens_to = [1]", "list of strings"),
    "override of nothing": ("[[override]]\nhome = 'h'\nrule = 'smok'", "did you mean 'smoke'"),
    "override without home": ("[[override]]\nrule = 'smoke'", "home: missing"),
    "override unknown key": (
        "[[override]]\nhome = 'h'\nrule = 'smoke'\nlate_after = 3",
        "did you mean 'late_after_s'",
    ),
    "sos that asks": ("[[rule]]\nname = 'sos'\nask_first_s = 300", "never waits for an answer"),
    "fall that asks": ("[[rule]]\nname = 'fall'\nask_first_s = 60", "never waits"),
    "smoke that asks": ("[[rule]]\nname = 'smoke'\nask_first_s = 60", "never waits"),
    "gas that asks": ("[[rule]]\nname = 'gas'\nask_first_s = 60", "never waits"),
    "leak that asks": ("[[rule]]\nname = 'leak'\nask_first_s = 60", "never waits"),
    "pressure that asks": ("[[rule]]\nname = 'blood_pressure'\nask_first_s = 60", "never waits"),
    "home's fall that asks": (
        "[[override]]\nhome = 'h'\nrule = 'fall'\nask_first_s = 60",
        "never waits",
    ),
    "asks too shortly": (
        "[[rule]]\nname = 'no_sign_of_life'\nask_first_s = 5",
        "neither 0 .never. nor between 60 and 1800",
    ),
    "asks too long": ("[[rule]]\nname = 'no_sign_of_life'\nask_first_s = 3600", "neither 0"),
    "rule is no table": ("rule = 3", r"\[\[rule\]\]"),
}


@pytest.mark.parametrize("case", MISTAKES, ids=lambda c: c.replace(" ", "-"))
def test_mistakes_say_what_to_mend(case) -> None:
    text, said = MISTAKES[case]
    with pytest.raises(ConfigError, match=said):
        rules_from_toml(text)


def test_an_empty_file_is_the_defaults() -> None:
    assert rules_from_toml("") == tuple(sorted(default_rules(), key=lambda r: r.name))


def test_changes_and_additions() -> None:
    rules = {
        r.name: r
        for r in rules_from_toml(
            """
            [[rule]]
            name = "leak"
            severity = "urgent"
            [[rule]]
            name = "tamper"
            enabled = false
            [[rule]]
            name = "gas_in_kitchen"
            kind = "activation"
            listens_to = ["gas", "smoke"]
            [[override]]
            home = "home-7"
            rule = "no_sign_of_life"
            window_h = 36
            """
        )
    }
    assert rules["leak"].severity == "urgent"
    assert rules["leak"].params.listens_to == ("leak",)
    assert "tamper" not in rules
    assert rules["gas_in_kitchen"].params.listens_to == ("gas", "smoke")
    assert rules["no_sign_of_life"].overrides["home-7"].window_h == 36
    assert rules["no_sign_of_life"].params.window_h == 25


def test_rules_of_before_fall_and_hazard_had_kinds_of_their_own() -> None:
    text = "".join(
        f"[[rule]]\nname = '{name}'\nkind = 'activation'\nlate_after_s = 90\n"
        for name in ("fall", "smoke", "gas", "leak", "tamper")
    )
    joined = "[[rule]]\nname = 'house'\nkind = 'activation'\nlistens_to = ['smoke', 'fall']\n"
    rules = {rule.name: rule for rule in rules_from_toml(text + joined)}
    kinds = {name: rule.kind.name for name, rule in rules.items()}
    assert kinds["fall"] == "fall"
    assert {kinds["smoke"], kinds["gas"], kinds["leak"]} == {"hazard"}
    assert (kinds["tamper"], kinds["house"]) == ("activation", "activation")
    assert (rules["smoke"].params.listens_to, rules["smoke"].params.late_after_s) == (
        ("smoke",),
        90,
    )
    assert rules["leak"].severity == "watch"
    with pytest.raises(ConfigError, match="choose a new name"):
        rules_from_toml("[[rule]]\nname = 'tamper'\nkind = 'hazard'")


def test_who_asks_first_and_how_long() -> None:
    asks = {rule.name: rule.ask_first_s for rule in default_rules()}
    assert {name: seconds for name, seconds in asks.items() if seconds} == {"no_sign_of_life": 300}
    text = """
    [[rule]]
    name = "no_sign_of_life"
    ask_first_s = 600
    [[rule]]
    name = "sos"
    ask_first_s = 0
    [[override]]
    home = "deaf"
    rule = "no_sign_of_life"
    ask_first_s = 0
    """
    rule = next(r for r in rules_from_toml(text) if r.name == "no_sign_of_life")
    assert (rule.asks_for_s("other"), rule.asks_for_s("deaf")) == (600, 0)
    [off] = [r for r in rules_from_toml(text.replace("600", "0")) if r.name == "no_sign_of_life"]
    assert off.asks_for_s("other") == 0


def test_two_overrides_of_one_home_add_up() -> None:
    text = """
    [[override]]
    home = "h"
    rule = "blood_pressure"
    low_systolic_mmhg = 80
    [[override]]
    home = "h"
    rule = "blood_pressure"
    confirm_min = 10
    """
    rule = next(r for r in rules_from_toml(text) if r.name == "blood_pressure")
    params = rule.overrides["h"]
    assert (params.low_systolic_mmhg, params.confirm_min) == (80.0, 10)


def test_too_many_rules() -> None:
    many = "".join(f"[[rule]]\nname = 'r{n}'\nkind = 'sos'\n" for n in range(RULES_MAX))
    with pytest.raises(ConfigError, match="at most"):
        rules_from_toml(many)


def test_description_is_plain_data() -> None:
    rows = {row["name"]: row for row in describe(default_rules())}
    assert rows["gateway_silent"]["params"] == {"after_s": 90}
    assert set(rows["sos"]) == {
        "name",
        "kind",
        "severity",
        "enabled",
        "clinical",
        "signed_off_by",
        "signed_off_on",
        "ask_first_s",
        "params",
        "homes_overridden",
    }
