"""What gateways forget is in every copy that the hub may be restored from."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest

from ingest import backup_marks
from ingest.backup_marks import BackupMarks
from ledger import checked_copies
from tests.simulation import copies_walk
from tests.simulation.copies_walk import LostError, Walk

SEEDS = range(3)
STEPS = 400
# Each planted mistake is caught within so many seeds.
WITHIN = 6


def walked(seed: int, folder: Path) -> Walk:
    walk = Walk(seed, folder)
    try:
        walk.go(STEPS)
    finally:
        walk.close()
    return walk


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_is_forgotten_comes_back_from_a_copy(seed: int, tmp_path: Path) -> None:
    walk = walked(seed, tmp_path)
    assert walk.restored
    assert len(walk.noted) >= 2
    with contextlib.closing(copies_walk.sqlite3.connect(walk.path)) as spool:
        held = spool.execute("SELECT count(*), max(seq) FROM item").fetchone()
    # It did forget.
    assert held[0] < walk.number


def noted_before_the_trial() -> contextlib.AbstractContextManager[object]:
    """What is in the running book when the copy is noted is taken for what is in the copy."""
    honest = checked_copies.note

    def note(unit, copy, gone, still_needed):
        unit.execute("SELECT spool, contiguous FROM spool_mark")
        now = dict(unit.cursor.fetchall())
        newest = unit.execute("SELECT max(seq) FROM event").fetchone()[0] or 0
        held = replace(copy.held, event_seq=newest, through=now)
        honest(unit, replace(copy, held=held), gone, still_needed)

    return mock.patch.object(checked_copies, "note", note)


def one_copy_is_enough() -> contextlib.AbstractContextManager[object]:
    """The hub says what the newest copy has, and that may be lost."""
    honest = backup_marks.said
    return mock.patch.object(backup_marks, "said", lambda cursor, _kept: honest(cursor, 1))


def lost_copies_count() -> contextlib.AbstractContextManager[object]:
    """Whether a copy is still there is nobody's business."""
    honest = checked_copies.note

    def note(unit, copy, _gone, still_needed):
        honest(unit, copy, (), still_needed)

    return mock.patch.object(checked_copies, "note", note)


def a_number_is_an_identity() -> contextlib.AbstractContextManager[object]:
    return mock.patch.object(BackupMarks, "renumbered")


@pytest.mark.parametrize(
    "mutant",
    [
        noted_before_the_trial,
        one_copy_is_enough,
        lost_copies_count,
        a_number_is_an_identity,
    ],
    ids=lambda mutant: mutant.__name__,
)
def test_planted_mistakes_are_caught(
    mutant: Callable[[], contextlib.AbstractContextManager[object]], tmp_path: Path
) -> None:
    for seed in range(WITHIN):
        folder = tmp_path / str(seed)
        folder.mkdir()
        try:
            with mutant():
                walked(seed, folder)
        except LostError:
            return
    pytest.fail(f"{mutant.__name__} was not caught within {WITHIN} seeds")
