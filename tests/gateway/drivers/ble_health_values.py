"""Values of health devices as bytes, and what the driver makes of them."""

import struct
from datetime import datetime, timedelta, timezone

from contract.item import Measurement
from gateway.driver import Decoded
from gateway.drivers.ble_health.driver import (
    HealthDriver,
)

CHINA = timezone(timedelta(hours=8))

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=CHINA)

NOW_MS = int(NOW.timestamp() * 1000)


def sf(mantissa: int, exponent: int = 0) -> bytes:
    return struct.pack("<H", (exponent & 0xF) << 12 | mantissa & 0xFFF)


def fl(mantissa: int, exponent: int = 0) -> bytes:
    return struct.pack("<I", (exponent & 0xFF) << 24 | mantissa & 0xFFFFFF)


def stamp(at: datetime = NOW) -> bytes:
    t = at.astimezone(CHINA)
    return struct.pack("<H5B", t.year, t.month, t.day, t.hour, t.minute, t.second)


def pressure(systolic=120, diastolic=80, *, time=b"", pulse=None, user=None, status=None) -> bytes:
    flags, body = 0, sf(systolic) + sf(diastolic) + sf(93)
    if time:
        flags, body = flags | 2, body + time
    if pulse is not None:
        flags, body = flags | 4, body + pulse
    if user is not None:
        flags, body = flags | 8, body + bytes([user])
    if status is not None:
        flags, body = flags | 16, body + struct.pack("<H", status)
    return bytes([flags]) + body


def driver() -> HealthDriver:
    return HealthDriver("ble", timedelta(hours=8))


def outcome(number: str, data: bytes, on: HealthDriver | None = None, now_ms=NOW_MS):
    (one,) = (on or driver()).value("d", number, data, now_ms)
    return one


def items(number: str, data: bytes, on: HealthDriver | None = None, now_ms=NOW_MS):
    found = outcome(number, data, on, now_ms)
    assert isinstance(found, Decoded), found
    return list(found.measurements)


def item(number: str, data: bytes, on: HealthDriver | None = None, now_ms=NOW_MS) -> Measurement:
    (one,) = items(number, data, on, now_ms)
    return one


def fields(number: str, data: bytes) -> dict:
    return dict(outcome(number, data).fields)


def glucose(flags: int, *parts: bytes, at: datetime = NOW, sequence: int = 7) -> bytes:
    return struct.pack("<BH", flags, sequence) + stamp(at) + b"".join(parts)
