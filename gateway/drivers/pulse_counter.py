"""S0 pulse outputs of electricity meters, wired to the receive line of a serial port.

Each pulse pulls the line low and arrives as one byte, whatever its value (vzlogger reads meters so,
at 300 baud, where one byte is as long as the shortest pulse); a small counter circuit may send one
line of text a pulse instead. EN 62053-31: a pulse lasts 30 ms at least, and so does the pause after
it, so what follows sooner is a bouncing contact.

A reading says how much energy flowed since the one before (`energy_interval_wh`), so that nothing
has to be remembered across a restart: the sum of all readings is the register. It is sent only when
there was a pulse and covers the whole time since the last one: a home that uses little is told
slowly, and a cut cable, which looks like no use at all, is told as nothing instead of as zero.
"""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from contract.config import bounded, check_keys, get, name_of, one_of
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
from gateway.plausible import ImplausibleEpisode

MODES: Final = ("byte", "line")
# The shortest pulse, and the shortest pause, of EN 62053-31.
DEBOUNCE_MS: Final = 30
DEBOUNCE_MS_MAX: Final = 1000
IMPULSES_MAX: Final = 100_000
EVERY_S_DEFAULT: Final = 60
EVERY_S_MAX: Final = 3600
# Pulses arrive some ten milliseconds early or late: below this their distance says no power.
POWER_INTERVAL_MS_MIN: Final = 1000
# The main fuse of a large home, three phases of 63 A; more is a contact that never rests.
POWER_W_DEFAULT: Final = 45_000
POWER_W_MAX: Final = 500_000
# 6 h without one of 1000 impulses are less than 0.2 W: no home with a meter uses so little.
SILENCE_H_DEFAULT: Final = 6
SILENCE_H_MAX: Final = 24 * 31
# A counter circuit's line is a few digits; longer ones come from something else.
LINE_BYTES_MAX: Final = 64

SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "device": "name of the meter's readings",
        "impulses_per_kwh": "as printed on the meter, e.g. 1000",
        "mode": "byte (default): each byte is a pulse; line: each line of text is one",
        "debounce_ms": f"pulses closer than this are one, default {DEBOUNCE_MS}",
        "every_s": f"seconds between two readings at least, default {EVERY_S_DEFAULT}",
        "power_w_max": f"more than this is a fault, never a reading, default {POWER_W_DEFAULT}",
        "silence_h": f"hours without a pulse until the fault no_data, default {SILENCE_H_DEFAULT}",
    }
)


