"""Settings of a county: who wins, what is refused, what stays as rules change, who signed."""

import pytest

from contract.config import ConfigError
from rules.config import default_rules, rules_from_toml
from rules.in_force import Dwelling, InForce, check
from rules.rule import Rule
from rules.settings import Setting, in_force, shadowed

RULES = default_rules()


def setting(seq, scope, rule="blood_pressure", mode=None, signed="", **params):
    return Setting(
        seq=seq,
        scope=scope,
        rule=rule,
        mode=mode,
        params=params,
        signed_off_by=signed,
        signed_off_on="2026-11-28" if signed else "",
    )


def word(seq, scope="county", rule="blood_pressure", mode=None, signed=""):
    """A setting that leaves the parameters as they are."""
    return Setting(
        seq=seq,
        scope=scope,
        rule=rule,
        mode=mode,
        signed_off_by=signed,
        signed_off_on="2026-11-28" if signed else "",
    )


def overrides(settings, dwelling, rules=RULES):
    return InForce(rules, settings).home(dwelling).overrides


def changed(settings, rules=RULES):
    return {rule.name: rule for rule in InForce(rules, settings).rules}


def test_a_setting_of_before_hazard_was_a_kind_still_counts() -> None:
    """A site that had its leak detectors judged with its smoke detectors keeps them so."""
    setting = Setting(seq=1, scope="county", rule="smoke", params={"listens_to": ["smoke", "leak"]})
    rules = InForce(default_rules(), [setting])
    assert rules.left_out == {}
    assert rules.rule("smoke").params.listens_to == ("smoke", "leak")


def test_the_nearer_scope_wins_and_the_newest_of_a_scope() -> None:
    settings = [
        setting(1, "person:p1", urgent_systolic_mmhg=181.0),
        setting(2, "category:失能", urgent_systolic_mmhg=182.0, confirm_min=20),
        setting(3, "home:h1", urgent_systolic_mmhg=183.0, confirm_min=15),
        setting(4, "category:失能", urgent_systolic_mmhg=184.0),
        setting(5, "home:h2", urgent_systolic_mmhg=185.0),
    ]
    home = Dwelling(home="h1", persons=[("p1", ["独居", "失能"])])
    assert overrides(settings, home) == {
        "blood_pressure": {"urgent_systolic_mmhg": 181.0, "confirm_min": 15}
    }
    alone = Dwelling(home="h3", persons=[("p9", ["失能"])])
    assert overrides(settings, alone) == {"blood_pressure": {"urgent_systolic_mmhg": 184.0}}
    assert overrides(settings, Dwelling(home="h4")) == {}


def test_of_two_persons_of_a_home_the_last_word_counts() -> None:
    settings = [setting(7, "person:a", confirm_min=10), setting(8, "person:b", confirm_min=25)]
    both = Dwelling(home="h", persons=[("b", []), ("a", [])])
    assert overrides(settings, both) == {"blood_pressure": {"confirm_min": 25}}


def test_an_empty_setting_takes_back_what_was_set() -> None:
    settings = [setting(1, "home:h", confirm_min=10), setting(2, "home:h")]
    assert overrides(settings, Dwelling(home="h")) == {}


def test_the_county_changes_a_rule_for_all_and_nothing_else() -> None:
    rules = changed([setting(1, "county", "gateway_silent", after_s=120)])
    assert rules["gateway_silent"].params.after_s == 120
    assert [r for r in rules.values() if r.name != "gateway_silent"] == [
        r for r in RULES if r.name != "gateway_silent"
    ]


def test_a_mode_leaves_the_parameters_and_parameters_leave_the_mode() -> None:
    settings = [
        setting(1, "county", "not_up_yet", late_min=90),
        word(2, rule="not_up_yet", mode="shadow"),
    ]
    assert changed(settings)["not_up_yet"].params.late_min == 90
    settings.append(setting(3, "county", "not_up_yet", late_min=80))
    assert InForce(RULES, settings).shadowed == {"not_up_yet"}


