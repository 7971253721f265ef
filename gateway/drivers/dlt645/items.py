"""What a DL/T 645 data identifier names, how its BCD digits read, and what it is called here.

2007 identifiers have four bytes (written DI3 DI2 DI1 DI0, sent DI0 first), 1997 ones two. Digits
are packed BCD, lowest byte first. FF or any digit above 9 means "no value" (an absent phase). The
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


# How a quantity appears in an item of kind `power`: value name and the power of ten between the
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

# What has no place among the values of `power` travels as an attribute.
ATTR_OF: Final[Mapping[str, str]] = MappingProxyType(
    {
        "voltage_b": "voltage_b_v",
        "voltage_c": "voltage_c_v",
        "current_b": "current_b_a",
        "current_c": "current_c_a",
        "reverse_active_energy": "reverse_energy_kwh",
        "prepaid_balance": "balance_cny",
        "cover_open_count": "cover_open_count",
    }
)

# Names for people's configuration files, by edition of the standard.
ALIASES_2007: Final[Mapping[str, str]] = MappingProxyType(
    {
        "energy": "00010000",
        "combined_energy": "00000000",
        "reverse_energy": "00020000",
        "power": "02030000",
        "voltage": "02010100",
        "current": "02020100",
        "power_factor": "02060000",
        "frequency": "02800002",
        "balance": "00900200",
        "cover_open_count": "03300D00",
        "voltages": "0201FF00",
        "currents": "0202FF00",
    }
)
ALIASES_1997: Final[Mapping[str, str]] = MappingProxyType(
    {
        "energy": "9010",
        "reverse_energy": "9020",
        "power": "B630",
        "voltage": "B611",
        "current": "B621",
        "power_factor": "B650",
    }
)

DATE_DI: Final = "04000101"
TIME_DI: Final = "04000102"
ADDRESS_DI: Final = "04000401"
COUNT_NAMES: Final = frozenset({"cover_open_count"})

_ENERGY: Final[Mapping[str, tuple[str, str, bool]]] = MappingProxyType(
    {
        "00": ("combined_active_energy", "kWh", True),
        "01": ("forward_active_energy", "kWh", False),
        "02": ("reverse_active_energy", "kWh", False),
        "03": ("combined_reactive1_energy", "kvarh", True),
        "04": ("combined_reactive2_energy", "kvarh", True),
    }
)
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
            table[f"00{di2}{tariff:02X}00"] = _quantity(name + suffix, 4, 2, unit, signed=signed)
        table[f"00{di2}FF00"] = Block(names=tuple(name + s for s in _TARIFFS), form=form)
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
    table: dict[str, Quantity | Block] = {
        "9010": _quantity("forward_active_energy", 4, 2, "kWh"),
        "9020": _quantity("reverse_active_energy", 4, 2, "kWh"),
        "B630": _quantity("active_power", 3, 4, "kW"),
        "B650": _quantity("power_factor", 2, 3, ""),
    }
    for phase in (1, 2, 3):
        table[f"B61{phase}"] = _quantity("voltage" + _PHASES[phase], 2, 0, "V")
        table[f"B62{phase}"] = _quantity("current" + _PHASES[phase], 2, 2, "A")
    return table


ITEMS: Final[Mapping[str, Quantity | Block]] = MappingProxyType(
    {
        **_energies(),
        **_momentary(),
        "02800001": _quantity("neutral_current", 3, 3, "A", signed=True),
        "02800002": _quantity("frequency", 2, 2, "Hz"),
        "00900200": _quantity("prepaid_balance", 4, 2, "CNY"),
        "03300D00": _quantity("cover_open_count", 3, 0, ""),
        **_edition_1997(),
    }
)


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
