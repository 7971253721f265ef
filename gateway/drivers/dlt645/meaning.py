"""What a checked DL/T 645 frame says: the protocol's fields, and values for an item of `power`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from contract.item import Scalar
from gateway.driver import RAW_SHOWN_MAX, Undecodable
from gateway.drivers.dlt645.frame import Frame, address_text
from gateway.drivers.dlt645.items import (
    ADDRESS_DI,
    COUNT_NAMES,
    DATE_DIS,
    ITEMS,
    STATUS_BLOCK_DI,
    STATUS_DIS,
    TIME_DIS,
    VALUE_OF,
    Block,
    Quantity,
    attribute_of,
    digits,
    is_absent,
)
from gateway.drivers.dlt645.status import WORD_BYTES, flags

_FUNCTIONS: Final[Mapping[int, str]] = MappingProxyType(
    {
        0x01: "read",
        0x02: "read_next",
        0x03: "reread",
        0x04: "write",
        0x08: "broadcast_time",
        0x11: "read",
        0x12: "read_next",
        0x13: "read_address",
        0x14: "write",
        0x15: "write_address",
        0x16: "freeze",
        0x17: "set_baud",
        0x18: "change_password",
        0x19: "clear_demand",
        0x1A: "clear_meter",
        0x1B: "clear_events",
        0x1C: "control",
    }
)
_READ: Final = frozenset({0x01, 0x11})
_READ_NEXT: Final = frozenset({0x02, 0x12})
_EDITION_1997: Final = frozenset({0x01, 0x02, 0x03, 0x04})

# ERR of the 2007 edition is a bit field: two faults may be reported at once.
_ERROR_FLAGS: Final = (
    "other",
    "no_requested_data",
    "password_or_unauthorised",
    "baud_unchangeable",
    "year_zones_exceeded",
    "day_slots_exceeded",
    "tariffs_exceeded",
    "reserved",
)
NO_SUCH_DATA: Final = 0x02

_BAUD_CODES: Final[Mapping[int, int]] = MappingProxyType(
    {0x02: 600, 0x04: 1200, 0x08: 2400, 0x10: 4800, 0x20: 9600, 0x40: 19200}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """A frame understood; `di` is empty when the frame names no data."""

    fields: Mapping[str, Any]
    di: str = ""
    payload: bytes = b""
    sequence: int | None = None
    error: int | None = None
    values: Mapping[str, float] = field(default_factory=dict)
    attrs: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Why the data behind an identifier can't be a reading: `bad_length` or `bad_digits`."""

    code: str
    detail: str


def explain(frame: Frame) -> Meaning | Undecodable:
    """The meaning of a frame; Undecodable when its length does not fit what it claims to be."""
    name = _FUNCTIONS.get(frame.function, "unknown")
    fields: dict[str, Any] = {
        "frame": f"{name}_response" if frame.is_reply else f"{name}_request",
        "control": f"{frame.control:02X}",
        "address": frame.address,
    }
    if frame.function in _EDITION_1997:
        fields["version"] = 1997
    if frame.is_reply and frame.is_error:
        return _error(frame, fields)
    if frame.function in _READ:
        return _read(frame, fields)
    if frame.function in _READ_NEXT:
        return _read_next(frame, fields)
    if frame.function == 0x13:
        return _read_address(frame, fields)
    if frame.function == 0x17:
        return _set_baud(frame, fields)
    if frame.function == 0x08:
        fields["frame"] = "broadcast_time"
        fields["time"] = _moment(frame.data)
        return Meaning(fields=fields)
    # The others carry passwords and operators' codes, which have no place on a screen.
    fields["data_bytes"] = len(frame.data)
    return Meaning(fields=fields)


def explain_payload(di: str, payload: bytes) -> Meaning | Refused:
    """Fields and values of the data behind an identifier, or why there are none."""
    if di in DATE_DIS:
        return _date(payload)
    if di in TIME_DIS:
        return _time(payload)
    if di == ADDRESS_DI:
        return _address(payload)
    if di in STATUS_DIS or di == STATUS_BLOCK_DI:
        return _status([STATUS_DIS[di]] if di in STATUS_DIS else [*STATUS_DIS.values()], payload)
    item = ITEMS.get(di)
    if item is None:
        return Meaning(fields={"data": payload.hex().upper()}, di=di, payload=payload)
    if isinstance(item, Block):
        return _block(item, payload)
    if len(payload) != item.size_bytes:
        return _wrong_length(payload, item.size_bytes)
    number = _number(payload, item)
    if isinstance(number, Refused):
        return number
    values, attrs = _placed(item, number)
    if item.name in COUNT_NAMES:
        return Meaning(fields={"count": number}, attrs=attrs)
    value = None if number is None else number / 10**item.decimals
    fields = {"name": item.name, "value": value, "unit": item.unit}
    return Meaning(fields=fields, values=values, attrs=attrs)


