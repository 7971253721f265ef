"""The same envelope by HTTPS POST, when the hub has not acknowledged an activation in time.

The broker may be down, its port closed on the way, or the hub cut off from it: the hub's own web
address is another road to the same book. The answer to the POST is the acknowledgement that would
have come by MQTT and is taken as one, so an item that went both ways is one event by its id.
"""

import asyncio
import http.client
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, Protocol
from urllib.parse import urlsplit

# After this long without the hub's word a press takes the second path as well.
AFTER_S: Final = 10.0
# How often unacknowledged items are looked at; a second beside the ten.
LOOK_S: Final = 1.0
# Items of one POST; a village's burst of presses goes in a few.
ITEMS_MAX: Final = 50
TIMEOUT_S: Final = 10.0
# Tried again after 2, 4 … 60 s: the road may open at any time, and a key may be issued meanwhile.
RETRY_FIRST_S: Final = 2.0
RETRY_MAX_S: Final = 60.0
# An acknowledgement of 50 items is 4 kB; more is not our hub.
ANSWER_BYTES_MAX: Final = 64 * 1024
PATH: Final = "/api/v1/activations"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpsSettings:
    """`url`: the hub's address without a path. http is for this machine only.
    system_authorities: besides `ca_file`; a proxy before the hub may have a public certificate."""

    url: str
    key: str = field(repr=False)
    ca_file: Path | None = None
    system_authorities: bool = False
    after_s: float = AFTER_S


class Lane(Protocol):
    """The activation lane as this path needs it."""

    def overdue(self, after_s: float, limit: int) -> bytes | None:
        """An envelope of the presses that wait longer than that, or None."""
        ...


class Answer(NamedTuple):
    status: int
    body: bytes


class HttpsPath:
    """A part of the gateway's process, on its event loop. `take_ack` is given what the hub said."""

    def __init__(
        self,
        settings: HttpsSettings,
        lane: Lane,
        take_ack: Callable[[bytes], None],
        log: Callable[[str, str], None],
    ) -> None:
        self._settings = settings
        self._lane = lane
        self._take_ack = take_ack
        self._log = log
        self.posted = 0

    async def run(self) -> None:
        """Look every second; after a failure ever more rarely."""
        retry_s = RETRY_FIRST_S
        while True:
            envelope = self._lane.overdue(self._settings.after_s, ITEMS_MAX)
            if envelope is None:
                retry_s = RETRY_FIRST_S
                await asyncio.sleep(LOOK_S)
            elif await self._send(envelope):
                retry_s = RETRY_FIRST_S
                # The spool's thread forgets what was acknowledged; then the next are looked at.
                await asyncio.sleep(LOOK_S)
            else:
                await asyncio.sleep(retry_s)
                retry_s = min(retry_s * 2, RETRY_MAX_S)

    async def _send(self, envelope: bytes) -> bool:
        try:
            answer = await asyncio.to_thread(post, self._settings, envelope)
        except (OSError, http.client.HTTPException) as error:
            # An answer's text may hold anything; its kind says enough.
            self._log("second_path_failed", f"{type(error).__name__}: {error}"[:200])
            return False
        if answer.status != 200:
            self._log("second_path_refused", f"the hub answered {answer.status}")
            return False
        self.posted += 1
        self._log("second_path_used", f"{len(envelope)} bytes acknowledged")
        self._take_ack(answer.body)
        return True


def post(settings: HttpsSettings, envelope: bytes) -> Answer:
    """One POST on a connection of its own, in a thread; OSError or HTTPException when it fails."""
    address = urlsplit(settings.url)
    host = address.hostname or ""
    connection: http.client.HTTPConnection
    if address.scheme == "https":
        context = ssl.create_default_context(
            cafile=None if settings.ca_file is None else str(settings.ca_file)
        )
        if settings.system_authorities:
            context.load_default_certs()
        connection = http.client.HTTPSConnection(
            host, address.port, timeout=TIMEOUT_S, context=context
        )
    else:
        connection = http.client.HTTPConnection(host, address.port, timeout=TIMEOUT_S)
    headers = {"Authorization": f"Bearer {settings.key}", "Content-Type": "application/json"}
    try:
        connection.request("POST", PATH, envelope, headers)
        response = connection.getresponse()
        return Answer(response.status, response.read(ANSWER_BYTES_MAX))
    finally:
        connection.close()
