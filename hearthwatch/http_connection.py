"""A connection of uvicorn's that nobody can hold for nothing.

  no request within 20 s     it is closed: half a head, a body behind an answer, silence
  an answer nobody takes     nothing of it left in 80 s: it is cut off
  too many connections       the one that has waited longest without a request goes, so that the
                             next one, which may be a press, comes in

A body that comes too slowly is `dashboard.request_limits`' business.
"""

import asyncio
import resource
import socket
import sys
from collections import OrderedDict
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

# Each connection is looked at this often. Browsers keep theirs for the next request, which then
# opens a new one: nothing is lost.
LOOK_S: Final = 20.0
# Looks at which nothing of an answer had gone out before it is cut off: a line that is away for a
# minute is usual in a village.
STUCK_LOOKS_MAX: Final = 4
# Five hundred screens have a stream and a few more each. Each connection costs a file and 50 kB.
CONNECTIONS_MAX: Final = 4_000
# Of all open files; the rest is for the book, the broker and who is told.
SHARE_OF_FILES: Final = 0.75


class GuardedConnection(H11Protocol):
    """`waiting`: all of a server that have no request, the one that waits longest first."""

    waiting: ClassVar[OrderedDict["GuardedConnection", None]]

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._look: asyncio.TimerHandle | None = None
        # As of the last look: whether it waited, and how much the other side had taken.
        self._waited = False
        self._taken = 0
        self._stuck_looks = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn narrows it likewise
        self.waiting[self] = None
        self._look_later()
        if len(self.connections) > most_connections():
            oldest = next(iter(self.waiting))
            oldest.leave()

    def connection_lost(self, exc: Exception | None) -> None:
        self.waiting.pop(self, None)
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        if self.cycle is not None and not self.cycle.response_complete:
            self.waiting.pop(self, None)
            self._waited = False

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing():
            self.waiting[self] = None

    def leave(self) -> None:
        """Nothing is under way here that anybody waits for."""
        self.waiting.pop(self, None)
        self.transport.abort()

    def _look_later(self) -> None:
        self._look = self.loop.call_later(LOOK_S, self._look_at_it)

    def _look_at_it(self) -> None:
        self._look = None
        unsent = self.transport.get_write_buffer_size()
        taken = bytes_taken(self.transport)
        stuck = unsent > 0 and taken == self._taken
        self._stuck_looks = self._stuck_looks + 1 if stuck else 0
        self._taken = taken
        if self._stuck_looks >= STUCK_LOOKS_MAX:
            self.leave()
            return
        waits = self in self.waiting and not unsent
        if waits and self._waited:
            self.leave()
            return
        self._waited = waits
        self._look_later()


def connections_of_one_server() -> type[GuardedConnection]:
    """What uvicorn makes connections from; servers of one process don't count each other's."""

    class Connection(GuardedConnection):
        waiting: ClassVar[OrderedDict[GuardedConnection, None]] = OrderedDict()

    return Connection


def bytes_taken(transport: asyncio.Transport) -> int:
    """What the other side has acknowledged. Our own buffer says less: the kernel holds megabytes
    before it, for which a thin line needs minutes."""
    connected = transport.get_extra_info("socket")
    told = connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_ACKED_AT + 8)
    return int.from_bytes(told[_BYTES_ACKED_AT:], sys.byteorder)


# Of Linux' `struct tcp_info`: eight bytes, 24 numbers of four and two of eight stand before it.
_BYTES_ACKED_AT: Final = 8 + 24 * 4 + 2 * 8


def most_connections() -> int:
    """As many as are good for the hub, and as there are files for."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return CONNECTIONS_MAX
    return min(CONNECTIONS_MAX, int(soft * SHARE_OF_FILES))
