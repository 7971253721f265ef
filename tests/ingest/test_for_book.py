"""What the lane has for the book and the book was too slow for."""

from concurrent.futures import Future
from types import SimpleNamespace

import pytest

from ingest import for_book
from ingest.for_book import ForBook
from ingest.readings.port import StoreError


def test_what_was_given_up_is_not_told_when_the_book_gets_to_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its shard is another worker's by then, which would never say that it is over."""
    monkeypatch.setattr(for_book, "BOOK_TIMEOUT_S", 0.0)
    waiting: list[Future[None]] = []

    def submit(_apply: object) -> Future[None]:
        waiting.append(Future())
        return waiting[-1]

    told = ForBook(SimpleNamespace(submit=submit), SimpleNamespace(), SimpleNamespace())
    told.unknown(("gw-1", "button-1"), "sos")
    with pytest.raises(StoreError):
        told.tell()
    [change] = waiting
    # As the writer does at the beginning of a change.
    assert not change.set_running_or_notify_cancel()
