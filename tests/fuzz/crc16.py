"""CRC-16 with the polynomial A001, by the standards and not by our code.

MODBUS over Serial Line V1.02, 6.2.2 begins with FFFF; DSMR P1 5.0.2, 5.2 with 0. One table of it:
the fuzzer seals every second input.
"""

from typing import Final


def _of_byte(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0xA001 if byte & 1 else 0)
    return byte


_TABLE: Final = tuple(_of_byte(byte) for byte in range(256))


def crc16(data: bytes, start: int) -> int:
    crc, table = start, _TABLE
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc
