"""Settings of a county: who wins, what is refused, what stays when a rule changed."""

import pytest

from contract.config import ConfigError
from rules.config import default_rules
from rules.settings import (
    Dwelling,
    Setting,
    check,
    county_rules,
    in_force,
    overrides,
    shadowed,
)

RULES = default_rules()


def setting(seq, scope, rule="blood_pressure", mode=None, **params):
    return Setting(seq=seq, scope=scope, rule=rule, mode=mode, params=params)


def test_the_nearer_scope_wins_and_the_newest_of_a_scope() -> None:
    settings = in_force(
        [
            setting(1, "person:p1", urgent_systolic_mmhg=150.0),
            setting(2, "category:失能", urgent_systolic_mmhg=160.0, confirm_min=20),
            setting(3, "home:h1", urgent_systolic_mmhg=170.0, confirm_min=15),
            setting(4, "category:失能", urgent_systolic_mmhg=165.0),
            setting(5, "home:h2", urgent_systolic_mmhg=140.0),
        ]
    )
    home = Dwelling(home="h1", persons=[("p1", ["独居", "失能"])])
    assert overrides(settings, home) == {
        "blood_pressure": {"urgent_systolic_mmhg": 150.0, "confirm_min": 15}
    }
    alone = Dwelling(home="h3", persons=[("p9", ["失能"])])
    assert overrides(settings, alone) == {"blood_pressure": {"urgent_systolic_mmhg": 165.0}}
    assert overrides(settings, Dwelling(home="h4")) == {}


def test_of_two_persons_of_a_home_the_last_word_counts() -> None:
    settings = in_force(
        [setting(7, "person:a", confirm_min=10), setting(8, "person:b", confirm_min=25)]
    )
    both = Dwelling(home="h", persons=[("b", []), ("a", [])])
    assert overrides(settings, both) == {"blood_pressure": {"confirm_min": 25}}


def test_an_empty_setting_takes_back_what_was_set() -> None:
    settings = in_force([setting(1, "home:h", confirm_min=10), setting(2, "home:h")])
    assert overrides(settings, Dwelling(home="h")) == {}


def test_the_county_changes_a_rule_for_all_and_nothing_else() -> None:
    changed = county_rules(RULES, [setting(1, "county", "gateway_silent", after_s=120)])
    by_name = {rule.name: rule for rule in changed}
    assert by_name["gateway_silent"].params.after_s == 120
    assert [r for r in changed if r.name != "gateway_silent"] == [
        r for r in RULES if r.name != "gateway_silent"
    ]


def test_a_setting_that_no_longer_fits_is_left_out() -> None:
    assert county_rules(RULES, [setting(1, "county", "gateway_silent", gone=1)]) == RULES


def test_shadow_is_on_until_it_is_live_again() -> None:
    on = setting(1, "county", "not_up_yet", mode="shadow")
    params = setting(2, "county", "not_up_yet", late_min=90)
    off = setting(3, "county", "not_up_yet", mode="live")
    assert shadowed([on, params]) == {"not_up_yet"}
    assert shadowed([off, on, params]) == frozenset()


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (setting(1, "county", "no_such_rule"), "rule"),
        (setting(1, "village:1"), "scope"),
        (setting(1, "county:all"), "scope"),
        (setting(1, "home"), "scope"),
        (setting(1, "home:" + "h" * 90), "scope"),
        (setting(1, "home:h", mode="shadow"), "mode"),
        (setting(1, "county", mode="off"), "mode"),
        (setting(1, "county", "sos", mode="shadow"), "always on"),
        (setting(1, "county", urgent_systolik_mmhg=1.0), "urgent_systolic_mmhg"),
        (setting(1, "county", urgent_systolic_mmhg=-5.0), "between"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong, word) -> None:
    with pytest.raises(ConfigError, match=word):
        check(wrong, RULES)


def test_what_makes_sense_is_taken() -> None:
    check(setting(1, "county", "not_up_yet", mode="shadow", late_min=90), RULES)
    check(setting(1, "category:失能", urgent_systolic_mmhg=170.0), RULES)
