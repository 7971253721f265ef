"""A line with Modbus meters on it, as their master sees it."""

import struct

from gateway.driver import Decoded, Undecodable
from gateway.drivers.modbus.frame import (
    Kind,
    crc_bytes,
    find,
)
from gateway.drivers.modbus.spec import build

SDM = {"unit": 1, "device": "sdm", "map": "sdm120", "poll_s": 10}
PZEM = {"unit": 2, "device": "pzem", "map": "pzem004t", "poll_s": 10}


def response(unit: int, function: int, data: bytes) -> bytes:
    body = bytes((unit, function, len(data))) + data
    return body + crc_bytes(body)


def exception(unit: int, function: int, code: int) -> bytes:
    body = bytes((unit, function | 0x80, code))
    return body + crc_bytes(body)


def floats(count: int, **at: float) -> bytes:
    """Registers with a float32 at `r<hexadecimal offset>`, zero elsewhere."""
    data = bytearray(2 * count)
    for name, value in at.items():
        offset = 2 * int(name[1:], 16)
        data[offset : offset + 4] = struct.pack(">f", value)
    return bytes(data)


SDM_A = floats(0x20, r0=230.2, r6=1.5, rC=345.3, r1E=0.98)
SDM_B = floats(6, r0=50.01, r2=1234.567, r4=0.25)
PZEM_DATA = bytes.fromhex("08D300230000000500000002000001F500060000")


class Bench:
    """A line whose two clocks run together until a test says otherwise."""

    def __init__(self, *meters, **more) -> None:
        self.master = build({"meters": [*meters], **more})
        self.now = 1_000_000
        self.line = 5_000
        self.found = []
        self.damage = []

    def wait(self, ms: int) -> None:
        self.now += ms
        self.line += ms

    def keep(self, outcomes) -> None:
        self.damage += [o for o in outcomes if isinstance(o, Undecodable)]
        self.found += [m for o in outcomes if isinstance(o, Decoded) for m in o.measurements]

    def ask(self, within_ms: int = 400_000) -> bytes:
        """Let time pass as the master wishes until it asks."""
        end = self.now + within_ms
        while self.now <= end:
            self.keep(self.master.tick(self.now, self.line))
            request = self.master.next_request(self.now, self.line)
            if request is not None:
                return request
            wake = self.master.wake(self.now, self.line)
            waits = []
            if wake.now_ms is not None:
                waits.append(wake.now_ms - self.now)
            if wake.line_ms is not None:
                waits.append(wake.line_ms - self.line)
            self.wait(max(1, min(waits)))
        raise AssertionError("it asked nothing")

    def hear(self, data: bytes) -> None:
        self.wait(30)
        self.keep(self.master.feed(data, self.now, self.line))

    def round(self, *answers: bytes) -> None:
        for answer in answers:
            self.ask()
            self.hear(answer)


def read_of(request: bytes) -> tuple[int, int, int, int]:
    [(_at, frame)] = find(request)
    assert frame.kind is Kind.REQUEST
    return frame.unit, frame.function, frame.address, frame.count


OWN = {
    "unit": 5,
    "device": "own",
    "registers": [
        {"name": "voltage_v", "address": 0, "function": 4, "form": "float32"},
        {"name": "power_w", "address": 12, "function": 4, "form": "float32"},
    ],
}
