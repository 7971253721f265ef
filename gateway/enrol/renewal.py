"""A part of the gateway's process: its certificate is renewed at two thirds of its life.

An expired certificate may still be renewed, so it is tried for as long as it takes; calls for help
go by the second path meanwhile, which has a credential of its own.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from contract.config import ConfigError
from gateway.enrol import identity
from gateway.enrol.hub_calls import EnrolmentFailed
from gateway.enrol.identity import Identity
from gateway.enrol.openssl import OpensslFailed
from gateway.enrol.steps import renew

LOOK_S: Final = 3600.0
# A month is left: a line that is down for a night is no matter, and a hub is not asked each second.
RETRY_FIRST_S: Final = 60.0
RETRY_MAX_S: Final = 3600.0
FAULT: Final = "certificate_ending"


class Renewal:
    """`renewed`: connections are to be made anew. `trouble`: told with why when it is not renewed
    in time, and with "" when it is."""

    def __init__(
        self,
        data_dir: Path,
        *,
        now_ms: Callable[[], int],
        renewed: Callable[[], None],
        trouble: Callable[[str], None],
        log: Callable[[str, str], None],
    ) -> None:
        self._data_dir = data_dir
        self._now_ms = now_ms
        self._renewed = renewed
        self._trouble = trouble
        self._log = log
        self._told = False

    async def run(self) -> None:
        retry_s = RETRY_FIRST_S
        while True:
            if await self.look():
                retry_s = RETRY_FIRST_S
                await asyncio.sleep(LOOK_S)
            else:
                await asyncio.sleep(retry_s)
                retry_s = min(retry_s * 2, RETRY_MAX_S)

    async def look(self) -> bool:
        """Renew if it is time; False when it was not to be had."""
        try:
            held = identity.load(self._data_dir)
        except ConfigError as error:
            self._log("identity_unreadable", str(error))
            return False
        # By a clock that may be wrong: a hub asked too early says so, and nothing has changed.
        if self._now_ms() < held.renew_at_ms:
            return True
        try:
            fresh = await renew(self._data_dir, held)
        except (EnrolmentFailed, OpensslFailed, OSError) as error:
            self._log("certificate_not_renewed", str(error)[:200])
            self._worry(held, str(error))
            return False
        self._log("certificate_renewed", f"{held.serial} -> {fresh.serial}")
        # A program before this one may have told it.
        if self._told or self._now_ms() >= held.worry_at_ms:
            self._told = False
            self._trouble("")
        self._renewed()
        return True

    def _worry(self, held: Identity, why: str) -> None:
        if not self._told and self._now_ms() >= held.worry_at_ms:
            self._told = True
            self._trouble(why)
