"""Contec CMS50D+ and CMS50E fingertip oximeters on their serial line, 19200 8O1.

Live, sixty packets of five bytes a second, bit 7 set in the first byte only:

    0  1 beep dropping finger_out  signal strength(4)
    1  0 plethysmogram(7)
    2  0 pulse bit 7  searching  probe error  bar graph(4)
    3  0 pulse bits 6-0
    4  0 SpO2(7)

A download of stored samples, one a second without any time: cruft, F2 80 00 three times, a length
of three bytes, then F0|pulse bit 7, 80|pulse bits 6-0, SpO2. Sources: apneaboard wiki
"Contec CMS50X Data Format", atbrask/CMS50Dplus and its unit tests, tranzoa.net.

Bit 7 of the pulse sits apart from the rest: without it 200 reads as 72.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from contract.config import check_keys, name_of
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
from gateway.plausible import ImplausibleEpisode, is_plausible

PACKET_BYTES: Final = 5
SYNC_BIT: Final = 0x80
_RECORD_BYTES: Final = 3
_PREAMBLE: Final = bytes.fromhex("F28000") * 3
# Noise is told in pieces of this size at most; a packet is five bytes.
JUNK_BYTES_MAX: Final = 512
# The first seconds after the finger went in are the device's own guess.
SETTLE_MS: Final = 10_000
# One reading for each minute of a continuous measurement, and one for a spot check of ten seconds.
MINUTE_MS: Final = 60_000
SPOT_MS: Final = 10_000
# Packets come every 17 ms; after this long without one the finger's story begins anew.
GAP_MS: Final = 2000
# A finger that moves is "out" for a few packets; one that was pulled stays out.
FINGER_OUT_MS: Final = 1000
# A reading rests on at least half of its packets.
VALID_SHARE_MIN: Final = 0.5
# Signal strength is 0-8; the device's own display calls less than 3 weak.
SIGNAL_LOW: Final = 3
# A pulled or broken probe, not a finger that moved.
PROBE_ERROR_MS: Final = 5000

SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {"device": "name of the oximeter's readings"},
)


@dataclass(slots=True)
class _Window:
    """What one reading will be made of; counted by value, so its size does not grow with time."""

    began_line_ms: int
    packets: int = 0
    spo2: Counter[int] = field(default_factory=Counter)
    pulse: Counter[int] = field(default_factory=Counter)
    signal: Counter[int] = field(default_factory=Counter)
    implausible: int = 0
    last_implausible: Mapping[str, float] = field(default_factory=dict)

    @property
    def valid(self) -> int:
        return self.spo2.total()


class Oximeter:
    """The stream driver. `counters` tells what came, for metrics."""

    def __init__(self, device: str) -> None:
        self.counters: Counter[str] = Counter()
        self._device = device
        self._buffer = b""
        self._junk = b""
        self._finger_line_ms: int | None = None  # since when it measures
        self._out_line_ms: int | None = None  # since when it says that it can't
        self._window: _Window | None = None
        self._told = False  # whether this measurement has given a reading
        # When the last packet came, on both clocks.
        self._packet_now_ms = 0
        self._packet_line_ms = 0
        self._probe_error_line_ms: int | None = None
        self._probe_error_told = False
        self._implausible = ImplausibleEpisode()

    def feed(self, data: bytes, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        line = now_ms if line_ms is None else line_ms
        out: list[Outcome] = []
        packets, junk, self._buffer = split(self._buffer + data)
        self._junk += junk
        if packets or len(self._junk) >= JUNK_BYTES_MAX:
            out += self._noise()
        if packets and not 0 <= line - self._packet_line_ms <= GAP_MS:
            out += self._ended()
        for packet in packets:
            self.counters["packets"] += 1
            self._packet_now_ms, self._packet_line_ms = now_ms, line
            out += self._packet(explain(packet), now_ms, line)
        return out

    def flush(self, now_ms: int, line_ms: int | None = None) -> list[Outcome]:  # noqa: ARG002
        """The line went quiet: the oximeter was switched off or unplugged."""
        self._junk += self._buffer
        self._buffer = b""
        return [*self._noise(), *self._ended()]

    def _packet(self, fields: Mapping[str, Any], now_ms: int, line: int) -> list[Outcome]:
        out = self._probe(bool(fields["probe_error"]), now_ms, line)
        if fields["finger_out"] or fields["probe_error"]:
            if self._out_line_ms is None:
                self._out_line_ms = line
            lasting = line - self._out_line_ms >= FINGER_OUT_MS
            return [*out, *self._ended()] if lasting else out
        self._out_line_ms = None
        if self._finger_line_ms is None:
            if not fields["valid"]:
                return out
            self._finger_line_ms = line
        if line - self._finger_line_ms < SETTLE_MS:
            return out
        if self._window is None:
            self._window = _Window(line)
        elif line - self._window.began_line_ms >= MINUTE_MS:
            out += self._reading(self._window, "continuous")
            self._window = _Window(line)
        self._count(self._window, fields)
        return out

    def _count(self, window: _Window, fields: Mapping[str, Any]) -> None:
        window.packets += 1
        if fields["valid"]:
            window.spo2[fields["spo2"]] += 1
            window.pulse[fields["pulse_rate"]] += 1
            window.signal[fields["signal_strength"]] += 1
        elif not fields["searching"] and fields["spo2"] and fields["pulse_rate"]:
            # Both there and out of range: 0 alone, or while searching, is "no value yet".
            window.implausible += 1
            window.last_implausible = {
                "spo2_pct": fields["spo2"],
                "pulse_bpm": fields["pulse_rate"],
            }

    def _ended(self) -> list[Outcome]:
        """The end of a measurement; a short one, that gave no minute, is a spot check."""
        window, self._window = self._window, None
        told, self._told = self._told, False
        self._finger_line_ms = self._out_line_ms = None
        if window is None or told:
            return []
        if self._packet_line_ms - window.began_line_ms < SPOT_MS:
            self.counters["too_short"] += 1
            return []
        out = self._reading(window, "spot")
        self._told = False
        return out

    def _reading(self, window: _Window, mode: str) -> list[Outcome]:
        # A pause may be noticed late: the last packet says when it was true.
        now_ms = self._packet_now_ms
        enough = window.valid >= VALID_SHARE_MIN * window.packets and window.valid > 0
        if window.implausible > window.valid:
            self._implausible.sift(window.last_implausible)
        faults = self._implausible.report(self._device, now_ms, measured=enough)
        out: list[Outcome] = []
        if faults:
            out.append(Decoded(fields={"implausible": window.implausible}, measurements=faults))
        if not enough:
            self.counters["unsettled"] += 1
            return out
        self._told = True
        signal = _median(window.signal)
        attrs: dict[str, Scalar] = {
            "mode": mode,
            "quality": "low" if signal < SIGNAL_LOW else "good",
            "signal_strength": signal,
            "valid_pct": round(100 * window.valid / window.packets),
            "duration_s": (self._packet_line_ms - window.began_line_ms) // 1000,
        }
        values = {
            "spo2_pct": float(_median(window.spo2)),
            "pulse_bpm": float(_median(window.pulse)),
        }
        reading = Measurement(
            device=self._device,
            kind="oximetry",
            measured_at_ms=now_ms,
            received_at_ms=now_ms,
            values=values,
            attrs=attrs,
        )
        return [*out, Decoded(fields={"packets": window.packets}, measurements=(reading,))]

    def _probe(self, broken: bool, now_ms: int, line: int) -> list[Outcome]:
        """A probe error that lasts is a fault, told once."""
        if not broken:
            told, self._probe_error_told = self._probe_error_told, False
            self._probe_error_line_ms = None
            return [self._health(now_ms, {"recovered": "probe_error"})] if told else []
        if self._probe_error_line_ms is None:
            self._probe_error_line_ms = line
        if self._probe_error_told or line - self._probe_error_line_ms < PROBE_ERROR_MS:
            return []
        self._probe_error_told = True
        return [self._health(now_ms, {"fault": "probe_error"})]

    def _noise(self) -> list[Outcome]:
        """A report about bytes outside packets; what a start in mid-packet leaves is none."""
        junk, self._junk = self._junk, b""
        self.counters["junk_bytes"] += len(junk)
        return [damage(junk)] if len(junk) >= PACKET_BYTES else []

    def _health(self, now_ms: int, attrs: Mapping[str, Scalar]) -> Decoded:
        return Decoded(fields=attrs, measurements=(health(self._device, now_ms, attrs),))


def split(buffer: bytes) -> tuple[list[bytes], bytes, bytes]:
    """Packets, the bytes outside them, and what may become a packet."""
    packets: list[bytes] = []
    junk = bytearray()
    at = 0
    while at < len(buffer):
        packet = buffer[at : at + PACKET_BYTES]
        starts = bool(packet[0] & SYNC_BIT)
        if starts and not any(byte & SYNC_BIT for byte in packet[1:]):
            if len(packet) < PACKET_BYTES:
                return packets, bytes(junk), packet
            packets.append(packet)
            at += PACKET_BYTES
        else:
            junk.append(packet[0])
            at += 1
    return packets, bytes(junk), b""


def explain(packet: bytes) -> dict[str, Any]:
    """The fields of a live packet; valid: it measures, and both values can be true."""
    fields: dict[str, Any] = {
        "signal_strength": packet[0] & 0x0F,
        "finger_out": bool(packet[0] & 0x10),
        "dropping_spo2": bool(packet[0] & 0x20),
        "beep": bool(packet[0] & 0x40),
        "pleth": packet[1],
        "bar": packet[2] & 0x0F,
        "probe_error": bool(packet[2] & 0x10),
        "searching": bool(packet[2] & 0x20),
        "pulse_rate": (packet[2] & 0x40) << 1 | packet[3],
        "spo2": packet[4],
    }
    measures = not (fields["finger_out"] or fields["probe_error"] or fields["searching"])
    fields["valid"] = (
        measures
        and is_plausible("spo2_pct", fields["spo2"])
        and is_plausible("pulse_bpm", fields["pulse_rate"])
    )
    return fields


def records(data: bytes) -> list[dict[str, int]]:
    """Stored samples, as far as the bytes have their shape."""
    found = []
    for at in range(0, len(data) - _RECORD_BYTES + 1, _RECORD_BYTES):
        first, second, third = data[at : at + _RECORD_BYTES]
        if first not in (0xF0, 0xF1) or not second & SYNC_BIT or third & SYNC_BIT:
            break
        found.append({"pulse_rate": (first & 1) << 7 | second & 0x7F, "spo2": third})
    return found


def damage(junk: bytes) -> Undecodable:
    """Bytes outside packets: noise, or a download, whose samples can't be placed in time."""
    shown = junk[:RAW_SHOWN_MAX]
    stored = records(junk)
    if stored or _PREAMBLE in junk:
        detail = f"a download of stored samples, which carry no time: {len(junk)} bytes"
        return Undecodable(code="recorded", detail=detail, raw=shown)
    return Undecodable(
        code="sync",
        detail=f"{len(junk)} bytes outside packets: wrong parity or speed?",
        raw=shown,
        fields={"invalid": "sync"},
    )


