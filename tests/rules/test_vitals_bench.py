"""The burden of vital signs: the bench follows from its seed, loses no urgent value and is far
below what a limit on each reading would make of the same people."""

import pytest

from bench.vitals import LIMITS, REPEATED, Tally, level_of, report, run
from rules.config import default_rules


@pytest.fixture(scope="module")
def tally() -> Tally:
    return run(30, 60, 3)


def test_every_urgent_value_alarms(tally) -> None:
    assert tally.lost == []
    assert sum(tally.must.values()) > 50
    assert tally.alarmed == tally.must


def test_fewer_alarms_than_a_naive_limit(tally) -> None:
    naive = tally.naive_urgent + tally.naive_watch
    for rule in ("blood_pressure", "oximetry", "temperature"):
        assert tally.urgent[rule] + tally.watch[rule] < naive[rule] / 2, rule
    # A cuff's pulse speaks at once, with or without a naive limit; the levels are told once.
    assert tally.urgent["pulse"] + tally.watch["pulse"] < naive["pulse"]
    assert tally.urgent[REPEATED] < tally.urgent["pulse"]


def test_the_same_seed_is_the_same_report(tally) -> None:
    assert report(run(4, 30, 7)) == report(run(4, 30, 7)) != report(run(4, 30, 8))
    assert len(report(tally)) == 9


def test_the_benchs_limits_are_the_rules_defaults(kit) -> None:
    """It has them by hand so as not to agree with a mistake; here both must agree."""
    params = {rule.name: rule.params for rule in default_rules()}
    for rule, (field, low, watch_low, watch_high, high, *_) in LIMITS.items():
        unit = "_".join(field.split("_")[1:])
        p = params[rule]
        exclusive = 0.1 if rule == "glucose" else 0.0
        assert getattr(p, f"urgent_low_{unit}") == pytest.approx(low + exclusive)
        assert getattr(p, f"watch_low_{unit}") == pytest.approx(watch_low + exclusive)
        assert getattr(p, f"watch_high_{unit}", 1e9) == watch_high
        assert getattr(p, f"urgent_high_{unit}", 1e9) == high
    seen = kit.Seen(
        id="i", device="d", kind="oximetry", measured_at_ms=0, received_at_ms=0,
        values={"spo2_pct": 88.0},
    )  # fmt: skip
    assert (level_of("oximetry", seen, False), level_of("oximetry", seen, True)) == ("low", "usual")
