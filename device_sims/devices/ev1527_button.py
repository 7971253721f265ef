"""An EV1527 call button as a Sonoff/Portisch bridge reports it: `AA A4 sync low high code 55`."""

from typing import Final

# A held-down encoder repeats its frame some times for one press.
REPEATS: Final = 3


def press_frames(button_id: str, key: int) -> bytes:
    """The frames of one press; `button_id` is five hexadecimal digits, `key` 0-15."""
    code = bytes.fromhex(f"{button_id}{key:X}")
    times = bytes.fromhex("2508014A03DE")
    return (b"\xaa\xa4" + times + code + b"\x55") * REPEATS
