"""What homes say, for the engine's bench: registers of homes that live on, and the field's mix.

The mix is that of the simulated county's week (`./dev bench --week`: items of 1,000 homes in seven
days), a quarter of an hour at a time: each home's register, and by their share plugs, movements,
battery and signal, and the measurements of a person.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from contract.item import Item
from rules.engine import Engine

BEGIN_MS: Final = 1_794_758_400_000
QUARTER_MS: Final = 900_000
MINUTE_MS: Final = 60_000
# Readings made before the clock is started, and then fed: their making is the decoder's cost. As
# many as a hub takes in one batch at most; their states are taken together.
CHUNK: Final = 4000
# Items a home and quarter of an hour beside its register: 168,017 of plugs, 523,860 of movement,
# 541,769 of battery and signal and 33,207 of bodies in a week of 1,000 homes.
_QUARTERS: Final = 1000 * 7 * 96
MIX: Final = (
    ("power", "plug", "power_w", 168_017 / _QUARTERS),
    ("motion", "pir", "active", 523_860 / _QUARTERS),
    ("device_health", "pir", "battery_pct", 541_769 / _QUARTERS),
    ("blood_pressure", "cuff", "systolic_mmhg", 33_207 / _QUARTERS),
)

# A home, what it says, and when the hub is told.
Told = tuple[str, Item, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What a hub knows of a home: (rule, state) of each; and its register at any time."""

    states: Sequence[tuple[str, bytes]]
    register: Callable[[int], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Of processor time: readings a second, and what writing the changed states took of it."""

    per_s: float
    findings: int
    written_us: float
    written_bytes: float

    def __str__(self) -> str:
        return f"{self.per_s:,.0f} readings/s, {self.findings} findings"

    def written(self) -> str:
        return f"{self.written_us:.0f} us and {self.written_bytes / 1000:.1f} kB"


class Clock:
    """Time only goes on: readings older than the last are ignored, and cost nothing."""

    def __init__(self) -> None:
        self.now_ms = BEGIN_MS


def register(at_ms: int, kwh: float) -> Item:
    return _item(at_ms, "meter", "power", {"energy_kwh": kwh})


def _item(at_ms: int, device: str, kind: str, values: dict[str, float]) -> Item:
    return Item(
        id="i",
        seq=1,
        device=device,
        kind=kind,
        measured_at_ms=at_ms,
        received_at_ms=at_ms,
        values=values,
    )


def feed(
    engine: Engine,
    learned: Sequence[Learned],
    clock: Clock,
    *,
    homes: int,
    step_ms: int,
    steps: int,
    mix: random.Random | None = None,
) -> Pace:
    """Every home in turn, step by step; timers and states as a hub has them, once a batch.
    mix: draws what is said beside the register."""
    stepped_s, written_s, size, findings, done = 0.0, 0.0, 0, 0, 0
    for _step in range(steps):
        clock.now_ms += step_ms
        for batch in _batches(homes, learned, clock.now_ms, mix):
            began = time.process_time()
            for name, item, at_ms in batch:
                findings += len(engine.observe(name, item, at_ms))
            findings += len(engine.advance(clock.now_ms))
            stepped_s += time.process_time() - began
            began = time.process_time()
            rows = engine.take_dirty()
            written_s += time.process_time() - began
            size += sum(len(state) for _home, _rule, state in rows)
            done += len(batch)
    return Pace(
        per_s=done / stepped_s,
        findings=findings,
        written_us=written_s / homes / steps * 1e6,
        written_bytes=size / homes / steps,
    )


def _batches(
    homes: int, learned: Sequence[Learned], at_ms: int, mix: random.Random | None
) -> Iterator[list[Told]]:
    registers = [one.register(at_ms) for one in learned]
    for first in range(0, homes, CHUNK):
        batch = []
        for home in range(first, min(first + CHUNK, homes)):
            name = f"home-{home:07d}"
            batch.append((name, register(at_ms, registers[home % len(learned)]), at_ms))
            if mix is not None:
                batch += [(name, item, at_ms) for item in _beside(at_ms, mix)]
        yield batch


def _beside(at_ms: int, mix: random.Random) -> Iterator[Item]:
    for kind, device, field, share in MIX:
        if mix.random() < share:
            value = {"power_w": 40.0, "active": 1.0, "battery_pct": 90.0}.get(field, 128.0)
            values = {field: value}
            if kind == "blood_pressure":
                values["diastolic_mmhg"] = 78.0
            yield _item(at_ms, device, kind, values)
