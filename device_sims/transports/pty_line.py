"""A serial line as a pseudo-terminal with a name that stays: the gateway opens the link."""

import asyncio
import os
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Final

_READ_BYTES: Final = 4096


class PtyLine:
    """The device's side of a line. The far side is held open, so a gateway may come and go."""

    def __init__(self, link: Path, on_bytes: Callable[[bytes], bytes] | None = None) -> None:
        self._link = link
        self._on_bytes = on_bytes
        self._device, self._far = os.openpty()
        tty.setraw(self._far)
        os.set_blocking(self._device, False)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(os.ttyname(self._far))

    def start(self) -> None:
        asyncio.get_running_loop().add_reader(self._device, self._readable)

    def _readable(self) -> None:
        try:
            data = os.read(self._device, _READ_BYTES)
        except BlockingIOError:
            return
        if self._on_bytes is not None:
            self.write(self._on_bytes(data))

    def write(self, data: bytes) -> None:
        """What the device says; a full line (nobody reads) drops it, as a wire would."""
        if not data:
            return
        try:
            os.write(self._device, data)
        except BlockingIOError:
            return

    def close(self) -> None:
        self._link.unlink(missing_ok=True)
        os.close(self._device)
        os.close(self._far)
