"""What an older program left to do, done between presses."""

from collections.abc import Callable

from hearthwatch.logs import say
from ledger.unit_of_work import UnitOfWork
from ledger.writer import Writer


async def in_portions(writer: Writer, portion: Callable[[UnitOfWork], bool], code: str) -> None:
    """`portion` is True while there is more. A hub without it still hears presses: what stops it is
    logged as `code`, and the next start goes on."""
    try:
        while await writer.change(portion):
            continue
    except Exception as error:  # noqa: BLE001 - whatever it is, presses are heard
        say(code, f"{type(error).__name__}: {error}")
