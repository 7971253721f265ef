"""Some power cuts of each store, and the mistake they must catch; `./dev powercut` does more."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.powercut import drive, run
from tests.powercut.cuts import Outcome
from tests.powercut.stores_registry import STORES
from tests.powercut.told import Promised

ROOT = Path(__file__).resolve().parents[2]
CUTS = {"spool": 8, "book": 6, "postgresql": 4}


@pytest.mark.skipif(drive.missing() is not None, reason=f"power-cut rig: {drive.missing()}")
@pytest.mark.parametrize("store", CUTS)
def test_power_cuts_lose_nothing_and_the_rig_sees_a_missing_sync(store, tmp_path):
    result = tmp_path / "result.json"
    wanted = [f"STORES={store}", f"CUTS={CUTS[store]}", f"RESULT={result}"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.powercut.run", *wanted],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    synced, planted = json.loads(result.read_text())["counts"]["outcomes"]
    assert (synced["cuts"], synced["lost"], synced["torn"]) == (CUTS[store], 0, 0)
    assert planted["level"] == "NORMAL"
    assert planted["lost"] > 0
    assert set(synced["accepted"]) == set(STORES[store].lanes)


def test_what_was_accepted_and_is_not_there_is_missing():
    promised = Promised()
    told = ["A press 1 a", "A press 2 b", "F press 1", "A press 3 c", "A reading 1 d"]
    assert [promised.hear(line) for line in told] == ["press", "press", None, "press", "reading"]
    found = {"press": {"c": 3}}
    assert promised.missing(found, promised.forgotten) == {"b", "d"}
    assert promised.missing({}, {}) == {"a", "b", "c", "d"}


def test_a_run_that_shows_nothing_is_a_failed_run():
    lanes = dict.fromkeys(STORES["spool"].lanes, 5)
    sound = Outcome(store="spool", level="FULL", seed=0, cuts=5, accepted=lanes)
    blind = Outcome(store="spool", level="NORMAL", seed=0, cuts=5, accepted=lanes)
    silent = Outcome(store="spool", level="FULL", seed=0, cuts=5)
    lossy = Outcome(store="spool", level="FULL", seed=0, cuts=5, accepted=lanes, lost=2)
    seeing = Outcome(store="spool", level="NORMAL", seed=0, cuts=5, accepted=lanes, lost=2)
    assert run.faults([sound, seeing]) == []
    assert "would see no loss" in run.faults([blind])[0]
    assert "nothing was accepted of activation, telemetry" in run.faults([silent])[0]
    assert "2 lost" in run.faults([lossy])[0]


def test_the_command_says_what_it_does_not_know(capsys):
    assert run.main(["STORES=paper"]) == 2
    assert run.main(["--cuts", "5"]) == 2
    assert "no such store: paper" in capsys.readouterr().err


def test_without_root_the_reason_is_told(monkeypatch, capsys):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert run.main([]) == 3
    assert "needs root" in capsys.readouterr().err
