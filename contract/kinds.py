"""The kinds of items and the values each may carry; the unit is part of a value's name."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class KindSpec:
    """What an item of one kind may hold; `activation` items travel in the urgent lane."""

    values: frozenset[str]
    activation: bool = False


def _reading(*values: str) -> KindSpec:
    return KindSpec(values=frozenset(values))


_ACTIVATION = KindSpec(values=frozenset({"gas_ppm", "co_ppm"}), activation=True)

KINDS: Final[Mapping[str, KindSpec]] = MappingProxyType(
    {
        "sos": _ACTIVATION,
        "fall": _ACTIVATION,
        "smoke": _ACTIVATION,
        "gas": _ACTIVATION,
        "leak": _ACTIVATION,
        "tamper": _ACTIVATION,
        "power": _reading(
            "energy_kwh",
            "power_w",
            "voltage_v",
            "current_a",
            "power_factor",
            "frequency_hz",
            "energy_interval_wh",
        ),
        "blood_pressure": _reading("systolic_mmhg", "diastolic_mmhg", "mean_mmhg", "pulse_bpm"),
        "oximetry": _reading("spo2_pct", "pulse_bpm"),
        "heart_rate": _reading("pulse_bpm"),
        "temperature": _reading("temperature_c"),
        "glucose": _reading("glucose_mmol_l"),
        "weight": _reading("weight_kg"),
        "motion": _reading("active"),
        "contact": _reading("open"),
        "bed": _reading("occupied"),
        "presence": _reading("present"),
        "environment": _reading("temperature_c", "humidity_pct", "co_ppm", "gas_ppm"),
        "device_health": _reading(
            "battery_pct", "battery_mv", "signal_dbm", "link_quality", "mains"
        ),
    }
)

ACTIVATION_KINDS: Final[frozenset[str]] = frozenset(
    name for name, spec in KINDS.items() if spec.activation
)

# Attributes that are numbers, and are stored beside the values of their kind.
STORED_ATTRS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {"power": frozenset({"reverse_energy_kwh"})}
)

# Beyond it a float no longer tells one from the next; NaN is never below it.
_STORED_MAX: Final = 2.0**53

# attrs.action of an activation.
ACTIONS: Final[frozenset[str]] = frozenset({"press", "hold", "test", "clear"})


# attrs.action of a `presence` reading: its person has pressed the key that says "I'm well".
WELL: Final = "well"


def says_well(kind: str, attrs: Mapping[str, object]) -> bool:
    """True for the "I'm well" of a person; a reading, so that it never stands before a call."""
    return kind == "presence" and attrs.get("action") == WELL


def stored_values(
    kind: str, values: Mapping[str, float], attrs: Mapping[str, object]
) -> Mapping[str, float]:
    """The values of a reading, and what is stored beside them; what is no finite number isn't."""
    beside = {
        name: float(said)
        for name in STORED_ATTRS.get(kind, ())
        if isinstance(said := attrs.get(name), int | float)
        and not isinstance(said, bool)
        and abs(said) <= _STORED_MAX
    }
    return {**values, **beside} if beside else values


def is_urgent(kind: str, attrs: Mapping[str, object]) -> bool:
    """True when the item belongs on the activation topic: activations, and device faults."""
    return kind in ACTIVATION_KINDS or (kind == "device_health" and "fault" in attrs)
