"""A DL/T 645-2007 meter as a slave: answers what it is asked, in its own encoding.

Frame: `68 A0..A5 68 C L DATA CS 16`, address low byte first, data bytes +0x33, checksum modulo
256 over everything from the first 68 (devices.md, section 1).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_WILDCARD: Final = bytes([0xAA] * 6)
_PREAMBLE: Final = b"\xfe\xfe\xfe\xfe"
# Longest request of a master that only reads: 12 bytes of frame and 5 of data.
_BUFFER_MAX: Final = 512

# Identifier: (bytes, decimals, scale from the reading's unit).
_ITEMS: Final[dict[str, tuple[str, int, int, float]]] = {
    "00000000": ("energy_kwh", 4, 2, 1.0),
    "00010000": ("energy_kwh", 4, 2, 1.0),
    "02010100": ("voltage_v", 2, 1, 1.0),
    "02020100": ("current_a", 3, 3, 1.0),
    "02030000": ("power_w", 3, 4, 0.001),
    "02030100": ("power_w", 3, 4, 0.001),
    "02060000": ("power_factor", 2, 3, 1.0),
    "02800002": ("frequency_hz", 2, 2, 1.0),
}
_BLOCKS: Final[dict[str, str]] = {"0201FF00": "02010100", "0202FF00": "02020100"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterState:
    """What the meter shows at one moment; `None` from `read`: no supply, no answer."""

    energy_kwh: float
    power_w: float
    voltage_v: float
    frequency_hz: float = 50.0
    power_factor: float = 0.95

    @property
    def current_a(self) -> float:
        return self.power_w / self.voltage_v if self.voltage_v else 0.0


def bcd(value: float, size: int, decimals: int) -> bytes:
    """Packed decimal, low byte first."""
    digits = f"{round(abs(value) * 10**decimals):0{2 * size}d}"[-2 * size :]
    return bytes.fromhex(digits)[::-1]


def frame(address: str, control: int, data: bytes) -> bytes:
    shifted = bytes((b + 0x33) & 0xFF for b in data)
    body = b"\x68" + bytes.fromhex(address)[::-1] + b"\x68" + bytes([control, len(data)]) + shifted
    return body + bytes([sum(body) & 0xFF, 0x16])


class Dlt645Meter:
    """One meter on the line. `read` gives its state now, or None without supply."""

    def __init__(self, address: str, read: Callable[[], MeterState | None]) -> None:
        self.address = address
        self._wire = bytes.fromhex(address)[::-1]
        self._read = read

    def answer(self, address: bytes, control: int, data: bytes) -> bytes | None:
        """The reply to a request, or None when it is not for this meter."""
        if address not in (self._wire, _WILDCARD):
            return None
        state = self._read()
        if state is None:
            return None
        if control == 0x13:
            return _PREAMBLE + frame(self.address, 0x93, self._wire)
        if control != 0x11 or len(data) < 4:
            return None
        di = data[:4][::-1].hex().upper()
        payload = self._payload(di, state)
        if payload is None:
            return _PREAMBLE + frame(self.address, 0xD1, b"\x02")
        return _PREAMBLE + frame(self.address, 0x91, data[:4] + payload)

    @staticmethod
    def _payload(di: str, state: MeterState) -> bytes | None:
        block = di in _BLOCKS
        item = _ITEMS.get(_BLOCKS.get(di, di))
        if item is None:
            return None
        name, size, decimals, scale = item
        value = bcd(getattr(state, name) * scale, size, decimals)
        # A single-phase meter answers a block with zeros for the phases it hasn't got.
        return value + bytes(2 * size) if block else value


class Bus:
    """Several meters on one line: finds requests in the bytes and lets the right one answer."""

    def __init__(self, meters: list[Dlt645Meter]) -> None:
        self._meters = meters
        self._buffer = b""

    def feed(self, data: bytes) -> bytes:
        """Bytes from the master in, the meters' replies out."""
        self._buffer = (self._buffer + data)[-_BUFFER_MAX:]
        replies = b""
        while True:
            start = self._buffer.find(b"\x68")
            if start < 0:
                self._buffer = b""
                return replies
            self._buffer = self._buffer[start:]
            if len(self._buffer) < 12:
                return replies
            size = self._buffer[9]
            end = 10 + size + 2
            if self._buffer[7] != 0x68:
                self._buffer = self._buffer[1:]
                continue
            if len(self._buffer) < end:
                return replies
            whole = self._buffer[:end]
            if whole[-1] != 0x16 or sum(whole[:-2]) & 0xFF != whole[-2]:
                self._buffer = self._buffer[1:]
                continue
            self._buffer = self._buffer[end:]
            replies += self._ask(whole)

    def _ask(self, whole: bytes) -> bytes:
        data = bytes((b - 0x33) & 0xFF for b in whole[10:-2])
        for meter in self._meters:
            reply = meter.answer(whole[1:7], whole[8], data)
            if reply is not None:
                return reply
        return b""
