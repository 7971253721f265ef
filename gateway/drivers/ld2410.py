"""HLK-LD2410 presence radar (24 GHz) on a serial line: somebody is there, even who lies still.

    F4 F3 F2 F1  LENGTH(2)  TYPE AA  STATE
    MOVING cm(2) energy  STILL cm(2) energy  DETECTED cm(2)  55 00  F8 F7 F6 F5

TYPE 02 is the basic report, 01 the engineering report (the same with energies of each gate behind
it); STATE 0 nobody, 1 moves, 2 is still, 3 both; lengths and distances low byte first. Source:
Hi-Link, HLK-LD2410 serial communication protocol, 2.3 (256000 baud 8N1, ten reports a second).
There is no checksum: a report counts when its frame, its marks and its ranges are right, and a
change when two reports in a row agree.
"""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from contract.config import bounded, check_keys, name_of
from contract.item import Measurement, Scalar
from gateway.device_health import health
from gateway.driver import (
    RAW_SHOWN_MAX,
    Decoded,
    Decoder,
    DecodeRequest,
    DriverSpec,
    LineSettings,
    Outcome,
    Undecodable,
)

HEADER: Final = bytes.fromhex("F4F3F2F1")
FOOTER: Final = bytes.fromhex("F8F7F6F5")
STATES: Final = ("none", "moving", "still", "moving and still")
# The engineering report has 35 bytes; later firmware adds a few.
PAYLOAD_BYTES_MAX: Final = 64
BASIC_PAYLOAD_BYTES: Final = 13
ENERGY_MAX: Final = 100
# The radar sees six metres; 8 gates of 0.75 m are the most it can be set to.
DISTANCE_MAX_CM: Final = 1000
# Presence is told when it changes, and again after this long as a sign of life.
EVERY_S_DEFAULT: Final = 60
EVERY_S_MAX: Final = 3600
# Six hundred reports: a pulled cable.
SILENCE_MS: Final = 60_000

SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "device": "name of the radar's readings",
        "every_s": f"seconds between two readings without a change, default {EVERY_S_DEFAULT}",
    }
)


def split(buffer: bytes) -> tuple[list[Outcome], bytes, int]:
    """Reports and damaged ones, the bytes that may become one, and how many were neither."""
    found: list[Outcome] = []
    junk = 0
    while True:
        start = buffer.find(HEADER)
        if start < 0:
            kept = _begun(buffer)
            return found, buffer[len(buffer) - kept :], junk + len(buffer) - kept
        junk += start
        buffer = buffer[start:]
        if len(buffer) < 6:
            return found, buffer, junk
        size = int.from_bytes(buffer[4:6], "little")
        if size <= PAYLOAD_BYTES_MAX and len(buffer) < size + 10:
            return found, buffer, junk
        raw = buffer[: size + 10]
        if size > PAYLOAD_BYTES_MAX or raw[-4:] != FOOTER:
            found.append(_damaged(buffer[:RAW_SHOWN_MAX], "no frame of its length"))
            buffer = buffer[len(HEADER) :]
            continue
        found.append(_explained(raw))
        buffer = buffer[len(raw) :]


def _begun(buffer: bytes) -> int:
    """How many bytes at the end may be the beginning of a header."""
    return next(size for size in (3, 2, 1, 0) if buffer.endswith(HEADER[:size]))


def _explained(raw: bytes) -> Outcome:
    payload = raw[6:-4]
    marks = len(payload) >= BASIC_PAYLOAD_BYTES and payload[1] == 0xAA and payload[-2] == 0x55
    if not marks or payload[0] not in (1, 2):
        return _damaged(raw, "not a report of targets")
    state, energies = payload[2], (payload[5], payload[8])
    distances = [int.from_bytes(payload[at : at + 2], "little") for at in (3, 6, 9)]
    if state >= len(STATES) or max(energies) > ENERGY_MAX or max(distances) > DISTANCE_MAX_CM:
        return _damaged(raw, "out of range: a byte was lost or changed", invalid="range")
    fields = {
        "frame": "basic" if payload[0] == 2 else "engineering",
        "state": STATES[state],
        "moving_cm": distances[0],
        "moving_energy": energies[0],
        "still_cm": distances[1],
        "still_energy": energies[1],
        "detection_cm": distances[2],
    }
    return Decoded(fields=fields)


