"""Bluetooth SIG health measurements (GATT), forwarded over MQTT by a bridge.

Topic `<base>/<device>/<characteristic>`, payload the characteristic's bytes or their hexadecimal.
SFLOAT is 4 bits of exponent and 12 of mantissa, FLOAT 8 and 24, all two's complement
(IEEE 11073-20601); their special values are no numbers and never become a reading.
"""

import re
import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from contract.config import ConfigError, check_keys, get
from contract.ids import safe_name
from contract.item import Measurement, Scalar
from contract.moment import EPOCH
from gateway.driver import (
    RAW_SHOWN_MAX,
    Decoded,
    Decoder,
    DecodeRequest,
    Driver,
    DriverSpec,
    Outcome,
    Undecodable,
)

MMHG_PER_KPA: Final = 7.50061683
# GATT allows 512 bytes of a value; more is no characteristic.
VALUE_BYTES_MAX: Final = 512
# The county's clock, which cuffs are set to; configurable.
UTC_OFFSET_MINUTES: Final = 480
LB_TO_KG: Final = 0.45359237

_SFLOAT_SPECIAL: Final[Mapping[int, float | None]] = {
    0x07FF: None,
    0x0800: None,
    0x0801: None,
    0x07FE: float("inf"),
    0x0802: float("-inf"),
}
_FLOAT_SPECIAL: Final[Mapping[int, float | None]] = {
    0x007FFFFF: None,
    0x00800000: None,
    0x00800001: None,
    0x007FFFFE: float("inf"),
    0x00800002: float("-inf"),
}


class TooShort(ValueError):  # noqa: N818 - the reason itself
    """The flags promise more bytes than came."""


class _Bytes:
    """A cursor over a characteristic's value."""

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

    def moment(self) -> tuple[int, int, int, int, int, int]:
        year, month, day, hour, minute, second = struct.unpack("<H5B", self.take(7))
        return year, month, day, hour, minute, second

    @property
    def left(self) -> int:
        return len(self._data) - self._at


def sfloat(raw: bytes) -> float | None:
    """SFLOAT: None for NaN, NRes and reserved; infinities as they are."""
    word = int.from_bytes(raw, "little")
    if word in _SFLOAT_SPECIAL:
        return _SFLOAT_SPECIAL[word]
    return _scaled(_signed(word & 0xFFF, 12), _signed(word >> 12, 4))


def float32(raw: bytes) -> float | None:
    """FLOAT: None for NaN, NRes and reserved; infinities as they are."""
    mantissa = int.from_bytes(raw[:3], "little")
    if mantissa in _FLOAT_SPECIAL:
        return _FLOAT_SPECIAL[mantissa]
    return _scaled(_signed(mantissa, 24), int.from_bytes(raw[3:], "little", signed=True))


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value


def _scaled(mantissa: int, exponent: int) -> float:
    # Dividing keeps 364/10 at 36.4 where multiplying by 0.1 would not.
    return float(mantissa * 10**exponent) if exponent >= 0 else mantissa / 10**-exponent


def _finite(**values: float | None) -> dict[str, float]:
    return {k: v for k, v in values.items() if v is not None and abs(v) != float("inf")}


Reading = tuple[str, dict[str, float], dict[str, Scalar], tuple[int, ...] | None]
Explained = tuple[dict[str, Any], Reading | None]


def blood_pressure(data: bytes) -> Explained:
    """0x2A35 Blood Pressure Measurement."""
    b = _Bytes(data)
    flags = b.u8()
    factor = MMHG_PER_KPA if flags & 0x01 else 1.0
    raw = (b.sfloat(), b.sfloat(), b.sfloat())
    moment = b.moment() if flags & 0x02 else None
    pulse = b.sfloat() if flags & 0x04 else None
    user = b.u8() if flags & 0x08 else None
    status = b.u16() if flags & 0x10 else None
    fields: dict[str, Any] = {
        "systolic": raw[0],
        "diastolic": raw[1],
        "mean": raw[2],
        "unit": "kPa" if flags & 0x01 else "mmHg",
        "time": _iso(moment),
        "pulse_rate": pulse,
        "user": user,
        "status": status,
    }
    mmhg = [None if v is None else round(v * factor, 1) for v in raw]
    values = _finite(
        systolic_mmhg=mmhg[0], diastolic_mmhg=mmhg[1], mean_mmhg=mmhg[2], pulse_bpm=pulse
    )
    attrs: dict[str, Scalar] = {}
    if user is not None and user != 0xFF:
        attrs["user"] = user
    if status is not None:
        attrs["body_movement"] = bool(status & 1)
        attrs["cuff_fit"] = "loose" if status & 2 else "ok"
        attrs["irregular_pulse"] = bool(status & 4)
    return fields, ("blood_pressure", values, attrs, moment)