def test_a_setting_that_no_longer_fits_is_left_out_and_told() -> None:
    settings = [
        setting(1, "county", "gateway_silent", gone=1),
        setting(2, "home:h", "no_such_rule", gone=1),
        setting(3, "home:h", confirm_min=-1),
        setting(4, "home:h", "no_sign_of_life", ask_first_s=7),
        setting(5, "nowhere", confirm_min=10),
        setting(6, "home:h", "gateway_silent", after_s=120),
    ]
    rules = InForce(RULES, settings)
    assert rules.rules == RULES
    assert rules.home(Dwelling(home="h")).overrides == {}
    assert set(rules.left_out) == {1, 2, 3, 4, 5, 6}


class Careless:
    """A kind whose check of parameters falls over what it does not expect."""

    name = "careless"
    subject = "home"

    def parse(self, table, where, base=None):
        if table:
            raise TypeError(f"{where}: a mistake of the kind's own")
        return base


def test_a_kind_that_falls_over_a_setting_stops_nothing() -> None:
    rule = Rule(name="careless", kind=Careless(), severity="watch", params=None)
    settings = [setting(1, "home:h", "careless", x=1), setting(2, "county", "careless", x=1)]
    rules = InForce([rule], settings)
    assert rules.rules == (rule,)
    assert rules.home(Dwelling(home="h")).overrides == {}
    assert set(rules.left_out) == {1, 2}


def test_of_settings_that_do_not_fit_together_the_nearer_is_left_out_and_told() -> None:
    settings = [
        setting(1, "home:h", low_watch_systolic_mmhg=95.0),
        setting(2, "person:p", low_systolic_mmhg=98.0),
    ]
    rules = InForce(RULES, settings)
    found = rules.home(Dwelling(home="h", persons=[("p", [])]))
    assert found.overrides == {"blood_pressure": {"low_watch_systolic_mmhg": 95.0}}
    ((seq, _why),) = found.left_out
    assert seq == 2
    # Each alone is fine.
    assert rules.left_out == {}


def test_an_override_of_the_file_stays_and_follows_in_what_it_left_open() -> None:
    text = '[[override]]\nhome = "h"\nrule = "blood_pressure"\nurgent_systolic_mmhg = 190\n'
    rules = changed([setting(1, "county", confirm_min=12)], rules_from_toml(text))
    own = rules["blood_pressure"].overrides["h"]
    assert (own.urgent_systolic_mmhg, own.confirm_min) == (190.0, 12)


def test_shadow_is_on_until_it_is_live_again() -> None:
    on = setting(1, "county", "not_up_yet", mode="shadow")
    params = setting(2, "county", "not_up_yet", late_min=90)
    off = setting(3, "county", "not_up_yet", mode="live")
    assert shadowed([on, params]) == {"not_up_yet"}
    assert shadowed([off, on, params]) == frozenset()


def test_a_table_that_says_that_calls_are_in_shadow_is_not_believed() -> None:
    assert InForce(RULES, [word(1, rule="sos", mode="shadow")]).shadowed == frozenset()


def test_the_elder_may_be_asked_for_another_time_in_a_home() -> None:
    rules = InForce(RULES, [setting(1, "home:h", "no_sign_of_life", ask_first_s=600)])
    found = rules.home(Dwelling(home="h"))
    assert (dict(found.asks), dict(found.overrides)) == ({"no_sign_of_life": 600}, {})
    county = changed([setting(1, "county", "no_sign_of_life", ask_first_s=0)])
    assert county["no_sign_of_life"].ask_first_s == 0


SIGNED = (
    '[[rule]]\nname = "blood_pressure"\nsigned_off_by = "李医生"\nsigned_off_on = "2026-11-01"\n'
)


