"""The catalogue's check values: what each CRC makes of the nine digits."""

import pytest

from gateway.crc16 import crc16


@pytest.mark.parametrize(("start", "check"), [(0x0000, 0xBB3D), (0xFFFF, 0x4B37)])
def test_check_value(start: int, check: int) -> None:
    assert crc16(b"123456789", start) == check
    assert crc16(b"", start) == start
