"""What the elder hears and sees: the common shape of outputs, and what each kind owes.

An output answers occasions: `received` (the call is on the disk), `reassured` (a human has taken
the alarm), `identify` (an installer looks for the gateway), `ask` (is all well?), `well` (the "I'm
well" is on the disk). It may be for some devices only, so that the siren of one home does not sound
for another.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Protocol

OccasionName = Literal["received", "reassured", "identify", "ask", "well"]
OCCASIONS: Final[tuple[OccasionName, ...]] = ("received", "reassured", "identify", "ask", "well")
# What one tone or lamp can say; a question needs words, or an installer who names it.
SIGNALS: Final[tuple[OccasionName, ...]] = ("received", "reassured", "identify")


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """`kind`: of the activation, such as `sos`."""

    name: OccasionName
    device: str
    kind: str


class OutputFailed(Exception):  # noqa: N818 - what happened, not a mistake of ours
    """It was not heard; the text says why, for the log and the installer."""


class Output(Protocol):
    async def play(self, occasion: Occasion) -> None:
        """Until it is over; cancelled when it takes too long. OutputFailed."""
        ...

    def plays(self, name: OccasionName) -> bool:
        """Whether it makes itself noticed on this occasion."""
        ...

    def trouble(self) -> str:
        """What an installer must mend before it can be heard; empty when nothing is known."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSpec:
    """A registry entry. build: from the table of gateway.toml, its place in the file for errors,
    and the folder that relative names start from; ConfigError names the wrong key. usual: what it
    answers where the table has no `on`."""

    name: str
    settings: Mapping[str, str]
    build: Callable[[Mapping[str, Any], str, Path], Output]
    usual: Sequence[OccasionName] = SIGNALS


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundOutput:
    """An output as configured; `devices` empty: for all of this gateway."""

    name: str
    on: Sequence[OccasionName]
    devices: frozenset[str]
    output: Output

    def answers(self, occasion: Occasion) -> bool:
        if occasion.name not in self.on:
            return False
        return not self.devices or occasion.device in self.devices or occasion.name == "identify"
