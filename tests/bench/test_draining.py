"""What `./dev bench --workers` waits for has an end."""

import pytest

from bench.draining import STALLED_S, stored_at_least


class Worker:
    """Stores one more each second, up to `most`."""

    def __init__(self, most: int) -> None:
        self.most, self.now_s = most, 0.0

    def stored(self) -> int:
        return min(self.most, int(self.now_s))

    def pause(self, seconds: float) -> None:
        self.now_s += seconds
        assert self.now_s < 10 * STALLED_S, "it waits for ever"


def waited(worker: Worker, wanted: int) -> float:
    stored_at_least(wanted, worker.stored, lambda: worker.now_s, worker.pause)
    return worker.now_s


def test_as_long_as_something_comes_it_waits() -> None:
    assert waited(Worker(1000), 300) == pytest.approx(300, abs=1)
    assert waited(Worker(0), 0) == 0


def test_when_nothing_comes_any_more_it_ends() -> None:
    worker = Worker(3)
    with pytest.raises(SystemExit, match="3 of 16 readings were stored, then nothing"):
        waited(worker, 16)
    assert worker.now_s == pytest.approx(3 + STALLED_S, abs=1)
