"""A buzzer or lamp behind a serial adapter: by its RTS or DTR line, or by bytes it understands."""

import asyncio
import os
import termios
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from contract.config import ConfigError, bounded, check_keys, get, one_of
from gateway.driver import LineSettings
from gateway.output import Occasion, OccasionName, Output, OutputFailed, OutputSpec
from gateway.sources.serial_port import OpenLine, open_line

# Three short pulses are told from the refrigerator's hum and the telephone's ring.
PULSES_DEFAULT: Final = 3
PULSE_S: Final = 0.3
BYTES_MAX: Final = 64
WAYS: Final = ("rts", "dtr", "bytes")
SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "port": "the adapter, such as /dev/serial/by-id/…",
        "by": f"one of {', '.join(WAYS)}, default rts",
        "pulses": f"of RTS or DTR, 0.3 s each, default {PULSES_DEFAULT}",
        "hex": "bytes that switch it on",
        "baud": "of the bytes, default 9600",
    }
)


class Buzzer:
    def __init__(self, port: str, by: str, pulses: int, data: bytes, baud: int) -> None:
        self._port, self._by, self._pulses = port, by, pulses
        self._data, self._baud = data, baud
        # The line is one: a second press is heard after the first.
        self._busy = asyncio.Lock()

    async def play(self, _occasion: Occasion) -> None:
        async with self._busy:
            try:
                line = open_line(self._port, LineSettings(baud=self._baud))
            except (OSError, ValueError, termios.error) as error:
                raise OutputFailed(f"{self._port}: {error}") from error
            try:
                await self._sound(line)
            except (OSError, termios.error) as error:
                raise OutputFailed(f"{self._port}: {error}") from error
            finally:
                line.close()

    async def _sound(self, line: OpenLine) -> None:
        if self._by == "bytes":
            os.write(line.fileno(), self._data)
            return
        try:
            for _ in range(self._pulses):
                for on in (True, False):
                    setattr(line, self._by, on)
                    await asyncio.sleep(PULSE_S)
        finally:
            # Ended in the middle of a pulse it would sound until somebody comes.
            setattr(line, self._by, False)

    def plays(self, _name: OccasionName) -> bool:
        return True

    def trouble(self) -> str:
        return "" if os.path.exists(self._port) else f"{self._port} does not exist"


def _build(table: Mapping[str, Any], where: str, _base: Path) -> Output:
    check_keys(table, SETTINGS, where)
    by = one_of(get(table, "by", str, where, "rts"), WAYS, f"{where}.by")
    text = get(table, "hex", str, where, "")
    try:
        data = bytes.fromhex(text)
    except ValueError as error:
        raise ConfigError(f"{where}.hex", f"{text[:40]!r} is not hexadecimal") from error
    if (by == "bytes") != bool(data) or len(data) > BYTES_MAX:
        raise ConfigError(f"{where}.hex", f'1 to {BYTES_MAX} bytes, with by = "bytes" alone')
    pulses = bounded(table, "pulses", PULSES_DEFAULT, (1, 20), where)
    baud = bounded(table, "baud", 9600, (300, 921_600), where)
    return Buzzer(get(table, "port", str, where), by, pulses, data, baud)


SPEC: Final = OutputSpec(name="buzzer", settings=SETTINGS, build=_build)
