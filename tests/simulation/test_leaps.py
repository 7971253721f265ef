"""Time at rest is leapt over, and nothing that is due to anybody with it."""

from dataclasses import replace
from unittest import mock

import pytest

from tests.simulation import leaps
from tests.simulation import run as command
from tests.simulation.faults import Options, drawn
from tests.simulation.shrink import described
from tests.simulation.virtual_loop import VirtualLoop
from tests.simulation.world import Report, run

# A press that nobody answers, so that its steps come round after round.
HOURS_S = 7_200.0
ALONE = replace(
    drawn(1),
    rates={"asleep": 1.0},
    gateways=1,
    press_every_s=3_600.0,
    read_every_s=900.0,
    faulty_s=HOURS_S,
)
# Commits take some milliseconds, by another draw.
ABOUT_S = 1.0


def played(options: Options) -> tuple[Report, float]:
    """And how much was leapt over."""
    leapt: list[float] = []
    leap = VirtualLoop.leap

    def noted(self, seconds: float) -> None:
        leapt.append(seconds)
        leap(self, seconds)

    with mock.patch.object(VirtualLoop, "leap", noted):
        return run(options), sum(leapt)


def told(report: Report) -> list[float]:
    """Of the call for help; what a heartbeat shows is shown by the next one."""
    lines = [line.split() for line in report.trace if " told by system" in line]
    return [float(line[0]) for line in lines if line[3] == lines[0][3]]


def test_steps_come_at_the_same_times_with_and_without_leaps() -> None:
    live, none = played(ALONE)
    leaping, most = played(replace(ALONE, leaps=True))
    assert live.failure is None, described(live)
    assert leaping.failure is None, described(leaping)
    assert none == 0
    assert most > HOURS_S * 0.6
    assert len(told(live)) == len(told(leaping)) > 8
    for one, other in zip(told(live), told(leaping), strict=True):
        assert one == pytest.approx(other, abs=ABOUT_S)


def test_a_leap_past_what_is_due_would_be_seen() -> None:
    with mock.patch.object(leaps, "_due_in_s", return_value=leaps.LONGEST_S):
        report, _leapt = played(replace(ALONE, leaps=True))
    assert report.failure is not None
    assert report.failure.startswith("I14 R1"), described(report)


@pytest.mark.parametrize("seed", [2, 3])
def test_hours_in_which_a_fault_comes_now_and_then(seed: int) -> None:
    options = command.days(seed, 0.2)
    report, leapt = played(options)
    assert report.failure is None, described(report)
    assert report.stored == report.accepted > 0
    assert leapt > options.faulty_s * 0.3
