"""The protocol data units of short messages, as a modem takes and gives them in PDU mode.

    SMSC length and address | first octet | (reference) | address | PID | DCS | time | UDL | data

SMS-SUBMIT is what is sent, SMS-DELIVER what arrives, SMS-STATUS-REPORT what became of one that was
sent. Source: 3GPP TS 23.040, 9.2.2 (the types), 9.1.2.5 (addresses: digits swapped, F fills), 9.2.3
(fields; 9.2.3.24.1 the header of a part of a longer text), 3GPP TS 27.005, 3.1 and 4.3: the length
given to AT+CMGS does not count the SMSC.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from gateway.drivers.gsm_sms.alphabet import pack, septets, text_of, ucs2, unpack

# User data is 140 octets; of these a part of a longer text gives six to its header.
OCTETS_MAX: Final = 140
HEADER_BYTES: Final = 6
SEPTETS_MAX: Final = 160
# A part's header takes 48 bits and one of filling: seven septets.
PART_SEPTETS_MAX: Final = 153
# Twelve octets of address are twenty digits (9.1.2.5).
DIGITS_MAX: Final = 20
# SMSC, fields and 140 octets of data; more is no PDU.
PDU_BYTES_MAX: Final = 255
NUMBER: Final = re.compile(r"\+?[0-9]{3,20}\Z")

_INTERNATIONAL: Final = 0x91
_UNKNOWN: Final = 0x81
_ALPHANUMERIC: Final = 0x50
_DIGITS: Final = "0123456789*#abc"
_SUBMIT: Final = 0x01
_RELATIVE_VALIDITY: Final = 0x10
_REPORT_WANTED: Final = 0x20
_HAS_HEADER: Final = 0x40
_DCS_UCS2: Final = 0x08
# Of general coding; the length then counts octets.
_COMPRESSED: Final = 0x20
# An alarm that could not be handed over for a day is no alarm (9.2.3.12.1: 167 is 24 hours).
_VALID_24_H: Final = 167
# The sign of a zone, in the lower half of its octet; no zone is further than 14 hours away.
_ZONE_WEST: Final = 0x08
_ZONE_QUARTERS_MAX: Final = 56
_TYPES: Final = {0: "SMS-DELIVER", 1: "SMS-SUBMIT", 2: "SMS-STATUS-REPORT"}


class BadPdu(ValueError):  # noqa: N818 - the reason itself
    """Bytes that are no message; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """One part as AT+CMGS wants it: the length without the SMSC, the whole in hexadecimal."""

    tpdu_bytes: int
    hex: str


def submits(number: str, text: str, *, reference: int = 0, report: bool = False) -> list[Submit]:
    """A text as one part or more; ValueError when the number is none.

    reference: joins the parts of one text at the receiver. Plain text goes in 7 bits, anything
    else in UCS2 (70 characters, 67 in a part).
    """
    if not NUMBER.match(number):
        raise ValueError(f"{number[:30]!r} is no telephone number")
    plain = septets(text)
    units: Sequence[Sequence[int] | bytes] = ucs2(text) if plain is None else plain
    single, each = (
        (OCTETS_MAX, OCTETS_MAX - HEADER_BYTES)
        if plain is None
        else (SEPTETS_MAX, PART_SEPTETS_MAX)
    )
    parts = _parts(units, single) if _size(units) <= single else _parts(units, each)
    found = []
    for place, part in enumerate(parts, 1):
        header = b""
        if len(parts) > 1:
            header = bytes((5, 0, 3, reference & 0xFF, len(parts), place))
        body = _user_data(part, header, dcs=_DCS_UCS2 if plain is None else 0)
        found.append(_submit(number, body, header=bool(header), report=report))
    return found


def _size(units: Sequence[Sequence[int] | bytes]) -> int:
    return sum(len(unit) for unit in units)


def _parts(units: Sequence[Sequence[int] | bytes], room: int) -> list[list[int]]:
    """Whole characters in each part; an empty text is one empty part."""
    parts: list[list[int]] = [[]]
    for unit in units:
        if len(parts[-1]) + len(unit) > room:
            parts.append([])
        parts[-1] += unit
    return parts


def _user_data(part: Sequence[int], header: bytes, *, dcs: int) -> bytes:
    """DCS, validity, length and data."""
    if dcs == _DCS_UCS2:
        data = header + bytes(part)
        return bytes((dcs, _VALID_24_H, len(data))) + data
    fill_bits = -len(header) * 8 % 7
    length = len(part) + (len(header) * 8 + fill_bits) // 7
    return bytes((dcs, _VALID_24_H, length)) + header + pack(part, fill_bits)


def _submit(number: str, body: bytes, *, header: bool, report: bool) -> Submit:
    digits = number.removeprefix("+")
    swapped = bytes.fromhex("".join(b + a for a, b in _pairs(digits)))
    kind = _INTERNATIONAL if number.startswith("+") else _UNKNOWN
    first = _SUBMIT | _RELATIVE_VALIDITY
    first |= _HAS_HEADER if header else 0
    first |= _REPORT_WANTED if report else 0
    tpdu = bytes((first, 0, len(digits), kind)) + swapped + b"\x00" + body
    return Submit(tpdu_bytes=len(tpdu), hex=(b"\x00" + tpdu).hex().upper())


def _pairs(digits: str) -> Iterator[tuple[str, str]]:
    padded = digits + "F" * (len(digits) % 2)
    return zip(padded[::2], padded[1::2], strict=True)


@dataclass(slots=True)
class _Octets:
    """Bytes taken from the front; BadPdu when there are not enough."""

    data: bytes
    at: int = 0

    def take(self, count: int) -> bytes:
        if self.at + count > len(self.data):
            raise BadPdu(f"ends after {len(self.data)} octets, {self.at + count} are needed")
        self.at += count
        return self.data[self.at - count : self.at]

    def octet(self) -> int:
        return self.take(1)[0]

    def rest(self) -> bytes:
        return self.take(len(self.data) - self.at)


