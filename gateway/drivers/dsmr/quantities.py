"""What the OBIS references of a telegram mean: fields for people, values for a `power` item.

Sources: DSMR P1 5.0.2 table 6-12, e-MUCS-P1 (Belgium), and the telegrams of Sagemcom, EasyMeter and
Iskra meters, which give Wh and W where the Dutch give kWh and kW: the unit is read, never assumed.
Times in telegrams are local, and no field says of which country: readings get the gateway's time.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from contract.item import Scalar
from gateway import plausible
from gateway.drivers.dsmr.telegram import Telegram

# Field name (the quantity with its register or phase) by OBIS reference.
QUANTITIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "1-0:1.8.0": "import_total",
        "1-0:1.8.1": "import_t1",
        "1-0:1.8.2": "import_t2",
        "1-0:1.8.3": "import_t3",
        "1-0:1.8.4": "import_t4",
        "1-0:2.8.0": "export_total",
        "1-0:2.8.1": "export_t1",
        "1-0:2.8.2": "export_t2",
        "1-0:2.8.3": "export_t3",
        "1-0:2.8.4": "export_t4",
        "1-0:1.7.0": "power_import",
        "1-0:2.7.0": "power_export",
        "1-0:32.7.0": "voltage_l1",
        "1-0:52.7.0": "voltage_l2",
        "1-0:72.7.0": "voltage_l3",
        "1-0:31.7.0": "current_l1",
        "1-0:51.7.0": "current_l2",
        "1-0:71.7.0": "current_l3",
        "1-0:13.7.0": "power_factor",
        "1-0:14.7.0": "frequency",
    }
)
TIMESTAMP: Final = "0-0:1.0.0"
TARIFF: Final = "0-0:96.14.0"
TARIFFS_MIN: Final = 2

# Power of ten from a unit to ours, and what it measures.
_UNITS: Final[Mapping[str, tuple[str, int]]] = MappingProxyType(
    {
        "kwh": ("energy", 0),
        "wh": ("energy", -3),
        "mwh": ("energy", 3),
        "kw": ("power", 3),
        "w": ("power", 0),
        "v": ("voltage", 0),
        "a": ("current", 0),
        "ma": ("current", -3),
        "hz": ("frequency", 0),
        "": ("power_factor", 0),
    }
)
_NUMBER: Final = re.compile(r"([+-]?\d{1,12}(?:\.\d{1,9})?)(?:\*([A-Za-z0-9]{1,6}))?\Z")
# Phases two and three have no value in the contract and travel as attributes.
_ATTRS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "voltage_l2": "voltage_b_v",
        "voltage_l3": "voltage_c_v",
        "current_l2": "current_b_a",
        "current_l3": "current_c_a",
    }
)
# The phases are alike.
LIMITS: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        **plausible.LIMITS,
        "voltage_b_v": plausible.LIMITS["voltage_v"],
        "voltage_c_v": plausible.LIMITS["voltage_v"],
        "current_b_a": plausible.LIMITS["current_a"],
        "current_c_a": plausible.LIMITS["current_a"],
    }
)
_VALUES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "voltage_l1": "voltage_v",
        "current_l1": "current_a",
        "power_factor": "power_factor",
        "frequency": "frequency_hz",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A telegram understood. values and beside may still hold what cannot be true (LIMITS).

    shape: how many characters each quantity has; a meter writes its numbers with fixed width.
    beside: numbers that travel as attributes.
    """

    fields: Mapping[str, Any]
    shape: Mapping[str, int]
    values: Mapping[str, float]
    beside: Mapping[str, float]
    attrs: Mapping[str, Scalar]


def content(telegram: Telegram) -> Content:
    fields: dict[str, Any] = {"identification": telegram.identification}
    numbers: dict[str, Decimal] = {}
    for reference, name in QUANTITIES.items():
        texts = telegram.objects.get(reference)
        match = None if texts is None else _NUMBER.match(texts[-1])
        if match is None:
            continue
        text, unit = match.group(1), match.group(2) or ""
        fields[name] = float(text)
        if unit:
            fields[f"{name}_unit"] = unit
        measure, power_of_ten = _UNITS.get(unit.lower(), ("", 0))
        if measure == _measure(name):
            numbers[name] = Decimal(text).scaleb(power_of_ten)
    for reference, name in ((TIMESTAMP, "timestamp"), (TARIFF, "tariff")):
        if texts := telegram.objects.get(reference):
            fields[name] = texts[0]
    shape = {
        name: len(texts[-1])
        for reference, name in QUANTITIES.items()
        if (texts := telegram.objects.get(reference)) is not None
    }
    fields["crc"] = telegram.crc
    if telegram.crc is not None:
        fields["crc_ok"] = True
    fields["objects"] = {name: [*texts] for name, texts in telegram.objects.items()}
    return Content(
        fields=fields,
        shape=shape,
        values=_values(numbers),
        beside=_beside(numbers),
        attrs={"tariff": fields["tariff"][:16]} if "tariff" in fields else {},
    )


def _measure(name: str) -> str:
    if name.startswith(("import", "export")):
        return "energy"
    return name if name == "power_factor" else name.partition("_")[0]


def _values(numbers: Mapping[str, Decimal]) -> dict[str, float]:
    """Power is what the home takes from the grid: negative when it gives."""
    values = {ours: float(numbers[name]) for name, ours in _VALUES.items() if name in numbers}
    energy = _sum(numbers, "import")
    if energy is not None:
        values["energy_kwh"] = float(energy)
    if "power_import" in numbers:
        net = numbers["power_import"] - numbers.get("power_export", Decimal(0))
        values["power_w"] = float(net)
    return values


def _beside(numbers: Mapping[str, Decimal]) -> dict[str, float]:
    found = {ours: float(numbers[name]) for name, ours in _ATTRS.items() if name in numbers}
    reverse = _sum(numbers, "export")
    if reverse is not None:
        found["reverse_energy_kwh"] = float(reverse)
    return found


def _sum(numbers: Mapping[str, Decimal], direction: str) -> Decimal | None:
    """The total register, or all tariffs together where a meter has no total."""
    total = numbers.get(f"{direction}_total")
    if total is not None:
        return total
    tariffs = [numbers[n] for t in "1234" if (n := f"{direction}_t{t}") in numbers]
    # Meters with tariffs give two at least: one alone is a telegram that lost a line.
    return sum(tariffs, Decimal(0)) if len(tariffs) >= TARIFFS_MIN else None
