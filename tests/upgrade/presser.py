"""Somebody who presses one button after the other, all the while."""

import contextlib
import threading
from typing import Final

from tests.acceptance.rig import Rig, wait_until

# A gateway that is there commits within this.
HEARD_S: Final = 3.0


class Presser:
    """Presses one button after the other and waits for each tone, until it is told to end."""

    def __init__(self, rig: Rig) -> None:
        self._rig, self._end = rig, threading.Event()
        # Buttons, of which some were not heard.
        self.pressed = 0
        # Every id that was ever seen; a gateway forgets what copies have.
        self.accepted: set[str] = set()
        self._thread = threading.Thread(target=self._press)
        self._thread.start()

    def _press(self) -> None:
        while not self._end.is_set():
            self._rig.press(self.pressed + 1)
            # A frame that nobody was there to hear: the next button is tried.
            with contextlib.suppress(AssertionError):
                wait_until(self._one_more, HEARD_S, "a press is accepted")
            self.pressed += 1

    def _one_more(self) -> bool:
        known = len(self.accepted)
        self.accepted |= set(self._rig.accepted())
        return len(self.accepted) > known

    def beyond(self, number: int) -> bool:
        """So many were heard."""
        return len(self.accepted) >= number

    def end(self) -> int:
        self._end.set()
        self._thread.join()
        return self.pressed
