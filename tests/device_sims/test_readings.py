"""Readings as CSV: the same bytes for the same seed, the truth beside them, faults that show."""

import csv
from collections import defaultdict
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from device_sims.__main__ import main
from device_sims.body import ILLNESSES
from device_sims.faults import SERIES_FAULTS
from device_sims.habits import habits
from device_sims.past import lived_home
from device_sims.readings import FAULTS, KINDS, write_readings
from device_sims.roster import households

Rows = list[dict[str, str]]


def made(folder: Path, *options: str, homes: int = 6, days: int = 10) -> tuple[Rows, Rows]:
    out, truth = folder / "r.csv", folder / "t.csv"
    command = ["readings", f"--homes={homes}", f"--days={days}", f"--out={out}"]
    assert main([*command, f"--truth={truth}", *options]) == 0
    with out.open() as readings, truth.open() as absences:
        return list(csv.DictReader(readings)), list(csv.DictReader(absences))


def per_home(rows: Rows) -> dict[str, list[tuple[float, float]]]:
    found = defaultdict(list)
    for row in rows:
        if row["field"] == "energy_kwh":
            at = datetime.fromisoformat(row["measured_at"]).timestamp()
            found[row["home"]].append((at, float(row["value"])))
    return found


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    def written(name: str, seed: int) -> bytes:
        path = tmp_path / name
        write_readings(path, None, homes=3, days=9, seed=seed, interval_s=900, faults=FAULTS)
        return path.read_bytes()

    assert written("a", 1) == written("b", 1)
    assert written("a", 1) != written("c", 2)


def test_quarter_hours_of_every_meter_never_running_backwards(tmp_path: Path) -> None:
    rows, _truth = made(tmp_path)
    series = per_home(rows)
    assert len(series) == 6
    for readings in series.values():
        assert len(readings) == 960
        assert {b[0] - a[0] for a, b in pairwise(readings)} == {900.0}
        assert all(b[1] >= a[1] for a, b in pairwise(readings))


def test_the_truth_has_silences_and_journeys(tmp_path: Path) -> None:
    rows, truth = made(tmp_path, homes=60, days=30)
    assert {a["cause"] for a in truth} == {"silent", "away"}, "nobody is measured: no illness"
    series = per_home(rows)
    for absence in truth:
        began, ended = (
            datetime.fromisoformat(absence[n]).timestamp() for n in ("began_at", "ended_at")
        )
        assert ended - began > 24 * 3600
        inside = [kwh for at, kwh in series[absence["home"]] if began + 10_800 < at < ended]
        if len(inside) > 90:
            daily_kwh = (inside[-1] - inside[0]) / (len(inside) / 96)
            readings = series[absence["home"]]
            usual_kwh = (readings[-1][1] - readings[0][1]) / 30
            assert daily_kwh < usual_kwh, absence


def test_all_kinds(tmp_path: Path) -> None:
    rows, _truth = made(tmp_path, *(f"--kind={k}" for k in KINDS), homes=24)
    assert {r["kind"] for r in rows} == set(KINDS)
    fields = {"energy_kwh", "active", "open", "systolic_mmhg", "diastolic_mmhg", "pulse_bpm"}
    fields |= {"spo2_pct", "temperature_c", "glucose_mmol_l", "weight_kg"}
    assert {r["field"] for r in rows} == fields
    assert all(r["device"] for r in rows)


def test_the_truth_of_an_illness_is_in_the_readings(tmp_path: Path) -> None:
    """Who was ill with what, from when to when; measured values outside are those of a well day."""
    rows, truth = made(tmp_path, "--kind=temperature", homes=120, days=60)
    fevers = [t for t in truth if t["cause"] == "fever"]
    assert {t["cause"] for t in truth} - {"silent", "away"} <= set(ILLNESSES)
    assert len(fevers) > 10
    hot = [r for r in rows if float(r["value"]) > 38.0]
    assert hot
    for row in hot:
        assert any(
            t["home"] == row["home"] and t["began_at"] <= row["measured_at"] < t["ended_at"]
            for t in fevers
        ), row


