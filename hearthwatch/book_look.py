"""Whether what the hub keeps on this machine is still what was written: looked at beside the
running hub, at the start and once a day, and told by `/readyz` until it is mended.

A hub with a damaged page goes on: a press that its good pages can take is better taken than not,
what they can't take stays at the gateway. But it is never ready in silence.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from ingest.readings.copying import STORES
from ledger.place import Place
from ledger.soundness import damaged_pages

# A county's book is read in some ten seconds, a disk goes bad over weeks.
EVERY_S: Final = 86_400.0
# Of one look; the log has them all.
SHOWN: Final = 200


class BookLook:
    """`before`: what was found wrong when the book was opened; it stays until the next start."""

    def __init__(
        self,
        place: Place,
        data_dir: Path,
        before: str | None,
        log: Callable[[str, str], None],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._place = place
        self._data_dir = data_dir
        self._before = before
        self._log = log
        self._pause = pause
        self.state = "ok" if before is None else before[:SHOWN]
        if before is not None:
            log("book_damaged", before)

    async def run(self) -> None:
        while True:
            try:
                found = await asyncio.to_thread(self._look)
                self.state = found[0][:SHOWN] if found else "ok"
                for line in found:
                    self._log("book_damaged", line)
            except Exception as error:  # noqa: BLE001 - a look that fails must not end the hub
                self.state = f"not looked at: {type(error).__name__}"
                self._log("book_not_looked_at", f"{type(error).__name__}: {error}")
            await self._pause(EVERY_S)

    def _look(self) -> list[str]:
        found = [] if self._before is None else [self._before]
        found += self._place.damaged()
        for name in STORES:
            path = self._data_dir / name
            if path.exists():
                found += [f"{name}: {line}" for line in damaged_pages(path)]
        return found
