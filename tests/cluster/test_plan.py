"""The plan of the cluster's kills and what it measures of each."""

import pytest

from tests.cluster.options import parse
from tests.cluster.plan import COUNTS, NODE, WORKER, Kill, may_go, plan, take_next
from tests.cluster.watch import Watch

ALL = frozenset(f"{kind}-{n}" for kind, count in COUNTS.items() for n in range(count))


def test_a_seed_is_a_plan_and_every_kind_has_its_share() -> None:
    assert plan(1, 200) == plan(1, 200)
    assert plan(1, 200) != plan(2, 200)
    for kills in (4, 200):
        assert {kill.kind for kill in plan(3, kills)} == set(COUNTS)
    assert {kill.name for kill in plan(1, 200)} == ALL
    assert {kill.kind for kill in plan(1, 20, (NODE,))} == {NODE}


@pytest.mark.parametrize(
    ("name", "away", "may"),
    [
        ("node-0", (), True),
        # Two of three nodes are the majority: the third must be whole.
        ("node-0", ("node-1",), False),
        ("worker-0", ("worker-1",), True),
        ("worker-0", ("worker-1", "worker-2"), False),
        ("web-0", ("web-1",), False),
        ("web-0", ("worker-1", "node-2"), True),
        # It is not back yet itself.
        ("worker-0", ("worker-0",), False),
    ],
)
def test_enough_of_each_kind_stay(name: str, away: tuple[str, ...], may: bool) -> None:
    kind, _, number = name.partition("-")
    assert may_go(Kill(kind, int(number), 1.0, 1.0), ALL - set(away)) is may


def test_what_can_not_be_now_comes_later_and_is_not_left_out() -> None:
    node, worker = Kill(NODE, 0, 1.0, 1.0), Kill(WORKER, 0, 1.0, 1.0)
    waiting = [node, worker]
    assert take_next(waiting, ALL - {"node-2"}) == worker
    assert take_next(waiting, ALL - {"node-2"}) is None
    assert take_next(waiting, ALL) == node
    assert waiting == []


def test_a_takeover_lasts_until_something_made_after_the_kill_is_through() -> None:
    streams = [("gw-1", "telemetry"), ("gw-2", "telemetry")]
    watch = Watch(streams)
    watched = watch.killed(Kill(WORKER, 0, 1.0, 1.0), 100.0, 100_000)
    watch.held(watched, {3: 7})
    # What was on its way before tells nothing.
    watch.acked(streams[0], 99.0, 101.0)
    watch.acked(streams[0], 100.5, 102.0)
    watch.acked(streams[0], 100.6, 109.0)
    watch.acked(streams[1], 101.0, 104.0)
    watch.taken({3: 7}, 105.0)
    assert watch.open == [watched]
    watch.taken({3: 8}, 106.0)
    assert (watch.open, watched.still_s) == ([], 6.0)
    assert {taken.what: taken.seconds for taken in watched.takeovers} == {
        "gw-1/telemetry": 2.0,
        "gw-2/telemetry": 4.0,
        "shard 3": 6.0,
    }


def test_what_never_comes_is_told_at_the_end() -> None:
    watch = Watch([("gw-1", "activation")])
    watched = watch.killed(Kill(WORKER, 1, 1.0, 1.0), 100.0, 100_000)
    watch.end(150.0)
    assert watched.still_s == 50.0
    assert [(taken.what, taken.seconds) for taken in watched.takeovers] == [
        ("gw-1/activation", None)
    ]


def test_the_command_says_what_was_asked_for() -> None:
    assert parse(["KILLS=8", "SEED=2"]).command == "./dev cluster KILLS=8 SEED=2"
    asked = parse(["VICTIMS=node,worker", "LIGHT=4"]).command
    assert asked == "./dev cluster KILLS=200 SEED=0 VICTIMS=node,worker LIGHT=4"
    for words in (["KILL=8"], ["VICTIMS=postgresql"]):
        with pytest.raises(ValueError, match=r"expected|nobody"):
            parse(words)
