"""A serial line as a pseudo-terminal with a name that stays: the gateway opens the link."""

import asyncio
import os
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Final

_READ_BYTES: Final = 4096


class PtyLine:
    """The device's side of a line. The far side is held open, so a gateway may come and go.

    `delay_s`: how long an answer takes (a real meter: 20 to 500 ms); an accelerated clock leaves
    no time for it.
    """

    def __init__(
        self,
        link: Path,
        on_bytes: Callable[[bytes], bytes] | None = None,
        *,
        delay_s: float = 0.0,
    ) -> None:
        self.lost_bytes = 0
        self._link = link
        self._on_bytes = on_bytes
        self._delay_s = delay_s
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._device, self._far = os.openpty()
        tty.setraw(self._far)
        os.set_blocking(self._device, False)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(os.ttyname(self._far))

    def start(self) -> None:
        """Answer from now on, in the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._device, self._readable)

    def write(self, data: bytes) -> None:
        """What the device says; on a full line (nobody reads) it is lost, as on a wire."""
        if not data or self._closed:
            return
        try:
            written = os.write(self._device, data)
        except BlockingIOError:
            written = 0
        self.lost_bytes += len(data) - written

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._loop is not None:
            self._loop.remove_reader(self._device)
        self._link.unlink(missing_ok=True)
        os.close(self._device)
        os.close(self._far)

    def _readable(self) -> None:
        try:
            data = os.read(self._device, _READ_BYTES)
        except BlockingIOError:
            return
        if self._on_bytes is None:
            return
        answer = self._on_bytes(data)
        if self._loop is not None and self._delay_s > 0:
            self._loop.call_later(self._delay_s, self.write, answer)
        else:
            self.write(answer)