def _damaged(raw: bytes, detail: str, invalid: str = "frame") -> Undecodable:
    shown = raw[:RAW_SHOWN_MAX]
    return Undecodable(code="bad_frame", detail=detail, raw=shown, fields={"invalid": invalid})


class Radar:
    """The stream driver of one radar. `counters` tells what came, for metrics."""

    def __init__(self, device: str, every_ms: int) -> None:
        self.counters: Counter[str] = Counter()
        self._device = device
        self._every_ms = every_ms
        self._buffer = b""
        self._before: str | None = None  # the state of the report before
        self._told: str | None = None
        self._told_ms = 0
        self._heard_line_ms: int | None = None
        self._silent = False

    def feed(self, data: bytes, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        line = now_ms if line_ms is None else line_ms
        found, self._buffer, junk = split(self._buffer + data)
        self.counters["junk_bytes"] += junk
        return [self._report(outcome, now_ms, line) for outcome in found]

    def flush(self, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        """The line went quiet: half a report is forgotten, silence is judged."""
        line = now_ms if line_ms is None else line_ms
        rest, self._buffer = self._buffer, b""
        out: list[Outcome] = [_damaged(rest, "cut")] if rest else []
        if self._heard_line_ms is None or line < self._heard_line_ms:
            self._heard_line_ms = line
        if not self._silent and line - self._heard_line_ms >= SILENCE_MS:
            self._silent = True
            self._before = self._told = None
            out.append(self._health(now_ms, {"fault": "no_data"}))
        return out

    def _report(self, outcome: Outcome, now_ms: int, line: int) -> Outcome:
        if isinstance(outcome, Undecodable):
            self.counters[outcome.code] += 1
            return outcome
        self.counters["reports"] += 1
        self._heard_line_ms = line
        found: list[Measurement] = []
        if self._silent:
            self._silent = False
            found.append(health(self._device, now_ms, {"recovered": "no_data"}))
        state = str(outcome.fields["state"])
        sure, self._before = state == self._before, state
        if sure and self._due(state, now_ms):
            self._told, self._told_ms = state, now_ms
            found.append(self._presence(state, outcome.fields, now_ms))
        return Decoded(fields=outcome.fields, measurements=found)

    def _due(self, state: str, now_ms: int) -> bool:
        """Somebody came or left, or it is time for a sign of life."""
        if self._told is None or (state == "none") != (self._told == "none"):
            return True
        return not 0 <= now_ms - self._told_ms < self._every_ms

    def _presence(self, state: str, fields: Mapping[str, Any], now_ms: int) -> Measurement:
        present = state != "none"
        attrs: dict[str, Scalar] = {"target": state}
        if present:
            attrs["distance_cm"] = fields["detection_cm"]
        return Measurement(
            device=self._device,
            kind="presence",
            measured_at_ms=now_ms,
            received_at_ms=now_ms,
            values={"present": float(present)},
            attrs=attrs,
        )

    def _health(self, now_ms: int, attrs: Mapping[str, Scalar]) -> Decoded:
        return Decoded(fields=attrs, measurements=(health(self._device, now_ms, attrs),))


def build(config: Mapping[str, Any]) -> Radar:
    where = "ld2410"
    check_keys(config, SETTINGS, where)
    device = name_of(config, "device", where)
    every_s = bounded(config, "every_s", EVERY_S_DEFAULT, (1, EVERY_S_MAX), where)
    return Radar(device, every_s * 1000)


def _decoder() -> Decoder:
    def decode(request: DecodeRequest) -> list[Outcome]:
        found, rest, junk = split(request.data)
        if rest or (junk and not found):
            found.append(_damaged(rest or request.data, "no whole report"))
        return found

    return decode


SPEC: Final = DriverSpec(
    name="ld2410",
    title="HLK-LD2410 presence radar on a serial line: somebody is there, even who lies still",
    title_zh="HLK-LD2410 存在雷达（串口）：有人在，静卧也能感知",
    transport="serial",
    line=LineSettings(baud=256_000),
    settings=SETTINGS,
    build=build,
    decoder=_decoder,
    example=MappingProxyType({"device": "radar-0001"}),
)
