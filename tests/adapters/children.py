"""A child process that does not outlive us, also when we are killed."""

import ctypes
import signal
from typing import Final

# From linux/prctl.h.
_PR_SET_PDEATHSIG: Final = 1


def die_with_parent() -> None:
    """For a child, before it becomes its program."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
