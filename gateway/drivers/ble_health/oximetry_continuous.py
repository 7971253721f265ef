"""0x2A5F PLX Continuous Measurement (Pulse Oximeter Service 1.0.1).

    flags(1) SpO2(2) pulse(2) [fast(4)] [slow(4)] [measurement status(2)] [sensor status(3)]
    [amplitude(2)]

Flags: bit 0 fast pair, 1 slow pair, 2 measurement status, 3 sensor status, 4 pulse amplitude index.
The pair with the device's normal averaging is the reading.
"""

from typing import Any, Final

from gateway.drivers.ble_health.oximetry import quality
from gateway.drivers.ble_health.value import Cursor, Explained, Reading, finite, shown

_KNOWN_FLAGS: Final = 0x1F


def explain(data: bytes) -> Explained:
    b = Cursor(data)
    flags = b.u8()
    spo2, pulse = b.sfloat(), b.sfloat()
    fields: dict[str, Any] = {"spo2": shown(spo2), "pulse_rate": shown(pulse)}
    for bit, name in ((0x01, "fast"), (0x02, "slow")):
        if flags & bit:
            fields[f"spo2_{name}"] = shown(b.sfloat())
            fields[f"pulse_rate_{name}"] = shown(b.sfloat())
    measurement = b.u16() if flags & 0x04 else None
    sensor = b.u24() if flags & 0x08 else None
    if flags & 0x10:
        fields["pulse_amplitude_pct"] = shown(b.sfloat())
    told = quality(measurement, sensor)
    fields |= told.fields | b.rest(flags, _KNOWN_FLAGS)
    reading = Reading(
        kind="oximetry",
        values=finite(spo2_pct=spo2, pulse_bpm=pulse) if told.usable else {},
        attrs=told.attrs,
        fault=told.fault,
    )
    return Explained(fields=fields, reading=reading)
