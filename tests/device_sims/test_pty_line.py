"""Lines as pseudo-terminals: bytes come through unchanged, and gateways may come and go."""

import asyncio
from pathlib import Path

import serial

from device_sims.devices.dlt645_meter import Bus, Dlt645Meter, MeterState, frame
from device_sims.transports.pty_line import PtyLine

DEADLINE_S = 30.0


async def heard(port: serial.Serial, count: int) -> bytes:
    """`count` bytes from the line, waiting in a thread so that the line can answer."""
    return await asyncio.wait_for(asyncio.to_thread(port.read, count), DEADLINE_S)


def opened(link: Path) -> serial.Serial:
    return serial.Serial(str(link), timeout=DEADLINE_S)


async def test_every_byte_comes_through_both_ways(tmp_path: Path) -> None:
    got = bytearray()

    def answer(data: bytes) -> bytes:
        got.extend(data)
        return data[::-1]

    line = PtyLine(tmp_path / "lines" / "meters", answer)
    line.start()
    with opened(tmp_path / "lines" / "meters") as port:
        everything = bytes(range(256))
        for byte in everything:
            port.write(bytes([byte]))
            assert await heard(port, 1) == bytes([byte])
        assert bytes(got) == everything
    line.close()
    assert not (tmp_path / "lines" / "meters").exists()


async def test_a_meter_answers_again_after_the_gateway_restarted(tmp_path: Path) -> None:
    state = MeterState(energy_kwh=12.34, power_w=100, voltage_v=230)
    bus = Bus([Dlt645Meter("610926000001", lambda: state)])
    line = PtyLine(tmp_path / "meters", bus.feed, delay_s=0.01)
    line.start()
    request = frame("610926000001", 0x11, bytes.fromhex("00000100"))
    expected = b"\xfe" * 4 + frame("610926000001", 0x91, bytes.fromhex("00000100" + "34120000"))
    for _start in range(3):
        with opened(tmp_path / "meters") as port:
            port.write(request)
            assert await heard(port, len(expected)) == expected
    line.close()


async def test_what_nobody_reads_is_lost_and_counted(tmp_path: Path) -> None:
    line = PtyLine(tmp_path / "rf")
    line.start()
    for _ in range(10_000):
        line.write(b"\xaa" * 12)
    assert line.lost_bytes > 0
    with opened(tmp_path / "rf") as port:
        port.reset_input_buffer()
        line.write(b"fresh")
        assert await heard(port, 5) == b"fresh"
    line.close()
    line.close()
    line.write(b"into the void")
