"""A DL/T 645-2007 meter as a slave: answers what it is asked, in its own encoding. Pure.

    [FE ..] 68 A0..A5 68 C L DATA CS 16

Address low byte first, data bytes +0x33, checksum modulo 256 over everything from the first 68.
Reading and asking for the address is all it obeys: everything else is refused and counted, so
that a test can say the hub never tried to write.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

_WILDCARD: Final = bytes([0xAA] * 6)
_BROADCAST: Final = bytes([0x99] * 6)
_READ: Final = 0x11
_READ_FOLLOWING: Final = 0x12
_READ_ADDRESS: Final = 0x13
_REPLY: Final = 0x80
_ERROR: Final = 0xC0
# Bits of the error byte.
_NO_SUCH_DATA: Final = b"\x02"
_UNAUTHORISED: Final = b"\x04"
# Longest data of a request that a meter takes; more is a length byte inside noise.
_DATA_MAX: Final = 50
_BUFFER_MAX: Final = 512

# Identifier: (field of MeterState, bytes, decimals, factor from the field's unit).
_ITEMS: Final[Mapping[str, tuple[str, int, int, float]]] = {
    "00000000": ("combined_kwh", 4, 2, 1.0),
    "00010000": ("energy_kwh", 4, 2, 1.0),
    "00010100": ("energy_kwh", 4, 2, 1.0),
    "00020000": ("reverse_kwh", 4, 2, 1.0),
    "02010100": ("voltage_v", 2, 1, 1.0),
    "02020100": ("current_a", 3, 3, 1.0),
    "02030000": ("power_w", 3, 4, 0.001),
    "02030100": ("power_w", 3, 4, 0.001),
    "02050000": ("apparent_va", 3, 4, 0.001),
    "02060000": ("power_factor", 2, 3, 1.0),
    "02060100": ("power_factor", 2, 3, 1.0),
    "02800001": ("current_a", 3, 3, 1.0),
    "02800002": ("frequency_hz", 2, 2, 1.0),
}
# Block: (its first item, how many follow it). A single-phase meter fills the rest with zeros.
_BLOCKS: Final[Mapping[str, tuple[str, int]]] = {
    "0001FF00": ("00010000", 4),
    "0201FF00": ("02010100", 2),
    "0202FF00": ("02020100", 2),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterState:
    """What the meter shows at one moment; `None` from `read`: no supply, no answer."""

    energy_kwh: float
    power_w: float
    voltage_v: float
    frequency_hz: float = 50.0
    power_factor: float = 0.95
    reverse_kwh: float = 0.0

    @property
    def combined_kwh(self) -> float:
        """Forward and reverse added up, as meters are set when they leave the works."""
        return self.energy_kwh + self.reverse_kwh

    @property
    def apparent_va(self) -> float:
        """Never negative: it has no direction."""
        return abs(self.power_w) / self.power_factor if self.power_factor else 0.0

    @property
    def current_a(self) -> float:
        """Negative as the power is: what the home gives flows backwards."""
        amps = self.apparent_va / self.voltage_v if self.voltage_v else 0.0
        return -amps if self.power_w < 0 else amps


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFaults:
    """What a bad line does, each with a chance per reply, except the echo, which is always."""

    echo: bool = False
    noise: float = 0.0
    lost: float = 0.0
    corrupt: float = 0.0


NO_FAULTS: Final = LineFaults()


def bcd(value: float, size: int, decimals: int) -> bytes:
    """Packed decimal, low byte first; the top bit says that it is negative."""
    digits = f"{round(abs(value) * 10**decimals):0{2 * size}d}"[-2 * size :]
    packed = bytearray.fromhex(digits)[::-1]
    if value < 0:
        packed[-1] |= 0x80
    return bytes(packed)


def frame(address: str, control: int, data: bytes) -> bytes:
    shifted = bytes((b + 0x33) & 0xFF for b in data)
    body = b"\x68" + bytes.fromhex(address)[::-1] + b"\x68" + bytes([control, len(data)]) + shifted
    return body + bytes([sum(body) & 0xFF, 0x16])


class Dlt645Meter:
    """One meter. `read` gives its state now, or None without supply; `preamble`: FE bytes sent."""

    def __init__(
        self, address: str, read: Callable[[], MeterState | None], *, preamble: int = 4
    ) -> None:
        self.address = address
        self.refused = 0
        self._wire = bytes.fromhex(address)[::-1]
        self._read = read
        self._preamble = b"\xfe" * preamble

    def is_meant(self, address: bytes) -> bool:
        """The whole address, or its low digits filled up with AA."""
        short = address.rstrip(b"\xaa")
        return self._wire.startswith(short)

    def answer(self, control: int, data: bytes) -> bytes:
        """The reply to a request; nothing without supply."""
        state = self._read()
        if state is None:
            return b""
        if control == _READ_ADDRESS:
            return self._say(control | _REPLY, self._wire)
        if control not in (_READ, _READ_FOLLOWING):
            self.refused += 1
            return self._say(control | _ERROR, _UNAUTHORISED)
        payload = _payload(data[:4][::-1].hex().upper(), state) if control == _READ else None
        if payload is None:
            return self._say(control | _ERROR, _NO_SUCH_DATA)
        return self._say(control | _REPLY, data[:4] + payload)

    def _say(self, control: int, data: bytes) -> bytes:
        return self._preamble + frame(self.address, control, data)


def _payload(di: str, state: MeterState) -> bytes | None:
    first, following = _BLOCKS.get(di, (di, 0))
    item = _ITEMS.get(first)
    if item is None:
        return None
    name, size, decimals, factor = item
    value = bcd(getattr(state, name) * factor, size, decimals)
    if di == "0001FF00":  # one tariff has it all
        return value + value + bytes(size * (following - 1))
    return value + bytes(size * following)


class Bus:
    """Meters on one line: finds requests in the bytes and lets the right one answer."""

    def __init__(
        self, meters: Sequence[Dlt645Meter], faults: LineFaults = NO_FAULTS, seed: int = 0
    ) -> None:
        self.requests = 0
        self.faults = faults
        self._meters = meters
        self._random = Random(seed)
        self._buffer = b""

    @property
    def refused(self) -> int:
        """Requests to write, switch or clear."""
        return sum(meter.refused for meter in self._meters)

    def feed(self, data: bytes) -> bytes:
        """Bytes from the master in, what then is on the line out."""
        self._buffer = (self._buffer + data)[-_BUFFER_MAX:]
        replies = data if self.faults.echo else b""
        while True:
            start = self._buffer.find(b"\x68")
            self._buffer = self._buffer[start:] if start >= 0 else b""
            if len(self._buffer) < 12:
                return replies
            size = self._buffer[9]
            end = 10 + size + 2
            if self._buffer[7] != 0x68 or size > _DATA_MAX:
                self._buffer = self._buffer[1:]
                continue
            if len(self._buffer) < end:
                return replies
            whole = self._buffer[:end]
            if whole[-1] != 0x16 or sum(whole[:-2]) & 0xFF != whole[-2]:
                self._buffer = self._buffer[1:]
                continue
            self._buffer = self._buffer[end:]
            replies += self._spoil(self._ask(whole))

    def _ask(self, whole: bytes) -> bytes:
        address, control = whole[1:7], whole[8]
        data = bytes((b - 0x33) & 0xFF for b in whole[10:-2])
        if address == _BROADCAST or control & _REPLY:
            return b""
        self.requests += 1
        meant = [meter for meter in self._meters if meter.is_meant(address)]
        replies = [reply for meter in meant if (reply := meter.answer(control, data))]
        if len(replies) < 2:
            return b"".join(replies)
        # Several at once drive the line together: what is zero for one is zero for all.
        return bytes(a & b for a, b in zip(replies[0], replies[1], strict=False))

    def _spoil(self, reply: bytes) -> bytes:
        faults, r = self.faults, self._random
        if not reply or faults == NO_FAULTS or faults == LineFaults(echo=True):
            return reply
        if r.random() < faults.lost:
            return b""
        if r.random() < faults.corrupt:
            at = r.randrange(len(reply))
            reply = reply[:at] + bytes([reply[at] ^ (1 << r.randrange(8))]) + reply[at + 1 :]
        if r.random() < faults.noise:
            reply = r.randbytes(r.randint(1, 6)) + reply
        return reply
