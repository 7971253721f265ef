"""What the book's servers say of themselves, as Prometheus is told it."""

import asyncio
import math

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import create_engine

from hearthwatch.part_gauges import standby_registry
from hearthwatch.server_watch import ServerWatch, looked
from tests.adapters.postgres import Postgres


async def looked_once(watch: ServerWatch) -> None:
    task = asyncio.create_task(watch.run())
    await watch.paused.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class Watched(ServerWatch):
    """Looks once, and then rests until it is looked at."""

    def __init__(self, reader, log) -> None:
        self.paused = asyncio.Event()
        super().__init__(reader, log, self._rest)

    async def _rest(self, _seconds: float) -> None:
        self.paused.set()
        await asyncio.Event().wait()


async def test_a_book_without_standbys_says_so_and_how_often_it_was_taken(
    postgres: Postgres,
) -> None:
    book = postgres.fresh()
    for _ in range(3):
        book.open_hub().close()
    reader = book.open_reader()
    watch, registry = Watched(reader, lambda *_words: None), CollectorRegistry()
    watch.measure(registry)
    await looked_once(watch)

    def told(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"hearthwatch_{name}", labels)

    assert told("book_server_up") == 1
    assert (told("book_standbys_asked"), told("book_standbys")) == (0, 0)
    assert told("takings", part="hub") == 3
    size = told("book_size_bytes")
    assert size is not None
    assert size > 1e6
    reader.dispose()


async def test_a_server_that_is_away_is_told_as_that_and_logged_once() -> None:
    said: list[tuple[str, str]] = []
    reader = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/book")
    watch, registry = Watched(reader, lambda *words: said.append(words)), CollectorRegistry()
    watch.measure(registry)
    await looked_once(watch)
    watch.paused.clear()
    await looked_once(watch)
    assert registry.get_sample_value("hearthwatch_book_server_up") == 0
    missing = registry.get_sample_value("hearthwatch_book_standbys")
    assert missing is not None
    assert math.isnan(missing), "not known is not none"
    assert said == [("book_server_away", "OperationalError")]
    reader.dispose()


def test_who_may_not_see_standbys_tells_no_number_of_them(postgres: Postgres) -> None:
    book = postgres.fresh()
    name = book.url.database
    postgres.sql("CREATE ROLE just_a_hub", name)
    postgres.sql("GRANT SELECT ON entry, hub_lease TO just_a_hub", name)
    reader = book.open_reader()
    with reader.connect() as connection:
        connection.exec_driver_sql("SET ROLE just_a_hub")
        figures = looked(connection).figures
    reader.dispose()
    assert figures["book_server_up"] == 1
    assert "book_standbys" not in figures


@pytest.mark.parametrize("name", ["hearthwatch_standby"])
def test_a_process_that_waits_is_none_that_is_gone(name: str) -> None:
    assert standby_registry().get_sample_value(name) == 1
