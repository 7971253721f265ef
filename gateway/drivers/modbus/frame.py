"""Modbus RTU frames of the two reading functions: found, checked, and (requests only) built.

    request    UNIT FN ADDRESS(2) COUNT(2) CRC(2)        FN 03 holding, 04 input registers
    response   UNIT FN BYTES DATA(BYTES) CRC(2)          two bytes a register, high byte first
    exception  UNIT FN+80 CODE CRC(2)

Source: MODBUS Application Protocol V1.1b3, sections 6.3, 6.4 and 7; MODBUS over Serial Line V1.02,
section 2.5.1. The CRC (polynomial A001, start FFFF) goes low byte first. Frames have no start
mark, only silence, which serial adapters do not keep: a frame is found by its length and CRC
wherever it begins, so glitch bytes of an undriven line (00 before and after) do no harm.
Nothing here can build a request that writes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from gateway.crc16 import crc16

READ_HOLDING: Final = 0x03
READ_INPUT: Final = 0x04
READ_FUNCTIONS: Final = (READ_HOLDING, READ_INPUT)
EXCEPTION_BIT: Final = 0x80
REQUEST_BYTES: Final = 8
EXCEPTION_BYTES: Final = 5
CRC_START: Final = 0xFFFF
# 125 registers, section 6.3 of the application protocol.
REGISTERS_MAX: Final = 125
FRAME_BYTES_MAX: Final = 5 + 2 * REGISTERS_MAX
# Units 1-247 are single devices, 0 is the broadcast; PZEM meters also answer to 248.
UNIT_MAX: Final = 247
UNIT_GENERAL_PZEM: Final = 0xF8
# Unclaimed bytes that are kept: one frame of the longest kind and as much noise before it.
BUFFER_BYTES_MAX: Final = 2 * FRAME_BYTES_MAX

# Any unit before one of the functions: where it is worth computing a CRC.
_CANDIDATE: Final = re.compile(rb".(?=[\x03\x04\x83\x84])", re.DOTALL)

EXCEPTIONS: Final = {
    0x01: "illegal function",
    0x02: "illegal data address",
    0x03: "illegal data value",
    0x04: "server device failure",
    0x05: "acknowledge",
    0x06: "server device busy",
    0x08: "memory parity error",
    0x0A: "gateway path unavailable",
    0x0B: "gateway target device failed to respond",
}


class Kind(Enum):
    REQUEST = "request"
    RESPONSE = "response"
    EXCEPTION = "exception"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One checked frame; `body` is what stands between the function and the CRC."""

    kind: Kind
    unit: int
    function: int
    body: bytes
    size_bytes: int

    @property
    def data(self) -> bytes:
        """The register bytes of a response."""
        return self.body[1:]

    @property
    def address(self) -> int:
        return int.from_bytes(self.body[:2], "big")

    @property
    def count(self) -> int:
        """Registers asked for, or answered."""
        if self.kind is Kind.REQUEST:
            return int.from_bytes(self.body[2:4], "big")
        return len(self.data) // 2


def crc_bytes(data: bytes) -> bytes:
    """The two CRC bytes in the order of the wire."""
    return crc16(data, CRC_START).to_bytes(2, "little")


def read_request(unit: int, function: int, address: int, count: int) -> bytes:
    """Ask for registers; the only request this program can put on a Modbus line."""
    if function not in READ_FUNCTIONS or not 1 <= count <= REGISTERS_MAX:
        raise ValueError(f"function {function} with {count} registers is no reading request")
    body = bytes((unit, function)) + address.to_bytes(2, "big") + count.to_bytes(2, "big")
    return body + crc_bytes(body)


def shapes(buffer: bytes, at: int) -> Iterator[tuple[Kind, int]]:
    """What might begin here and how long it would be; nothing if no frame can."""
    if at + 2 > len(buffer):
        return
    function = buffer[at + 1]
    if function & ~EXCEPTION_BIT not in READ_FUNCTIONS:
        return
    if function & EXCEPTION_BIT:
        yield Kind.EXCEPTION, EXCEPTION_BYTES
        return
    if at + 3 <= len(buffer):
        length = buffer[at + 2]
        if length and length % 2 == 0 and length <= 2 * REGISTERS_MAX:
            yield Kind.RESPONSE, EXCEPTION_BYTES + length
    yield Kind.REQUEST, REQUEST_BYTES


def frame_at(buffer: bytes, at: int) -> Frame | None:
    """The good frame that begins here, if it is whole."""
    for kind, size in shapes(buffer, at):
        raw = buffer[at : at + size]
        if len(raw) == size and crc_bytes(raw[:-2]) == raw[-2:]:
            return Frame(
                kind=kind,
                unit=raw[0],
                function=raw[1] & ~EXCEPTION_BIT,
                body=raw[2:-2],
                size_bytes=size,
            )
    return None


def find(buffer: bytes) -> Iterator[tuple[int, Frame]]:
    """Every good frame with its place; what lies between them is noise."""
    at = 0
    while (candidate := _CANDIDATE.search(buffer, at)) is not None:
        at = candidate.start()
        frame = frame_at(buffer, at)
        if frame is None:
            at += 1
            continue
        yield at, frame
        at += frame.size_bytes


@dataclass(slots=True)
class Framer:
    """Finds frames in bytes as they come. A good frame wins over anything unfinished before it."""

    junk_bytes: int = 0
    _buffer: bytes = field(default=b"")

    def feed(self, data: bytes) -> list[Frame]:
        buffer = self._buffer + data
        frames: list[Frame] = []
        end = 0
        for at, frame in find(buffer):
            self.junk_bytes += at - end
            end = at + frame.size_bytes
            frames.append(frame)
        rest = buffer[end:]
        if len(rest) > BUFFER_BYTES_MAX:
            self.junk_bytes += len(rest) - BUFFER_BYTES_MAX
            rest = rest[-BUFFER_BYTES_MAX:]
        self._buffer = rest
        return frames

    def flush(self) -> bytes:
        """Forget what no frame claimed, and give it for a report."""
        rest, self._buffer = self._buffer, b""
        self.junk_bytes += len(rest)
        return rest

    @property
    def buffered_bytes(self) -> int:
        return len(self._buffer)
