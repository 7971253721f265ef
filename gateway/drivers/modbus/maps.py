"""Register maps of meters as data, and what register bytes say under a map.

Sources: Eastron SDM120 and SDM230 Modbus protocol (input registers, float32, high word first);
Chint DDSU666 manual ZTY0.464.922, appendix A (holding registers, float32, power in kW; the meter
is shipped speaking DL/T 645 and is switched to Modbus on its own menu); PZEM-004T v3 manual, input
registers of 16 bits, 32-bit values LOW word first, energy in Wh. Blocks of one map differ in length
where they can, so that the length of a late answer tells which question it belongs to.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final, Literal

from gateway.drivers.modbus.frame import READ_HOLDING, READ_INPUT

Form = Literal["float32", "u16", "s16", "u32", "s32"]
FORMS: Final[Mapping[Form, int]] = MappingProxyType(
    {"float32": 2, "u16": 1, "s16": 1, "u32": 2, "s32": 2}
)

# Names that the contract has no value for and that travel as attributes.
ATTR_NAMES: Final = frozenset({"reverse_energy_kwh"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """A quantity: its place from the start of the block, its form, and raw × scale = value."""

    name: str
    offset: int
    form: Form = "float32"
    low_word_first: bool = False
    scale: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Registers that one request asks for."""

    function: int
    address: int
    count: int
    registers: Sequence[Register]


_EASTRON: Final = (
    Block(
        function=READ_INPUT,
        address=0x0000,
        count=0x20,
        registers=(
            Register(name="voltage_v", offset=0x00),
            Register(name="current_a", offset=0x06),
            Register(name="power_w", offset=0x0C),
            Register(name="power_factor", offset=0x1E),
        ),
    ),
    Block(
        function=READ_INPUT,
        address=0x0046,
        count=6,
        registers=(
            Register(name="frequency_hz", offset=0),
            Register(name="energy_kwh", offset=2),
            Register(name="reverse_energy_kwh", offset=4),
        ),
    ),
)
_DDSU666: Final = (
    Block(
        function=READ_HOLDING,
        address=0x2000,
        count=0x10,
        registers=(
            Register(name="voltage_v", offset=0x0),
            Register(name="current_a", offset=0x2),
            Register(name="power_w", offset=0x4, scale=Decimal(1000)),
            Register(name="power_factor", offset=0xA),
            Register(name="frequency_hz", offset=0xE),
        ),
    ),
    Block(
        function=READ_HOLDING,
        address=0x4000,
        count=2,
        registers=(Register(name="energy_kwh", offset=0),),
    ),
)
PZEM_BLOCK: Final = Block(
    function=READ_INPUT,
    address=0x0000,
    count=10,
    registers=(
        Register(name="voltage_v", offset=0, form="u16", scale=Decimal("0.1")),
        Register(
            name="current_a", offset=1, form="u32", low_word_first=True, scale=Decimal("0.001")
        ),
        Register(name="power_w", offset=3, form="u32", low_word_first=True, scale=Decimal("0.1")),
        Register(
            name="energy_kwh", offset=5, form="u32", low_word_first=True, scale=Decimal("0.001")
        ),
        Register(name="frequency_hz", offset=7, form="u16", scale=Decimal("0.1")),
        Register(name="power_factor", offset=8, form="u16", scale=Decimal("0.01")),
    ),
)
# FFFF in the tenth register of a PZEM: power is above the threshold set in it.
PZEM_ALARM_OFFSET: Final = 9

METER_MAPS: Final[Mapping[str, Sequence[Block]]] = MappingProxyType(
    {
        "sdm120": _EASTRON,
        "sdm230": _EASTRON,
        "ddsu666": _DDSU666,
        "pzem004t": (PZEM_BLOCK,),
    }
)


def content(block: Block, data: bytes) -> dict[str, float]:
    """The quantities in the register bytes of a block, true or not; `data` has its length."""
    found: dict[str, float] = {}
    for register in block.registers:
        raw = number(register, data)
        scaled = float(Decimal(repr(raw)) * register.scale) if math.isfinite(raw) else raw
        found[register.name] = scaled + 0.0  # a meter's minus zero is zero
    return found


def number(register: Register, data: bytes) -> float:
    """The number in the register's own unit, before scaling; may be NaN or infinite."""
    width = FORMS[register.form]
    raw = data[2 * register.offset : 2 * (register.offset + width)]
    if register.low_word_first and width == 2:
        raw = raw[2:] + raw[:2]
    if register.form == "float32":
        return float32(raw)
    return int.from_bytes(raw, "big", signed=register.form.startswith("s"))


def float32(raw: bytes) -> float:
    """IEEE 754 single precision to its 7 significant digits; the rest is noise of the format.

    43663334 is 230.2 V to everybody; as a Python float it would be 230.20001220703125.
    """
    exact: float = struct.unpack(">f", raw)[0]
    return float(f"{exact:.7g}") if math.isfinite(exact) else exact
