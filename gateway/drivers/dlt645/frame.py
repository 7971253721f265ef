"""DL/T 645 frames: found in a byte stream, checked, and built. Nothing about what they mean.

    [FE ...] 68 A0 A1 A2 A3 A4 A5 68 C L DATA(L) CS 16

A0 is the lowest byte of the meter number; every DATA byte has 0x33 added on the wire; CS is the
sum, modulo 256, from the first 68 to the last data byte. The bytes 68, 16 and FE also occur inside
frames, so a frame is a 68 with another 68 seven bytes on, a right checksum and the 16 in its place.
"""

from dataclasses import dataclass
from typing import Final

from gateway.driver import RAW_SHOWN_MAX, Undecodable

START: Final = 0x68
END: Final = 0x16
WAKE_UP: Final = 0xFE
DATA_OFFSET: Final = 0x33

# The standard allows 200 data bytes in an answer (50 in a write); more is not a frame.
DATA_BYTES_MAX: Final = 200
HEADER_BYTES: Final = 10
FRAME_BYTES_MIN: Final = 12
FRAME_BYTES_MAX: Final = FRAME_BYTES_MIN + DATA_BYTES_MAX

# D7, D6, D5 of the control byte.
REPLY_BIT: Final = 0x80
ERROR_BIT: Final = 0x40
MORE_BIT: Final = 0x20
FUNCTION_MASK: Final = 0x1F


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One checked frame. address: as printed on the meter; data: with the 0x33 taken off."""

    address: str
    control: int
    data: bytes

    @property
    def is_reply(self) -> bool:
        return bool(self.control & REPLY_BIT)

    @property
    def is_error(self) -> bool:
        return bool(self.control & ERROR_BIT)

    @property
    def more_follows(self) -> bool:
        return bool(self.control & MORE_BIT)

    @property
    def function(self) -> int:
        return self.control & FUNCTION_MASK


def checksum(body: bytes) -> int:
    return sum(body) & 0xFF


def address_text(wire: bytes) -> str:
    """Six wire bytes, lowest first, as the number printed on the meter."""
    return wire[::-1].hex().upper()


@dataclass(slots=True)
class Framer:
    """Finds frames in bytes as they come; holds at most one unfinished frame.

    A complete good frame always wins over an earlier unfinished candidate, so a stray 68 in noise
    never makes a real answer wait for bytes that will not come.
    """

    junk_bytes: int = 0
    _buffer: bytes = b""
    # The part of the buffer that belongs to a frame already reported as broken.
    _told_bytes: int = 0

    def feed(self, data: bytes) -> list[Frame | Undecodable]:
        out: list[Frame | Undecodable] = []
        buffer = self._buffer + data
        broken: list[tuple[int, Undecodable]] = []
        taken = 0
        pending = -1
        at = buffer.find(START)
        while at >= 0:
            verdict = _examine(buffer, at)
            if isinstance(verdict, Frame):
                self._skip(buffer, taken, at, broken, out)
                out.append(verdict)
                broken.clear()
                taken = at + FRAME_BYTES_MIN + len(verdict.data)
                pending = -1
                at = buffer.find(START, taken)
                continue
            if isinstance(verdict, Undecodable):
                broken.append((at, verdict))
            elif verdict and pending < 0:
                pending = at
            at = buffer.find(START, at + 1)
        keep = pending if pending >= 0 else len(buffer)
        self._skip(buffer, taken, keep, broken, out)
        self._told_bytes = max(0, self._told_bytes - keep)
        self._buffer = buffer[keep:]
        return out

    def flush(self) -> list[Undecodable]:
        """Give up waiting for the rest of an unfinished frame."""
        rest, self._buffer = self._buffer, b""
        known = self._told_bytes > 0
        self._told_bytes = 0
        if not rest or known:
            return []
        return [
            Undecodable(
                code="incomplete",
                detail=f"a frame began and {len(rest)} bytes came, then nothing",
                raw=rest[:RAW_SHOWN_MAX],
                fields={"incomplete": True},
            )
        ]

    @property
    def buffered_bytes(self) -> int:
        return len(self._buffer)

    def _skip(
        self,
        buffer: bytes,
        start: int,
        stop: int,
        broken: list[tuple[int, Undecodable]],
        out: list[Frame | Undecodable],
    ) -> None:
        """Drop bytes that no good frame claimed: report each damage once, count the rest."""
        for at, report in broken:
            if self._told_bytes <= at < stop:
                out.append(report)
                self.junk_bytes += _junk(buffer[max(start, self._told_bytes) : at])
                self._told_bytes = at + len(report.raw)
        self.junk_bytes += _junk(buffer[max(start, self._told_bytes) : stop])


def _junk(skipped: bytes) -> int:
    return len(skipped) - skipped.count(WAKE_UP)


def _examine(buffer: bytes, at: int) -> Frame | Undecodable | bool:
    """What begins at a 68: a frame, a broken frame, True if more bytes must tell, else False."""
    available = len(buffer) - at
    if available <= 7:
        return True
    if buffer[at + 7] != START:
        return False
    if available < HEADER_BYTES:
        return True
    length = buffer[at + 9]
    if length > DATA_BYTES_MAX:
        return False
    total = FRAME_BYTES_MIN + length
    if available < total:
        return True
    raw = buffer[at : at + total]
    if raw[-1] != END:
        return Undecodable(
            code="end_byte",
            detail=f"the frame of {total} bytes ends with {raw[-1]:02X}, expected {END:02X}",
            raw=raw,
            fields={"invalid": "end_byte"},
        )
    computed = checksum(raw[:-2])
    if raw[-2] != computed:
        return Undecodable(
            code="checksum",
            detail=f"checksum {raw[-2]:02X}, computed {computed:02X}",
            raw=raw,
            fields={"invalid": "checksum", "computed": f"{computed:02X}"},
        )
    return Frame(
        address=address_text(raw[1:7]),
        control=raw[8],
        data=bytes((byte - DATA_OFFSET) & 0xFF for byte in raw[HEADER_BYTES:-2]),
    )
