"""The report of the cluster's storm: what fails a run, and that its page can be made of it."""

from collections import Counter

import pytest

from docs import promises
from tests.chaos.checker import Verdict as Presses
from tests.cluster.judge import Takeover, Verdict
from tests.cluster.options import parse
from tests.cluster.plan import COUNTS, WORKER, Kill
from tests.cluster.report import counts, good
from tests.cluster.storm import Outcome
from tests.cluster.table import table
from tests.cluster.watch import Watched
from tests.results import document


def outcome(**differs) -> Outcome:
    kills = [
        Watched(number, Kill(kind, 0, 1.0, 1.0), 100.0, 100_000, set(), still_s=float(number))
        for number, kind in enumerate(COUNTS, start=1)
    ]
    for watched in kills:
        if watched.kill.kind == WORKER:
            watched.takeovers = [Takeover(2, "shard 3", 1.5), Takeover(2, "gw-1/telemetry", 2.0)]
    fields = {
        "kills": kills,
        "seconds": 60.0,
        "presses": Presses(accepted=9, presses=9, found=9),
        "readings": Verdict(accepted=20, found=20),
        "boards": [Verdict(accepted=30, found=30)],
        "resumes_s": [1.2],
        "resumed": 1,
        "shards": {0: 2},
        "sent_again": 3,
        "load": (1.0, 2.0),
        "stepped_down": 0,
        "tracebacks": Counter(),
        "settle_s": 1.0,
    }
    return Outcome(**{**fields, **differs})


def test_a_run_as_it_should_be_and_its_page() -> None:
    found = counts(outcome(), parse(["KILLS=4"]))
    assert found["wrong"] == []
    assert found["takeovers"]["shards"] == {"times": 1, "median": 1.5, "most": 1.5}
    made = document(command="./dev cluster KILLS=4", seed=0, counts=found)
    assert "| presses | 9 | 9 | 0 | 0 |" in table(made)
    assert "has something new in the book | 2 s | 2 s |" in table(made)
    assert "4 kills" in next(promises._cluster(found))


@pytest.mark.parametrize(
    "differs",
    [
        {"presses": Presses(accepted=9, presses=9, found=8, lost=["x"])},
        {"presses": Presses(accepted=9, presses=9, found=9, closed=["x"])},
        {"presses": Presses()},
        {"readings": Verdict(accepted=20, found=20, doubled=["x"])},
        {"boards": [Verdict(accepted=30, found=29, lost=["x"])]},
        {"sent_again": 0},
        {"tracebacks": Counter({"worker: ValueError": 1})},
        {"wrong": ["('a', 0, 1) told 2 times"]},
    ],
)
def test_what_fails_a_run(differs) -> None:
    assert len(good(outcome(**differs))) == 1
