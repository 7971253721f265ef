"""What a bridge puts in a message: a value's bytes, or their hexadecimal text.

Both are told apart by themselves. Text of digits and letters begins with a character that has bit
5 or 6 set, and as flags those are reserved in every characteristic here but 0x2A34; a battery level
is one byte and its text two. Whoever forwards bytes of 0x2A34 says so with `payload = "bytes"`.
"""

import re
from typing import Final, Literal

PayloadForm = Literal["auto", "bytes", "hex"]
FORMS: Final = ("auto", "bytes", "hex")
_HEXADECIMAL: Final = re.compile(rb"(?:[0-9A-Fa-f]{2})+")


def value_bytes(payload: bytes, form: PayloadForm) -> bytes:
    """The value in a message; ValueError when `hex` is demanded and it is none."""
    if form == "bytes":
        return payload
    text = payload.strip()
    if _HEXADECIMAL.fullmatch(text):
        return bytes.fromhex(text.decode())
    if form == "hex":
        raise ValueError("no hexadecimal")
    return payload
