"""The status words of a DL/T 645-2007 meter (identifiers 04 00 05 01 to 07 and FF): names of bits.

Each word has two bytes, the lower first. The bits are those of DL/T 645-2007 (as reprinted at
renrendoc.com/p-25811601) and, in word 1 from bit 8 on, of the grid companies' meters since.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

WORD_BYTES: Final = 2

_PHASE_FAULTS: Final[Mapping[int, str]] = MappingProxyType(
    {
        0: "voltage_lost",
        1: "undervoltage",
        2: "overvoltage",
        3: "current_lost",
        4: "overcurrent",
        5: "overload",
        6: "reverse_flow",
        7: "phase_failed",
        8: "current_interrupted",
    }
)
# Word: {bit: name}. A bit without a name is shown by its number, so that nothing is hidden.
_BITS: Final[Mapping[int, Mapping[int, str]]] = MappingProxyType(
    {
        1: {
            1: "demand_by_interval",
            2: "clock_battery_low",
            3: "reading_battery_low",
            4: "active_power_reversed",
            5: "reactive_power_reversed",
            8: "control_circuit_error",
            9: "security_module_error",
            12: "program_error",
            13: "memory_fault",
            14: "overdrawn",
            15: "clock_fault",
        },
        2: {
            0: "active_power_a_reversed",
            1: "active_power_b_reversed",
            2: "active_power_c_reversed",
            4: "reactive_power_a_reversed",
            5: "reactive_power_b_reversed",
            6: "reactive_power_c_reversed",
        },
        3: {
            0: "second_time_table",
            1: "auxiliary_supply",
            2: "battery_supply",
            3: "programming_allowed",
            4: "relay_open",
        },
        4: _PHASE_FAULTS,
        5: _PHASE_FAULTS,
        6: _PHASE_FAULTS,
        7: {
            0: "voltage_sequence_reversed",
            1: "current_sequence_reversed",
            2: "voltage_unbalanced",
            3: "current_unbalanced",
            4: "auxiliary_supply_lost",
            5: "power_down",
            6: "demand_exceeded",
            7: "power_factor_low",
            8: "current_badly_unbalanced",
        },
    }
)


def flags(word: int, wire: bytes) -> tuple[str, ...]:
    """The names of the bits that are set in status word 1 to 7."""
    bits = int.from_bytes(wire, "little")
    names = _BITS[word]
    return tuple(names.get(bit, f"bit_{bit}") for bit in range(16) if bits >> bit & 1)
