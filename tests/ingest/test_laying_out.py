"""Reading a province into memory is not interrupted by Python's collector."""

import gc
from collections.abc import Iterator

import pytest

from ingest import laying_out
from ingest.laying_out import undisturbed


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def test_it_looks_for_nothing_meanwhile() -> None:
    rounds: list[str] = []

    def noted(phase: str, _info: object) -> None:
        rounds.append(phase)

    gc.callbacks.append(noted)
    try:
        with undisturbed():
            kept = [[number] for number in range(20_000)]
            meanwhile = len(rounds)
        assert meanwhile == 0
        assert len(kept) == 20_000
    finally:
        gc.callbacks.remove(noted)
    assert gc.isenabled()


def test_much_that_stays_is_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(laying_out, "MANY", 1000)
    frozen = gc.get_freeze_count()
    with undisturbed():
        kept = [[number] for number in range(2000)]
    assert gc.get_freeze_count() >= frozen + len(kept)


def test_little_is_left_to_the_collector() -> None:
    gc.collect()
    frozen = gc.get_freeze_count()
    with undisturbed():
        kept = [[number] for number in range(100)]
    assert gc.get_freeze_count() == frozen
    assert len(kept) == 100


def test_after_a_failure_it_works_again() -> None:
    with pytest.raises(KeyError), undisturbed():
        raise KeyError("no such home")
    assert gc.isenabled()


def test_where_it_was_off_it_stays_off() -> None:
    gc.disable()
    with undisturbed():
        pass
    assert not gc.isenabled()
