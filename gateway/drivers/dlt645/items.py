"""What a DL/T 645 data identifier names, how its BCD digits read, and what it is called here.

2007 identifiers have four bytes (written DI3 DI2 DI1 DI0, sent DI0 first; tables A.1, A.3 and A.5
of DL/T 645-2007), 1997 ones two (appendix A of DL/T 645-1997). Digits are packed BCD, lowest byte
first. FF in every byte means "no value" (an absent phase); any other digit above 9 is damage. The
top bit is a sign only for the quantities that can be negative; elsewhere it is part of a digit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """One number: its size on the wire, its decimals, its unit, and whether the top bit signs."""

    name: str
    size_bytes: int
    decimals: int
    unit: str
    signed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Several numbers of one form behind one identifier (DI1 = FF)."""

    names: tuple[str, ...]
    form: Quantity


# The one quantity of each value of an item of kind `power`, and the power of ten between the
# protocol's unit and ours (kW to W is 3).
VALUE_OF: Final[Mapping[str, tuple[str, int]]] = MappingProxyType(
    {
        "forward_active_energy": ("energy_kwh", 0),
        "combined_active_energy": ("energy_kwh", 0),
        "active_power": ("power_w", 3),
        "voltage_a": ("voltage_v", 0),
        "current_a": ("current_a", 0),
        "power_factor": ("power_factor", 0),
        "frequency": ("frequency_hz", 0),
    }
)

# What has no place among the values of `power` travels as an attribute with its unit in the name.
# Unit of the protocol: (ending of the attribute, power of ten between it and the protocol's).
_ENDINGS: Final[Mapping[str, tuple[str, int]]] = MappingProxyType(
    {
        "kWh": ("_kwh", 0),
        "kvarh": ("_kvarh", 0),
        "kVAh": ("_kvah", 0),
        "V": ("_v", 0),
        "A": ("_a", 0),
        "kW": ("_w", 3),
        "kvar": ("_var", 3),
        "kVA": ("_va", 3),
        "degC": ("_c", 0),
        "min": ("_min", 0),
        "CNY": ("_cny", 0),
        "": ("", 0),
    }
)
# Beginnings of names that are shorter as attributes.
_SHORT_NAMES: Final = (
    ("forward_active_energy", "energy"),
    ("reverse_active_energy", "reverse_energy"),
    ("prepaid_balance", "balance"),
)

# Names for people's configuration files, by edition of the standard.
ALIASES_2007: Final[Mapping[str, str]] = MappingProxyType(
    {
        "energy": "00010000",
        "energy_tariffs": "0001FF00",
        "combined_energy": "00000000",
        "reverse_energy": "00020000",
        "reverse_energy_tariffs": "0002FF00",
        "reactive_energy": "00030000",
        "power": "02030000",
        "powers": "0203FF00",
        "reactive_power": "02040000",
        "apparent_power": "02050000",
        "voltage": "02010100",
        "voltages": "0201FF00",
        "current": "02020100",
        "currents": "0202FF00",
        "neutral_current": "02800001",
        "power_factor": "02060000",
        "power_factors": "0206FF00",
        "frequency": "02800002",
        "temperature": "02800007",
        "clock_battery": "02800008",
        "balance": "00900200",
        "cover_open_count": "03300D00",
        "date": "04000101",
        "time": "04000102",
        "status": "040005FF",
    }
)
ALIASES_1997: Final[Mapping[str, str]] = MappingProxyType(
    {
        "energy": "9010",
        "energy_tariffs": "901F",
        "reverse_energy": "9020",
        "power": "B630",
        "powers": "B63F",
        "voltage": "B611",
        "voltages": "B61F",
        "current": "B621",
        "currents": "B62F",
        "power_factor": "B650",
        "power_factors": "B65F",
        "date": "C010",
        "time": "C011",
    }
)

DATE_DIS: Final = frozenset({"04000101", "C010"})
TIME_DIS: Final = frozenset({"04000102", "C011"})
ADDRESS_DI: Final = "04000401"
STATUS_WORDS: Final = 7
STATUS_BLOCK_DI: Final = "040005FF"
STATUS_DIS: Final[Mapping[str, int]] = MappingProxyType(
    {f"040005{word:02X}": word for word in range(1, STATUS_WORDS + 1)}
)
COUNT_NAMES: Final = frozenset({"cover_open_count"})

