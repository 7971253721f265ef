"""`hearthwatch replay`: the golden run, any order of rows and columns, bad rows, exit codes."""

import csv
import json
import random
from pathlib import Path

import pytest

from contract.moment import to_iso
from hearthwatch.__main__ import main

HEADER = ["home", "device", "kind", "measured_at", "field", "value"]
GOLDEN = Path(__file__).parent / "replay"


def iso(kit, text):

    return to_iso(kit.START_MS + kit.duration_ms(text))


def story(kit):
    def cuff(home, at, systolic, diastolic):
        time = iso(kit, at)
        return [
            [home, "cuff", "blood_pressure", time, "systolic_mmhg", systolic],
            [home, "cuff", "blood_pressure", time, "diastolic_mmhg", diastolic],
        ]

    rows = cuff("home-2", "1h", 186, 95) + cuff("home-2", "61m", 188, 96)
    rows += cuff("home-2", "5h", 130, 80) + cuff("home-1", "2h", 184, 90)
    rows += [
        ["home-1", "button", "sos", iso(kit, "3h"), "action", "press"],
        ["home-1", "button", "sos", iso(kit, "4h"), "action", "test"],
        ["home-1", "smoke", "smoke", iso(kit, "5h"), "action", "press"],
        ["home-1", "smoke", "smoke", iso(kit, "6h"), "action", "clear"],
        ["gateway:gw-1", "gw-1", "status", iso(kit, "0s"), "online", "true"],
        ["gateway:gw-1", "gw-1", "status", iso(kit, "7h"), "online", "true"],
    ]
    return rows


def write(path, rows, header=HEADER):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def replay(folder, *more):
    out = folder / "findings.csv"
    code = main(
        ["replay", "--readings", str(folder / "readings.csv"), "--findings", str(out), *more]
    )
    return code, out


def test_golden(kit, tmp_path) -> None:
    write(tmp_path / "readings.csv", story(kit))
    code, out = replay(tmp_path)
    assert code == 0
    assert out.read_text() == (GOLDEN / "findings.csv").read_text()


@pytest.mark.parametrize("seed", range(5))
def test_order_of_rows_and_columns_does_not_matter(kit, tmp_path, seed) -> None:
    chance = random.Random(seed)
    rows = story(kit)
    chance.shuffle(rows)
    columns = [0, 1, 2, 3, 4, 5]
    chance.shuffle(columns)
    write(
        tmp_path / "readings.csv",
        [["x", *(row[c] for c in columns)] for row in rows],
        ["extra", *(HEADER[c] for c in columns)],
    )
    code, out = replay(tmp_path)
    assert code == 0
    assert out.read_text() == (GOLDEN / "findings.csv").read_text()


