"""A hub as any other, that notes when a press passes which part of it; for `bench.parts`.

The moments are those of the machine's monotonic clock, so that another process can set its own
beside them. They are written to the file `HEARTHWATCH_STAMPS` at the end.
"""

import atexit
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from hearthwatch.__main__ import main
from ingest.mqtt import asyncio_client
from ledger.feed import Feed, FeedEvent, FeedSubscription
from ledger.writer import Writer

# In the order in which a press passes them.
PARTS: Final = ("came", "queued", "begun", "locked", "applied", "committed", "published", "taken")
_STAMPS: Final[list[tuple[str, float]]] = []


def _stamped(owner: type, name: str, part: str) -> None:
    method: Callable[..., Any] = getattr(owner, name)

    def with_stamp(*args: Any, **words: Any) -> Any:
        _STAMPS.append((part, time.perf_counter()))
        return method(*args, **words)

    setattr(owner, name, with_stamp)


def _stamp_all() -> None:
    _stamped(asyncio_client._Connection, "data_received", "came")
    _stamped(Writer, "submit", "queued")
    _stamped(Writer, "_commit", "begun")
    _stamped(Writer, "_catch_up", "locked")
    _stamped(Writer, "_end", "applied")
    _stamped(Writer, "_judge", "committed")
    _stamped(Feed, "publish", "published")
    take = FeedSubscription.take

    async def taken(self: FeedSubscription, timeout_s: float) -> list[FeedEvent]:
        events = await take(self, timeout_s)
        if events:
            _STAMPS.append(("taken", time.perf_counter()))
        return events

    # Stamped when it has been awaited, so not as the others; the class is replaced on purpose.
    FeedSubscription.take = taken  # type: ignore[method-assign]


def _write() -> None:
    Path(os.environ["HEARTHWATCH_STAMPS"]).write_text(json.dumps(_STAMPS))


if __name__ == "__main__":
    _stamp_all()
    atexit.register(_write)
    sys.exit(main())
