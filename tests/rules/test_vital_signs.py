"""Vital signs over weeks: trends, a missing measurement, restarts, old states, the signature."""

import json
import random

import pytest

from contract.config import ConfigError
from rules.config import default_rules, describe, rules_from_toml
from rules.engine import Engine
from rules.rule import HomeFacts
from rules.vitals.days import Days


class Patient:
    """One person at home, one reading after the other."""

    def __init__(self, kit, rule: str, toml: str = "") -> None:
        self.kit, self.rule = kit, rule
        self.rules = [one for one in rules_from_toml(toml) if one.name == rule]
        self.engine = self.fresh(kit.START_MS)
        self.found, self.number = [], 0

    def fresh(self, now_ms: int) -> Engine:
        engine = Engine(self.rules)
        engine.add_home(HomeFacts(home="h"), now_ms)
        return engine

    def measure(self, day: float, values, kind=None, late_days: float = 0.0) -> None:
        now_ms = self.kit.START_MS + int(day * self.kit.DAY_MS)
        self.wait(day)
        self.number += 1
        seen = self.kit.Seen(
            id=f"i{self.number}",
            device="d",
            kind=kind or self.rule,
            measured_at_ms=now_ms - int(late_days * self.kit.DAY_MS),
            received_at_ms=now_ms,
            values=values,
        )
        self.found += self.engine.observe("h", seen, now_ms)

    def wait(self, day: float) -> None:
        self.found += self.engine.advance(self.kit.START_MS + int(day * self.kit.DAY_MS))

    def words(self):
        start_ms, day_ms = self.kit.START_MS, self.kit.DAY_MS
        return [
            f"{(f.at_ms - start_ms) / day_ms:.1f} {f.phase} {f.severity} {f.reason}"
            for f in self.found
        ]


def cuff(systolic, diastolic=75):
    return {"systolic_mmhg": float(systolic), "diastolic_mmhg": float(diastolic)}


def test_a_pressure_that_rises_for_two_weeks_is_told_once(kit) -> None:
    patient = Patient(kit, "blood_pressure")
    chance = random.Random(1)
    for day in range(45):
        level = 112 + min(max(day - 10, 0), 14) * 1.2
        patient.measure(day + 0.1, cuff(level + chance.uniform(-4, 4)))
    words = patient.words()
    assert [w.split(" ", 1)[1] for w in words] == [
        "raised watch trend_up",
        "cleared watch back_to_usual",
    ]
    assert 18 < float(words[0].split()[0]) < 26
    evidence = patient.found[0].evidence
    assert evidence["change"] >= 10
    assert evidence["trend_days"] == 14


def test_scatter_is_rarely_a_trend(kit) -> None:
    """One reading a day, so that nothing is averaged out: forty persons for two months."""
    told = 0
    for seed in range(40):
        patient = Patient(kit, "blood_pressure")
        chance = random.Random(seed)
        for day in range(60):
            patient.measure(day + 0.1, cuff(125 + chance.gauss(0, 6)))
        told += sum(f.phase == "raised" for f in patient.found)
    assert told <= 2


def test_saturation_that_sinks_and_weight_that_is_lost(kit) -> None:
    patient = Patient(kit, "oximetry", "[[rule]]\nname='oximetry'\nwatch_low_pct = 91\n")
    lighter = Patient(kit, "weight")
    for day in range(25):
        patient.measure(day + 0.1, {"spo2_pct": float(98 - round(day / 4))})
        lighter.measure(day + 0.1, {"weight_kg": 60 - day * 0.3})
    assert [f.reason for f in patient.found] == ["trend_down"]
    assert [f.reason for f in lighter.found] == ["trend_down"]


def test_a_day_of_nonsense_moves_no_trend() -> None:
    days = Days()
    for day in range(14):
        days.add(day * 86_400_000, 500.0 if day in (3, 12) else 120.0 + day)
    trend = days.trend(14, 14, 8)
    assert trend is not None
    assert trend.solid
    assert 12 <= trend.change <= 14
    assert days.trend(14, 14, 15) is None


