"""Steps come in time and once, through kills and clocks that jump; planted mistakes show."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from unittest import mock

import pytest

from alarms.escalation import timers
from alarms.escalation.plan import Now
from alarms.escalation.steps import Steps
from alarms.escalation.timers import Timer, Timers
from alarms.handing import Handing
from alarms.lifecycle import Outcome
from alarms.moves import Moves
from alarms.promises import Promises
from alarms.reasons import StepReason
from hearthwatch.clock import PlannedClock
from ledger.unit_of_work import SYSTEM
from tests.simulation.response import Options, Result, main, run

# A fixed handful for every push; `./dev response` plays as many alarms as wanted.
HANDFUL = range(6)
ALARMS = 150
Planted = contextlib.AbstractContextManager[object]


@cache
def played(seed: int) -> Result:
    return run(Options(seed=seed, alarms=ALARMS))


@pytest.mark.parametrize("seed", HANDFUL)
def test_no_step_is_late_doubled_or_forgotten(seed) -> None:
    result = played(seed)
    assert result.failure is None, "\n".join([*result.last, result.failure])
    assert result.counts["boots"] > 1


def test_the_handful_has_everything_that_can_happen() -> None:
    """Or it would prove nothing."""
    counts: Counter[str] = Counter()
    for seed in HANDFUL:
        counts.update(played(seed).counts)
    for fact in (
        *("told", "repeated", "acknowledged", "assigned", "in_response", "declined", "given_up"),
        *("given_back", "extended", "confirmed", "handover_offered", "handover_refused"),
        *(
            "handover_lapsed",
            "handed_over",
            "ack_expired",
            "not_arrived",
            "reopened",
            "merged",
            "closed",
        ),
    ):
        assert counts[fact] > 0, fact


def test_a_seed_gives_the_same_again() -> None:
    one, other = (run(Options(seed=9, alarms=60)) for _ in range(2))
    assert one.counts == other.counts


def test_the_command_says_how_it_went(capsys) -> None:
    assert main(["ALARMS=20", "SEED=3"]) == 0
    assert "steps: " in capsys.readouterr().out
    assert main(["HOMES=3"]) == 2


def by_the_wall() -> Planted:
    """Due times are compared with the clock on the wall."""

    def look(self):
        wall_ms = self._wall_ms()
        return Now(wall_ms=wall_ms, boot="wall", running_ms=wall_ms)

    return mock.patch.object(PlannedClock, "look", look)


@contextlib.contextmanager
def in_memory() -> Iterator[None]:
    """Timers are objects of the process, as in every asyncio tutorial."""
    kept: dict[int, dict[tuple[str, object], Timer]] = {}

    def mine(self):
        return kept.setdefault(id(self), {})

    def due(self, _unit):
        now_ms = self.clocks().running_ms
        found = [t for t in mine(self).values() if t.due.due_running_ms <= now_ms]
        return [(t, now_ms - t.due.due_running_ms) for t in found[:20]]

    def drop(self, _unit, alarm, *kinds):
        for key in [k for k in mine(self) if k[0] == alarm and (not kinds or k[1] in kinds)]:
            del mine(self)[key]

    with (
        mock.patch.object(
            Timers, "promise", lambda self, _u, t: mine(self).update({(t.alarm, t.kind): t})
        ),
        mock.patch.object(Timers, "find", lambda self, _u, a, k: mine(self).get((a, k))),
        mock.patch.object(Timers, "due", due),
        mock.patch.object(Timers, "drop", drop),
        mock.patch("alarms.promises._ORPHANS", "SELECT id, number FROM alarm WHERE 0 = ? + ?"),
    ):
        yield


def closed_by_silence() -> Planted:
    """Whoever has it has not said anything: it will have been nothing."""

    def expire(self, unit, row):
        self._moves.close(unit, row["id"], SYSTEM, Outcome.RECOVERED, "")

    return mock.patch.object(Handing, "expire", expire)


def counted_from_the_last_press() -> Planted:
    """A press begins the round anew: the county never hears of somebody who goes on pressing."""

    def repeat(self, unit, row):
        self.call(unit, row, StepReason.REPEATED)

    return mock.patch.object(Steps, "repeat", repeat)


def promised_once_more() -> Planted:
    """What is due is believed although something before it has changed it."""
    kept = Promises._keep

    def keep(self, unit, timer, late_ms):
        with mock.patch.object(Timers, "find", staticmethod(lambda *_a: timer)):
            return kept(self, unit, timer, late_ms)

    return mock.patch.object(Promises, "_keep", keep)


def watched_no_longer() -> Planted:
    """Taken is as good as answered."""
    return mock.patch.object(Moves, "promise", return_value=None)


def adopted_as_they_stand() -> Planted:
    """After a boot the times of the one before are taken for this one's."""
    return mock.patch.object(timers, "adopted", lambda due, now, *_seen: _in(due, now))


def _in(due, now):
    return replace(due, boot=now.boot)


@pytest.mark.parametrize(
    "mutant",
    [
        by_the_wall,
        in_memory,
        closed_by_silence,
        counted_from_the_last_press,
        promised_once_more,
        watched_no_longer,
        adopted_as_they_stand,
    ],
    ids=lambda mutant: mutant.__name__,
)
def test_planted_mistakes_are_caught(mutant) -> None:
    for seed in range(10):
        with mutant():
            result = run(Options(seed=seed, alarms=2 * ALARMS))
        if result.failure is not None:
            return
    pytest.fail("nobody noticed")
