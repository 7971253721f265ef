"""A P1 port as configured: one reading in a while out of a telegram a second; and `decode`."""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from contract.config import ConfigError, check_keys, get, name_of
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
from gateway.drivers.dsmr.quantities import LIMITS, Content, content
from gateway.drivers.dsmr.telegram import Framer, Telegram
from gateway.plausible import ImplausibleEpisode

# Meters send every second (DSMR 5) or every ten (2 to 4); rules look at minutes.
EVERY_S_DEFAULT: Final = 30
EVERY_S_MAX: Final = 3600
# Twelve telegrams of the slowest meters: a pulled cable, or a meter whose port was switched off.
SILENCE_MS: Final = 120_000
# Without a CRC a telegram counts when an earlier one agrees: ten seconds at 360 kW are 1 kWh.
AGREED_KWH: Final = 1.0

SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "device": "name of the meter's readings",
        "every_s": f"seconds between two readings, default {EVERY_S_DEFAULT}; 0: every telegram",
    }
)


class Port:
    """The stream driver of one P1 port. `counters` tells what came, for metrics."""

    def __init__(self, device: str, every_ms: int) -> None:
        self.counters: Counter[str] = Counter()
        self._device = device
        self._every_ms = every_ms
        self._framer = Framer()
        self._implausible = ImplausibleEpisode(LIMITS)
        self._last_reading_ms: int | None = None
        self._good_line_ms: int | None = None
        self._silent = False
        # The telegram before, and the last that was believed: one bad telegram costs no other.
        self._before: Content | None = None
        self._believed: Content | None = None

    def feed(self, data: bytes, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        line = now_ms if line_ms is None else line_ms
        return [*self._take(self._framer.feed(data), now_ms, line), *self._silence(now_ms, line)]

    def flush(self, now_ms: int, line_ms: int | None = None) -> list[Outcome]:
        line = now_ms if line_ms is None else line_ms
        return [*self._take(self._framer.flush(), now_ms, line), *self._silence(now_ms, line)]

    def _take(self, found: list[Telegram | Undecodable], now_ms: int, line: int) -> list[Outcome]:
        out: list[Outcome] = []
        for telegram in found:
            if isinstance(telegram, Undecodable):
                self.counters[telegram.code] += 1
                out.append(telegram)
                continue
            self.counters["telegrams"] += 1
            self._good_line_ms = line
            if self._silent:
                self._silent = False
                out.append(self._health(now_ms, {"recovered": "no_data"}))
            said = content(telegram)
            before, self._before = self._before, said
            believed = telegram.crc is not None or any(
                _agrees(earlier, said) for earlier in (before, self._believed) if earlier
            )
            if believed:
                self._believed = said
            else:
                self.counters["not_agreed"] += 1
            measured = self._measured(said, now_ms) if believed else []
            out.append(Decoded(fields=said.fields, measurements=measured))
        self.counters["junk_bytes"] = self._framer.junk_bytes
        return out

    def _measured(self, said: Content, now_ms: int) -> list[Measurement]:
        last = self._last_reading_ms
        if last is not None and 0 <= now_ms - last < self._every_ms:
            return []
        good = self._implausible.sift({**said.values, **said.beside})
        reading = power(self._device, now_ms, good, said)
        faults = self._implausible.report(self._device, now_ms, measured=reading is not None)
        if reading is None:
            return faults
        self._last_reading_ms = now_ms
        return [reading, *faults]

    def _silence(self, now_ms: int, line: int) -> list[Outcome]:
        """The fault of a port that brings no telegram, told once."""
        if self._good_line_ms is None or line < self._good_line_ms:
            self._good_line_ms = line
        if self._silent or line - self._good_line_ms < SILENCE_MS:
            return []
        self._silent = True
        return [self._health(now_ms, {"fault": "no_data"})]

    def _health(self, now_ms: int, attrs: Mapping[str, Scalar]) -> Decoded:
        return Decoded(fields=attrs, measurements=(health(self._device, now_ms, attrs),))


def _agrees(earlier: Content, said: Content) -> bool:
    """The register stands where the earlier telegram left it, or a little further, and no number
    has lost or gained a character (a byte with a wrong parity is left out)."""
    energy, before = said.values.get("energy_kwh"), earlier.values.get("energy_kwh")
    if energy is None or before is None:
        return False
    return earlier.shape == said.shape and 0 <= energy - before <= AGREED_KWH


def power(device: str, now_ms: int, good: Mapping[str, float], said: Content) -> Measurement | None:
    """The reading of what can be true in a telegram; None without a value."""
    values = {name: good[name] for name in said.values if name in good}
    if not values:
        return None
    return Measurement(
        device=device,
        kind="power",
        measured_at_ms=now_ms,
        received_at_ms=now_ms,
        values=values,
        attrs={**{name: good[name] for name in said.beside if name in good}, **said.attrs},
    )


def build(config: Mapping[str, Any]) -> Port:
    check_keys(config, SETTINGS, "dsmr")
    device = name_of(config, "device", "dsmr")
    every_s = get(config, "every_s", int, "dsmr", EVERY_S_DEFAULT)
    if not 0 <= every_s <= EVERY_S_MAX:
        raise ConfigError("dsmr.every_s", f"is {every_s}, expected 0 to {EVERY_S_MAX}")
    return Port(device, every_s * 1000)


def decoder() -> Decoder:
    return decode


def decode(request: DecodeRequest) -> list[Outcome]:
    """Every telegram of a capture; what stands around telegrams is left out."""
    framer = Framer()
    out: list[Outcome] = []
    for found in [*framer.feed(request.data), *framer.flush()]:
        if isinstance(found, Undecodable):
            out.append(found)
            continue
        said = content(found)
        good = ImplausibleEpisode(LIMITS).sift({**said.values, **said.beside})
        reading = power("dsmr", request.now_ms, good, said)
        out.append(Decoded(fields=said.fields, measurements=(reading,) if reading else ()))
    if not out and request.data:
        raw = request.data[:RAW_SHOWN_MAX]
        detail = f"{len(request.data)} bytes without a / that begins a telegram"
        return [Undecodable(code="noise", detail=detail, raw=raw, fields={"invalid": "noise"})]
    return out


SPEC: Final = DriverSpec(
    name="dsmr",
    title="P1 ports of Dutch, Belgian and similar electricity meters, DSMR 2.2 to 5",
    title_zh="荷兰、比利时等国电表的 P1 口，DSMR 2.2 至 5",
    transport="serial",
    line=LineSettings(baud=115_200),
    settings=SETTINGS,
    build=build,
    decoder=decoder,
)
