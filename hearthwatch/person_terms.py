"""At a hub's start: what persons are found by, where a program before this one did not keep it."""

from hearthwatch.logs import say
from ledger.persons import index
from ledger.writer import Writer


async def catch_up(writer: Writer) -> None:
    """In portions between presses. What stops it does not stop the hub: names are found later."""
    try:
        while await writer.change(lambda unit: index.catch_up(unit.cursor)):
            continue
    except Exception as error:  # noqa: BLE001 - see above
        say("persons_not_indexed", f"{type(error).__name__}: {error}")
