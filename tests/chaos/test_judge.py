"""What fails a run beside lost presses: a program that ends unasked, and a traceback anywhere."""

import sys
import time
from pathlib import Path

import pytest

from tests.acceptance.rig import wait_until
from tests.chaos.checker import Verdict
from tests.chaos.logs import tracebacks
from tests.chaos.options import HUB, parse
from tests.chaos.program import Program
from tests.chaos.report import good
from tests.chaos.storm import Outcome


def outcome(**differs) -> Outcome:
    fields = {
        "options": parse([]),
        "verdict": Verdict(accepted=1, presses=1, found=1),
        "told": {},
        "kills": {"hub": 1},
        "starts": {},
        "exits": {},
        "refused": {},
        "overdue": {},
        "pressed": 1,
        "redelivered": 1,
        "seconds": 1.0,
        "settle_s": 1.0,
        "settled": True,
        "book": "sqlite 3",
    }
    return Outcome(**{**fields, **differs})


def test_a_traceback_and_an_exit_that_nobody_asked_for_are_wrong() -> None:
    assert good(outcome(refused={"gw-1": {3: 2}})) == []
    assert good(outcome(exits={"gw-1": {1: 2}})) == ["gw-1 ended by itself with 1 (2 times)"]
    assert good(outcome(tracebacks={"hub: ValueError": 3})) == [
        "a traceback, 3 times: hub: ValueError"
    ]


def test_tracebacks_are_found_in_every_log_also_when_they_are_cut_off(tmp_path: Path) -> None:
    whole = "Traceback (most recent call last):\n  File x\n    y\nValueError: no 5\n"
    group = (
        "  + Exception Group Traceback (most recent call last):\n  |   File x\n"
        "  | ExceptionGroup: two\n"
    )
    (tmp_path / "hub.log").write_text(f"well\n{whole}well\n{whole}")
    (tmp_path / "gw-1.log").write_text(group)
    (tmp_path / "gw-2.log").write_text(whole[:-17])
    (tmp_path / "broker.log").write_text("New connection\n")
    assert tracebacks(tmp_path) == {"hub: ValueError: no 5": 2, "gw-: cut off": 2}


@pytest.mark.parametrize(
    ("code", "trouble", "asked", "counted"),
    [
        (3, True, False, "refused"),
        (3, False, False, "exits"),
        (1, True, False, "exits"),
        (0, False, False, "exits"),
        (0, False, True, None),
        (1, False, True, "exits"),
    ],
)
def test_an_exit_is_asked_for_excused_or_wrong(
    tmp_path: Path, code: int, trouble: bool, asked: bool, counted: str | None
) -> None:
    command = [sys.executable, "-c", f"raise SystemExit({code})"]
    program = Program("gw-1", command, tmp_path / "log", refusals=frozenset({3}))
    now_s = time.monotonic()
    program.start(now_s)
    wait_until(lambda: not program.running, 60, "it has ended")
    program.trouble_until_s = now_s + 10 if trouble else now_s - 10
    program.term_until_s = now_s + 10 if asked else None
    program.tend(now_s)
    found = {"exits": program.exits, "refused": program.refused}
    assert found == {"exits": {}, "refused": {}, **({counted: {code: 1}} if counted else {})}


def test_a_run_with_a_planted_mistake_is_known() -> None:
    assert not parse([f"HUB={HUB}"]).planted
    assert parse(["HUB=tests.chaos.mutant_hub"]).planted
    assert parse(["GATEWAY=tests.chaos.mutant_gateway"]).planted
