"""CRC-16 with the polynomial A001 (8005 reflected), as Modbus and P1 ports use it.

By a table of all bytes: a gateway is a small machine, and a framer tries every place where a frame
might begin.
"""

from typing import Final


def _of_byte(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ 0xA001 if byte & 1 else byte >> 1
    return byte


_TABLE: Final = tuple(_of_byte(byte) for byte in range(256))


def crc16(data: bytes, start: int) -> int:
    """`start`: FFFF for Modbus, 0 for P1 (CRC-16/ARC)."""
    crc, table = start, _TABLE
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc
