"""What happens in a scenario, and how fast the clock runs: TOML, checked, played in order."""

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

# What an event needs beside `at` and `kind`.
EVENT_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "press": ("home",),
    "cuff": ("home", "systolic", "diastolic", "pulse"),
    "quiet": ("home",),
    "stir": ("home",),
    "blackout": ("village",),
    "light": ("village",),
    "kill_gateway": ("gateway",),
    "start_gateway": ("gateway",),
}
_UNITS: Final = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_TIME: Final = re.compile(r"(?:(\d+)d)?\s*(?:(\d+)h)?\s*(?:(\d+)m)?\s*(?:(\d+)s)?\Z")


class StoryError(ValueError):
    """A mistake in a scenario: file, place, remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    at_s: int  # simulated seconds after the story's beginning
    kind: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """From `at_s` on, simulated time runs `speed` times as fast."""

    at_s: int
    speed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    paces: tuple[Pace, ...]
    events: tuple[Event, ...]

    def segments(self, real_ms: int, sim_ms: int) -> list[list[float]]:
        """The clock plan's segments when the story begins now."""
        found: list[list[float]] = []
        for number, pace in enumerate(self.paces):
            if number:
                before = self.paces[number - 1]
                real_ms += round((pace.at_s - before.at_s) * 1000 / before.speed)
            found.append([real_ms, sim_ms + pace.at_s * 1000, pace.speed])
        return found

    def last_pace(self, real_ms: int, sim_ms: int) -> list[list[float]]:
        """A plan for going on after the story: the last pace from now on."""
        return [[real_ms, sim_ms, self.paces[-1].speed]]


def seconds(text: str, where: str) -> int:
    """`1d 2h 30m 5s` in seconds."""
    match = _TIME.fullmatch(text.strip())
    if not match or not text.strip():
        raise StoryError(f"{where}: {text!r} is not a time like '1d 2h 30m'")
    return sum(int(n or 0) * u for n, u in zip(match.groups(), _UNITS.values(), strict=True))


def load(path: Path) -> Story:
    try:
        document = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise StoryError(f"{path}: {error}") from error
    _known(document, ("pace", "event"), path.name)
    paces = []
    for number, table in enumerate(document.get("pace", []), start=1):
        where = f"{path.name}: pace[{number}]"
        _known(table, ("at", "speed"), where)
        speed = table.get("speed")
        if not isinstance(speed, int | float) or not 0 < speed <= 100_000:
            raise StoryError(f"{where}.speed: a number above 0, not {speed!r}")
        paces.append(
            Pace(at_s=seconds(str(table.get("at", "")), f"{where}.at"), speed=float(speed))
        )
    events = [
        _event(table, f"{path.name}: event[{number}]")
        for number, table in enumerate(document.get("event", []), start=1)
    ]
    if not paces or paces[0].at_s != 0:
        raise StoryError(f"{path.name}: the first [[pace]] must be at '0s'")
    return Story(paces=tuple(paces), events=tuple(sorted(events, key=lambda e: e.at_s)))


def _event(table: Mapping[str, Any], where: str) -> Event:
    kind = str(table.get("kind", ""))
    if kind not in EVENT_FIELDS:
        near = difflib.get_close_matches(kind, EVENT_FIELDS, n=1)
        hint = f", did you mean {near[0]!r}?" if near else f": one of {', '.join(EVENT_FIELDS)}"
        raise StoryError(f"{where}.kind: {kind!r} is not known{hint}")
    wanted = EVENT_FIELDS[kind]
    _known(table, ("at", "kind", *wanted), where)
    for name in wanted:
        if name not in table:
            raise StoryError(f"{where}.{name}: missing; a {kind} needs {', '.join(wanted)}")
    at_s = seconds(str(table.get("at", "")), f"{where}.at")
    return Event(at_s=at_s, kind=kind, fields={name: table[name] for name in wanted})


def _known(table: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in keys:
            near = difflib.get_close_matches(key, keys, n=1)
            hint = f", did you mean {near[0]!r}?" if near else f"; allowed: {', '.join(keys)}"
            raise StoryError(f"{where}.{key}: unknown key{hint}")
