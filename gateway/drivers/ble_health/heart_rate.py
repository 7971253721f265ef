"""0x2A37 Heart Rate Measurement (Heart Rate Service 1.0).

    flags(1) rate(1 or 2) [energy(2, kJ)] [interval(2, 1/1024 s)]...

Flags: bit 0 rate in two bytes, 1 contact found (means something only with bit 2), 3 energy,
4 intervals between beats.
"""

from typing import Any, Final

from gateway.drivers.ble_health.value import Cursor, Explained, Reading

_KNOWN_FLAGS: Final = 0x1F


def explain(data: bytes) -> Explained:
    b = Cursor(data)
    flags = b.u8()
    rate = b.u16() if flags & 0x01 else b.u8()
    contact = bool(flags & 0x02) if flags & 0x04 else None
    fields: dict[str, Any] = {"heart_rate": rate, "contact": contact}
    if flags & 0x08:
        fields["energy_kJ"] = b.u16()
    if flags & 0x10:
        fields["rr_1024"] = [b.u16() for _ in range(b.left // 2)]
    fields.update(b.rest(flags, _KNOWN_FLAGS))
    # A strap that says it touches nobody, or has not found a beat yet, measures nothing.
    if contact is False or rate == 0:
        return Explained(fields=fields)
    reading = Reading(kind="heart_rate", values={"pulse_bpm": float(rate)})
    return Explained(fields=fields, reading=reading)
