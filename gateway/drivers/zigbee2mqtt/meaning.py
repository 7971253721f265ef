"""What the attributes of a device's state mean (zigbee-herdsman-converters' exposed names).

`contact: true` means closed. Batteries may be null, text or 0; `voltage` is millivolts of a
battery, or volts of the mains. `fall_down_status` is none, maybe_fall or fall (MIR-HE200-TY),
`fall_status` normal, fall_warning or fall_alarm (HEIMAN HS2FD), `status` falling or on_the_bed
among others (OWON FDS315).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from gateway.messages import number, numbers, truth

# What buttons of the makers say when somebody asks for help.
SOS_ACTIONS: Final = frozenset({"emergency", "sos", "panic"})
# Of a button that is for calls, each of these is a call.
_PLAIN_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("single", "double", "triple", "quadruple", "many"), "press"),
        **dict.fromkeys(("click", "press", "pressed", "push", "on", "toggle"), "press"),
        **dict.fromkeys(("hold", "long", "long_press"), "hold"),
    }
)
# Detectors whose beginning and end are activations: attribute, kind.
HAZARDS: Final = (
    ("smoke", "smoke"),
    ("gas", "gas"),
    ("carbon_monoxide", "gas"),
    ("water_leak", "leak"),
    ("tamper", "tamper"),
    ("sos", "sos"),
)
FALLS: Final[Mapping[str, str]] = MappingProxyType(
    {"fall_down_status": "fall", "fall_status": "fall_alarm", "status": "falling"}
)
_PRESENT: Final = frozenset({"presence", "present", "moving", "static", "move", "peaceful"})
_ABSENT: Final = frozenset({"none", "absence", "absent", "unoccupied", "no_presence"})
_POWER: Final[Mapping[str, str]] = MappingProxyType(
    {
        "power": "power_w",
        "energy": "energy_kwh",
        "current": "current_a",
        "power_factor": "power_factor",
        "ac_frequency": "frequency_hz",
    }
)


def press_meant(action: object, *, call_button: bool) -> str | None:
    """What a button's action asks for, or None: empty and null are no press, nor is a release."""
    if not isinstance(action, str) or not action:
        return None
    if action in SOS_ACTIONS:
        return "press"
    if not call_button:
        return None
    # Buttons with several keys say which: `1_single`, `single_left`, `button_1_hold`.
    words = action.split("_")
    if "release" in words:
        return None
    meant = [_PLAIN_WORDS[word] for word in words if word in _PLAIN_WORDS]
    return "hold" if "hold" in meant else meant[0] if meant else None


def power(state: Mapping[str, Any]) -> dict[str, float]:
    """Of three phases: the total if it is told, else the sum; volts of phase A."""
    values = numbers(state, _POWER)
    phases = numbers(state, {f"power_phase_{p}": p for p in "abc"})
    if "power_w" not in values and len(phases) == 3:
        values["power_w"] = sum(phases.values())
    if values:
        values.update(
            numbers(state, {"voltage_phase_a": "voltage_v"})
            | numbers(state, {"voltage": "voltage_v"})
        )
    return values


def falls(state: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """Attribute and whether it says that somebody fell; a state of another device is none."""
    found = []
    for key, word in FALLS.items():
        value = state.get(key)
        if isinstance(value, str) and (key != "status" or "fall" in value or "bed" in value):
            found.append((key, value == word))
    return found


def sensed(state: Mapping[str, Any], *, bed_contact: bool) -> list[tuple[str, dict[str, float]]]:
    """Readings of binary and climate sensors."""
    found: list[tuple[str, dict[str, float]]] = []
    closed = truth(state.get("contact"))
    if closed is not None and bed_contact:
        found.append(("bed", {"occupied": float(not closed)}))
    elif closed is not None:
        found.append(("contact", {"open": float(not closed)}))
    for key, kind, value in (
        ("occupancy", "motion", "active"),
        ("presence", "presence", "present"),
        ("bed_occupancy", "bed", "occupied"),
    ):
        active = _present(state.get(key))
        if active is not None:
            found.append((kind, {value: float(active)}))
    if state.get("status") == "on_the_bed":
        found.append(("bed", {"occupied": 1.0}))
    climate = numbers(
        state, {"temperature": "temperature_c", "humidity": "humidity_pct", "co": "co_ppm"}
    )
    if climate:
        found.append(("environment", climate))
    return found


def _present(value: object) -> bool | None:
    if isinstance(value, str) and value in _PRESENT | _ABSENT:
        return value in _PRESENT
    return truth(value)


def health(state: Mapping[str, Any], *, mains: bool) -> dict[str, float]:
    """Battery and signal; signal alone changes with every message and says nothing worth a row."""
    if number(state.get("battery")) is None:
        return {}
    values = numbers(state, {"battery": "battery_pct", "linkquality": "link_quality"})
    if not mains:
        values.update(numbers(state, {"voltage": "battery_mv"}))
    return values
