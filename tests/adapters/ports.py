"""Ports of programs that are killed and started again with the address they had.

A free port of the system's own choice is one that it may give to any outgoing connection while
the program is away, and then the program can't have it back. These lie below that range.
"""

import os
import random
import socket
from pathlib import Path
from typing import Final

LOWEST: Final = 15_000
_RANGE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_given: set[int] = set()


def quiet_port() -> int:
    """Free now, given to nobody else of this process, and to no outgoing connection."""
    highest = int(_RANGE.read_text().split()[0]) - 1
    r = random.Random(os.urandom(8))
    while True:
        port = r.randint(LOWEST, highest)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port
