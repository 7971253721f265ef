"""`hearthwatch replay` with two rule sets, with outcomes, with processes, and from Parquet."""

import csv
import importlib.util
import io
import json
import sys

import pytest

from hearthwatch.__main__ import main
from hearthwatch.backtest.burden import SAME_CAUSE_MS, pairs
from hearthwatch.backtest.progress import Progress
from tests.rules.test_replay import HEADER, iso, write

LOWER = '[[rule]]\nname = "overload"\nlimit_w = 4000.0\n'
LATER = '[[rule]]\nname = "overload"\nlimit_w = 4000.0\nlimit_min = 15\n'
OFF = '[[rule]]\nname = "overload"\nenabled = false\n'


def loads(kit, home, hours, watts, minutes=20):
    """A load of some minutes in an otherwise quiet hour."""
    rows = []
    for minute in range(60):
        now_w = watts if 20 <= minute < 20 + minutes else 60
        rows.append([home, "meter", "power", iso(kit, f"{hours * 60 + minute}m"), "power_w", now_w])
    return rows


@pytest.fixture
def folder(kit, tmp_path):
    rows = loads(kit, "home-1", 1, 4500) + loads(kit, "home-1", 40, 9500)
    rows += loads(kit, "home-2", 1, 6000) + loads(kit, "home-2", 800, 4500)
    write(tmp_path / "readings.csv", rows)
    (tmp_path / "lower.toml").write_text(LOWER)
    (tmp_path / "later.toml").write_text(LATER)
    (tmp_path / "off.toml").write_text(OFF)
    return tmp_path


def run(folder, *more):
    out = folder / "findings.csv"
    arguments = ["replay", "--readings", str(folder / "readings.csv"), "--findings", str(out)]
    code = main([*arguments, "--json", str(folder / "out.json"), *more])
    assert code == 0
    return list(csv.DictReader(io.StringIO(out.read_text()))), json.loads(
        (folder / "out.json").read_text()
    )


def difference(document):
    [line] = [line for line in document["differences"] if line["rule"] == "overload"]
    return {key: line[key] for key in ("both", "only_a", "only_b", "b_earlier", "b_later")}


def test_two_rule_sets_are_told_apart(folder, capsys) -> None:
    rows, document = run(folder, "--compare", str(folder / "lower.toml"))
    mine = [row for row in rows if row["rule"] == "overload"]
    assert [row["set"] for row in mine if row["home"] == "home-1"].count("b") == 2
    assert ",".join(rows[0]) == "home,rule,severity,reason,raised_at,cleared_at,evidence,set"
    assert difference(document) == {
        "both": 2,
        "only_a": 0,
        "only_b": 2,
        "b_earlier": 0,
        "b_later": 0,
    }
    told = capsys.readouterr().err
    assert "set a:" in told
    assert "per person-month" in told


def test_earlier_later_and_only_in_one(folder) -> None:
    lower, later = str(folder / "lower.toml"), str(folder / "later.toml")
    _rows, document = run(folder, "--rules", later, "--compare", lower)
    assert difference(document)["b_earlier"] == 3  # the strongest load is urgent in a minute
    _rows, document = run(folder, "--rules", lower, "--compare", later)
    assert difference(document)["b_later"] == 3
    _rows, document = run(folder, "--rules", lower, "--compare", str(folder / "off.toml"))
    assert difference(document)["only_a"] == 4


def test_a_set_finds_the_same_alone_and_beside_another(folder) -> None:
    alone, _document = run(folder)
    beside, _document = run(folder, "--compare", str(folder / "lower.toml"))
    own = [{k: v for k, v in row.items() if k != "set"} for row in beside if row["set"] == "a"]
    assert own == alone


def test_any_number_of_processes_says_the_same(folder) -> None:
    more = ("--compare", str(folder / "lower.toml"))
    texts = set()
    for number in ("1", "2", "7"):
        run(folder, *more, "--processes", number)
        texts.add((folder / "findings.csv").read_text() + (folder / "out.json").read_text())
    assert len(texts) == 1


