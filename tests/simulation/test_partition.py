"""Lines that are cut for thirty days: presses first, all in, and marked late; and the mistakes that
only such a backlog shows. `./dev sim PARTITION=30d GATEWAYS=100` is the whole of it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from unittest import mock

import pytest

from gateway.uplink.throttle import Throttle
from gateway.uplink.uplink import LaneUplink
from tests.simulation.partition import run

DAYS, GATEWAYS = 30, 8
Planted = Callable[[], AbstractContextManager[object]]


def test_thirty_days_without_a_line_lose_nothing_and_presses_come_first() -> None:
    report = run(DAYS, GATEWAYS)
    assert report.failure is None, str(report)
    assert report.alarms == report.tasks == report.late == 2 * GATEWAYS
    assert report.events > 2 * GATEWAYS
    # Or it would prove nothing: readings stood in the way, and some spool was too small.
    assert report.readings_in_s > 4 * report.presses_in_s
    assert report.evicted > 0
    assert report.boots > GATEWAYS + 2


def readings_first() -> AbstractContextManager[object]:
    """What is small can wait until the line is free."""
    lanes: list[LaneUplink] = []
    honest_init, honest = LaneUplink.__init__, LaneUplink._may_send.fget
    assert honest is not None

    def begin(self, **settings) -> None:
        honest_init(self, **settings)
        lanes.append(self)

    def may_send(self) -> bool:
        others = [o for o in lanes if o._gateway == self._gateway and "telemetry" in o._topic]
        mine = "telemetry" not in self._topic
        return honest(self) and not (mine and others and len(others[-1]._sender))

    return mock.patch.multiple(LaneUplink, __init__=begin, _may_send=property(may_send))


def never_less() -> AbstractContextManager[object]:
    """A line that confirms nothing in time is dead; as much is handed to the next one."""
    return mock.patch.object(Throttle, "timed_out", return_value=None)


@pytest.mark.parametrize(("mutant", "violated"), [(readings_first, "I16"), (never_less, "I10")])
def test_planted_mistakes_are_caught(mutant: Planted, violated: str) -> None:
    with mutant():
        report = run(DAYS, 2)
    assert report.failure is not None
    assert report.failure.startswith((violated, "I16", "I13")), report.failure
