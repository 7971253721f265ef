"""The two alphabets of a short message: GSM 7 bit with its extension table, and UCS2.

Source: 3GPP TS 23.038, 6.2.1 (default alphabet), 6.2.1.1 (extension table) and 6.1.2.1.1 (seven
bits packed into octets, lowest first). UCS2 is sent and read as UTF-16, high byte first, as every
phone does; a character of two units is never torn apart.
"""

from collections.abc import Iterable
from typing import Final

_DEFAULT: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = {
    0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]",
    0x40: "|", 0x65: "€",
}  # fmt: skip
_ESCAPE: Final = 0x1B
# An escape behind an escape stands for tables that nobody made: a space (6.2.1.1).
_READ: Final = {**_EXTENSION, _ESCAPE: " "}
_SEPTETS: Final = {
    **{char: (code,) for code, char in enumerate(_DEFAULT) if code != _ESCAPE},
    **{char: (_ESCAPE, code) for code, char in _EXTENSION.items()},
}


def septets(text: str) -> list[tuple[int, ...]] | None:
    """Each character as its one or two septets; None when the alphabet has not all of them."""
    found = [_SEPTETS.get(char) for char in text]
    return None if None in found else [s for s in found if s is not None]


def pack(codes: Iterable[int], fill_bits: int = 0) -> bytes:
    """Seven bits a septet, from the lowest bit on, behind so many bits of filling."""
    bits, held, out = 0, fill_bits, bytearray()
    for code in codes:
        bits |= code << held
        held += 7
        while held >= 8:
            out.append(bits & 0xFF)
            bits >>= 8
            held -= 8
    if held:
        out.append(bits & 0xFF)
    return bytes(out)


def unpack(data: bytes, count: int, fill_bits: int = 0) -> list[int]:
    """So many septets, or as many as the octets hold."""
    whole = int.from_bytes(data, "little") >> fill_bits
    room = (len(data) * 8 - fill_bits) // 7
    return [whole >> 7 * place & 0x7F for place in range(max(0, min(count, room)))]


def text_of(codes: Iterable[int]) -> str:
    """Characters of septets; an unknown extension is the character of the default table."""
    out: list[str] = []
    escaped = False
    for code in codes:
        if code == _ESCAPE and not escaped:
            escaped = True
            continue
        out.append(_READ.get(code, _DEFAULT[code]) if escaped else _DEFAULT[code])
        escaped = False
    return "".join(out)


def ucs2(text: str) -> list[bytes]:
    """Each character as its two or four octets; what UTF-16 can't hold becomes a question mark."""
    return [char.encode("utf-16-be", "replace") for char in text]
