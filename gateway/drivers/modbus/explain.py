"""What a Modbus frame says without knowing the meter's map, and why bytes are not a frame."""

from collections.abc import Mapping
from typing import Any, Final

from gateway.driver import RAW_SHOWN_MAX, Undecodable
from gateway.drivers.modbus.frame import (
    EXCEPTIONS,
    REQUEST_BYTES,
    UNIT_GENERAL_PZEM,
    Frame,
    Kind,
    crc_bytes,
    shapes,
)
from gateway.drivers.modbus.maps import PZEM_ALARM_OFFSET, PZEM_BLOCK, content, float32

_PZEM_FIELDS: Final = {
    "voltage_v": "voltage_V",
    "current_a": "current_A",
    "power_w": "power_W",
    "frequency_hz": "frequency_Hz",
    "power_factor": "power_factor",
}


def explain(frame: Frame) -> dict[str, Any]:
    """The fields of a frame. `float32_be` is how most meters mean their registers."""
    fields: dict[str, Any] = {
        "kind": frame.kind.value,
        "unit": frame.unit,
        "function": frame.function,
    }
    if frame.kind is Kind.REQUEST:
        return {**fields, "address": frame.address, "count": frame.count}
    if frame.kind is Kind.EXCEPTION:
        code = frame.body[0]
        return {**fields, "code": code, "meaning": EXCEPTIONS.get(code, "unknown")}
    data = frame.data
    fields["registers"] = [
        int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)
    ]
    if len(data) % 4 == 0:
        numbers = [float32(data[at : at + 4]) for at in range(0, len(data), 4)]
        # JSON has no NaN and no infinity.
        fields["float32_be"] = [n if abs(n) < float("inf") else None for n in numbers]
    if is_pzem(frame):
        fields["pzem"] = _pzem(data)
    return fields


def is_pzem(frame: Frame) -> bool:
    """Only a PZEM answers under the general address, and always with its ten registers."""
    whole = frame.kind is Kind.RESPONSE and frame.count == PZEM_BLOCK.count
    return whole and frame.unit == UNIT_GENERAL_PZEM


def damage(rest: bytes) -> Undecodable:
    """A report about bytes that no good frame claimed: the first damaged frame in them."""
    for at in range(len(rest)):
        found = next(iter(shapes(rest, at)), None)
        if found is None:
            continue
        _kind, size = found
        raw = rest[at : at + size]
        if len(raw) < size:
            return _report("incomplete", f"{len(raw)} of {size} bytes", rest, "length/CRC")
        computed = crc_bytes(raw[:-2]).hex().upper()
        detail = f"CRC {raw[-2:].hex().upper()}, computed {computed}"
        return _report("crc", detail, rest, "CRC", {"expected_crc": computed})
    detail = f"{len(rest)} bytes that begin no frame"
    code = "incomplete" if len(rest) < REQUEST_BYTES else "noise"
    return _report(code, detail, rest, "length/CRC")


def _pzem(data: bytes) -> dict[str, Any]:
    said = content(PZEM_BLOCK, data)
    alarm = int.from_bytes(data[2 * PZEM_ALARM_OFFSET : 2 * PZEM_ALARM_OFFSET + 2], "big")
    return {
        **{_PZEM_FIELDS[name]: value for name, value in said.items() if name != "energy_kwh"},
        "energy_Wh": int.from_bytes(data[12:14] + data[10:12], "big"),
        "alarm": alarm == 0xFFFF,
    }


def _report(
    code: str, detail: str, rest: bytes, reason: str, more: Mapping[str, Any] | None = None
) -> Undecodable:
    return Undecodable(
        code=code,
        detail=detail,
        raw=rest[:RAW_SHOWN_MAX],
        fields={"kind": "invalid", "reason": reason, **(more or {})},
    )