@pytest.mark.parametrize(
    ("settings", "county", "home"),
    [
        ([], True, None),
        # A change is unsigned until somebody signs it.
        ([setting(1, "county", confirm_min=12)], False, None),
        ([setting(1, "county", confirm_min=12), word(2, signed="王医生")], True, None),
        ([setting(1, "county", confirm_min=12, signed="王医生")], True, None),
        ([setting(1, "county", confirm_min=12), setting(2, "county")], True, None),
        ([setting(1, "home:h", confirm_min=12)], True, False),
        ([setting(1, "home:h", confirm_min=12, signed="王医生")], True, True),
        ([setting(1, "county", confirm_min=9), word(2, "home:h", signed="王")], False, True),
        # What was changed around her limits after they were signed was not signed.
        ([word(1, "home:h", signed="王"), setting(2, "county", confirm_min=9)], False, False),
        # Another person's signature is not hers.
        (
            [setting(1, "person:a", confirm_min=9), word(2, "person:b", signed="王")],
            True,
            False,
        ),
        ([setting(1, "person:a", confirm_min=9), word(2, "home:h", signed="王")], True, False),
    ],
)
def test_who_has_signed_the_limits(settings, county, home) -> None:
    rules = InForce(rules_from_toml(SIGNED), settings)
    of_rule = next(rule for rule in rules.rules if rule.name == "blood_pressure")
    assert of_rule.awaits_signature is not county
    found = rules.home(Dwelling(home="h", persons=[("a", []), ("b", [])]))
    assert found.signed.get("blood_pressure") is home


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (setting(1, "county", "no_such_rule"), "rule"),
        (setting(1, "county", "blod_pressure"), "'blood_pressure'"),
        (setting(1, "village:1"), "scope"),
        (setting(1, "county:all"), "scope"),
        (setting(1, "home"), "scope"),
        (setting(1, "home:" + "h" * 90), "scope"),
        (setting(1, "home:h", "gateway_silent", after_s=120), "scope"),
        (setting(1, "home:h", mode="shadow"), "mode"),
        (setting(1, "county", mode="off"), "mode"),
        (setting(1, "county", "sos", mode="shadow"), "always on"),
        (setting(1, "county", urgent_systolik_mmhg=1.0), "urgent_systolic_mmhg"),
        (setting(1, "county", urgent_systolic_mmhg=-5.0), "between"),
        (setting(1, "county", urgent_systolic_mmhg=float("nan")), "between"),
        (setting(1, "county", "sos", ask_first_s=300), "never waits"),
        (setting(1, "home:h", "no_sign_of_life", ask_first_s=7), "params.ask_first_s"),
        (setting(1, "county", "sos", signed="王"), "signed_off_by"),
        (word(1), "nothing is said"),
        (Setting(seq=1, scope="county", rule="sos", mode="live", signed_off_on="2026"), "sign"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong, word) -> None:
    with pytest.raises(ConfigError, match=word):
        check(wrong, RULES)


def test_what_makes_sense_is_taken() -> None:
    check(setting(1, "county", "not_up_yet", mode="shadow", late_min=90), RULES)
    check(setting(1, "category:失能", urgent_systolic_mmhg=184.0), RULES)


def test_a_change_that_would_push_out_a_setting_that_counts_is_refused() -> None:
    hers = setting(1, "home:h", low_watch_systolic_mmhg=92.0)
    with pytest.raises(ConfigError, match="home:h would not fit any more"):
        check(setting(2, "county", low_systolic_mmhg=95.0), RULES, [hers])
    person = Dwelling(home="h", persons=[("p", [])])
    with pytest.raises(ConfigError, match="person:p does not fit the rest in that home"):
        check(setting(2, "person:p", low_systolic_mmhg=95.0), RULES, [hers], [person])
    # Where it is out already nothing is lost.
    stale = setting(1, "home:h", gone=1)
    check(setting(2, "county", low_systolic_mmhg=95.0), RULES, [stale])


def test_only_what_was_said_last_is_in_force() -> None:
    said = [setting(1, "home:h", confirm_min=9), word(2, "home:h", signed="王")]
    (last,) = in_force(said)
    assert (last.seq, last.params, last.signed_off_by) == (2, {"confirm_min": 9}, "王")