class Pulses:
    """The stream driver of one pulse output. `counters` tells what came, for metrics."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.counters: Counter[str] = Counter()
        self._device: str = config["device"]
        self._wh_per_pulse = 1000 / config["impulses_per_kwh"]
        self._lines = config["mode"] == "line"
        self._debounce_ms: int = config["debounce_ms"]
        self._every_ms: int = config["every_s"] * 1000
        self._silence_ms: int = config["silence_h"] * 3_600_000
        limits = {"power_w": (0.0, float(config["power_w_max"]))}
        self._implausible = ImplausibleEpisode(limits=limits)
        self._buffer = b""
        self._skipping = False
        self._last_pulse_line_ms: int | None = None
        self._heard_line_ms: int | None = None
        self._pulses = 0
        # Since when the pulses are counted: the last pulse of the reading before.
        self._since_ms: int | None = None
        self._last_pulse_ms = 0
        self._silent = False

    def feed(self, data: bytes, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        line = now_ms if line_ms is None else line_ms
        out: list[Outcome] = []
        count = self._marks(data, out) if self._lines else len(data)
        pulses = self._debounced(count, line)
        if not pulses:
            return [*out, *self._due(now_ms), *self._silence(now_ms, line)]
        self.counters["pulses"] += pulses
        self._pulses += pulses
        self._heard_line_ms = line
        if self._silent:
            self._silent = False
            # What flowed meanwhile is unknown: an interval would tell it as hardly any use.
            self._since_ms = None
            out.append(self._told([self._health(now_ms, {"recovered": "no_data"})]))
        self._last_pulse_ms = now_ms
        return [*out, *self._due(now_ms)]

    def flush(self, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        """Between two pulses the line is always quiet: half a line is kept, silence is judged."""
        line = now_ms if line_ms is None else line_ms
        return [*self._due(now_ms), *self._silence(now_ms, line)]

    def _due(self, now_ms: int) -> list[Outcome]:
        """The reading of all pulses since the one before, when its time has come."""
        since = self._since_ms
        early = since is not None and 0 <= now_ms - since < self._every_ms
        if early or not self._pulses:
            return []
        found = self._reading(now_ms)
        return [self._told(found)] if found else []

    def _marks(self, data: bytes, out: list[Outcome]) -> int:
        """How many lines end in `data`; one that is too long is told and is no pulse."""
        *whole, rest = (self._buffer + data).split(b"\n")
        marks = 0
        for number, text in enumerate(whole):
            if number == 0 and self._skipping:
                self._skipping = False
            elif len(text) > LINE_BYTES_MAX:
                out.append(_too_long(text))
            elif text.strip():
                marks += 1
        if len(rest) > LINE_BYTES_MAX:
            if not self._skipping:
                out.append(_too_long(rest))
            self._skipping = True
            rest = b""
        self._buffer = rest
        return marks

    def _debounced(self, count: int, line: int) -> int:
        """The pulses among `count` marks that came at once.

        Marks that waited for us, while the gateway was busy, may be many pulses: as many as the
        time since the last one has room for.
        """
        last = self._last_pulse_line_ms
        if not count:
            return 0
        if last is None or line < last or not self._debounce_ms:
            pulses = count
        else:
            pulses = min(count, (line - last) // self._debounce_ms)
        self.counters["bounces"] += count - pulses
        if pulses:
            self._last_pulse_line_ms = line
        return pulses

    def _reading(self, now_ms: int) -> list[Measurement]:
        energy_wh = self._pulses * self._wh_per_pulse
        # From pulse to pulse: then energy over time is the power, however long nobody looked.
        until = self._last_pulse_ms
        interval_ms = 0 if self._since_ms is None else max(0, until - self._since_ms)
        pulses, self._pulses, self._since_ms = self._pulses, 0, until
        values = {"energy_interval_wh": round(energy_wh, 6)}
        # The first pulse after a start ends an interval that nobody saw begin.
        sure = interval_ms >= POWER_INTERVAL_MS_MIN
        power = {"power_w": round(energy_wh * 3_600_000 / interval_ms, 3)} if sure else {}
        good = self._implausible.sift(power)
        faults = self._implausible.report(self._device, now_ms, measured=bool(good))
        if power and not good:
            self.counters["implausible_pulses"] += pulses
            return faults
        reading = Measurement(
            device=self._device,
            kind="power",
            measured_at_ms=until,
            received_at_ms=now_ms,
            values={**values, **good},
            attrs={"interval_s": interval_ms / 1000, "pulses": pulses},
        )
        return [reading, *faults]

    def _silence(self, now_ms: int, line: int) -> list[Outcome]:
        if self._heard_line_ms is None or line < self._heard_line_ms:
            self._heard_line_ms = line
        if self._silent or line - self._heard_line_ms < self._silence_ms:
            return []
        self._silent = True
        return [self._told([self._health(now_ms, {"fault": "no_data"})])]

    def _told(self, measurements: list[Measurement]) -> Decoded:
        return Decoded(fields={"pulses": self.counters["pulses"]}, measurements=measurements)

    def _health(self, now_ms: int, attrs: Mapping[str, Scalar]) -> Measurement:
        return health(self._device, now_ms, attrs)


def build(config: Mapping[str, Any]) -> Pulses:
    where = "pulse-counter"
    check_keys(config, SETTINGS, where)
    device = name_of(config, "device", where)
    mode = one_of(get(config, "mode", str, where, "byte"), MODES, f"{where}.mode")
    numbers = {
        key: bounded(config, key, default, limits, where)
        for key, default, limits in (
            ("impulses_per_kwh", None, (1, IMPULSES_MAX)),
            ("debounce_ms", DEBOUNCE_MS, (0, DEBOUNCE_MS_MAX)),
            ("every_s", EVERY_S_DEFAULT, (1, EVERY_S_MAX)),
            ("power_w_max", POWER_W_DEFAULT, (1, POWER_W_MAX)),
            ("silence_h", SILENCE_H_DEFAULT, (1, SILENCE_H_MAX)),
        )
    }
    return Pulses({"device": device, "mode": mode, **numbers})


def decoder() -> Decoder:
    return decode


def decode(request: DecodeRequest) -> list[Outcome]:
    """Every byte is a pulse; what it is worth is written on the meter alone."""
    return [Decoded(fields={"pulses": len(request.data)})]


SPEC: Final = DriverSpec(
    name="pulse-counter",
    title="S0 pulse outputs of electricity meters on the receive line of a serial port",
    title_zh="电表的 S0 脉冲输出，接在串口的接收线上",
    transport="serial",
    line=LineSettings(baud=300),
    settings=SETTINGS,
    build=build,
    decoder=decoder,
)


def _too_long(text: bytes) -> Undecodable:
    return Undecodable(
        code="too_long",
        detail=f"a line of more than {LINE_BYTES_MAX} bytes is no pulse",
        raw=text[:RAW_SHOWN_MAX],
    )
