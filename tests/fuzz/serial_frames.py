"""Checksums for the fuzzer, by the standards and not by our code: Modbus RTU frames and P1
telegrams get a right one, so that what stands behind it is reached too.
"""

from random import Random
from typing import Final

from tests.fuzz.crc16 import crc16
from tests.fuzz.modbus_bus import sealed

_OBIS: Final = (
    "1-3:0.2.8", "0-0:1.0.0", "1-0:1.8.0", "1-0:1.8.1", "1-0:1.8.2", "1-0:2.8.1", "1-0:2.8.2",
    "0-0:96.14.0", "1-0:1.7.0", "1-0:2.7.0", "1-0:32.7.0", "1-0:52.7.0", "1-0:31.7.0",
    "1-0:14.7.0", "1-0:13.7.0", "0-1:24.2.1", "1-0:99.97.0",
)  # fmt: skip
_NUMBERS: Final = ("0", "00123.456", "-1", "+001.19", "999999999999", "1e3", "0.0000000001", "NaN")
_UNITS: Final = ("", "*kWh", "*Wh", "*kW", "*W", "*V", "*A", "*mA", "*Hz", "*m3", "*kvar", "*")


def modbus_fresh(random: Random) -> bytes:
    """A good frame of any kind: request, answer, exception."""
    unit, function = random.randrange(250), random.choice((3, 4))
    match random.randrange(3):
        case 0:
            return sealed(bytes((unit, function)) + random.randbytes(4))
        case 1:
            size = 2 * random.choice((1, 2, 4, 6, 9, 10, 32, 64, 125))
            return sealed(bytes((unit, function, size)) + random.randbytes(size))
        case _:
            return sealed(bytes((unit, function | 0x80, random.randrange(12))))


def modbus_repair(_random: Random, data: bytes) -> bytes:
    return sealed(data[:-2]) if len(data) > 4 else data


def telegram_fresh(random: Random) -> bytes:
    """A P1 telegram of some lines, sealed or of a meter before DSMR 4."""
    lines = [
        f"{random.choice(_OBIS)}({random.choice(_NUMBERS)}{random.choice(_UNITS)})"
        for _ in range(random.randrange(1, 12))
    ]
    body = f"/ISk5\\FUZZ\r\n\r\n{chr(13) + chr(10)}".encode() + "\r\n".join(lines).encode()
    return telegram_sealed(body + b"\r\n!", unsealed=random.random() < 0.3)


def telegram_repair(_random: Random, data: bytes) -> bytes:
    start, end = data.find(b"/"), data.rfind(b"!")
    return telegram_sealed(data[start : end + 1]) if 0 <= start < end else data


def telegram_sealed(content: bytes, *, unsealed: bool = False) -> bytes:
    """With the CRC of everything from / to !."""
    crc = b"" if unsealed else f"{crc16(content, 0):04X}".encode()
    return content + crc + b"\r\n"
