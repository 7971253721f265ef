"""The only requests this program can put on a meter bus: reading ones.

The control codes that write, relay, clear, freeze or set a clock have no name here, and the one
function that builds bytes takes nothing but these four, so no configuration, no command from the
hub and no mistake elsewhere can switch a home's electricity off.
"""

from enum import Enum
from typing import Final

from gateway.drivers.dlt645.frame import DATA_OFFSET, END, START, WAKE_UP, checksum

WILDCARD: Final = "AAAAAAAAAAAA"
# Four wake-up bytes, as the standard asks of a master.
_PREAMBLE: Final = bytes((WAKE_UP,)) * 4


class ReadControl(Enum):
    """Control codes of requests that change nothing in a meter."""

    READ = 0x11
    READ_NEXT = 0x12
    READ_ADDRESS = 0x13
    READ_1997 = 0x01


def read_request(address: str, di: str) -> bytes:
    """Ask for one data identifier: eight hexadecimal digits in the 2007 edition, four in 1997's."""
    control = ReadControl.READ if len(di) == 8 else ReadControl.READ_1997
    return _build(address, control, bytes.fromhex(di)[::-1])


def next_request(address: str, di: str, sequence: int) -> bytes:
    """Ask for the rest of an answer that said more follows (2007 edition)."""
    return _build(address, ReadControl.READ_NEXT, bytes.fromhex(di)[::-1] + bytes((sequence,)))


def address_request() -> bytes:
    """Ask the only meter on the bus for its number."""
    return _build(WILDCARD, ReadControl.READ_ADDRESS, b"")


def _build(address: str, control: ReadControl, data: bytes) -> bytes:
    body = (
        bytes((START,))
        + bytes.fromhex(address)[::-1]
        + bytes((START, ReadControl(control).value, len(data)))
        + bytes((byte + DATA_OFFSET) & 0xFF for byte in data)
    )
    return _PREAMBLE + body + bytes((checksum(body), END))