# DI2 of an energy: its name, unit, and whether it can be negative.
_ENERGY: Final[Mapping[int, tuple[str, str, bool]]] = MappingProxyType(
    {
        0x00: ("combined_active_energy", "kWh", True),
        0x01: ("forward_active_energy", "kWh", False),
        0x02: ("reverse_active_energy", "kWh", False),
        0x03: ("combined_reactive1_energy", "kvarh", True),
        0x04: ("combined_reactive2_energy", "kvarh", True),
        0x05: ("quadrant1_reactive_energy", "kvarh", False),
        0x06: ("quadrant2_reactive_energy", "kvarh", False),
        0x07: ("quadrant3_reactive_energy", "kvarh", False),
        0x08: ("quadrant4_reactive_energy", "kvarh", False),
        0x09: ("forward_apparent_energy", "kVAh", False),
        0x0A: ("reverse_apparent_energy", "kVAh", False),
    }
)
# A phase repeats the energies from 01 on, without tariffs, beginning at this DI2.
_PHASE_ENERGY: Final = (("_a", 0x15), ("_b", 0x29), ("_c", 0x3D))
# Tariffs named one by one; the standard's 63 are not met in homes.
_TARIFFS: Final = ("", "_t1", "_t2", "_t3", "_t4")
_PHASES: Final = ("", "_a", "_b", "_c")


def _quantity(
    name: str, size_bytes: int, decimals: int, unit: str, *, signed: bool = False
) -> Quantity:
    return Quantity(name=name, size_bytes=size_bytes, decimals=decimals, unit=unit, signed=signed)


def _energies() -> dict[str, Quantity | Block]:
    table: dict[str, Quantity | Block] = {}
    for di2, (name, unit, signed) in _ENERGY.items():
        form = _quantity(name, 4, 2, unit, signed=signed)
        for tariff, suffix in enumerate(_TARIFFS):
            table[f"00{di2:02X}{tariff:02X}00"] = _quantity(
                name + suffix, 4, 2, unit, signed=signed
            )
        table[f"00{di2:02X}FF00"] = Block(names=tuple(name + s for s in _TARIFFS), form=form)
        for suffix, first in _PHASE_ENERGY if di2 else ():
            table[f"00{first + di2 - 1:02X}0000"] = _quantity(
                name + suffix, 4, 2, unit, signed=signed
            )
    return table


def _momentary() -> dict[str, Quantity | Block]:
    """Voltage and current have phases only; the others a total and then the phases."""
    table: dict[str, Quantity | Block] = {}
    forms = (
        ("01", _quantity("voltage", 2, 1, "V"), _PHASES[1:]),
        ("02", _quantity("current", 3, 3, "A", signed=True), _PHASES[1:]),
        ("03", _quantity("active_power", 3, 4, "kW", signed=True), _PHASES),
        ("04", _quantity("reactive_power", 3, 4, "kvar", signed=True), _PHASES),
        ("05", _quantity("apparent_power", 3, 4, "kVA"), _PHASES),
        ("06", _quantity("power_factor", 2, 3, "", signed=True), _PHASES),
    )
    for di2, form, suffixes in forms:
        for suffix in suffixes:
            table[f"02{di2}{_PHASES.index(suffix):02X}00"] = _quantity(
                form.name + suffix, form.size_bytes, form.decimals, form.unit, signed=form.signed
            )
        table[f"02{di2}FF00"] = Block(names=tuple(form.name + s for s in suffixes), form=form)
    return table


