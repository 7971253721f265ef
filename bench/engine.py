"""`./dev bench --engine`: the rule engine alone, with a province of homes in memory.

A few hundred homes live four weeks of quarter-hours through the real rules; their states, as a
hub would write them, are restored into as many homes as asked for. Then presses and readings go to
homes drawn at random: one processor, no broker and no disk. The floor is a call that looks the
home up and answers nothing: what any engine in this interpreter pays.
"""

import gc
import random
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contract.item import Item
from device_sims.past import past_registers
from device_sims.roster import households
from rules.config import default_rules
from rules.engine import Engine
from rules.rule import HomeFacts, Lane

BEGIN_MS: Final = 1_794_758_400_000
DAYS: Final = 28
STEP_S: Final = 900
# Homes that really live; the others are given their states.
PATTERNS: Final = 60
PRESSES: Final = 100_000
READINGS: Final = 1_000_000
# Readings made before the clock is started, and then fed: their making is the decoder's cost.
CHUNK: Final = 50_000
LANES: Final[Sequence[Lane]] = ("urgent", "readings")
_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What a hub knows of a home: (rule, state) of each, and where its register stands."""

    states: Sequence[tuple[str, bytes]]
    register_kwh: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    per_s: float
    findings: int


def report(homes: int, seed: int = 1) -> None:
    """Prints the figures; SystemExit when a press was not heard."""
    learned = _learned(seed)
    before = _rss_bytes()
    began = time.perf_counter()
    urgent, readings = _filled(homes, learned)
    print(f"{homes} homes restored in {time.perf_counter() - began:.1f} s", flush=True)
    gc.collect()
    gc.freeze()
    used = _rss_bytes() - before
    print(f"memory: {used / _MIB:.0f} MiB, {used / homes / 1000:.1f} kB a home (goal <= 20)")
    r = random.Random(seed)
    floor = _floor(homes, r)
    _times("floor: a look-up", floor, floor)
    heard = _presses(urgent, readings, homes, r)
    _times("press through both engines", heard, floor)
    _pace("register every quarter of an hour", _feed(readings, homes, 900_000, learned))
    _pace("register every minute", _feed(readings, homes, 60_000, learned))


def _learned(seed: int) -> list[Learned]:
    """Homes that have lived four weeks of quarter-hours."""
    engine = Engine(default_rules())
    last: dict[str, float] = {}
    for person, at_ms, kwh in past_registers(households(PATTERNS, seed), BEGIN_MS, DAYS, STEP_S):
        if person.home not in last:
            engine.add_home(HomeFacts(home=person.home), at_ms)
        engine.observe(person.home, _register("meter", at_ms, kwh), at_ms)
        last[person.home] = kwh
    states: dict[str, list[tuple[str, bytes]]] = {}
    for home, rule, state in engine.take_dirty():
        states.setdefault(home, []).append((rule, state))
    return [Learned(states=states[home], register_kwh=last[home]) for home in last]


def _register(device: str, at_ms: int, kwh: float) -> Item:
    return Item(
        id="i",
        seq=1,
        device=device,
        kind="power",
        measured_at_ms=at_ms,
        received_at_ms=at_ms,
        values={"energy_kwh": kwh},
    )


def _filled(homes: int, learned: Sequence[Learned]) -> tuple[Engine, Engine]:
    engines = []
    for lane in LANES:
        engine = Engine(default_rules(), lane=lane)
        mine = {rule.name for rule in default_rules() if rule.kind.lane == lane}
        for number in range(homes):
            name = f"home-{number:07d}"
            engine.add_home(HomeFacts(home=name), BEGIN_MS)
            for rule, state in learned[number % len(learned)].states:
                if rule in mine:
                    engine.restore(name, rule, state)
        if engine.take_problems():
            raise SystemExit("a state was not taken")
        engine.take_dirty()
        engines.append(engine)
    return engines[0], engines[1]


def _presses(urgent: Engine, readings: Engine, homes: int, r: random.Random) -> list[float]:
    """Seconds that each press took, in both engines, as in a hub."""
    now_ms = BEGIN_MS
    samples = []
    for number in range(PRESSES):
        name = f"home-{r.randrange(homes):07d}"
        item = Item(
            id=f"press-{number}",
            seq=number + 1,
            device="button",
            kind="sos",
            measured_at_ms=now_ms + number,
            received_at_ms=now_ms + number,
        )
        began = time.perf_counter()
        found = urgent.observe(name, item, now_ms + number)
        readings.observe(name, item, now_ms + number)
        samples.append(time.perf_counter() - began)
        if not found:
            raise SystemExit(f"{name} was not heard")
    return samples


def _floor(homes: int, r: random.Random) -> list[float]:
    table = {f"home-{number:07d}": number for number in range(homes)}
    samples = []
    for _number in range(PRESSES):
        name = f"home-{r.randrange(homes):07d}"
        began = time.perf_counter()
        table.get(name)
        samples.append(time.perf_counter() - began)
    return samples


def _feed(engine: Engine, homes: int, step_ms: int, learned: Sequence[Learned]) -> Pace:
    """Every home in turn, step by step, as somebody who uses 60 W; the pace of processor time."""
    spent_s, findings, done = 0.0, 0, 0
    while done < READINGS:
        batch = []
        for number in range(done, done + CHUNK):
            step, home = divmod(number, homes)
            passed_ms = (step + 1) * step_ms
            kwh = learned[home % len(learned)].register_kwh + passed_ms / 3.6e6 * 0.06
            at_ms = BEGIN_MS + passed_ms
            batch.append((f"home-{home:07d}", _register("meter", at_ms, kwh), at_ms))
        began = time.process_time()
        for name, item, at_ms in batch:
            findings += len(engine.observe(name, item, at_ms))
        spent_s += time.process_time() - began
        done += CHUNK
        engine.take_dirty()
    return Pace(per_s=done / spent_s, findings=findings)


def _times(name: str, samples: list[float], floor: list[float]) -> None:
    ordered, base = sorted(samples), sorted(floor)[len(floor) // 2]
    p50, p99 = (ordered[int(q * len(ordered))] for q in (0.5, 0.99))
    print(
        f"{name:36} p50 {p50 * 1e6:6.1f} us  p99 {p99 * 1e6:6.1f} us ({p99 / base:.0f} x floor)"
        f"  slowest {ordered[-1] * 1e6:6.0f} us",
        flush=True,
    )


def _pace(name: str, pace: Pace) -> None:
    print(f"{name:36} {pace.per_s:9.0f} readings/s, {pace.findings} findings", flush=True)


def _rss_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()
