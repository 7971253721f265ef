"""At a hub's start: what a program before this one did not keep as this one does."""

from hearthwatch.logs import say
from hearthwatch.sealed_book import seal_the_rest
from ledger.persons import index
from ledger.writer import Writer


async def catch_up(writer: Writer) -> None:
    await find_all(writer)
    await seal_the_rest(writer)


async def find_all(writer: Writer) -> None:
    """In portions between presses. What stops it does not stop the hub: names are found later."""
    try:
        while await writer.change(lambda unit: index.catch_up(unit.cursor)):
            continue
    except Exception as error:  # noqa: BLE001 - see above
        say("persons_not_indexed", f"{type(error).__name__}: {error}")