def explain(raw: bytes) -> dict[str, Any]:
    """The fields of any PDU with its SMSC in front; BadPdu says what is wrong."""
    if len(raw) > PDU_BYTES_MAX:
        raise BadPdu(f"{len(raw)} octets, at most {PDU_BYTES_MAX}")
    octets = _Octets(raw)
    smsc_bytes = octets.octet()
    smsc = _number(octets.take(smsc_bytes), None) if smsc_bytes else None
    tpdu_at = octets.at
    first = octets.octet()
    kind = _TYPES.get(first & 0x03)
    if kind is None:
        raise BadPdu(f"first octet {first:02X} is of no known type")
    fields: dict[str, Any] = {
        "type": kind,
        "smsc": smsc,
        "tpdu_len": len(raw) - tpdu_at,
    }
    if kind == "SMS-STATUS-REPORT":
        fields["reference"] = octets.octet()
        fields["number"] = _address(octets)
        fields["time"], fields["done"] = (_time(octets.take(7)) for _ in range(2))
        fields["status"] = octets.octet()
        return fields
    if kind == "SMS-SUBMIT":
        fields["reference"] = octets.octet()
    fields["number"] = _address(octets)
    octets.octet()  # the protocol: a plain short message
    dcs = octets.octet()
    fields["dcs"] = f"{dcs:02X}"
    if kind == "SMS-DELIVER":
        fields["time"] = _time(octets.take(7))
    elif validity := first >> 3 & 0x03:
        octets.take(1 if validity == 2 else 7)
    fields.update(_content(octets, dcs, header=bool(first & _HAS_HEADER)))
    return fields


def _content(octets: _Octets, dcs: int, *, header: bool) -> dict[str, Any]:
    length = octets.octet()
    data = octets.rest()
    fields: dict[str, Any] = {"udl": length}
    head = b""
    if header:
        head = data[: data[0] + 1] if data else b""
        if not head or len(head) != data[0] + 1:
            raise BadPdu("the header of a part is cut")
        fields["udh"] = head[1:].hex()
        fields.update(_part(head))
    alphabet = _alphabet(dcs)
    room = len(data) * 8 // 7 if alphabet == "gsm7" else len(data)
    if length > room:
        # Seen in the wild; what is there is read.
        fields["udl_too_long"] = True
    if alphabet == "gsm7":
        fill_bits = -len(head) * 8 % 7
        count = length - (len(head) * 8 + fill_bits) // 7
        fields["text"] = text_of(unpack(data[len(head) :], count, fill_bits))
    elif alphabet == "ucs2":
        fields["text"] = data[len(head) : length].decode("utf-16-be", "replace")
    else:
        fields["data"] = data[len(head) : length].hex()
    return fields


def _part(head: bytes) -> dict[str, int]:
    """Number and place of a part, from an element 00 (8-bit reference) or 08 (16-bit)."""
    at = 1
    while at + 2 <= len(head):
        element, size = head[at], head[at + 1]
        value = head[at + 2 : at + 2 + size]
        if (element, len(value)) in ((0x00, 3), (0x08, 4)):
            return {"parts": value[-2], "part": value[-1]}
        at += 2 + size
    return {}


def _alphabet(dcs: int) -> str:
    """TS 23.038, section 4: general coding 00xx, message waiting 1100 to 1110, class 1111."""
    group = dcs >> 4
    if group < 0x8 and dcs & _COMPRESSED:
        return "data"
    if group < 0x8:
        return ("gsm7", "data", "ucs2", "gsm7")[dcs >> 2 & 0x03]
    if group == 0xE:
        return "ucs2"
    return "data" if group == 0xF and dcs & 0x04 else "gsm7"


def _address(octets: _Octets) -> str:
    digits = octets.octet()
    if digits > DIGITS_MAX:
        raise BadPdu(f"an address of {digits} digits")
    return _number(octets.take(1 + (digits + 1) // 2), digits)


def _number(data: bytes, digits: int | None) -> str:
    """Type of number and swapped digits; a name instead of a number is 7-bit text."""
    if not data:
        raise BadPdu("an address without a type")
    kind, packed = data[0], data[1:]
    if kind & 0x70 == _ALPHANUMERIC:
        count = len(packed) * 8 // 7 if digits is None else digits * 4 // 7
        return text_of(unpack(packed, count))
    found = []
    for octet in packed:
        for digit in (octet & 0x0F, octet >> 4):
            if digit == 0x0F:
                break
            found.append(_DIGITS[digit])
    # What fills the last octet should be F; it is no digit whatever it is.
    return ("+" if kind & 0x70 == 0x10 else "") + "".join(found[:digits])


def _time(data: bytes) -> str | None:
    """Seven swapped octets: year to second, and the zone in quarters of an hour (9.2.3.11).

    None for what is no moment: all zeros, as a phone without a clock sends, or no digits.
    """
    signed = data[6]
    octets = [*data[:6], signed & ~_ZONE_WEST]
    if any(octet & 0x0F > 9 or octet >> 4 > 9 for octet in octets):
        return None
    year, *rest, quarters = ((octet & 0x0F) * 10 + (octet >> 4) for octet in octets)
    if quarters > _ZONE_QUARTERS_MAX:
        return None
    west = signed & _ZONE_WEST
    zone = timezone(timedelta(minutes=-15 * quarters if west else 15 * quarters))
    month, day, hour, minute, second = rest
    try:
        return datetime(2000 + year, month, day, hour, minute, second, tzinfo=zone).isoformat()
    except ValueError:
        return None
