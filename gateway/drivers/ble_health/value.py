"""What the bytes of a health characteristic are made of.

Little endian throughout. SFLOAT: 4 bits of exponent and 12 of mantissa, FLOAT: 8 and 24, both in
two's complement; five mantissas are no numbers (IEEE 11073-20601). Date Time is 7 bytes
of local time: year 0 or 1582-9999, month and day 0 when unknown.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Final, Literal, NamedTuple

from contract.item import Scalar
from contract.moment import EPOCH, MAX_MS

INFINITY: Final = float("inf")
# A user index of this value says: unknown.
USER_UNKNOWN: Final = 0xFF

# Mantissas that are no numbers; with SFLOAT their exponent is 0, so that the word is the mantissa.
_SFLOAT_SPECIAL: Final[Mapping[int, float | None]] = {
    0x07FF: None,
    0x0800: None,
    0x0801: None,
    0x07FE: INFINITY,
    0x0802: -INFINITY,
}
_FLOAT_SPECIAL: Final[Mapping[int, float | None]] = {
    0x007FFFFF: None,
    0x00800000: None,
    0x00800001: None,
    0x007FFFFE: INFINITY,
    0x00800002: -INFINITY,
}


class TooShort(ValueError):  # noqa: N818 - the reason itself
    """The flags promise more bytes than came."""


class OutOfRange(ValueError):  # noqa: N818 - the reason itself
    """A field holds a value that its characteristic reserves."""


class DateTime(NamedTuple):
    """A device's local time as it was sent, possibly impossible."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int

    @property
    def known(self) -> bool:
        return self.year != 0 and self.month != 0 and self.day != 0

    def text(self) -> str:
        day = f"{self.year:04d}-{self.month:02d}-{self.day:02d}"
        return f"{day}T{self.hour:02d}:{self.minute:02d}:{self.second:02d}"

    def at_ms(self, zone: timezone, offset_min: int = 0) -> int | None:
        """Milliseconds since the epoch; None when it is no date or none the contract carries."""
        try:
            when = datetime(*self, tzinfo=zone) + timedelta(minutes=offset_min)
        except (ValueError, OverflowError):
            return None
        at_ms = (when - EPOCH) // timedelta(milliseconds=1)
        return at_ms if 0 <= at_ms <= MAX_MS else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a value says about a person or a device, before it has a device and a time.

    fault: why its values are not to be believed; then they are no reading.
    moment: by the device's clock, None when it has none; offset_min: added to it. clock_unset: the
    device says itself that its clock was never set.
    """

    kind: str
    values: Mapping[str, float]
    attrs: Mapping[str, Scalar] = field(default_factory=dict)
    fault: str | None = None
    moment: DateTime | None = None
    offset_min: int = 0
    clock_unset: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A decoded value: its own fields, and a reading when there is one."""

    fields: dict[str, Any]
    reading: Reading | None = None


class Cursor:
    """Reads a characteristic's value from front to back."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        part = self._data[self._at : self._at + size]
        if len(part) < size:
            raise TooShort
        self._at += size
        return part

    def u8(self) -> int:
        return self.take(1)[0]

    def u16(self) -> int:
        return int.from_bytes(self.take(2), "little")

    def s16(self) -> int:
        return int.from_bytes(self.take(2), "little", signed=True)

    def u24(self) -> int:
        return int.from_bytes(self.take(3), "little")

    def sfloat(self) -> float | None:
        return sfloat(self.take(2))

    def float32(self) -> float | None:
        return float32(self.take(4))

    def moment(self) -> DateTime:
        return DateTime(*struct.unpack("<H5B", self.take(7)))

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def rest(self, flags: int = 0, known_flags: int = 0xFF) -> dict[str, int]:
        """What a later edition of the characteristic may have added: told, never an error."""
        found = {}
        if flags & ~known_flags:
            found["reserved_flags"] = flags & ~known_flags
        if self.left:
            found["extra_bytes"] = self.left
        return found


def sfloat(raw: bytes) -> float | None:
    """SFLOAT: None for NaN, NRes and reserved; infinities as they are."""
    word = int.from_bytes(raw, "little")
    if word in _SFLOAT_SPECIAL:
        return _SFLOAT_SPECIAL[word]
    return _scaled(_signed(word & 0xFFF, 12), _signed(word >> 12, 4))


def float32(raw: bytes) -> float | None:
    """FLOAT: None for NaN, NRes and reserved, whatever the exponent; infinities as they are."""
    mantissa = int.from_bytes(raw[:3], "little")
    if mantissa in _FLOAT_SPECIAL:
        return _FLOAT_SPECIAL[mantissa]
    return _scaled(_signed(mantissa, 24), int.from_bytes(raw[3:], "little", signed=True))


def finite(**values: float | None) -> dict[str, float]:
    """The values that are numbers."""
    return {k: v for k, v in values.items() if v is not None and abs(v) != INFINITY}


def scaled(value: float | None, factor: float, digits: int) -> float | None:
    """In another unit; what is no number stays as it is."""
    return value if value is None or abs(value) == INFINITY else round(value * factor, digits)


def bits(word: int, names: Mapping[int, str]) -> str:
    """The names of the bits that are set, in order, for people."""
    return " ".join(name for bit, name in names.items() if word >> bit & 1)


def shown(value: float | None) -> float | Literal["Infinity", "-Infinity"] | None:
    """As JSON can say it."""
    if value == INFINITY:
        return "Infinity"
    return "-Infinity" if value == -INFINITY else value


def text(moment: DateTime | None) -> str | None:
    return None if moment is None else moment.text()


def user_attr(user: int | None) -> dict[str, Scalar]:
    return {} if user is None or user == USER_UNKNOWN else {"user": user}


def _signed(value: int, width: int) -> int:
    return value - (1 << width) if value >> (width - 1) else value


def _scaled(mantissa: int, exponent: int) -> float:
    # Dividing keeps 364/10 at 36.4 where multiplying by 0.1 would not.
    return float(mantissa * 10**exponent) if exponent >= 0 else mantissa / 10**-exponent