@pytest.mark.parametrize(("step", "decimals"), [("1", 0), ("0.1", 1), ("0.001", 3)])
def test_registers_in_other_steps_and_hours_instead_of_quarters(
    tmp_path: Path, step: str, decimals: int
) -> None:
    rows, _truth = made(tmp_path, f"--step-kwh={step}", "--interval-s=3600")
    for readings in per_home(rows).values():
        assert len(readings) == 240
        assert all(round(kwh, decimals) == kwh for _at, kwh in readings)
        assert any(round(kwh, decimals - 1) != kwh for _at, kwh in readings)


def test_homes_are_equipped(tmp_path: Path) -> None:
    for folder in ("plain", "tank", "sun"):
        (tmp_path / folder).mkdir()
    plain, _ = made(tmp_path / "plain")
    tank, _ = made(tmp_path / "tank", "--equip=water-heater")
    sun, _ = made(tmp_path / "sun", "--equip=pv")

    def used(rows: Rows) -> dict[str, float]:
        return {home: r[-1][1] - r[0][1] for home, r in per_home(rows).items()}

    without = [h for h in households(6, 1) if not habits(h.seed).water_heater_w]
    assert without
    assert all(used(tank)[h.home] > used(plain)[h.home] + 10 for h in without)
    roofless = [h for h in households(6, 1) if not habits(h.seed).pv_w]
    assert roofless
    assert all(used(sun)[h.home] < used(plain)[h.home] for h in roofless)


def test_a_left_on_load_raises_the_floor_of_a_silence(tmp_path: Path) -> None:
    for folder in ("with", "without"):
        (tmp_path / folder).mkdir()
    plain, truth = made(tmp_path / "without", homes=12, days=20)
    left_on, _truth = made(tmp_path / "with", "--fault=left-on", homes=12, days=20)
    silent = next(a for a in truth if a["cause"] == "silent")
    began, ended = (datetime.fromisoformat(silent[n]).timestamp() for n in ("began_at", "ended_at"))

    def used(rows: Rows) -> float:
        inside = [kwh for at, kwh in per_home(rows)[silent["home"]] if began <= at <= ended]
        return inside[-1] - inside[0]

    hours = (ended - began) / 3600
    assert used(left_on) - used(plain) == pytest.approx(0.12 * hours, rel=0.05)


def test_a_village_is_dark_together(tmp_path: Path) -> None:
    rows, _truth = made(tmp_path, "--fault=blackout", homes=16)
    series = per_home(rows)
    lit = {home: frozenset(at for at, _kwh in readings) for home, readings in series.items()}
    first, second = list(lit.values())[:8], list(lit.values())[8:]
    assert len(set(first)) == len(set(second)) == 1
    assert first[0] != second[0]
    assert all(952 >= len(times) >= 870 for times in lit.values())


def test_the_past_of_a_run_leads_up_to_its_registers(tmp_path: Path) -> None:
    began_ms = 1_795_125_600_000
    out = tmp_path / "past.csv"
    past = ["readings", "--homes=3", "--days=20", f"--out={out}", f"--before-ms={began_ms}"]
    assert main(past) == 0
    with out.open() as file:
        series = per_home(list(csv.DictReader(file)))
    for household in households(3, 1):
        readings = series[household.home]
        assert len(readings) == 20 * 96
        assert all(b[1] >= a[1] for a, b in pairwise(readings))
        assert readings[-1][0] == began_ms / 1000 - 900
        now_kwh = lived_home(household, began_ms).register_kwh(began_ms)
        assert 0 <= now_kwh - readings[-1][1] < 1
        assert now_kwh - readings[0][1] > 5
        later = lived_home(household, began_ms + 50 * 86_400_000)
        assert later.register_kwh(later.began_ms) >= now_kwh, "a county begun later shows more"
    assert main([*past, "--fault=gaps"]) == 2


def test_faults_on_the_way() -> None:
    series = [(n * 900_000, 100 + n / 100) for n in range(2000)]
    changed = {name: change(list(series), Random(1)) for name, change in SERIES_FAULTS.items()}
    assert set(changed["gaps"]) < set(series)
    assert len(changed["new-meter"]) == len(series)
    assert min(kwh for _at, kwh in changed["new-meter"]) == 0.0
    assert sorted(set(changed["duplicates"])) == series
    assert len(changed["duplicates"]) > len(series)
    assert sorted(changed["disorder"]) == series
    assert changed["disorder"] != series
    odd = set(changed["glitches"]) - set(series)
    assert 0 < len(odd) < 20
    for change in SERIES_FAULTS.values():
        assert change([], Random(1)) == []