def test_too_few_days_are_no_trend_and_no_habit(kit) -> None:
    days = Days()
    for day in range(5):
        days.add(day * 86_400_000, 100.0 + 10 * day)
    assert days.trend(5, 14, 8) is None
    habit = next(r.params for r in default_rules() if r.name == "weight")
    assert days.overdue_after_ms(habit) is None
    days.add(5 * 86_400_000, 1.0)
    assert days.overdue_after_ms(habit) == 3 * 86_400_000


def test_a_weekly_habit_is_given_two_weeks() -> None:
    days = Days()
    habit = next(r.params for r in default_rules() if r.name == "weight")
    for week in range(4):
        days.add(week * 7 * 86_400_000, 60.0)
    assert days.overdue_after_ms(habit) is None  # four days are no habit yet
    short = next(
        r.params
        for r in rules_from_toml("[[rule]]\nname='weight'\nmissing_learn_days=4\n")
        if r.name == "weight"
    )
    assert days.overdue_after_ms(short) == 14 * 86_400_000


def test_missing_survives_a_restart_and_is_told_once(kit) -> None:
    patient = Patient(kit, "temperature")
    for day in range(7):
        patient.measure(day, {"temperature_c": 36.6})
    ((_, _, state),) = patient.engine.take_dirty()
    patient.engine = patient.fresh(kit.START_MS + 8 * kit.DAY_MS)
    patient.engine.restore("h", "temperature", state)
    patient.wait(30)
    assert patient.words() == ["9.0 raised watch measurement_missing"]


def test_a_hub_that_was_down_proves_nothing(kit) -> None:
    """Measured on the fourth day of its absence; the gateway tells it an hour after the return."""
    patient = Patient(kit, "temperature")
    for day in range(7):
        patient.measure(day, {"temperature_c": 36.6})
    patient.engine.resume(kit.START_MS + 12 * kit.DAY_MS)
    patient.wait(12.01)
    patient.measure(12.04, {"temperature_c": 36.6}, late_days=1.0)
    assert patient.words() == []
    patient.wait(20)
    assert patient.words() == ["14.0 raised watch measurement_missing"]


def test_a_memory_emptied_oldest_first_is_no_absence(kit) -> None:
    """Missed once, and never while the memory comes in: its last reading is only its last."""
    patient = Patient(kit, "temperature")
    for day in range(7):
        patient.measure(day, {"temperature_c": 36.6})
    for age in range(6, -1, -1):
        patient.measure(13, {"temperature_c": 36.6}, late_days=age)
    patient.wait(13.5)
    assert [w.split()[:2] for w in patient.words()] == [["9.0", "raised"], ["13.0", "cleared"]]


def test_late_values_wake_nobody_and_count_in_the_mean(kit) -> None:
    patient = Patient(kit, "blood_pressure")
    for hours in range(12, 150, 12):
        patient.measure(10 + hours / 1e4, cuff(150 + hours % 5), late_days=hours / 24)
    assert patient.words() == []
    patient.measure(10.1, cuff(120))
    assert [f.reason for f in patient.found] == ["mean_high"]


def test_a_state_of_version_1_is_read_on(kit) -> None:
    """Of the rule that had the pulse in it: its memory of that is forgotten, the rest stays."""
    at_ms = kit.START_MS
    person = {
        "history": [[at_ms - 60_000, 150.0, 80.0, 70.0], [at_ms, 185.0, 90.0, 0.0]],
        "troubles": {"pulse_high": [2, at_ms], "low": [1, at_ms - 9]},
        "pending": ["high_unconfirmed", at_ms, at_ms + 1_800_000, "cuff", "item-9"],
    }
    state = {
        "v": 1,
        "kind": "blood_pressure",
        "last": ["|pulse_high|1", at_ms, at_ms, "urgent"],
        "marked": None,
        "persons": {"": person},
    }
    patient = Patient(kit, "blood_pressure")
    patient.engine.restore("h", "blood_pressure", json.dumps(state).encode())
    assert patient.engine.take_problems() == []
    found = patient.engine.advance(at_ms + 1_800_000)
    assert [(f.reason, f.source_id) for f in found] == [("high_unconfirmed", "item-9")]
    assert found[0].evidence["readings"][0][1:] == [150.0, 80.0, 70.0]
    (view,) = patient.engine.view("h", at_ms)
    assert view.state == "high"
    assert "pulse_high" not in json.dumps(json.loads(patient.engine.take_dirty()[-1][2]))


