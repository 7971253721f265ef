"""Modbus meters as configured, and as `hearthwatch decode` reads a capture of their line."""

import math
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, cast

from contract.config import ConfigError, bounded, check_keys, get, name_of, one_of
from contract.item import Measurement
from contract.kinds import KINDS
from gateway.driver import Decoded, Decoder, DecodeRequest, DriverSpec, LineSettings, Outcome
from gateway.drivers.modbus.explain import damage, explain, is_pzem
from gateway.drivers.modbus.frame import (
    READ_FUNCTIONS,
    UNIT_GENERAL_PZEM,
    UNIT_MAX,
    Frame,
    find,
)
from gateway.drivers.modbus.maps import (
    ATTR_NAMES,
    FORMS,
    METER_MAPS,
    PZEM_BLOCK,
    Block,
    Form,
    Register,
    content,
)
from gateway.drivers.modbus.master import (
    REPLY_TIMEOUT_MS,
    RETRIES,
    TURNAROUND_MS,
    BusPlan,
    Master,
)
from gateway.drivers.modbus.meter import FAULT_AFTER_ROUNDS, MeterPlan
from gateway.plausible import is_plausible

# One RS-485 line carries 32 standard receivers, 64 of the usual half-load ones.
METERS_MAX: Final = 64
# Each own register is a request of its own; more belong into a map of this program.
REGISTERS_OWN_MAX: Final = 16
POLL_S_DEFAULT: Final = 60
POLL_S_MAX: Final = 86_400
REPLY_TIMEOUT_MS_MAX: Final = 10_000
RETRIES_MAX: Final = 10
ADDRESS_MAX: Final = 0xFFFF
# What registers of one's own may be called.
NAMES: Final = (KINDS["power"].values - {"energy_interval_wh"}) | ATTR_NAMES

SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "meters": "tables with unit, device, poll_s, and map or registers",
        "meters.unit": f"address set in the meter, 1-{UNIT_MAX}; {UNIT_GENERAL_PZEM} asks the only "
        "PZEM on a line",
        "meters.device": "name of its readings; default modbus-<unit>",
        "meters.map": f"one of {', '.join(sorted(METER_MAPS))}",
        "meters.registers": "instead of map: tables with name "
        f"({', '.join(sorted(NAMES))}), address, function (3 or 4), "
        f"form ({', '.join(FORMS)}), low_word_first, scale",
        "poll_s": f"seconds between two rounds of a meter, default {POLL_S_DEFAULT}",
        "reply_timeout_ms": f"how long to wait for an answer, default {REPLY_TIMEOUT_MS}",
        "retries": f"repeated requests before a round is given up, default {RETRIES}",
        "turnaround_ms": f"quiet time before the next request, default {TURNAROUND_MS}",
        "fault_after_rounds": f"failed rounds until no_answer, default {FAULT_AFTER_ROUNDS}",
    }
)


def bus_plan(config: Mapping[str, Any]) -> BusPlan:
    """What the table of one line in gateway.toml says."""
    check_keys(config, (key for key in SETTINGS if "." not in key), "modbus")
    poll_s = bounded(config, "poll_s", POLL_S_DEFAULT, (1, POLL_S_MAX), "modbus")
    rows = get(config, "meters", list, "modbus", default=[])
    if not 1 <= len(rows) <= METERS_MAX:
        raise ConfigError("modbus.meters", f"{len(rows)} meters, expected 1 to {METERS_MAX}")
    meters = tuple(_meter(row, poll_s, index) for index, row in enumerate(rows))
    for what in ("unit", "device"):
        names = [getattr(meter, what) for meter in meters]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ConfigError("modbus.meters", f"{what} {twice!r} appears twice")
    if len(meters) > 1 and any(meter.unit == UNIT_GENERAL_PZEM for meter in meters):
        raise ConfigError(
            "modbus.meters",
            f"every PZEM answers to {UNIT_GENERAL_PZEM}: on a line with others give it its unit",
        )
    return BusPlan(
        meters=meters,
        reply_timeout_ms=bounded(
            config, "reply_timeout_ms", REPLY_TIMEOUT_MS, (10, REPLY_TIMEOUT_MS_MAX), "modbus"
        ),
        retries=bounded(config, "retries", RETRIES, (0, RETRIES_MAX), "modbus"),
        turnaround_ms=bounded(config, "turnaround_ms", TURNAROUND_MS, (0, 1000), "modbus"),
        fault_after_rounds=bounded(
            config, "fault_after_rounds", FAULT_AFTER_ROUNDS, (1, 1000), "modbus"
        ),
    )


def build(config: Mapping[str, Any]) -> Master:
    """The master of one line, from its table in gateway.toml."""
    return Master(bus_plan(config))


def decoder() -> Decoder:
    return decode


