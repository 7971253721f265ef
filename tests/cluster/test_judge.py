"""What the judge of the cluster's storm sees: planted losses, doubles, gaps, late takeovers."""

import pytest

from tests.cluster.judge import (
    Kept,
    Mark,
    Spooled,
    Takeover,
    check_board,
    check_readings,
    check_steps,
    check_takeovers,
)

SPOOL = Spooled("gw-1", "spool-1", 4, frozenset({1, 2, 3}))
WHOLE = Kept([1, 2, 3], others=1)
ALL_CAME = Mark(4, "[]")


def readings(kept: Kept = WHOLE, mark: Mark = ALL_CAME):
    return check_readings([SPOOL], {"gw-1": kept}, {"spool-1": mark})


def test_all_that_was_accepted_and_once_is_well() -> None:
    verdict = readings()
    assert (verdict.accepted, verdict.found) == (4, 4)
    assert (verdict.lost, verdict.doubled, verdict.unknown) == ([], [], [])


@pytest.mark.parametrize(
    ("kept", "mark", "lost", "doubled", "unknown"),
    [
        (Kept([1, 3], others=1), ALL_CAME, 1, 0, 0),
        (Kept([], others=0), ALL_CAME, 1, 0, 0),
        (Kept([1, 2, 2, 3], others=1), ALL_CAME, 0, 1, 0),
        # One is gone and another is there twice: neither hides the other.
        (Kept([1, 2, 2], others=1), ALL_CAME, 1, 1, 0),
        (Kept([1, 2, 7], others=1), ALL_CAME, 0, 0, 1),
        (Kept([1, 2, 3], others=2), ALL_CAME, 0, 0, 1),
        (WHOLE, Mark(2, "[[4, 4]]"), 1, 0, 0),
    ],
)
def test_readings_that_are_gone_doubled_invented_or_behind_a_gap(
    kept: Kept, mark: Mark, lost: int, doubled: int, unknown: int
) -> None:
    verdict = readings(kept, mark)
    assert (len(verdict.lost), len(verdict.doubled), len(verdict.unknown)) == (
        lost, doubled, unknown,
    )  # fmt: skip


def test_a_gateway_of_which_nothing_is_stored_is_lost_whole() -> None:
    verdict = check_readings([SPOOL], {}, {})
    assert len(verdict.lost) == 2
    assert verdict.found == 0


@pytest.mark.parametrize(
    ("heard", "resets", "lost", "doubled", "unknown"),
    [
        ([3, 5, 6], 0, 0, 0, 0),
        ([3, 6], 0, 1, 0, 0),
        ([3, 5, 5, 6], 0, 0, 1, 0),
        # It went back to an older one, which it was told already.
        ([3, 5, 6, 5], 0, 0, 2, 0),
        ([5, 3, 6], 0, 0, 1, 0),
        ([3, 4, 5, 6], 0, 0, 0, 1),
        ([3, 5, 6], 1, 1, 0, 0),
    ],
)
def test_a_board_is_told_each_entry_once_and_in_order(
    heard: list[int], resets: int, lost: int, doubled: int, unknown: int
) -> None:
    verdict = check_board("board-1", heard, [3, 5, 6], resets)
    found = (len(verdict.lost), len(verdict.doubled), len(verdict.unknown))
    assert found == (lost, doubled, unknown)


def test_a_step_that_was_told_twice() -> None:
    assert check_steps([("a", 0, 1), ("a", 0, 2), ("b", 0, 1)]) == []
    assert len(check_steps([("a", 0, 1), ("a", 0, 1), ("a", 1, 1)])) == 1


def test_a_shard_that_was_nobodys_for_long_or_for_good() -> None:
    assert check_takeovers([Takeover(1, "shard 3", 9.9), Takeover(1, "gw-1/telemetry", 0.2)]) == []
    wrong = check_takeovers([Takeover(1, "shard 3", 10.1), Takeover(2, "shard 4", None)])
    assert wrong == [
        "kill 1: shard 3 was nobody's for 10.1 s",
        "kill 2: shard 4 was nobody's to the end",
    ]
