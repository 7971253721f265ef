"""Short runs of `./dev chaos` on both books, and planted mistakes that its judge must see."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hearthwatch.embedded_broker import find_mosquitto
from tests.chaos.options import FAULTS, parse
from tests.chaos.program import ROOT

SEED = os.environ.get("HEARTHWATCH_SEED", "20261129")
SMALL = ("GATEWAYS=4", "GAP=0.25", f"SEED={SEED}", "MINUTES=3")
# A planted mistake's run ends when it has shown; this is for one that never does.
PLANTED = ("ACTIVATIONS=1000", "GATEWAYS=2", "GAP=2", "MINUTES=5")
# Far beyond what a run takes: it ends by itself.
PATIENCE_S = 900

pytestmark = [
    pytest.mark.mosquitto,
    pytest.mark.skipif(find_mosquitto() is None, reason="no mosquitto on this machine"),
]


def chaos(tmp_path: Path, *words: str) -> tuple[dict[str, Any], str]:
    out = tmp_path / "chaos.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos.run", *words, f"RESULT={out}", f"KEEP={tmp_path}"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert out.exists(), done.stderr
    return json.loads(out.read_text())["counts"], done.stderr


@pytest.mark.parametrize("book", ["sqlite", "postgresql"])
def test_nothing_accepted_is_lost_doubled_or_closed(tmp_path, book) -> None:
    possible = parse([f"BOOK={book}"])
    if possible.skipped:
        pytest.skip(f"faults that can't be had here: {possible.skipped}")
    found, said = chaos(tmp_path, f"BOOK={book}", "KILLS=15", "ACTIVATIONS=250", *SMALL)
    assert found["wrong"] == [], said
    assert found["found"] == found["accepted"] >= 250
    assert sum(found["kills"].values()) >= 15
    assert {name for name, told in found["faults"].items() if told["injected"]} == set(FAULTS)
    assert found["redelivered"]


def test_a_hub_that_acknowledges_before_it_commits_is_seen(tmp_path) -> None:
    words = ("HUB=tests.chaos.mutant_hub", "FAULTS=kill", "VICTIMS=hub")
    found, said = chaos(tmp_path, *words, "KILLS=50", *PLANTED)
    assert found["lost"], said


def test_a_gateway_that_believes_the_broker_is_seen(tmp_path) -> None:
    words = ("GATEWAY=tests.chaos.mutant_gateway", "FAULTS=kill", "VICTIMS=hub,broker")
    found, said = chaos(tmp_path, *words, "KILLS=50", *PLANTED)
    assert found["lost"], said