def _edition_1997() -> dict[str, Quantity | Block]:
    """Energies 90xx (active) and 91xx (reactive); what is measured now, B6xx; block: xF."""
    table: dict[str, Quantity | Block] = {}
    for first, name, unit in (
        (0x901, "forward_active_energy", "kWh"),
        (0x902, "reverse_active_energy", "kWh"),
        (0x911, "forward_reactive_energy", "kvarh"),
        (0x912, "reverse_reactive_energy", "kvarh"),
    ):
        for tariff, suffix in enumerate(_TARIFFS):
            table[f"{first:03X}{tariff}"] = _quantity(name + suffix, 4, 2, unit)
        form = _quantity(name, 4, 2, unit)
        table[f"{first:03X}F"] = Block(names=tuple(name + s for s in _TARIFFS), form=form)
    for first, form, phases in (
        (0xB61, _quantity("voltage", 2, 0, "V"), (1, 2, 3)),
        (0xB62, _quantity("current", 2, 2, "A"), (1, 2, 3)),
        (0xB63, _quantity("active_power", 3, 4, "kW"), (0, 1, 2, 3)),
        (0xB64, _quantity("reactive_power", 2, 2, "kvar"), (0, 1, 2, 3)),
        (0xB65, _quantity("power_factor", 2, 3, ""), (0, 1, 2, 3)),
    ):
        for phase in phases:
            table[f"{first:03X}{phase}"] = _quantity(
                form.name + _PHASES[phase], form.size_bytes, form.decimals, form.unit
            )
        names = tuple(form.name + _PHASES[phase] for phase in phases)
        table[f"{first:03X}F"] = Block(names=names, form=form)
    return table


ITEMS: Final[Mapping[str, Quantity | Block]] = MappingProxyType(
    {
        **_energies(),
        **_momentary(),
        "02800001": _quantity("neutral_current", 3, 3, "A", signed=True),
        "02800002": _quantity("frequency", 2, 2, "Hz"),
        "02800003": _quantity("minute_active_power", 3, 4, "kW", signed=True),
        "02800004": _quantity("active_demand", 3, 4, "kW", signed=True),
        "02800005": _quantity("reactive_demand", 3, 4, "kvar", signed=True),
        "02800006": _quantity("apparent_demand", 3, 4, "kVA", signed=True),
        "02800007": _quantity("meter_temperature", 2, 1, "degC", signed=True),
        "02800008": _quantity("clock_battery", 2, 2, "V"),
        "02800009": _quantity("reading_battery", 2, 2, "V"),
        "0280000A": _quantity("battery_worked", 4, 0, "min"),
        "00900100": _quantity("prepaid_energy", 4, 2, "kWh"),
        "00900101": _quantity("overdrawn_energy", 4, 2, "kWh"),
        "00900200": _quantity("prepaid_balance", 4, 2, "CNY"),
        "00900201": _quantity("overdrawn_balance", 4, 2, "CNY"),
        "03300D00": _quantity("cover_open_count", 3, 0, ""),
        **_edition_1997(),
    }
)

# What may be asked for: the quantities, and what is no number.
READABLE: Final = frozenset(
    {*ITEMS, *DATE_DIS, *TIME_DIS, ADDRESS_DI, STATUS_BLOCK_DI, *STATUS_DIS}
)


def attribute_of(name: str, unit: str) -> tuple[str, int]:
    """The attribute of a quantity that is no value of `power`, and its power of ten."""
    ending, power_of_ten = _ENDINGS[unit]
    for long, short in _SHORT_NAMES:
        if name.startswith(long):
            name = short + name.removeprefix(long)
            break
    return name + ending, power_of_ten


def attributes_of(di: str) -> frozenset[str]:
    """The names of every attribute that an answer to this identifier can bring."""
    if di in STATUS_DIS:
        return frozenset({f"status_{STATUS_DIS[di]}"})
    if di == STATUS_BLOCK_DI:
        return frozenset(f"status_{word}" for word in STATUS_DIS.values())
    if di in DATE_DIS:
        return frozenset({"meter_date"})
    if di in TIME_DIS:
        return frozenset({"meter_time"})
    item = ITEMS.get(di)
    if item is None:
        return frozenset()
    names, unit = (
        (item.names, item.form.unit)
        if isinstance(item, Block)
        else (
            (item.name,),
            item.unit,
        )
    )
    return frozenset(attribute_of(name, unit)[0] for name in names if name not in VALUE_OF)


def is_absent(wire: bytes) -> bool:
    """FF in every byte: the meter has no such phase, or no value now."""
    return bool(wire) and wire.count(0xFF) == len(wire)


def digits(wire: bytes, *, signed: bool) -> int | None:
    """The integer behind packed BCD, lowest byte first; None when it is not BCD."""
    big_endian = bytearray(wire[::-1])
    negative = False
    if signed and big_endian and big_endian[0] & 0x80:
        negative = True
        big_endian[0] &= 0x7F
    text = big_endian.hex()
    if not text.isdecimal():
        return None
    return -int(text) if negative else int(text)
