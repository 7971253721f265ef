"""The urgent path under faults drawn from seeds, and the mistakes that this must catch."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.simulation import run as command
from tests.simulation.faults import KINDS, drawn
from tests.simulation.mutants import MUTANTS, SEEDS, delete_on_puback
from tests.simulation.shrink import described, shrunk
from tests.simulation.world import Report, run

ROOT = Path(__file__).resolve().parents[2]
# A fixed handful for every push; `./dev sim` runs as many as wanted.
HANDFUL = range(8)
SHORT_S = 150.0
CRASHES = {"gateway_kill", "gateway_power", "hub_kill", "hub_power"}
KEPT = [
    line.split()[0]
    for line in (ROOT / "tests/simulation/seeds.txt").read_text().splitlines()
    if line and not line.startswith("#")
]


@pytest.mark.parametrize("seed", HANDFUL)
def test_nothing_is_lost_doubled_or_invented(seed):
    report = run(drawn(seed, SHORT_S))
    assert report.failure is None, described(report)
    assert report.accepted > 0
    assert report.crashes > 0 or not CRASHES & set(report.options.rates)


@pytest.mark.parametrize("kept", KEPT)
def test_what_once_failed_does_not_fail_again(kept):
    seed, _colon, faults = kept.partition(":")
    report = run(command.options_of(int(seed), [kind for kind in faults.split(",") if kind]))
    assert report.failure is None, described(report)


def test_the_handful_has_every_kind_of_fault():
    """Or it would prove nothing."""
    assert {kind for seed in HANDFUL for kind in drawn(seed).rates} == set(KINDS)


def test_without_faults_nothing_dies_and_everything_arrives():
    report = run(replace(drawn(1, SHORT_S), rates={}))
    assert report.failure is None, described(report)
    assert report.crashes == 0
    assert report.stored == report.accepted > 0


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_planted_mistakes_are_caught(mutant):
    for seed in range(SEEDS):
        with mutant():
            report = run(drawn(seed, SHORT_S))
        if report.failure is not None:
            assert re.match(r"I\d+ ", report.failure), described(report)
            return
    pytest.fail(f"{mutant.__name__} was not caught within {SEEDS} seeds")


def test_a_seed_gives_the_same_trace_byte_for_byte_in_any_process():
    first, second = run(drawn(3, SHORT_S)), run(drawn(3, SHORT_S))
    assert "\n".join(first.trace).encode() == "\n".join(second.trace).encode()
    assert len(first.trace) > 50
    other = subprocess.run(
        [
            sys.executable,
            "-c",
            "from tests.simulation.faults import drawn\n"
            "from tests.simulation.world import run\n"
            f"print(run(drawn(3, {SHORT_S})).fingerprint)",
        ],
        cwd=ROOT,
        env={"PYTHONHASHSEED": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout.strip() == first.fingerprint


def test_a_failing_run_is_shrunk_to_what_it_needs():
    """Fails only with lost messages and two gateways, within the first half."""
    played = []

    def play(options):
        played.append(options)
        fails = "drop" in options.rates and options.gateways >= 2 and options.faulty_s >= 100
        return Report(
            options=options,
            failure="I1 lost" if fails else None,
            trace=("1.0 begins", "2.0 VIOLATED I1 lost"),
            fingerprint="",
            accepted=1,
            stored=0,
            crashes=0,
            virtual_s=2.0,
        )

    options = replace(drawn(0), gateways=3, faulty_s=300.0, rates=dict.fromkeys(KINDS, 0.5))
    small = shrunk(play(options), play)
    assert small.options == replace(options, rates={"drop": 0.5}, faulty_s=150.0)
    assert described(small).splitlines()[:2] == ["VIOLATED: I1 lost", f"options: {small.options}"]
    assert len(played) < 2 * len(KINDS)


def test_the_command_prints_options_and_a_shrunk_trace_of_what_fails(capsys):
    with delete_on_puback():
        assert command.main(["SEEDS=1", "FROM=0"]) == 1
    printed = capsys.readouterr().out
    # Gone before the hub has it, or never come: whichever is seen first.
    assert re.search(r"seed 0 failed: (I4|I13) ", printed)
    assert "options: seed=0 " in printed
    assert re.search(r"VIOLATED: (I4|I13) ", printed)
    assert "again: ./dev sim SEED=0" in printed


def test_the_command_says_what_it_did(capsys):
    assert command.main(["SEEDS=1", "FROM=11", "FAULTS=drop"]) == 0
    assert "1 seeds from 11" in capsys.readouterr().out
    assert command.main(["FAULTS=meteor"]) == 2
    assert command.main(["--seed", "5"]) == 2
    assert "no such fault: meteor" in capsys.readouterr().err
