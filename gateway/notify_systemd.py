"""sd_notify(3): READY=1 and WATCHDOG=1 to the service manager, when there is one."""

import contextlib
import os
import socket


def notify(state: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out,
    ):
        out.sendto(state.encode(), address)


def watchdog_s() -> float | None:
    """How often the service manager wants to hear of us (WatchdogSec), None if it doesn't."""
    try:
        period_s = int(os.environ.get("WATCHDOG_USEC", "")) / 1_000_000
    except ValueError:
        return None
    return period_s if period_s > 0 else None
