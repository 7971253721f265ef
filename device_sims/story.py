"""What happens in a scenario, and how fast the clock runs: TOML, checked, played in order.

[[pace]]    at, speed            the clock from here on
[[event]]   at, kind, …          once, at a simulated time after the beginning
[[chance]]  after, every, kind, …  again and again at random, so that a long run stays alive
"""

import difflib
import random
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from device_sims.body import ILLNESSES
from device_sims.registry import SIMULATED
from device_sims.troubles import KINDS as TROUBLES

# Kind: what it needs beside `at`, and what it may have, with the default.
NEEDED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "press": ("home",),
        "cuff": ("home", "systolic", "diastolic", "pulse"),
        "replay": ("home",),
        "quiet": ("home",),
        "stir": ("home",),
        "visit": ("home",),
        "blackout": ("village",),
        "light": ("village",),
        "kill_gateway": ("gateway",),
        "start_gateway": ("gateway",),
        "ill": ("home", "illness"),
        "well": ("home",),
        "measure": ("home",),
        "flat_battery": ("home", "device"),
        "jammed_button": ("home",),
        "dead_meter": ("home",),
        "stuck_sensor": ("home", "device"),
        "noise": ("home",),
        "mend": ("home",),
    }
)
_OPTIONAL: Final[Mapping[str, Mapping[str, int | str]]] = MappingProxyType(
    {
        "quiet": {"left_on_w": 0},
        "visit": {"minutes": 40},
        "replay": {"count": 5},
        "ill": {"hours": 72},
        "measure": {"device": ""},
        "flat_battery": {"days": 3},
        "jammed_button": {"every_s": 20},
        "dead_meter": {"frozen": 0},
        "noise": {"minutes": 30},
    }
)
# Names that are not free, by kind and field.
_CHOICES: Final[Mapping[tuple[str, str], tuple[str, ...]]] = MappingProxyType(
    {
        ("ill", "illness"): tuple(ILLNESSES),
        ("measure", "device"): tuple(n for n, d in SIMULATED.items() if d.vital is not None),
        ("flat_battery", "device"): tuple(n for n, d in SIMULATED.items() if d.battery),
        ("stuck_sensor", "device"): ("motion", "contact"),
    }
)
# Numbers and their limits; everything else is a name.
_LIMITS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        "systolic": (30, 300),
        "diastolic": (20, 250),
        "pulse": (20, 250),
        "left_on_w": (0, 5000),
        "minutes": (1, 1440),
        "count": (1, 100),
        "hours": (1, 720),
        "days": (0, 60),
        "every_s": (1, 3600),
        "frozen": (0, 1),
    }
)
# Kinds that leave a home changed: a run that begins later has to know of them.
LASTING: Final = frozenset(
    {"quiet", "stir", "visit", "blackout", "light", "ill", "well", "mend", *TROUBLES}
)
# Kinds that may befall any home by chance.
BY_CHANCE: Final = frozenset(
    {"press", "cuff", "replay", "visit", "ill", "well", "measure", "mend", *TROUBLES}
)
SPEED_MAX: Final = 100_000
_UNITS: Final = (86_400, 3_600, 60, 1)
_TIME: Final = re.compile(r"(?:(\d+)d)?\s*(?:(\d+)h)?\s*(?:(\d+)m)?\s*(?:(\d+)s)?\Z")