BAD = {
    "short row": (["home-1", "cuff"], "2 cells"),
    "no home": (["", "d", "sos", "0", "action", "press"], "no home or device"),
    "kind": (["h", "d", "blod_pressure", "0", "systolic_mmhg", "1"], "'blood_pressure'"),
    "field": (["h", "d", "blood_pressure", "0", "sistolic_mmhg", "1"], "'systolic_mmhg'"),
    "value": (["h", "d", "power", "0", "power_w", "much"], "no number"),
    "infinite": (["h", "d", "power", "0", "power_w", "inf"], "not finite"),
    "not a number": (["h", "d", "power", "0", "power_w", "nan"], "not finite"),
    "time": (["h", "d", "power", "yesterday", "power_w", "1"], "no time"),
    "time out of range": (["h", "d", "power", "1e300", "power_w", "1"], "1970 and 2199"),
    "infinite time": (["h", "d", "power", "inf", "power_w", "1"], "no time"),
    "year 9999": (["h", "d", "power", "9999-01-01T00:00:00Z", "power_w", "1"], "1970 and 2199"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_rows_are_told_and_the_rest_goes_on(kit, tmp_path, capsys, case) -> None:
    row, said = BAD[case]
    rows = story(kit)
    rows.insert(3, row)
    write(tmp_path / "readings.csv", rows)
    code, out = replay(tmp_path)
    told = capsys.readouterr().err
    assert code == 0
    assert "readings.csv:5:" in told
    assert said in told
    assert "1 bad rows" in told
    assert out.read_text() == (GOLDEN / "findings.csv").read_text()


def test_many_bad_rows_are_counted(kit, tmp_path, capsys) -> None:
    write(tmp_path / "readings.csv", [["h"]] * 50 + story(kit))
    replay(tmp_path)
    told = capsys.readouterr().err
    assert told.count("cells, expected") == 20
    assert "30 more bad rows" in told


def test_nothing_usable_is_exit_code_1(tmp_path) -> None:
    write(tmp_path / "readings.csv", [])
    code, out = replay(tmp_path)
    assert code == 1
    assert out.read_text().splitlines() == [
        "home,rule,severity,reason,raised_at,cleared_at,evidence"
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [("home,device\n", "columns missing: kind"), ("", "columns missing: home")],
)
def test_a_wrong_header_is_exit_code_2(tmp_path, capsys, text, said) -> None:
    (tmp_path / "readings.csv").write_text(text)
    assert replay(tmp_path)[0] == 2
    assert said in capsys.readouterr().err


def test_a_missing_file_is_exit_code_2(tmp_path, capsys) -> None:
    assert replay(tmp_path)[0] == 2
    assert "readings.csv" in capsys.readouterr().err


def test_rules_and_homes_are_read(kit, tmp_path, capsys) -> None:
    write(tmp_path / "readings.csv", story(kit))
    (tmp_path / "rules.toml").write_text(
        "[[override]]\nhome = 'home-2'\nrule = 'blood_pressure'\nurgent_systolic_mmhg = 190\n"
    )
    (tmp_path / "homes.toml").write_text(
        "[[region]]\ncode = '61'\nname = '村'\nlevel = 'village'\n"
        "[[home]]\nid = 'home-2'\nregion = '61'\naddress = '一组'\n"
    )
    code, out = replay(
        tmp_path,
        "--rules",
        str(tmp_path / "rules.toml"),
        "--homes",
        str(tmp_path / "homes.toml"),
    )
    assert code == 0, capsys.readouterr().err
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert {row["home"] for row in rows} == {"gateway:gw-1", "home-1"}
    (tmp_path / "rules.toml").write_text("[[rule]]\nname = 'sos'\nlate_after = 1\n")
    assert replay(tmp_path, "--rules", str(tmp_path / "rules.toml"))[0] == 2
    assert "did you mean 'late_after_s'" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["iso", "naive", "seconds", "milliseconds", "offset"])
def test_forms_of_time(kit, tmp_path, form) -> None:
    at_s = kit.START_MS // 1000
    text = {
        "iso": "2026-01-01T00:00:00Z",
        "naive": "2026-01-01 00:00:00",
        "seconds": str(at_s),
        "milliseconds": str(at_s * 1000),
        "offset": "2026-01-01T08:00:00+08:00",
    }[form]
    write(tmp_path / "readings.csv", [["h", "b", "sos", text, "action", "press"]])
    _, out = replay(tmp_path)
    (row,) = csv.DictReader(out.read_text().splitlines())
    assert row["raised_at"] == "2026-01-01T00:00:00.000Z"
    assert json.loads(row["evidence"])["action"] == "press"


def test_the_burden_is_shown(kit, tmp_path, capsys) -> None:
    write(tmp_path / "readings.csv", story(kit))
    replay(tmp_path)
    told = capsys.readouterr().err
    assert "sos (urgent): 1" in told
    assert "per home-year" in told


def test_a_weeks_electricity(kit, tmp_path) -> None:

    rows = [
        ["h", "meter", "power", to_iso(at), "energy_kwh", kwh]
        for at, kwh in kit.electricity(2, 17, away=[(14, 16)])
    ]
    write(tmp_path / "readings.csv", rows)
    _, out = replay(tmp_path)
    found = list(csv.DictReader(out.read_text().splitlines()))
    assert {row["rule"] for row in found} == {"no_sign_of_life"}
    left, back = (to_iso(kit.START_MS + day * kit.DAY_MS) for day in (14, 16))
    assert all(left < row["raised_at"] < row["cleared_at"] for row in found)
    assert found[0]["raised_at"] < back
