"""An EV1527 call button as a Sonoff/Portisch bridge reports it: `AA A4 sync low high code 55`.

The three times are microseconds, high byte first; the code is 20 bits of identity and 4 of key.
"""

import random
import struct
from typing import Final

# A transmitter repeats its frame while the key is down; a short press is some frames long.
REPEATS: Final = 3
CALL_KEY: Final = 8


def press_frames(button_id: str, key: int = CALL_KEY, repeats: int = REPEATS) -> bytes:
    """The frames of one press; `button_id` is five hexadecimal digits, `key` 0-15.

    Every transmitter's resistor gives it times of its own.
    """
    r = random.Random(int(button_id, 16))
    low_us = r.randint(270, 350)
    times = struct.pack(">HHH", low_us * 31, low_us, low_us * 3)
    code = bytes.fromhex(f"{button_id}{key:X}")
    return (b"\xaa\xa4" + times + code + b"\x55") * repeats
