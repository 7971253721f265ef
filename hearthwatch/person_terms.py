"""At a hub's start: what a program before this one did not keep as this one does."""

from hearthwatch.portions import in_portions
from hearthwatch.sealed_book import seal_the_rest
from ledger.persons import index
from ledger.writer import Writer


async def catch_up(writer: Writer) -> None:
    await find_all(writer)
    await seal_the_rest(writer)


async def find_all(writer: Writer) -> None:
    """Names and telephones as they are searched for."""
    await in_portions(writer, lambda unit: index.catch_up(unit.cursor), "persons_not_indexed")
