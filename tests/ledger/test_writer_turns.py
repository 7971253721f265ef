"""A turn at a book that others write too is short, however much waits; nothing is left behind."""

from concurrent.futures import Future

from ledger.database import open_writer
from ledger.writer import Writer
from tests.adapters.migrated import migrated


class Clock:
    """Each look at it is a tenth of a second later."""

    def __init__(self) -> None:
        self.at_s = 0.0

    def __call__(self) -> float:
        self.at_s += 0.1
        return self.at_s


def test_what_a_turn_had_no_time_for_comes_in_the_next_ones_and_in_order(tmp_path) -> None:
    path = tmp_path / "book.db"
    migrated(path)
    writer = Writer(open_writer(path), lambda: 0, turn_s=0.25, running_s=Clock())
    done: list[int] = []
    asked: list[Future[None]] = [
        writer.submit(lambda _unit, number=number: done.append(number)) for number in range(8)
    ]
    # Who goes away before a turn has taken him up is left out.
    asked[7].cancel()
    turns = []
    while not writer.idle:
        writer.step()
        turns.append(len(done))
        assert [number for number, future in enumerate(asked) if future.done()][: len(done)] == done
    assert done == [0, 1, 2, 3, 4, 5, 6]
    assert turns == [3, 6, 7]
    writer.close()


def test_who_stops_finishes_what_is_left(tmp_path) -> None:
    path = tmp_path / "book.db"
    migrated(path)
    writer = Writer(open_writer(path), lambda: 0, turn_s=0.0, running_s=Clock())
    asked = [writer.submit(lambda _unit: None) for _ in range(5)]
    writer.start()
    writer.close()
    assert all(future.done() for future in asked)
    assert writer.commits == 5
