"""A lamp or buzzer on a line of the Raspberry Pi's connector, by libgpiod's gpioset.

gpioset (libgpiod 1.6, Debian 12) holds the line for the time and lets it go; libgpiod 2 has other
options, and its `--toggle` is used when it is found. The line is driven by the kernel's character
device, so no other program may hold it.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from contract.config import ConfigError, bounded, check_keys, get
from gateway.output import Occasion, OccasionName, Output, OutputSpec
from gateway.program import missing_program, program_says, run_program

PROGRAM: Final = "gpioset"
# Long enough to be noticed, short enough for the next press to be noticed too.
SECONDS_DEFAULT: Final = 3
SECONDS_MAX: Final = 15
# The Pi 5 has 54 lines on its connector's chip; other boards up to some hundred.
LINE_MAX: Final = 511
_VERSION_2: Final = re.compile(r"v?2\.\d")
_CHIP: Final = re.compile(r"gpiochip\d{1,3}\Z")
SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "chip": "default gpiochip0",
        "line": "number of the line on the chip (of a Pi: the GPIO number)",
        "seconds": f"how long it is on, default {SECONDS_DEFAULT}",
        "active_low": "true when 0 switches it on",
    }
)


class Gpio:
    def __init__(self, chip: str, line: int, seconds: int, *, active_low: bool) -> None:
        self._chip, self._line, self._seconds = chip, line, seconds
        self._active_low = active_low
        self._version_2: bool | None = None  # asked when it is needed first

    def command(self, *, version_2: bool) -> Sequence[str]:
        low = ("--active-low",) if self._active_low else ()
        if version_2:
            toggle = ("--toggle", f"{self._seconds}s,0")
            return (PROGRAM, *low, *toggle, "-c", self._chip, f"{self._line}=1")
        timed = ("--mode=time", f"--sec={self._seconds}")
        return (PROGRAM, *low, *timed, self._chip, f"{self._line}=1")

    async def play(self, _occasion: Occasion) -> None:
        if self._version_2 is None:
            said = await program_says([PROGRAM, "--version"])
            self._version_2 = _VERSION_2.search(said) is not None
        await run_program(self.command(version_2=self._version_2))

    def plays(self, _name: OccasionName) -> bool:
        return True

    def trouble(self) -> str:
        if not Path("/dev", self._chip).exists():
            return f"/dev/{self._chip} is not there"
        return missing_program(PROGRAM, "gpiod")


def _build(table: Mapping[str, Any], where: str, _base: Path) -> Output:
    check_keys(table, SETTINGS, where)
    chip = get(table, "chip", str, where, "gpiochip0")
    if not _CHIP.match(chip):
        raise ConfigError(f"{where}.chip", f"{chip[:40]!r}, expected a name such as gpiochip0")
    line = bounded(table, "line", None, (0, LINE_MAX), where)
    seconds = bounded(table, "seconds", SECONDS_DEFAULT, (1, SECONDS_MAX), where)
    active_low = get(table, "active_low", bool, where, default=False)
    return Gpio(chip, line, seconds, active_low=active_low)


SPEC: Final = OutputSpec(name="gpio", settings=SETTINGS, build=_build)