def temperature(data: bytes) -> Explained:
    """0x2A1C Temperature Measurement."""
    b = _Bytes(data)
    flags = b.u8()
    value = b.float32()
    moment = b.moment() if flags & 0x02 else None
    kind = b.u8() if flags & 0x04 else None
    unit = "F" if flags & 0x01 else "C"
    fields = {"temperature": value, "unit": unit, "time": _iso(moment), "type": kind}
    celsius = value if value is None or unit == "C" else round((value - 32) / 1.8, 2)
    return fields, ("temperature", _finite(temperature_c=celsius), {}, moment)


def heart_rate(data: bytes) -> Explained:
    """0x2A37 Heart Rate Measurement."""
    b = _Bytes(data)
    flags = b.u8()
    rate = b.u16() if flags & 0x01 else b.u8()
    contact = bool(flags & 0x02) if flags & 0x04 else None
    fields: dict[str, Any] = {"heart_rate": rate, "contact": contact}
    if flags & 0x08:
        fields["energy_kJ"] = b.u16()
    if flags & 0x10:
        fields["rr_1024"] = [b.u16() for _ in range(b.left // 2)]
    # A strap that says it touches nobody measures nothing.
    values = {} if contact is False or rate == 0 else {"pulse_bpm": float(rate)}
    return fields, ("heart_rate", values, {}, None)


def glucose(data: bytes) -> Explained:
    """0x2A18 Glucose Measurement."""
    b = _Bytes(data)
    flags = b.u8()
    fields: dict[str, Any] = {"sequence": b.u16()}
    moment = b.moment()
    fields["base_time"] = _iso(moment)
    offset_min = b.s16() if flags & 0x01 else None
    if offset_min is not None:
        fields["time_offset_min"] = offset_min
    mmol: float | None = None
    if flags & 0x02:
        value = b.sfloat()
        place = b.u8()
        molar = bool(flags & 0x04)
        fields["concentration"] = value
        fields["unit"] = "mol/L" if molar else "kg/L"
        fields["type"], fields["location"] = place & 0x0F, place >> 4
        mg_dl = None if value is None or molar else round(value * 100_000, 6)
        mmol = None if value is None else (value * 1000 if molar else value * 1e6 / 180.156)
        fields["mg_dL"], fields["mmol_L"] = mg_dl, round(mmol, 3) if molar and mmol else None
    if flags & 0x08:
        fields["status"] = b.u16()
    fields["context_follows"] = bool(flags & 0x10)
    when = _shifted(moment, offset_min or 0)
    values = _finite(glucose_mmol_l=None if mmol is None else round(mmol, 2))
    return fields, ("glucose", values, {}, when)


def weight(data: bytes) -> Explained:
    """0x2A9D Weight Measurement."""
    b = _Bytes(data)
    flags = b.u8()
    pounds = bool(flags & 0x01)
    value = b.u16() * (0.01 if pounds else 0.005)
    moment = b.moment() if flags & 0x02 else None
    fields = {"weight": round(value, 3), "unit": "lb" if pounds else "kg"}
    kg = value * LB_TO_KG if pounds else value
    return fields, ("weight", {"weight_kg": round(kg, 3)}, {}, moment)


def oximetry_spot(data: bytes) -> Explained:
    """0x2A5E PLX Spot-Check Measurement."""
    b = _Bytes(data)
    flags = b.u8()
    spo2, pulse = b.sfloat(), b.sfloat()
    moment = b.moment() if flags & 0x01 else None
    fields = {"spo2": spo2, "pulse_rate": pulse, "time": _iso(moment)}
    # The device says itself when its clock was never set.
    believed = None if flags & 0x10 else moment
    return fields, ("oximetry", _finite(spo2_pct=spo2, pulse_bpm=pulse), {}, believed)


def oximetry_continuous(data: bytes) -> Explained:
    """0x2A5F PLX Continuous Measurement."""
    b = _Bytes(data)
    b.u8()
    spo2, pulse = b.sfloat(), b.sfloat()
    fields = {"spo2": spo2, "pulse_rate": pulse}
    return fields, ("oximetry", _finite(spo2_pct=spo2, pulse_bpm=pulse), {}, None)


def _only(number: Callable[[bytes], float | None], size: int) -> Callable[[bytes], Explained]:
    def explain(data: bytes) -> Explained:
        value = number(_Bytes(data).take(size))
        shown = {float("inf"): "Infinity", float("-inf"): "-Infinity"}
        return {"value": value if value is None else shown.get(value, value)}, None

    return explain


CHARACTERISTICS: Final[Mapping[str, Callable[[bytes], Explained]]] = {
    "2A35": blood_pressure,
    "2A1C": temperature,
    "2A37": heart_rate,
    "2A18": glucose,
    "2A9D": weight,
    "2A5E": oximetry_spot,
    "2A5F": oximetry_continuous,
    "SFLOAT": _only(sfloat, 2),
    "FLOAT": _only(float32, 4),
}


def _iso(moment: tuple[int, ...] | None) -> str | None:
    if moment is None:
        return None
    year, month, day, hour, minute, second = moment
    return f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}"


def _shifted(moment: tuple[int, ...], minutes: int) -> tuple[int, ...] | None:
    try:
        when = datetime(*moment[:6], tzinfo=UTC) + timedelta(minutes=minutes)  # type: ignore[arg-type, misc]
    except (ValueError, OverflowError):
        return None
    return when.year, when.month, when.day, when.hour, when.minute, when.second


class Bridge:
    """The message driver. `offset` is the zone the devices' clocks are set to."""

    def __init__(self, base_topic: str, offset: timedelta) -> None:
        self._base = base_topic
        self._zone = timezone(offset)

    def subscriptions(self) -> Sequence[str]:
        return [f"{self._base}/+/+"]

    def decode(self, topic: str, payload: bytes, now_ms: int) -> list[Outcome]:
        parts = topic.removeprefix(f"{self._base}/").split("/")
        if len(parts) != 2 or not topic.startswith(f"{self._base}/"):
            return [_bad("bad_topic", f"{topic[:80]!r} is not <base>/<device>/<value>", payload)]
        explained = explain(parts[1], value_bytes(payload))
        if isinstance(explained, Undecodable):
            return [explained]
        fields, reading = explained
        if reading is None or not reading[1]:
            return [Decoded(fields=fields)]
        kind, values, attrs, moment = reading
        measured = Measurement(
            device=safe_name(parts[0]),
            kind=kind,
            measured_at_ms=self._measured_at(moment, now_ms),
            received_at_ms=now_ms,
            values=values,
            attrs=attrs,
        )
        return [Decoded(fields=fields, measurements=(measured,))]

    def _measured_at(self, moment: tuple[int, ...] | None, now_ms: int) -> int:
        """The device's own time; year 0 means that it has none."""
        if moment is None or moment[0] == 0:
            return now_ms
        try:
            year, month, day, hour, minute, second = moment
            when = datetime(year, month, day, hour, minute, second, tzinfo=self._zone)
        except ValueError:
            return now_ms
        at_ms = (when - EPOCH) // timedelta(milliseconds=1)
        return at_ms if at_ms >= 0 else now_ms


def value_bytes(payload: bytes) -> bytes:
    """The characteristic's bytes: a payload that is hexadecimal text means its bytes."""
    text = payload.strip()
    if len(text) % 2 == 0 and re.fullmatch(rb"[0-9A-Fa-f]{4,}", text):
        return bytes.fromhex(text.decode())
    return payload


def explain(characteristic: str, data: bytes) -> Explained | Undecodable:
    reader = CHARACTERISTICS.get(characteristic.upper().removeprefix("0X"))
    if reader is None:
        return _bad("unknown_characteristic", f"{characteristic[:40]!r}", data)
    if len(data) > VALUE_BYTES_MAX:
        return _bad("too_long", f"{len(data)} bytes, at most {VALUE_BYTES_MAX}", data)
    try:
        return reader(data)
    except TooShort:
        return _bad("too_short", f"{len(data)} bytes are fewer than the flags promise", data)


def _bad(code: str, detail: str, raw: bytes) -> Undecodable:
    return Undecodable(code=code, detail=detail, raw=raw[:RAW_SHOWN_MAX], fields={"invalid": code})


def build(config: Mapping[str, Any]) -> Driver:
    where = "ble-health"
    check_keys(config, ("base_topic", "utc_offset_minutes"), where)
    minutes = get(config, "utc_offset_minutes", int, where, UTC_OFFSET_MINUTES)
    if not -720 <= minutes <= 840:
        raise ConfigError(f"{where}.utc_offset_minutes", "between -720 and 840")
    return Bridge(get(config, "base_topic", str, where, "ble"), timedelta(minutes=minutes))


def _decoder() -> Decoder:
    return decode


def decode(request: DecodeRequest) -> list[Outcome]:
    if request.topic is not None:
        base = request.topic.rsplit("/", 2)[0]
        bridge = Bridge(base, timedelta(minutes=UTC_OFFSET_MINUTES))
        return bridge.decode(request.topic, request.data, request.now_ms)
    characteristic = request.characteristic or "2A35"
    name = "SFLOAT" if characteristic == "SFLOAT" else characteristic
    bridge = Bridge("ble", timedelta(minutes=UTC_OFFSET_MINUTES))
    return bridge.decode(f"ble/device/{name}", request.data.hex().encode(), request.now_ms)


SPEC = DriverSpec(
    name="ble-health",
    title="Bluetooth blood pressure, oximeter, glucose, thermometer, heart rate, weight over MQTT",
    transport="mqtt",
    line=None,
    settings={
        "base_topic": "topics are <base_topic>/<device>/<characteristic>",
        "utc_offset_minutes": "the zone the devices' clocks are set to (480: China)",
    },
    build=build,
    decoder=_decoder,
)
