"""A simulated GSM modem behind a pseudo-terminal, for programs that open a real port."""

import os
import select
import threading
import tty
from pathlib import Path

from device_sims.devices.gsm_modem import GsmModem, SentMessage


class ModemOnALine:
    """The simulated modem behind a pseudo-terminal, in a thread of its own."""

    def __init__(self, link: Path) -> None:
        self.modem = GsmModem()
        self._device, self._far = os.openpty()
        tty.setraw(self._far)
        link.symlink_to(os.ttyname(self._far))
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            ready, _, _ = select.select([self._device, self._stop_read], [], [])
            if self._stop_read in ready:
                return
            answer = self.modem.feed(os.read(self._device, 4096))
            if answer:
                os.write(self._device, answer)

    def say(self, *parts: bytes) -> None:
        """What a modem says unasked."""
        os.write(self._device, b"".join(parts))

    @property
    def sent(self) -> list[SentMessage]:
        return list(self.modem.sent)

    def close(self) -> None:
        os.write(self._stop_write, b"x")
        self._thread.join()
        for handle in (self._device, self._far, self._stop_read, self._stop_write):
            os.close(handle)
