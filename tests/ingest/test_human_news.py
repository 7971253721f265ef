"""Stays as the rules are told of them, of a book that is made anew with each change."""

from types import SimpleNamespace

from ingest.human_news import HumanNews

NOW_MS = 1_767_225_600_000


class Book:
    """As much of one as is asked for."""

    def __init__(self) -> None:
        self.stays = SimpleNamespace(present={}, cut_short_ms={})
        self.heard = SimpleNamespace(present={})
        self.found_out = SimpleNamespace(present={})


def told(news: HumanNews) -> list[tuple[str, str, dict]]:
    return [(home, seen.attrs["stay"], dict(seen.values)) for home, seen in news.news(NOW_MS)]


def test_how_far_an_absence_was_cut_short_is_told_with_its_end() -> None:
    book = Book()
    news = HumanNews(book)
    book.stays = SimpleNamespace(
        present={"a": frozenset({"away"}), "b": frozenset({"away"})}, cut_short_ms={}
    )
    assert ("a", "away", {"active": 1.0}) in told(news)
    book.stays = SimpleNamespace(
        present={"a": frozenset(), "b": frozenset()}, cut_short_ms={"a": 90_000}
    )
    assert told(news) == [
        ("a", "away", {"active": 0.0, "cut_short_ms": 90_000.0}),
        ("b", "away", {"active": 0.0}),
    ]
    assert told(news) == []


def test_one_that_began_again_says_nothing_of_the_last() -> None:
    book = Book()
    news = HumanNews(book)
    book.stays = SimpleNamespace(present={"a": frozenset({"away"})}, cut_short_ms={"a": 90_000})
    assert {values.get("cut_short_ms") for _home, _kind, values in told(news)} == {None}
