"""0x2A18 Glucose Measurement (Glucose Service 1.0.1).

    flags(1) sequence(2) base time(7) [time offset(2, signed minutes)]
    [concentration(2) type and location(1)] [sensor status(2)]

Flags: bit 0 offset, 1 concentration, 2 mol/L (else kg/L), 3 status, 4 a context (0x2A34) follows.
The time of a measurement is base time plus offset: people correct the meter's clock by the offset.
"""

from typing import Any, Final

from contract.item import Scalar
from gateway.drivers.ble_health.value import (
    Cursor,
    Explained,
    Reading,
    bits,
    finite,
    scaled,
    shown,
)

# 180.156 g/mol of glucose.
MMOL_L_PER_KG_L: Final = 1e6 / 180.156
MMOL_L_PER_MOL_L: Final = 1000.0
MG_DL_PER_KG_L: Final = 100_000.0
_KNOWN_FLAGS: Final = 0x1F
CONTROL_SOLUTION_TYPE: Final = 10
CONTROL_SOLUTION_LOCATION: Final = 4
TYPES: Final = {
    1: "capillary_blood",
    2: "capillary_plasma",
    3: "venous_blood",
    4: "venous_plasma",
    5: "arterial_blood",
    6: "arterial_plasma",
    7: "undetermined_blood",
    8: "undetermined_plasma",
    9: "interstitial_fluid",
    10: "control_solution",
}
LOCATIONS: Final = {1: "finger", 2: "alternate_site", 3: "earlobe", 4: "control_solution"}
STATUS: Final = {
    0: "battery_low",
    1: "sensor_malfunction",
    2: "sample_insufficient",
    3: "strip_inserted_wrong",
    4: "strip_type_wrong",
    5: "result_too_high",
    6: "result_too_low",
    7: "too_hot",
    8: "too_cold",
    9: "strip_pulled_early",
    10: "device_fault",
    11: "time_fault",
}
# Malfunction, sample, strip, temperature, general fault: the number is not to be believed.
_WORTHLESS: Final = 0b0111_1001_1110
_BEYOND: Final = {5: "high", 6: "low"}
_TIME_FAULT: Final = 1 << 11
_BATTERY_LOW: Final = 1 << 0


def explain(data: bytes) -> Explained:
    b = Cursor(data)
    flags = b.u8()
    sequence = b.u16()
    moment = b.moment()
    fields: dict[str, Any] = {"sequence": sequence, "base_time": moment.text()}
    offset_min = b.s16() if flags & 0x01 else 0
    if flags & 0x01:
        fields["time_offset_min"] = offset_min
    attrs: dict[str, Scalar] = {"sequence": sequence}
    mmol_l, control = _concentration(b, flags, fields, attrs) if flags & 0x02 else (None, False)
    status = b.u16() if flags & 0x08 else 0
    if flags & 0x08:
        fields["status"] = status
        attrs |= _told(status)
    fields["context_follows"] = bool(flags & 0x10)
    fields.update(b.rest(flags, _KNOWN_FLAGS))
    fault = bits(status & _WORTHLESS, STATUS)
    beyond = bits(status, _BEYOND)
    if not fault and mmol_l is None and beyond:
        # The meter refuses to give a number because it is too far out: somebody should know.
        fault = f"result_too_{beyond.split()[0]}"
    if control:
        return Explained(fields=fields)
    reading = Reading(
        kind="glucose",
        values=finite(glucose_mmol_l=mmol_l),
        attrs=attrs,
        fault=fault or None,
        moment=moment,
        offset_min=offset_min,
    )
    return Explained(fields=fields, reading=reading)


def _concentration(
    b: Cursor, flags: int, fields: dict[str, Any], attrs: dict[str, Scalar]
) -> tuple[float | None, bool]:
    """The concentration in mmol/L, and whether it is a test of the meter and nobody's blood."""
    value = b.sfloat()
    place = b.u8()
    sample, site = place & 0x0F, place >> 4
    molar = bool(flags & 0x04)
    fields["concentration"] = shown(value)
    fields["unit"] = "mol/L" if molar else "kg/L"
    fields["type"], fields["location"] = sample, site
    fields["mg_dL"] = None if molar else shown(scaled(value, MG_DL_PER_KG_L, 6))
    fields["mmol_L"] = shown(scaled(value, MMOL_L_PER_MOL_L, 3)) if molar else None
    if sample in TYPES:
        attrs["sample"] = TYPES[sample]
    if site in LOCATIONS:
        attrs["site"] = LOCATIONS[site]
    control = sample == CONTROL_SOLUTION_TYPE or site == CONTROL_SOLUTION_LOCATION
    return scaled(value, MMOL_L_PER_MOL_L if molar else MMOL_L_PER_KG_L, 2), control


def _told(status: int) -> dict[str, Scalar]:
    attrs: dict[str, Scalar] = {}
    if status & _BATTERY_LOW:
        attrs["battery_low"] = True
    if beyond := bits(status, _BEYOND):
        attrs["beyond_range"] = beyond
    if status & _TIME_FAULT:
        attrs["clock"] = "fault"
    return attrs
