"""Whose bytes are these? Recognising devices that speak by themselves on a serial line. Pure.

Every stream driver of the registry is asked with the decoder that `hearthwatch decode` uses. A
driver that reads everything (the pulse counter: any byte is a pulse) is recognised by how the bytes
come, not by what they are.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from gateway.discover.finding import Finding, shown
from gateway.driver import (
    RAW_SHOWN_MAX,
    Decoded,
    DecodeRequest,
    DriverSpec,
    LineSettings,
    Outcome,
    Undecodable,
)
from gateway.registry import DRIVERS

# Masters of a bus: their devices never speak first, they are asked.
ASKED: Final = frozenset({"dlt645", "modbus"})
_PULSES: Final = "pulse-counter"
# Settings besides a driver's default: DSMR 2.2 and 3 ports have 9600 7E1 (DSMR P1 companion).
_MORE_LINES: Final[Mapping[str, Sequence[LineSettings]]] = MappingProxyType(
    {"dsmr": (LineSettings(baud=9600, bytesize=7, parity="E"),)}
)
# Sixty packets a second: this many are a sixth of a second of a CMS50.
_PACKETS_MIN: Final = 10
# A byte in five may be noise before bytes that fit by chance are called an oximeter.
_COVERED_MIN: Final = 0.8
_PACKET_BYTES: Final = 5
# A pulse is a byte, two when the contact bounces; pulses closer than 100 ms are 36 kW and more.
_PULSE_BYTES_MAX: Final = 2
_PULSE_GAP_MS: Final = 100
_PULSES_MIN: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Bytes as one read brought them."""

    line_ms: int
    data: bytes


def lines() -> list[LineSettings]:
    """Every line setting at which a registered driver's device may speak, the usual first."""
    order = ["ev1527", *sorted(DRIVERS)]
    found: dict[LineSettings, None] = {}
    for name in order:
        spec = DRIVERS.get(name)
        if spec is None or spec.transport != "serial" or spec.line is None or name in ASKED:
            continue
        found.update(dict.fromkeys((spec.line, *_MORE_LINES.get(name, ()))))
    # Pulses come seldom and look like noise to all others: they are judged last.
    slowest = DRIVERS[_PULSES].line
    return sorted(found, key=lambda line: line == slowest)


def recognise(chunks: Sequence[Chunk], line: LineSettings) -> list[Finding]:
    """Devices in what was heard at a line setting; nothing when no driver can read it."""
    data = b"".join(chunk.data for chunk in chunks)
    if not data:
        return []
    for name, spec in DRIVERS.items():
        if spec.transport != "serial" or name in ASKED or line not in _lines_of(spec):
            continue
        if name == _PULSES:
            continue
        outcomes = _decoded(spec, data)
        found = _BY_DRIVER.get(name, _any)(spec, outcomes, len(data))
        if found:
            return [_with_line(finding, line) for finding in found]
    pulses = _pulses(chunks) if line == DRIVERS[_PULSES].line else []
    return [_with_line(finding, line) for finding in pulses]


def _decoded(spec: DriverSpec, data: bytes) -> list[Outcome]:
    try:
        return spec.decode_once(DecodeRequest(data=data))
    except Exception as error:  # noqa: BLE001 - a driver's mistake must not end the search
        return [Undecodable(code="driver_failed", detail=str(error), raw=data[:RAW_SHOWN_MAX])]


def _lines_of(spec: DriverSpec) -> Sequence[LineSettings | None]:
    return (spec.line, *_MORE_LINES.get(spec.name, ()))


def _with_line(found: Finding, line: LineSettings) -> Finding:
    return replace(found, line=line)


def _buttons(spec: DriverSpec, outcomes: Sequence[Outcome], _size: int) -> list[Finding]:
    heard: dict[str, list[int]] = {}
    for outcome in outcomes:
        if isinstance(outcome, Decoded) and "sync_us" in outcome.fields:
            heard.setdefault(outcome.fields["ev1527_id"], []).append(outcome.fields["ev1527_key"])
    return [
        Finding(
            driver=spec.name,
            address=identity,
            what=f"433 MHz button, key {', '.join(str(key) for key in sorted(set(keys)))}",
            quality=f"{len(keys)} frames",
            table="buttons",
            row={"id": identity, "device": f"ev1527-{identity.lower()}"},
        )
        for identity, keys in sorted(heard.items())
    ]


def _telegrams(spec: DriverSpec, outcomes: Sequence[Outcome], _size: int) -> list[Finding]:
    good = [outcome for outcome in outcomes if isinstance(outcome, Decoded)]
    if not good:
        return []
    return [
        Finding(
            driver=spec.name,
            address=shown(str(good[-1].fields.get("identification") or "-")),
            what="P1 port of an electricity meter",
            quality=f"{len(good)} telegrams, {len(outcomes) - len(good)} damaged",
            row={"device": "p1-meter"},
        )
    ]


def _oximeter(spec: DriverSpec, outcomes: Sequence[Outcome], size: int) -> list[Finding]:
    packets = [o for o in outcomes if isinstance(o, Decoded) and "pulse_rate" in o.fields]
    if len(packets) < _PACKETS_MIN or len(packets) * _PACKET_BYTES < size * _COVERED_MIN:
        return []
    measuring = sum(bool(packet.measurements) for packet in packets)
    return [
        Finding(
            driver=spec.name,
            address="-",
            what="Contec fingertip oximeter",
            quality="measuring" if measuring else "no finger in it",
            row={"device": "oximeter"},
        )
    ]


def _any(spec: DriverSpec, outcomes: Sequence[Outcome], _size: int) -> list[Finding]:
    """A driver that this module knows nothing about must read everything it was given."""
    if not outcomes or not all(isinstance(outcome, Decoded) for outcome in outcomes):
        return []
    quality = f"{len(outcomes)} frames"
    return [Finding(driver=spec.name, address="-", what=spec.title, quality=quality)]


_BY_DRIVER: Final[Mapping[str, Callable[[DriverSpec, Sequence[Outcome], int], list[Finding]]]] = (
    MappingProxyType({"cms50": _oximeter, "dsmr": _telegrams, "ev1527": _buttons})
)


def _pulses(chunks: Sequence[Chunk]) -> list[Finding]:
    gaps = [b.line_ms - a.line_ms for a, b in pairwise(chunks)]
    single = all(len(chunk.data) <= _PULSE_BYTES_MAX for chunk in chunks)
    if len(chunks) < _PULSES_MIN or not single or min(gaps) < _PULSE_GAP_MS:
        return []
    return [
        Finding(
            driver=_PULSES,
            address="-",
            what="single bytes at intervals: perhaps a pulse output",
            quality=f"{len(chunks)} pulses",
            row={"device": "pulses"},
            needs="impulses_per_kwh, as printed on the meter",
        )
    ]