def test_two_people_of_one_thermometer_are_two(kit) -> None:
    patient = Patient(kit, "temperature")
    for number, user in enumerate(("a", 2)):
        seen = kit.Seen(
            id=f"x{number}",
            device="d",
            kind="temperature",
            measured_at_ms=kit.START_MS + number * 1000,
            received_at_ms=kit.START_MS + number * 1000,
            values={"temperature_c": 39.5},
            attrs={"user": user},
        )
        patient.found += patient.engine.observe("h", seen, seen.measured_at_ms)
    patient.wait(1)
    assert [(f.reason, f.evidence["user"]) for f in patient.found] == [
        ("high_unconfirmed", "a"),
        ("high_unconfirmed", "2"),
    ]


def test_a_duplicate_of_a_clock_ahead_confirms_nothing(kit) -> None:
    patient = Patient(kit, "glucose")
    for minutes in (0, 3):
        patient.measure(minutes / 1440, {"glucose_mmol_l": 20.0}, late_days=minutes / 1440 - 1)
    patient.wait(1)
    assert [f.reason for f in patient.found] == ["high_unconfirmed"]
    assert patient.found[0].evidence["count"] == 1


SIGNED = """
[[rule]]
name = "oximetry"
signed_off_by = "Dr. 王"
signed_off_on = "2026-11-20"
"""


def test_limits_say_whether_a_clinician_has_signed_them(kit) -> None:
    for toml, shown in (("", True), (SIGNED, None)):
        patient = Patient(kit, "oximetry", toml)
        (view,) = patient.engine.view("h", kit.START_MS)
        assert view.explanation.get("limits_unconfirmed") is shown
    engine = Engine(default_rules(), lane="readings")
    engine.add_home(HomeFacts(home="h"), kit.START_MS)
    unsigned = {
        v.rule for v in engine.view("h", kit.START_MS) if "limits_unconfirmed" in v.explanation
    }
    assert unsigned == {
        "blood_pressure", "glucose", "oximetry", "pulse", "temperature", "weight",
    }  # fmt: skip
    rows = {row["name"]: row for row in describe(rules_from_toml(SIGNED))}
    assert rows["oximetry"]["signed_off_by"] == "Dr. 王"
    assert rows["oximetry"]["signed_off_on"] == "2026-11-20"
    assert (rows["pulse"]["clinical"], rows["pulse"]["signed_off_by"]) == (True, "")
    assert rows["sos"]["clinical"] is False


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("name='pulse'\nsigned_off_by='Dr. A'", "a name and a date"),
        ("name='pulse'\nsigned_off_on='2026-11-20'", "a name and a date"),
        ("name='pulse'\nsigned_off_by='Dr. A'\nsigned_off_on='yesterday'", "no date"),
        ("name='pulse'\nsigned_of_by='Dr. A'", "unknown key"),
        ("name='smoke'\nsigned_off_by='Dr. A'", "unknown key"),
        ("name='oximetry'\nurgent_low_pct=97", "must not be above watch_low_pct"),
        ("name='oximetry'\ncopd_users='1'", "list of strings"),
        ("name='glucose'\nwatch_low_mmol_l=2", "must not be above"),
        ("name='pulse'\nmissing_days=3", "unknown key"),
    ],
)
def test_mistakes_of_signatures_and_limits(toml, said) -> None:
    with pytest.raises(ConfigError, match=said):
        rules_from_toml(f"[[rule]]\n{toml}\n")