def decode(request: DecodeRequest) -> list[Outcome]:
    """Every good frame of a capture in either direction, and the damage between them."""
    data = request.data
    found = [*find(data)]
    if not found:
        return [damage(data)] if data else []
    out: list[Outcome] = []
    end = 0
    for index, (at, frame) in enumerate(found):
        fields = explain(frame)
        before = data[end:at]
        end = at + frame.size_bytes
        after = data[end:] if index == len(found) - 1 else b""
        if before:
            fields["leading_junk"] = len(before)
        if after:
            fields["trailing_junk"] = len(after)
        # An undriven line reads as 00 or FF around frames; anything else was meant as a frame.
        out += [damage(before)] if before.strip(b"\x00\xff") else []
        out.append(Decoded(fields=fields, measurements=_measurements(frame, request.now_ms)))
        out += [damage(after)] if after.strip(b"\x00\xff") else []
    return out


SPEC: Final = DriverSpec(
    name="modbus",
    title=(
        "Modbus RTU meters: Eastron SDM120 and SDM230, Chint DDSU666, PZEM-004T, or "
        "registers of your own; it can only read"
    ),
    title_zh=(
        "Modbus RTU 电表：Eastron SDM120、SDM230，正泰 DDSU666，PZEM-004T，或自定寄存器，只读不写"
    ),
    transport="serial",
    line=LineSettings(baud=9600),
    settings=SETTINGS,
    build=build,
    decoder=decoder,
)


def _measurements(frame: Frame, now_ms: int) -> tuple[Measurement, ...]:
    """Only a PZEM's answer says by itself what its registers mean."""
    if not is_pzem(frame):
        return ()
    said = content(PZEM_BLOCK, frame.data)
    return (
        Measurement(
            device=f"modbus-{frame.unit}",
            kind="power",
            measured_at_ms=now_ms,
            received_at_ms=now_ms,
            values={name: v for name, v in said.items() if is_plausible(name, v)},
        ),
    )


def _meter(row: object, poll_s: int, index: int) -> MeterPlan:
    where = f"modbus.meters[{index}]"
    table = _table(row, where)
    check_keys(table, ("unit", "device", "map", "registers", "poll_s"), where)
    unit = get(table, "unit", int, where)
    if not 1 <= unit <= UNIT_MAX and unit != UNIT_GENERAL_PZEM:
        raise ConfigError(
            f"{where}.unit", f"is {unit}, expected 1 to {UNIT_MAX} (or {UNIT_GENERAL_PZEM})"
        )
    device = name_of(table, "device", where, f"modbus-{unit}")
    if ("map" in table) == ("registers" in table):
        raise ConfigError(where, "give either map or registers")
    if "map" in table:
        name = one_of(get(table, "map", str, where), METER_MAPS, f"{where}.map")
        blocks = METER_MAPS[name]
    else:
        name, blocks = "own", _own_blocks(table, where)
    return MeterPlan(
        unit=unit,
        device=device,
        map_name=name,
        blocks=blocks,
        poll_ms=bounded(table, "poll_s", poll_s, (1, POLL_S_MAX), where) * 1000,
    )


def _own_blocks(table: Mapping[str, Any], where: str) -> tuple[Block, ...]:
    rows = get(table, "registers", list, where)
    if not 1 <= len(rows) <= REGISTERS_OWN_MAX:
        raise ConfigError(
            f"{where}.registers", f"{len(rows)} registers, expected 1 to {REGISTERS_OWN_MAX}"
        )
    blocks = [_own_block(row, f"{where}.registers[{index}]") for index, row in enumerate(rows)]
    for what, keys in (
        ("name", [block.registers[0].name for block in blocks]),
        ("address", [block.address for block in blocks]),
    ):
        if len({*keys}) < len(keys):
            raise ConfigError(f"{where}.registers", f"one {what} appears twice")
    return tuple(blocks)


def _own_block(row: object, where: str) -> Block:
    table = _table(row, where)
    check_keys(table, ("name", "address", "function", "form", "low_word_first", "scale"), where)
    function = get(table, "function", int, where)
    if function not in READ_FUNCTIONS:
        raise ConfigError(f"{where}.function", f"is {function}, expected 3 or 4: it only reads")
    form = cast("Form", one_of(get(table, "form", str, where), FORMS, f"{where}.form"))
    scale = get(table, "scale", float, where, default=1.0)
    if not math.isfinite(scale) or scale == 0:
        raise ConfigError(f"{where}.scale", f"is {scale}, expected a number other than 0")
    register = Register(
        name=one_of(get(table, "name", str, where), NAMES, f"{where}.name"),
        offset=0,
        form=form,
        low_word_first=get(table, "low_word_first", bool, where, default=False),
        scale=Decimal(repr(scale)),
    )
    address = get(table, "address", int, where)
    count = FORMS[form]
    if not 0 <= address <= ADDRESS_MAX + 1 - count:
        raise ConfigError(f"{where}.address", f"is {address}, expected 0 to {ADDRESS_MAX}")
    return Block(function=function, address=address, count=count, registers=(register,))


def _table(row: object, where: str) -> Mapping[str, Any]:
    if not isinstance(row, dict):
        raise ConfigError(where, f"is {type(row).__name__}, expected a table")
    return row
