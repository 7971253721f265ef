"""One lane of the spool: what was committed is there, what was acknowledged goes in its time."""

import sqlite3
import tempfile
import uuid
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.ids import item_id
from gateway.spool.failures import Unsynced
from gateway.spool.lane import (
    EVICT_ROWS,
    KEEP_ACKED_MS,
    LOG_BYTES_MAX,
    PRUNE_EVERY_MS,
    Lane,
    LaneSettings,
)
from gateway.spool.row import ROW_OVERHEAD_BYTES
from tests.adapters.gateway_items import NOW_MS, press, reading, uuids
from tests.adapters.worn_card import Failing, WornCard
from tests.gateway.lane_files import URGENT, rows, tamper, waiting

TELEMETRY = LaneSettings(keep_acked=False)


def stored_bytes(path: Path) -> int:
    return sum(n + ROW_OVERHEAD_BYTES for n in rows(path, "SELECT length(body) FROM item"))


def test_numbers_and_ids_are_dense_over_reopening(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    draw = uuids()
    given_out = []
    spools = set()
    for round_ in range(3):
        lane = Lane(path, URGENT, draw, NOW_MS)
        spools.add(lane.spool)
        given_out += lane.append([press(round_ * 2), press(round_ * 2 + 1)])
        lane.close()
    assert [item.seq for item in given_out] == [1, 2, 3, 4, 5, 6]
    assert spools == {uuid.UUID(int=1)}
    assert [item.id for item in given_out] == [
        item_id(uuid.UUID(int=1), item.seq, item.received_at_ms) for item in given_out
    ]


def test_numbers_never_come_again_when_all_rows_are_gone(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    lane = Lane(path, TELEMETRY, uuids(), NOW_MS)
    lane.append([reading(1), reading(2)])
    lane.ack([1, 2], None, NOW_MS)
    assert rows(path) == []
    lane.close()
    again = Lane(path, TELEMETRY, uuids(9), NOW_MS)
    assert [item.seq for item in again.append([reading(3)])] == [3]
    again.close()


def test_what_was_appended_comes_back_unchanged(tmp_path: Path) -> None:
    lane = Lane(tmp_path / "a.db", URGENT, uuids(), NOW_MS)
    accepted = lane.append([press(1), reading(2)])
    assert lane.waiting(0, 10, NOW_MS) == accepted
    assert accepted[0].attrs == press(1).attrs
    assert accepted[1].values == {"energy_kwh": 2.0}
    lane.close()


def test_committed_rows_survive_a_process_that_never_closed(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    killed = Lane(path, URGENT, uuids(), NOW_MS)
    killed.append([press(1), press(2)])
    # What a power cut leaves: the file and its log as they are now, without a close.
    cut = tmp_path / "cut"
    cut.mkdir()
    for ending in ("", "-wal"):
        (cut / f"a.db{ending}").write_bytes((tmp_path / f"a.db{ending}").read_bytes())
    after = Lane(cut / "a.db", URGENT, uuids(9), NOW_MS)
    assert waiting(after) == [1, 2]
    assert after.spool == killed.spool
    assert after.last_seq == 2
    after.close()
    killed.close()


def test_every_commit_is_synced_to_the_disk(tmp_path: Path) -> None:
    lane = Lane(tmp_path / "a.db", URGENT, uuids(), NOW_MS)
    # A property of the connection, invisible from outside without cutting the power.
    modes = [
        lane._connection.execute(f"PRAGMA {p}").fetchone()[0]
        for p in ("synchronous", "journal_mode")
    ]
    assert modes == [2, "wal"]
    lane.close()


def test_rows_of_a_failed_sync_that_are_in_the_file_count_as_accepted_once(tmp_path: Path) -> None:
    lane = Lane(tmp_path / "a.db", URGENT, uuids(), NOW_MS)
    broken = Failing(lane._connection, written=True)
    lane._connection = broken  # type: ignore[assignment]  # stands in for a failing disk
    assert [item.seq for item in lane.append([press(1), press(2)])] == [1, 2]
    assert broken.closed
    assert [item.seq for item in lane.append([press(3)])] == [3]
    assert [item.device for item in lane.waiting(0, 9, NOW_MS)] == [
        f"button-{n}" for n in (1, 2, 3)
    ]
    lane.close()


def test_rows_of_a_failed_sync_that_are_not_in_the_file_are_not_accepted(tmp_path: Path) -> None:
    lane = Lane(tmp_path / "a.db", URGENT, uuids(), NOW_MS)
    broken = Failing(lane._connection, written=False)
    lane._connection = broken  # type: ignore[assignment]  # stands in for a failing disk
    with pytest.raises(sqlite3.OperationalError):
        lane.append([press(1), press(2)])
    assert broken.closed
    assert [item.seq for item in lane.append([press(1), press(2)])] == [1, 2]
    assert waiting(lane) == [1, 2]
    lane.close()


def test_rows_that_no_sync_takes_are_in_the_file_once_and_not_accepted(tmp_path: Path) -> None:
    """Appended again, they would be a second press."""
    card = WornCard()
    lane = Lane(tmp_path / "a.db", URGENT, uuids(), NOW_MS, card)
    with pytest.raises(Unsynced):
        lane.append([press(1), press(2)])
    assert lane.found
    assert waiting(lane) == [1, 2]
    card.worn, lane.found = False, False
    assert [item.seq for item in lane.append([press(3)])] == [3]
    assert [item.device for item in lane.waiting(0, 9, NOW_MS)] == [
        f"button-{n}" for n in (1, 2, 3)
    ]
    assert not lane.found
    lane.close()


def test_rows_of_an_earlier_failure_are_not_taken_for_those_of_the_next(tmp_path: Path) -> None:
    """As many rows under the same numbers, and another button's: nothing may be promised of it."""
    path = tmp_path / "a.db"
    lane = Lane(path, URGENT, uuids(), NOW_MS)
    other = Lane(path, URGENT, uuids(), NOW_MS)
    other.append([press(1)])  # what a failed commit has left behind, for all that `lane` knows
    lane._connection.close()
    with pytest.raises(sqlite3.Error):
        lane.append([press(2)])
    assert lane.found
    assert [item.seq for item in lane.append([press(2)])] == [2]
    assert [item.device for item in lane.waiting(0, 9, NOW_MS)] == ["button-1", "button-2"]
    lane.close()
    other.close()


def test_the_log_does_not_grow_without_end(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    lane = Lane(path, URGENT, uuids(), NOW_MS)
    for number in range(150):
        lane.append([press(number)])
        lane.tidy()
    assert (tmp_path / "a.db-wal").stat().st_size <= LOG_BYTES_MAX
    lane.close()


def test_half_a_transaction_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    lane = Lane(path, URGENT, uuids(), NOW_MS)
    lane.append([press(1)])
    tamper(
        path,
        "CREATE TRIGGER no BEFORE INSERT ON item WHEN NEW.seq = 3"
        " BEGIN SELECT raise(ABORT, 'planted'); END",
    )
    with pytest.raises(sqlite3.Error, match="planted"):
        lane.append([press(2), press(3), press(4)])
    assert rows(path) == [1]
    tamper(path, "DROP TRIGGER no")
    assert [item.seq for item in lane.append([press(5)])] == [2]
    lane.close()


def test_acknowledging_twice_or_what_is_not_there_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    lane = Lane(path, TELEMETRY, uuids(), NOW_MS)
    lane.append([reading(n) for n in range(1, 5)])
    for _ in range(2):
        lane.ack([2, 3, 77], None, NOW_MS)
    lane.ack([], None, NOW_MS)
    assert waiting(lane) == [1, 4]
    assert rows(path) == [1, 4]
    lane.close()


def test_acknowledged_activations_stay_until_the_backup_has_them(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    lane = Lane(path, URGENT, uuids(), NOW_MS)
    lane.append([press(n) for n in range(1, 6)])
    lane.ack([1, 2, 4], None, NOW_MS)
    assert waiting(lane) == [3, 5]
    assert rows(path) == [1, 2, 3, 4, 5]
    # The mark passes 3 too, but the hub has never said that it has 3.
    lane.ack([], 3, NOW_MS)
    assert rows(path) == [3, 4, 5]
    assert waiting(lane) == [3, 5]
    lane.close()


def test_a_mark_beyond_the_last_number_is_of_another_card(tmp_path: Path) -> None:
    """This file is an older image of it: what has these numbers now is in no copy."""
    path = tmp_path / "a.db"
    lane = Lane(path, URGENT, uuids(), NOW_MS)
    lane.append([press(n) for n in range(1, 4)])
    lane.ack([1, 2, 3], 4, NOW_MS)
    assert rows(path) == [1, 2, 3]
    lane.ack([], 3, NOW_MS)
    assert rows(path) == []
    lane.close()


def test_acknowledged_activations_go_after_their_time_and_no_earlier(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    lane = Lane(path, URGENT, uuids(), NOW_MS)
    lane.append([press(1), press(2)])
    lane.ack([1], None, NOW_MS)
    lane.ack([], None, NOW_MS + KEEP_ACKED_MS)
    assert rows(path) == [1, 2]
    lane.ack([], None, NOW_MS + KEEP_ACKED_MS + PRUNE_EVERY_MS + 1)
    assert rows(path) == [2]
    assert waiting(lane) == [2]
    lane.close()


def test_the_second_acknowledgement_does_not_lengthen_the_time(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    lane = Lane(path, URGENT, uuids(), NOW_MS)
    lane.append([press(1)])
    lane.ack([1], None, NOW_MS)
    lane.ack([1], None, NOW_MS + KEEP_ACKED_MS)
    lane.ack([], None, NOW_MS + KEEP_ACKED_MS + PRUNE_EVERY_MS + 1)
    assert rows(path) == []
    lane.close()


def test_rewound_rows_wait_again(tmp_path: Path) -> None:
    lane = Lane(tmp_path / "a.db", URGENT, uuids(), NOW_MS)
    lane.append([press(n) for n in range(1, 5)])
    lane.ack([1, 2, 3], None, NOW_MS)
    lane.rewind(1)
    assert waiting(lane) == [2, 3, 4]
    lane.close()


def test_telemetry_over_its_cap_loses_the_oldest_and_counts_them(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    body = 6 * 200
    cap = 3 * EVICT_ROWS * (body + ROW_OVERHEAD_BYTES)
    lane = Lane(path, LaneSettings(keep_acked=False, bytes_max=cap), uuids(), NOW_MS)
    last = 0
    for start in range(0, 8 * EVICT_ROWS, 100):
        last = lane.append([reading(start + n, padding=6) for n in range(100)])[-1].seq
    kept = rows(path)
    assert lane.evicted > 0
    assert kept == list(range(lane.evicted + 1, last + 1))
    assert stored_bytes(path) <= cap
    # And no more than it must: one step of eviction is the most that is free.
    assert len(kept) >= EVICT_ROWS
    lane.close()


def test_the_cap_still_holds_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    lane = Lane(path, TELEMETRY, uuids(), NOW_MS)
    lane.append([reading(n) for n in range(EVICT_ROWS + 100)])
    lane.close()
    full = LaneSettings(keep_acked=False, bytes_max=stored_bytes(path) + 1)
    lane = Lane(path, full, uuids(), NOW_MS)
    lane.append([reading(1)])
    assert lane.evicted == EVICT_ROWS
    lane.close()


@pytest.mark.parametrize("how", ["acknowledged", "damaged"])
def test_rows_that_left_make_room_under_the_cap(tmp_path: Path, how: str) -> None:
    path = tmp_path / "t.db"
    lane = Lane(path, LaneSettings(keep_acked=False, bytes_max=50_000), uuids(), NOW_MS)
    lane.append([reading(1)])
    for _ in range(5):
        gone = [item.seq for item in lane.append([reading(n) for n in range(100)])]
        if how == "acknowledged":
            lane.ack(gone, None, NOW_MS)
        else:
            tamper(path, "UPDATE item SET crc = crc + 1 WHERE seq > 1")
        assert waiting(lane) == [1]
    assert lane.evicted == 0
    lane.close()


def test_activations_have_no_cap(tmp_path: Path) -> None:
    lane = Lane(tmp_path / "a.db", URGENT, uuids(), NOW_MS)
    lane.append([press(n) for n in range(2 * EVICT_ROWS)], disk_low=True)
    assert lane.evicted == 0
    assert len(waiting(lane)) == 2 * EVICT_ROWS
    lane.close()


def test_on_a_low_disk_telemetry_no_longer_grows(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    lane = Lane(path, LaneSettings(keep_acked=False, bytes_max=1 << 30), uuids(), NOW_MS)
    lane.append([reading(n) for n in range(2 * EVICT_ROWS)])
    lane.append([reading(9)], disk_low=True)
    assert lane.evicted == EVICT_ROWS
    assert rows(path)[0] == EVICT_ROWS + 1
    assert rows(path)[-1] == 2 * EVICT_ROWS + 1
    lane.close()


# Against a model: any history of appends, acknowledgements and reopenings.
Step = tuple[str, int, int]

_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["append", "ack", "backup", "reopen", "kill", "rewind"]),
        st.integers(1, 4),
        st.integers(0, 30),
    ),
    max_size=25,
)


class Model:
    """What a lane of activations holds, in a dictionary: number → acknowledged."""

    def __init__(self) -> None:
        self.rows: dict[int, bool] = {}
        self.last = 0

    def append(self, count: int) -> None:
        for _ in range(count):
            self.last += 1
            self.rows[self.last] = False

    def ack(self, seqs: list[int]) -> None:
        for seq in seqs:
            if seq in self.rows:
                self.rows[seq] = True

    def backup(self, through: int) -> None:
        # Beyond the last number it is of another card.
        if through <= self.last:
            self.rows = {s: done for s, done in self.rows.items() if not (done and s <= through)}

    def rewind(self, after: int) -> None:
        self.rows = {s: done and s <= after for s, done in self.rows.items()}


def play(lane: Lane, model: Model, step: Step) -> None:
    name, count, seq = step
    if name == "append":
        model.append(count)
        assert [item.seq for item in lane.append([press(n) for n in range(count)])] == list(
            range(model.last - count + 1, model.last + 1)
        )
    elif name == "ack":
        seqs = list(range(seq, seq + count))
        model.ack(seqs)
        lane.ack(seqs, None, NOW_MS)
    elif name == "backup":
        model.backup(seq)
        lane.ack([], seq, NOW_MS)
    elif name == "rewind":
        model.rewind(seq)
        lane.rewind(seq)


@settings(max_examples=40, deadline=None)
@given(steps=_STEPS)
def test_any_history_agrees_with_the_model(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.db"
        model = Model()
        opened = [Lane(path, URGENT, uuids(), NOW_MS)]
        for step in steps:
            if step[0] in ("reopen", "kill"):
                if step[0] == "reopen":
                    opened[-1].close()
                opened.append(Lane(path, URGENT, uuids(9), NOW_MS))
            play(opened[-1], model, step)
            assert waiting(opened[-1]) == [s for s, done in model.rows.items() if not done]
            assert rows(path) == list(model.rows)
        for lane in opened:
            lane.close()
