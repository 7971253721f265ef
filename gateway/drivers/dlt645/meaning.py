"""What a checked DL/T 645 frame says: the protocol's fields, and values for an item of `power`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from contract.item import Scalar
from gateway.driver import RAW_SHOWN_MAX, Undecodable
from gateway.drivers.dlt645.frame import Frame, address_text
from gateway.drivers.dlt645.items import (
    ADDRESS_DI,
    ATTR_OF,
    COUNT_NAMES,
    DATE_DI,
    ITEMS,
    TIME_DI,
    VALUE_OF,
    Block,
    Quantity,
    digits,
)

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


def explain_payload(di: str, payload: bytes) -> Meaning | None:
    """Fields and values of the data behind an identifier; None when its length is wrong."""
    special = {DATE_DI: _date, TIME_DI: _time, ADDRESS_DI: _address}.get(di)
    if special is not None:
        return special(payload)
    item = ITEMS.get(di)
    if item is None:
        return Meaning(fields={"data": payload.hex().upper()}, di=di, payload=payload)
    if isinstance(item, Block):
        return _block(item, payload)
    if len(payload) != item.size_bytes:
        return None
    number = digits(payload, signed=item.signed)
    values, attrs = _placed(item, number)
    if item.name in COUNT_NAMES:
        return Meaning(fields={"count": number}, attrs=attrs)
    value = None if number is None else number / 10**item.decimals
    fields = {"name": item.name, "value": value, "unit": item.unit}
    return Meaning(fields=fields, values=values, attrs=attrs)


def _block(block: Block, payload: bytes) -> Meaning | None:
    size = block.form.size_bytes
    if not payload or len(payload) % size:
        return None
    shown: list[float | None] = []
    values: dict[str, float] = {}
    attrs: dict[str, Scalar] = {}
    for index in range(len(payload) // size):
        number = digits(payload[index * size : (index + 1) * size], signed=block.form.signed)
        shown.append(None if number is None else number / 10**block.form.decimals)
        if index < len(block.names):
            more_values, more_attrs = _placed(block.form, number, block.names[index])
            values.update(more_values)
            attrs.update(more_attrs)
    return Meaning(fields={"block": shown, "unit": block.form.unit}, values=values, attrs=attrs)


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
    if name in ATTR_OF:
        scaled = number / 10**form.decimals if form.decimals else number
        return {}, {ATTR_OF[name]: scaled}
    return {}, {}


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
    if content is None:
        return _bad_length(frame, fields, f"{len(payload)} bytes are not the length of {di}")
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
    return Undecodable(
        code="bad_length",
        detail=detail,
        raw=frame.data[:RAW_SHOWN_MAX],
        fields={**fields, "invalid": "bad_length"},
    )


def _two_digits(byte: int) -> int | None:
    return digits(bytes((byte,)), signed=False)


def _date(payload: bytes) -> Meaning | None:
    """WW DD MM YY; a date that no calendar has is shown as none."""
    if len(payload) != 4:
        return None
    weekday, day, month, year = (_two_digits(byte) for byte in payload)
    known = day is not None and month is not None and year is not None
    plausible = known and 1 <= (day or 0) <= 31 and 1 <= (month or 0) <= 12
    date = f"20{year:02d}-{month:02d}-{day:02d}" if plausible else None
    return Meaning(fields={"date": date, "weekday": weekday})


def _time(payload: bytes) -> Meaning | None:
    """Ss mm hh."""
    if len(payload) != 3:
        return None
    second, minute, hour = (_two_digits(byte) for byte in payload)
    if second is None or minute is None or hour is None:
        return Meaning(fields={"time": None})
    return Meaning(fields={"time": f"{hour:02d}:{minute:02d}:{second:02d}"})


def _address(payload: bytes) -> Meaning | None:
    if len(payload) != 6:
        return None
    return Meaning(fields={"data_address": address_text(payload)})


def _moment(data: bytes) -> str | None:
    """Ss mm hh DD MM YY of a broadcast, as ISO text without a zone."""
    parts = [_two_digits(byte) for byte in data]
    if len(parts) != 6 or None in parts:
        return None
    second, minute, hour, day, month, year = parts
    return f"20{year:02d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}"
