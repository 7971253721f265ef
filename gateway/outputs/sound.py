"""Recorded sounds (WAV) by aplay: a tone, or the voice of somebody whom the elder knows."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from contract.config import ConfigError, check_keys, get
from gateway.output import OCCASIONS, Occasion, OccasionName, Output, OutputSpec
from gateway.program import missing_program, run_program

PROGRAM: Final = "aplay"
SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "device": "ALSA's name of the sound card, default its own choice",
        **{name: f"file that is played when {name}" for name in OCCASIONS},
    }
)


class Sound:
    """An occasion without a file is silent."""

    def __init__(self, files: Mapping[str, Path], device: str) -> None:
        self._files = files
        self._options = ("-q", *(("-D", device) if device else ()))

    async def play(self, occasion: Occasion) -> None:
        file = self._files.get(occasion.name)
        if file is not None:
            await run_program([PROGRAM, *self._options, str(file.absolute())])

    def plays(self, name: OccasionName) -> bool:
        return name in self._files

    def trouble(self) -> str:
        gone = [str(file) for file in self._files.values() if not file.is_file()]
        return f"no such file: {gone[0]}" if gone else missing_program(PROGRAM, "alsa-utils")


def _build(table: Mapping[str, Any], where: str, base: Path) -> Output:
    check_keys(table, SETTINGS, where)
    named = {name: get(table, name, str, where, "") for name in OCCASIONS}
    files: dict[str, Path] = {name: base / file for name, file in named.items() if file}
    if not files:
        raise ConfigError(where, f"expected a file for one of {', '.join(OCCASIONS)}")
    return Sound(files, get(table, "device", str, where, ""))


SPEC: Final = OutputSpec(name="sound", settings=SETTINGS, build=_build, usual=OCCASIONS)