def test_outcomes_say_which_findings_were_worth_it(kit, folder, capsys) -> None:
    outcomes = folder / "closed.csv"
    with outcomes.open("w", newline="") as file:
        csv.writer(file).writerows(
            [
                ["home", "rule", "raised_at", "outcome"],
                ["home-1", "overload", iso(kit, "90m"), "real_emergency"],
                ["home-2", "overload", iso(kit, "95m"), "accidental"],
                ["home-2", "overload", iso(kit, "400h"), "medical_advice"],
                ["home-2", "overload", iso(kit, "500h"), "who knows"],
                ["home-9", "overload", iso(kit, "500h"), "real"],
                ["home-2"],
            ]
        )
    more = ("--compare", str(folder / "lower.toml"), "--outcomes", str(outcomes))
    _rows, document = run(folder, *more)
    ended = {}
    for name, its in document["sets"].items():
        [line] = [line for line in its["by_rule"] if line["rule"] == "overload"]
        ended[name] = [
            line[f"on_alarms_closed_{how}"] for how in ("real", "false", "otherwise")
        ] + [line["missed_real"]]
    assert ended == {"a": [0, 1, 0, 2], "b": [1, 1, 0, 1]}
    told = capsys.readouterr().err
    assert "closed.csv:5: outcome 'who knows'" in told
    assert "closed.csv:7: 1 cells" in told
    assert "no readings of home-9" in told
    assert "overload: 4 alarms, 1 of them closed as real, 1 as false; 1 real ones missed" in told


def test_rates_count_homes_and_persons(kit, folder) -> None:
    roster = folder / "homes.toml"
    roster.write_text(
        '[[region]]\ncode = "1"\nname = "r"\nlevel = "county"\n'
        '[[home]]\nid = "home-1"\nregion = "1"\naddress = "a"\n'
        + "".join(
            f'[[home.person]]\nid = "p-{n}"\nname = "p"\ncategories = []\nconditions = []\n'
            for n in (1, 2)
        )
    )
    _rows, document = run(folder, "--homes", str(roster))
    home_1_ms, home_2_ms = (2459 - 60) * 60_000, (48_059 - 60) * 60_000
    month_ms = 365.25 / 12 * 86_400_000
    assert document["person_months"] == pytest.approx(
        (2 * home_1_ms + home_2_ms) / month_ms, abs=0.001
    )


def test_a_wrong_outcomes_file_or_number_of_processes_is_told(folder, capsys) -> None:
    (folder / "closed.csv").write_text("home,rule\n")
    arguments = ["replay", "--readings", str(folder / "readings.csv")]
    arguments += ["--findings", str(folder / "f.csv")]
    assert main([*arguments, "--outcomes", str(folder / "closed.csv")]) == 2
    assert "columns missing: raised_at, outcome" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*arguments, "--processes", "0"])


def test_pairs_are_of_one_cause() -> None:
    far = SAME_CAUSE_MS + 1
    assert pairs([0, 10 * far], [5, 20 * far]) == [(0, 0), (1, None), (None, 1)]
    assert pairs([0], [SAME_CAUSE_MS]) == [(0, 0)]
    assert pairs([0], [far]) == [(0, None), (None, 0)]
    assert pairs([], [1]) == [(None, 0)]
    assert pairs([far], [0]) == [(None, 0), (0, None)]


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_a_bar_on_a_terminal_and_few_lines_elsewhere() -> None:
    screen, log = Screen(), io.StringIO()
    for out in (screen, log):
        progress = Progress(out, "playing")
        for number in range(1001):
            progress.at(number / 1000)
            if number == 500:
                progress.say("a line\n")
    assert screen.getvalue().count("\r") == 101 + 3
    assert screen.getvalue().endswith("100 %\n")
    lines = log.getvalue().splitlines()
    assert lines[0] == "playing: 10 %"
    assert lines[-1] == "playing: 100 %"
    assert len(lines) == 11


def test_parquet_says_what_csv_says(folder) -> None:
    arrow = importlib.import_module("pyarrow.csv")
    parquet = importlib.import_module("pyarrow.parquet")
    rows, _document = run(folder)
    table = arrow.read_csv(folder / "readings.csv")
    parquet.write_table(table, folder / "readings.parquet")
    out = folder / "again.csv"
    arguments = ["replay", "--readings", str(folder / "readings.parquet"), "--findings", str(out)]
    assert main(arguments) == 0
    assert list(csv.DictReader(io.StringIO(out.read_text()))) == rows
    (folder / "bad.parquet").write_bytes(b"PAR1 not really")
    arguments[2] = str(folder / "bad.parquet")
    assert main(arguments) == 2


def test_parquet_without_pyarrow_says_what_to_install(folder, capsys, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # as if it were not installed
    arguments = ["replay", "--readings", str(folder / "r.parquet"), "--findings", "f.csv"]
    assert main(arguments) == 2
    assert "hearthwatch[parquet]" in capsys.readouterr().err


def test_the_header_stays_what_the_contract_says(folder) -> None:
    run(folder)
    head = (folder / "findings.csv").read_text().splitlines()[0]
    assert head == "home,rule,severity,reason,raised_at,cleared_at,evidence"
    assert HEADER == ["home", "device", "kind", "measured_at", "field", "value"]
