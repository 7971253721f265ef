"""A migration that is killed at a chosen point: a program of its own, so that kill -9 is one."""

import multiprocessing
import os
import signal
from typing import Any, Final

from sqlalchemy import Engine, event
from sqlalchemy.pool import Pool

from ledger.place import Place

# Started once, with everything imported: each child is then a fork of it.
_CONTEXT: Final = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])
PATIENCE_S: Final = 120


def killed_at(place: Place, point: int) -> bool:
    """Migrate, and be killed before the n-th statement or COMMIT, or right after one; False: there
    are fewer, and it has ended."""
    child = _CONTEXT.Process(target=_migrate, args=(place, point))
    child.start()
    child.join(PATIENCE_S)
    code = child.exitcode
    assert code in {0, -signal.SIGKILL}, f"exit code {code}"
    return code != 0


def _migrate(place: Place, point: int) -> None:
    left = point

    def here(*_arguments: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", here)
    event.listen(Engine, "commit", here)
    # A connection comes back to its pool when its transaction has ended.
    event.listen(Pool, "checkin", here)
    place.migrate()
