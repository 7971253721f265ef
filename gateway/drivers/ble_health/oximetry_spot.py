"""0x2A5E PLX Spot-Check Measurement (Pulse Oximeter Service 1.0.1).

    flags(1) SpO2(2) pulse(2) [time(7)] [measurement status(2)] [sensor status(3)] [amplitude(2)]

Flags: bit 0 time, 1 measurement status, 2 sensor status, 3 pulse amplitude index, 4 the device's
clock was never set.
"""

from typing import Any, Final

from gateway.drivers.ble_health.oximetry import quality
from gateway.drivers.ble_health.value import Cursor, Explained, Reading, finite, shown, text

_KNOWN_FLAGS: Final = 0x1F


def explain(data: bytes) -> Explained:
    b = Cursor(data)
    flags = b.u8()
    spo2, pulse = b.sfloat(), b.sfloat()
    moment = b.moment() if flags & 0x01 else None
    measurement = b.u16() if flags & 0x02 else None
    sensor = b.u24() if flags & 0x04 else None
    fields: dict[str, Any] = {
        "spo2": shown(spo2),
        "pulse_rate": shown(pulse),
        "time": text(moment),
    }
    if flags & 0x08:
        fields["pulse_amplitude_pct"] = shown(b.sfloat())
    told = quality(measurement, sensor)
    fields |= told.fields | {"clock_unset": bool(flags & 0x10)} | b.rest(flags, _KNOWN_FLAGS)
    reading = Reading(
        kind="oximetry",
        values=finite(spo2_pct=spo2, pulse_bpm=pulse) if told.usable else {},
        attrs=told.attrs,
        fault=told.fault,
        moment=moment,
        clock_unset=bool(flags & 0x10),
    )
    return Explained(fields=fields, reading=reading)