def _median(counts: Counter[int]) -> int:
    """The lower median: a value that was measured."""
    half = (counts.total() + 1) // 2
    for value in sorted(counts):
        half -= counts[value]
        if half <= 0:
            return value
    raise ValueError("no values")


def build(config: Mapping[str, Any]) -> Oximeter:
    check_keys(config, SETTINGS, "cms50")
    device = name_of(config, "device", "cms50")
    return Oximeter(device)


def decoder() -> Decoder:
    return decode


def decode(request: DecodeRequest) -> list[Outcome]:
    """Live packets, or a download with or without what stands before it."""
    data = request.data
    start = data.find(_PREAMBLE)
    if start >= 0:
        rest = data[start + len(_PREAMBLE) :]
        samples = rest.find(0xF0, _RECORD_BYTES)
        download = {
            "cruft": data[:start].hex().upper(),
            "preamble_at": start,
            "length_bytes": rest[:_RECORD_BYTES].hex().upper(),
            "records": [] if samples < 0 else records(rest[samples:]),
        }
        return [Decoded(fields=download)]
    stored = records(data)
    if stored and len(stored) * _RECORD_BYTES == len(data):
        return [Decoded(fields={"records": stored})]
    packets, junk, rest = split(data)
    out: list[Outcome] = [damage(junk + rest)] if len(junk + rest) and not packets else []
    for packet in packets:
        fields = explain(packet)
        reading = Measurement(
            device="cms50",
            kind="oximetry",
            measured_at_ms=request.now_ms,
            received_at_ms=request.now_ms,
            values={"spo2_pct": float(packet[4]), "pulse_bpm": float(fields["pulse_rate"])},
        )
        out.append(Decoded(fields=fields, measurements=(reading,) if fields["valid"] else ()))
    return out


SPEC: Final = DriverSpec(
    name="cms50",
    title="Contec CMS50D+ and CMS50E fingertip oximeters on their serial line",
    title_zh="康泰 CMS50D+、CMS50E 指夹血氧仪（串口）",
    transport="serial",
    line=LineSettings(baud=19_200, parity="O"),
    settings=SETTINGS,
    build=build,
    decoder=decoder,
)