def _block(block: Block, payload: bytes) -> Meaning | Refused:
    """As many numbers as the meter has, at most the block's: a meter may have fewer tariffs."""
    size = block.form.size_bytes
    if not payload or len(payload) % size:
        return _wrong_length(payload, size)
    shown: list[float | None] = []
    values: dict[str, float] = {}
    attrs: dict[str, Scalar] = {}
    for index in range(len(payload) // size):
        number = _number(payload[index * size : (index + 1) * size], block.form)
        if isinstance(number, Refused):
            return number
        shown.append(None if number is None else number / 10**block.form.decimals)
        if index < len(block.names):
            more_values, more_attrs = _placed(block.form, number, block.names[index])
            values.update(more_values)
            attrs.update(more_attrs)
    return Meaning(fields={"block": shown, "unit": block.form.unit}, values=values, attrs=attrs)


def _number(wire: bytes, form: Quantity) -> int | Refused | None:
    """The digits; None: the meter has no value here. Anything else that is no BCD is damage."""
    if is_absent(wire):
        return None
    number = digits(wire, signed=form.signed)
    return _wrong_digits(wire) if number is None else number


def _placed(
    form: Quantity, number: int | None, name: str | None = None
) -> tuple[dict[str, float], dict[str, Scalar]]:
    """The number under the contract's name and unit, among the values or the attributes."""
    name = name or form.name
    if number is None:
        return {}, {}
    if name in VALUE_OF:
        value_name, power_of_ten = VALUE_OF[name]
        return {value_name: number / 10 ** (form.decimals - power_of_ten)}, {}
    attr_name, power_of_ten = attribute_of(name, form.unit)
    decimals = form.decimals - power_of_ten
    return {}, {attr_name: number / 10**decimals if form.decimals else number}


def _read(frame: Frame, fields: dict[str, Any]) -> Meaning | Undecodable:
    width = 2 if frame.function in _EDITION_1997 else 4
    if len(frame.data) < width:
        return _bad_length(frame, fields, f"{len(frame.data)} data bytes hold no identifier")
    di = frame.data[:width][::-1].hex().upper()
    payload = frame.data[width:]
    fields["di"] = di
    if not frame.is_reply:
        return Meaning(fields=fields, di=di)
    if frame.more_follows:
        fields["more"] = True
        fields["data"] = payload.hex().upper()
        return Meaning(fields=fields, di=di, payload=payload)
    content = explain_payload(di, payload)
    if isinstance(content, Refused):
        return _undecodable(frame, fields, content.code, f"{di}: {content.detail}")
    shown = dict(content.fields)
    if width == 2:
        shown.pop("name", None)
    return Meaning(
        fields={**fields, **shown},
        di=di,
        payload=payload,
        values=content.values,
        attrs=content.attrs,
    )


def _read_next(frame: Frame, fields: dict[str, Any]) -> Meaning | Undecodable:
    width = 2 if frame.function in _EDITION_1997 else 4
    if len(frame.data) < width:
        return _bad_length(frame, fields, f"{len(frame.data)} data bytes hold no identifier")
    di = frame.data[:width][::-1].hex().upper()
    fields["di"] = di
    if width == 2:
        fields["data"] = frame.data[width:].hex().upper()
        return Meaning(fields=fields, di=di, payload=frame.data[width:])
    if len(frame.data) < width + 1:
        return _bad_length(frame, fields, "the frame number is missing")
    sequence = frame.data[-1]
    payload = frame.data[width:-1]
    fields["seq"] = sequence
    if frame.is_reply:
        fields["more"] = frame.more_follows
        fields["data"] = payload.hex().upper()
    return Meaning(fields=fields, di=di, payload=payload, sequence=sequence)


def _read_address(frame: Frame, fields: dict[str, Any]) -> Meaning | Undecodable:
    if not frame.is_reply:
        fields["data"] = frame.data.hex().upper()
        return Meaning(fields=fields)
    if len(frame.data) != 6:
        return _bad_length(frame, fields, f"{len(frame.data)} data bytes, an address has 6")
    fields["data_address"] = address_text(frame.data)
    return Meaning(fields=fields)


def _set_baud(frame: Frame, fields: dict[str, Any]) -> Meaning | Undecodable:
    if len(frame.data) != 1:
        return _bad_length(frame, fields, f"{len(frame.data)} data bytes, a speed code has 1")
    fields["code"] = frame.data[0]
    fields["baud"] = _BAUD_CODES.get(frame.data[0])
    return Meaning(fields=fields)


def _error(frame: Frame, fields: dict[str, Any]) -> Meaning | Undecodable:
    fields["frame"] = "error_response"
    if not frame.data:
        return _bad_length(frame, fields, "an error answer without its error byte")
    error = frame.data[0]
    fields["err"] = error
    if frame.function not in _EDITION_1997:
        fields["flags"] = [name for bit, name in enumerate(_ERROR_FLAGS) if error >> bit & 1]
    return Meaning(fields=fields, error=error)


def _bad_length(frame: Frame, fields: Mapping[str, Any], detail: str) -> Undecodable:
    return _undecodable(frame, fields, "bad_length", detail)


def _undecodable(frame: Frame, fields: Mapping[str, Any], code: str, detail: str) -> Undecodable:
    return Undecodable(
        code=code,
        detail=detail,
        raw=frame.data[:RAW_SHOWN_MAX],
        fields={**fields, "invalid": code},
    )


def _wrong_length(payload: bytes, expected_bytes: int) -> Refused:
    detail = f"{len(payload)} bytes of data, numbers of it have {expected_bytes}"
    return Refused(code="bad_length", detail=detail)


def _wrong_digits(wire: bytes) -> Refused:
    return Refused(code="bad_digits", detail=f"{wire[::-1].hex().upper()} is not decimal")


def _two_digits(byte: int) -> int | None:
    return digits(bytes((byte,)), signed=False)


def _date(payload: bytes) -> Meaning | Refused:
    """WW DD MM YY; a date that no calendar has is shown as none."""
    if len(payload) != 4:
        return _wrong_length(payload, 4)
    weekday, day, month, year = (_two_digits(byte) for byte in payload)
    if weekday is None or day is None or month is None or year is None:
        return _wrong_digits(payload)
    plausible = 1 <= day <= 31 and 1 <= month <= 12
    date = f"20{year:02d}-{month:02d}-{day:02d}" if plausible else None
    attrs = {} if date is None else {"meter_date": date}
    return Meaning(fields={"date": date, "weekday": weekday}, attrs=attrs)


def _time(payload: bytes) -> Meaning | Refused:
    """Ss mm hh; a time that no clock shows is shown as none."""
    if len(payload) != 3:
        return _wrong_length(payload, 3)
    second, minute, hour = (_two_digits(byte) for byte in payload)
    if second is None or minute is None or hour is None:
        return _wrong_digits(payload)
    plausible = hour <= 23 and minute <= 59 and second <= 59
    time = f"{hour:02d}:{minute:02d}:{second:02d}" if plausible else None
    return Meaning(fields={"time": time}, attrs={} if time is None else {"meter_time": time})


def _address(payload: bytes) -> Meaning | Refused:
    if len(payload) != 6:
        return _wrong_length(payload, 6)
    return Meaning(fields={"data_address": address_text(payload)})


def _status(words: Sequence[int], payload: bytes) -> Meaning | Refused:
    """Bits, not digits; the attribute of a word holds the names of those that are set."""
    if len(payload) != WORD_BYTES * len(words):
        return _wrong_length(payload, WORD_BYTES * len(words))
    shown = {
        f"status_{word}": flags(word, payload[WORD_BYTES * n : WORD_BYTES * (n + 1)])
        for n, word in enumerate(words)
    }
    attrs: dict[str, Scalar] = {name: ",".join(set_bits) for name, set_bits in shown.items()}
    fields = {name: list(set_bits) for name, set_bits in shown.items()}
    return Meaning(fields=fields, attrs=attrs)


def _moment(data: bytes) -> str | None:
    """Ss mm hh DD MM YY of a broadcast, as ISO text without a zone."""
    parts = [_two_digits(byte) for byte in data]
    if len(parts) != 6 or None in parts:
        return None
    second, minute, hour, day, month, year = parts
    return f"20{year:02d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}"