class StoryError(ValueError):
    """A mistake in a scenario: file, place, remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`at_s`: simulated seconds after the story's beginning."""

    at_s: int
    kind: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """From `at_s` on, simulated time runs `speed` times as fast."""

    at_s: int
    speed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """From `after_s` on, once in every `every_s`, in some home."""

    after_s: int
    every_s: int
    kind: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    paces: tuple[Pace, ...]
    events: tuple[Event, ...]
    chances: tuple[Chance, ...] = ()

    def segments(self, real_ms: int, sim_ms: int) -> list[list[float]]:
        """The clock plan's segments when the story begins at `real_ms` and is then `sim_ms`."""
        found: list[list[float]] = []
        for number, pace in enumerate(self.paces):
            if number:
                before = self.paces[number - 1]
                real_ms += round((pace.at_s - before.at_s) * 1000 / before.speed)
            found.append([real_ms, sim_ms + pace.at_s * 1000, pace.speed])
        return found

    def resumed(self, real_ms: int, began_ms: int, sim_ms: int) -> list[list[float]]:
        """The plan of a run that goes on at `sim_ms`, when its story began at `began_ms`."""
        done_s = (sim_ms - began_ms) / 1000
        # Stopped before its story began, it hurries there.
        begun = (p for p in self.paces if p.at_s <= done_s)
        now = max(begun, key=lambda p: p.at_s, default=self.paces[0])
        found: list[list[float]] = [[real_ms, sim_ms, now.speed]]
        for pace in self.paces:
            if pace.at_s > done_s:
                _real_ms, before_ms, speed = found[-1]
                at_ms = began_ms + pace.at_s * 1000
                real_ms += round((at_ms - before_ms) / speed)
                found.append([real_ms, at_ms, pace.speed])
        return found

    def chances_between(
        self, from_s: int, to_s: int, homes: Sequence[str], seed: int
    ) -> Iterator[Event]:
        """What chance brings in [from, to): the same for the same seed, however it is asked."""
        for number, chance in enumerate(self.chances):
            first = max(0, (from_s - chance.after_s) // chance.every_s)
            last = (to_s - chance.after_s) // chance.every_s
            for turn in range(first, last + 1):
                r = random.Random(f"{seed} {number} {turn}")
                at_s = chance.after_s + turn * chance.every_s + r.randrange(chance.every_s)
                if homes and from_s <= at_s < to_s:
                    fields = {"home": r.choice(homes), **chance.fields}
                    yield Event(at_s=at_s, kind=chance.kind, fields=fields)


# Without a scenario: routine alone, in real time.
ROUTINE: Final = Story(paces=(Pace(at_s=0, speed=1.0),), events=())


def seconds(text: object, where: str) -> int:
    """`1d 2h 30m 5s` in seconds."""
    match = _TIME.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None or not match.group().strip():
        raise StoryError(f"{where}: {text!r} is not a time like '1d 2h 30m'")
    return sum(int(n or 0) * unit for n, unit in zip(match.groups(), _UNITS, strict=True))


def load(path: Path) -> Story:
    """The story in a scenario file; StoryError says file, table, key and what to do."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoryError(f"{path}: {error}") from error
    _check_keys(document, ("pace", "event", "chance"), path.name)
    paces = tuple(_pace(table, where) for table, where in _tables(document, "pace", path.name))
    if not paces or paces[0].at_s != 0:
        raise StoryError(f"{path.name}: pace[1].at: the first [[pace]] must be at '0s'")
    for number, (before, after) in enumerate(pairwise(paces), start=2):
        if after.at_s <= before.at_s:
            raise StoryError(f"{path.name}: pace[{number}].at: not later than the pace before")
    events = [_event(table, where) for table, where in _tables(document, "event", path.name)]
    chances = [_chance(table, where) for table, where in _tables(document, "chance", path.name)]
    return Story(
        paces=paces,
        events=tuple(sorted(events, key=lambda e: e.at_s)),
        chances=tuple(chances),
    )


def _tables(
    document: Mapping[str, Any], key: str, name: str
) -> Iterator[tuple[Mapping[str, Any], str]]:
    tables = document.get(key, [])
    if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
        raise StoryError(f"{name}: {key}: expected tables written as [[{key}]]")
    for number, table in enumerate(tables, start=1):
        yield table, f"{name}: {key}[{number}]"


def _pace(table: Mapping[str, Any], where: str) -> Pace:
    _check_keys(table, ("at", "speed"), where)
    speed = table.get("speed")
    if isinstance(speed, bool) or not isinstance(speed, int | float) or not 0 < speed <= SPEED_MAX:
        raise StoryError(f"{where}.speed: a number above 0 and up to {SPEED_MAX}, not {speed!r}")
    return Pace(at_s=seconds(table.get("at"), f"{where}.at"), speed=float(speed))


def _event(table: Mapping[str, Any], where: str) -> Event:
    kind = _kind(table, NEEDED, where)
    optional = _OPTIONAL.get(kind, {})
    _check_keys(table, ("at", "kind", *NEEDED[kind], *optional), where)
    fields = {**optional, **_fields(table, kind, NEEDED[kind], where)}
    return Event(at_s=seconds(table.get("at"), f"{where}.at"), kind=kind, fields=fields)


def _chance(table: Mapping[str, Any], where: str) -> Chance:
    kind = _kind(table, sorted(BY_CHANCE), where)
    optional = _OPTIONAL.get(kind, {})
    needed = tuple(n for n in NEEDED[kind] if n != "home")
    _check_keys(table, ("after", "every", "kind", *needed, *optional), where)
    every_s = seconds(table.get("every"), f"{where}.every")
    if every_s == 0:
        raise StoryError(f"{where}.every: must be longer than nothing")
    return Chance(
        after_s=seconds(table.get("after"), f"{where}.after"),
        every_s=every_s,
        kind=kind,
        fields={**optional, **_fields(table, kind, needed, where)},
    )


def _kind(table: Mapping[str, Any], known: Mapping[str, Any] | Sequence[str], where: str) -> str:
    kind = str(table.get("kind", ""))
    if kind not in known:
        raise StoryError(f"{where}.kind: {kind!r} is not known{_hint(kind, tuple(known))}")
    return kind


def _fields(
    table: Mapping[str, Any], kind: str, needed: Sequence[str], where: str
) -> dict[str, Any]:
    for name in needed:
        if name not in table:
            raise StoryError(f"{where}.{name}: missing; {kind} needs {', '.join(needed)}")
    fields = {k: v for k, v in table.items() if k not in ("at", "after", "every", "kind")}
    for name, value in fields.items():
        if name in _LIMITS:
            low, high = _LIMITS[name]
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not low <= value <= high:
                raise StoryError(f"{where}.{name}: a number from {low} to {high}, not {value!r}")
        elif not isinstance(value, str) or not value:
            raise StoryError(f"{where}.{name}: a name in quotes, not {value!r}")
        elif value not in _CHOICES.get((kind, name), (value,)):
            known = _CHOICES[kind, name]
            raise StoryError(f"{where}.{name}: {value!r} is not known{_hint(value, known)}")
    return fields


def _check_keys(table: Mapping[str, Any], keys: Sequence[str], where: str) -> None:
    for key in table:
        if key not in keys:
            raise StoryError(f"{where}.{key}: unknown key{_hint(key, keys)}")


def _hint(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f", did you mean {near[0]!r}?" if near else f"; allowed: {', '.join(known)}"
