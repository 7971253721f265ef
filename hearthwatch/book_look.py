"""Whether what the hub keeps on this machine is still what was written: looked at beside the
running hub, at the start and once a day, and told by `/readyz` until it is mended.

A hub with a damaged page goes on: a press that its good pages can take is better taken than not,
what they can't take stays at the gateway. But it is never ready in silence.
"""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from ingest.readings.copying import STORES
from ledger.place import Place
from ledger.soundness import damaged_pages

# A county's book is read in some ten seconds, a disk goes bad over weeks.
EVERY_S: Final = 86_400.0
# After a look that failed: what stood in its way is soon over.
AGAIN_S: Final = 600.0
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
            pause_s = EVERY_S
            try:
                found = await self._looked()
                self.state = found[0][:SHOWN] if found else "ok"
                for line in found:
                    self._log("book_damaged", line)
            except Exception as error:  # noqa: BLE001 - a look that fails must not end the hub
                self.state = f"not looked at: {type(error).__name__}"
                self._log("book_not_looked_at", f"{type(error).__name__}: {error}")
                pause_s = AGAIN_S
            await self._pause(pause_s)

    async def _looked(self) -> list[str]:
        """In a thread that nobody waits for: a hub that is to end must not read gigabytes first,
        as it would in one of the loop's own."""
        loop = asyncio.get_running_loop()
        looked: asyncio.Future[list[str]] = loop.create_future()

        def told(found: list[str], error: Exception | None) -> None:
            if looked.done():
                return
            if error is None:
                looked.set_result(found)
            else:
                looked.set_exception(error)

        def look() -> None:
            found: list[str] = []
            failed: Exception | None = None
            try:
                found = self._look()
            except Exception as error:  # noqa: BLE001 - it is raised where it is awaited
                failed = error
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(told, found, failed)

        threading.Thread(target=look, name="book-look", daemon=True).start()
        return await looked

    def _look(self) -> list[str]:
        found = [] if self._before is None else [self._before]
        found += self._place.damaged()
        for name in STORES:
            path = self._data_dir / name
            if path.exists():
                found += [f"{name}: {line}" for line in damaged_pages(path)]
        return found
