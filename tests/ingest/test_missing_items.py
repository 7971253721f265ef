"""What a gateway acknowledges to have sent and the hub has not got is asked for, a few times."""

import json
from pathlib import Path

import pytest

from alarms.outbox import TableOutbox
from contract.envelope import Status
from ingest.stored_marks import StoredMarks
from ingest.supervision import ASK_AGES_MS, GAP_MS, watch_gaps
from tests.adapters.book import Book

SPOOL = "0d5c"


class Village:
    """A gateway's heartbeats and the hub's marks of its spool."""

    def __init__(self, folder: Path) -> None:
        self.book = Book(folder / "hub.db")
        self.marks = StoredMarks()
        self.book.writer.attach(self.marks)

    def in_the_book(self, *seqs: int) -> None:
        mark = self.marks.of(SPOOL, "gw-1")
        for seq in seqs:
            mark.add(seq)

    def beat(self, last_seq: int, oldest_unacked_s: float | None = None) -> None:
        status = Status(
            gateway="gw-1",
            online=True,
            spool=SPOOL,
            last_seq=last_seq,
            oldest_unacked_s=oldest_unacked_s,
        )
        outbox = TableOutbox()
        self.book.writer.submit(
            lambda unit: watch_gaps(unit, self.book.alarms, self.marks, [status], outbox)
        )
        self.book.writer.step()

    def asked(self) -> list[int]:
        rows = self.book.rows("SELECT channel, target, body FROM outbox ORDER BY created_at_ms")
        assert {(row["channel"], row["target"]) for row in rows} <= {("gateway_command", "gw-1")}
        bodies = [json.loads(row["body"]) for row in rows]
        assert {body["command"] for body in bodies} <= {"reload"}
        return [body["args"]["replay_after"] for body in bodies]


@pytest.fixture
def village(tmp_path: Path) -> Village:
    return Village(tmp_path)


def test_nothing_is_asked_for_while_nothing_is_missing(village: Village) -> None:
    village.in_the_book(1, 2, 3)
    village.beat(3)
    assert village.asked() == []


def test_a_hub_from_an_older_copy_asks_for_the_rest_at_once(village: Village) -> None:
    village.in_the_book(1, 2, 3)
    village.beat(9)
    assert village.asked() == [3]
    assert village.book.rows("SELECT * FROM alarm") == []
    village.in_the_book(*range(4, 10))
    village.book.now_ms += 30_000
    village.beat(9)
    assert village.asked() == [3]


def test_what_waits_at_the_gateway_is_not_asked_for(village: Village) -> None:
    village.in_the_book(1, 2, 3)
    for _beat in range(4):
        village.beat(9, oldest_unacked_s=2.0)
        village.book.now_ms += GAP_MS
    assert village.asked() == []


def test_a_hole_below_what_is_in_is_asked_for_when_it_stays(village: Village) -> None:
    """A press came meanwhile, so that something always waits."""
    village.in_the_book(1, 2, 3, 9)
    village.beat(10, oldest_unacked_s=0.5)
    assert village.asked() == []
    village.book.now_ms += GAP_MS
    village.beat(10, oldest_unacked_s=0.5)
    assert village.asked() == [3]


def test_what_nobody_has_any_more_is_asked_for_a_bounded_number_of_times(village: Village) -> None:
    village.in_the_book(1)
    for _beat in range(200):
        village.beat(5)
        village.book.now_ms += 15 * 60_000
    assert village.asked() == [1] * len(ASK_AGES_MS)
    assert len(village.book.rows("SELECT * FROM alarm WHERE kind = 'spool_gap'")) == 1
