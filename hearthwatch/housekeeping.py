"""What a hub does beside its work: memory given back, heads told, and what has had its time taken
away each night."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from sqlalchemy import Engine

from hearthwatch.audit_copy import copy_trail
from hearthwatch.clock import wall_ms
from hearthwatch.heads import tell_heads
from hearthwatch.hub_config import HubConfig
from hearthwatch.logs import say
from hearthwatch.memory import keep_tidy
from ledger.erasure.periods import Periods
from ledger.erasure.retention import proposed, take_away
from ledger.writer import Writer
from rules.local_time import day_of

# Whether a night has passed is looked for this often.
LOOK_S: Final = 600.0


async def keep_house(
    writer: Writer, reader: Engine, config: HubConfig, now_ms: Callable[[], int]
) -> None:
    await asyncio.gather(
        keep_tidy(),
        tell_heads(reader, say),
        keep_periods(writer, config.periods, now_ms, say),
        copy_trail(
            config.audit_copy, config.book.open_copier, writer, lambda: wall_ms() // 1000, say
        ),
    )


async def keep_periods(
    writer: Writer,
    periods: Periods,
    now_ms: Callable[[], int],
    log: Callable[[str, str], None],
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Once a day, and at the start. What stops it does not stop the hub."""
    done: int | None = None
    while True:
        today = day_of(now_ms())
        if today != done:
            try:
                await _keep(writer, periods, log)
                done = today
            except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
                log("retention_not_kept", f"{type(error).__name__}: {error}")
        await pause(LOOK_S)


async def _keep(writer: Writer, periods: Periods, log: Callable[[str, str], None]) -> None:
    taken = 0
    while some := await writer.change(lambda unit: take_away(unit, periods)):
        taken += some
    if taken:
        log("retention", f"{taken} rows of what could not be read were taken away")
    found = await writer.change(lambda unit: proposed(unit.cursor, periods, unit.now_ms))
    if found:
        log("erasure_proposed", f"{len(found)} persons; see hearthwatch retention --plan")
