"""The heads of the book's chains, told to the log.

The log leaves this machine where somebody wants it to; whoever then makes a chain anew is found out
by the heads that were told (`hearthwatch doctor --hub hub.toml --anchor HEAD`).
"""

import asyncio
from collections.abc import Callable
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from ledger.chain_check import newest_links

# What is made anew inside of an hour stays unseen.
EVERY_S: Final = 3600.0


async def tell_heads(reader: Engine, log: Callable[[str, str], None]) -> None:
    """Now and every hour, until it is cancelled."""
    while True:
        try:
            heads = await asyncio.to_thread(_heads, reader)
            log("book_heads", " ".join(f"{name}={head}" for name, head in heads.items()))
        except SQLAlchemyError as error:
            log("book_heads_not_read", type(error).__name__)
        await asyncio.sleep(EVERY_S)


def _heads(reader: Engine) -> dict[str, str]:
    with reader.connect() as connection:
        return newest_links(connection)
