"""Modbus RTU on the line of `meter_bus`: two meters of one map, and every wrong answer we know of.

An answer does not say which registers it is about: a right one to another question of the same
length is believed, as the standard has it. The master must never come to hear one (it waits for
answers that may still come), and here every register of a meter holds the same number.
"""

import struct
from collections.abc import Hashable
from typing import Final

from gateway.drivers.modbus.master import LATE_REPLY_MS, REPLY_WAIT_MAX_MS, Master
from gateway.drivers.modbus.spec import bus_plan
from tests.fuzz.crc16 import crc16
from tests.fuzz.meter_bus import POLL_S, Protocol

# No units of the vectors: their recorded frames are in the seeds and would be right answers.
_VALUES: Final = {200: 111.0, 201: 222.0}
_CONFIG: Final = {
    "poll_s": POLL_S,
    "meters": [
        {"unit": unit, "device": f"unit-{unit}", "map": "sdm120"} for unit in sorted(_VALUES)
    ],
}
_READ: Final = frozenset({3, 4})


def sealed(body: bytes) -> bytes:
    """With its CRC, low byte first."""
    return body + struct.pack("<H", crc16(body, 0xFFFF))


def question(raw: bytes) -> Hashable:
    """Unit, function, address and count; refuses everything that is not one for reading."""
    assert len(raw) == 8, raw.hex()
    assert sealed(raw[:-2]) == raw, raw.hex()
    unit, function, address, count = struct.unpack(">BBHH", raw[:6])
    assert unit in _VALUES, unit
    assert function in _READ, f"not a reading: {raw.hex()}"
    assert 1 <= count <= 125, count
    return unit, function, address, count


def registers(unit: int, function: int, count: int, value: float | None = None) -> bytes:
    one = struct.pack(">f", _VALUES[unit] if value is None else value)
    data = (one * count)[: 2 * count]
    return sealed(bytes((unit, function, len(data))) + data)


def answer(kind: int, asked: Hashable) -> bytes:
    """The right answer, and every wrong one we know of."""
    assert isinstance(asked, tuple)
    unit, function, address, count = asked
    right = registers(unit, function, count)
    match kind % 12:
        case 0:
            return right
        case 1:
            return registers(next(u for u in _VALUES if u != unit), function, count)
        case 2:
            return registers(unit, 7 - function, count)
        case 3:
            return registers(unit, function, count - 1 or 2)
        case 4:
            return sealed(bytes((unit, function | 0x80, kind % 16)))
        case 5:
            return sealed(struct.pack(">BBHH", unit, function, address, count))
        case 6:
            return right[: kind % len(right)]
        case 7:
            return right[:-1] + bytes((right[-1] ^ 1 << kind % 8,))
        case 8:
            return bytes(kind % 9) + right + b"\x00"
        case 9:
            return registers(unit, function, count, float("nan"))
        case 10:
            return registers(unit, function, count, 1e30)
        case _:
            return sealed(bytes((unit, 0x10, 0, 0, 0, 1)))


# Read once; every script has a new master.
_PLAN: Final = bus_plan(_CONFIG)
PROTOCOL: Final = Protocol(
    name="modbus-bus",
    build=lambda: Master(_PLAN),
    question=question,
    answer=answer,
    allowed=lambda device: frozenset({_VALUES[int(device.removeprefix("unit-"))]}),
    wait_max_ms=max(REPLY_WAIT_MAX_MS, LATE_REPLY_MS),
)
