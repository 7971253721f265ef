"""`./dev bench --engine`: the rule engine alone, with a province of homes in memory.

A few dozen homes live four weeks of quarter-hours through the real rules; their states, as a hub
would have stored them, are restored into as many homes as asked for. Then presses and readings go
to them: one processor, no broker and no disk. The floor of a press is a call that looks the home up
and answers nothing, that of a reading an engine without rules: what any engine in this interpreter
pays. Everything is printed at the end as one table.
"""

import gc
import random
import resource
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.engine_shares import shares
from contract.item import Item
from device_sims.past import past_registers
from device_sims.roster import households
from rules.config import default_rules
from rules.engine import Engine
from rules.rule import HomeFacts, Lane, Rule

BEGIN_MS: Final = 1_794_758_400_000
DAYS: Final = 28
QUARTER_MS: Final = 900_000
MINUTE_MS: Final = 60_000
# Homes that really live; the others are given their states.
PATTERNS: Final = 60
PRESSES: Final = 100_000
# Sleeping homes that are woken by a press, a home each.
WOKEN: Final = 2000
STEPS: Final = 10
# Homes that are given a whole day, in which everything that happens once a day happens.
DAY_HOMES: Final = 2000
# Readings made before the clock is started, and then fed: their making is the decoder's cost. As
# many as a hub takes in one batch at most; their states are taken together.
CHUNK: Final = 4000
_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What a hub knows of a home: (rule, state) of each, and where its register stands."""

    states: Sequence[tuple[str, bytes]]
    register_kwh: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Of processor time: readings a second, and what writing the changed states took of it."""

    per_s: float
    findings: int
    written_us: float
    written_bytes: float

    def __str__(self) -> str:
        return f"{self.per_s:,.0f} readings/s, {self.findings} findings"


def report(homes: int, seed: int = 1) -> None:
    """Prints the figures; SystemExit when a press was not heard."""
    learned = _learned(seed)
    r = random.Random(seed)
    rows: list[tuple[str, str, str]] = []

    def row(what: str, figure: str, goal: str = "") -> None:
        print(f"{what}: {figure}", flush=True)
        rows.append((what, figure, goal))

    before = _rss_bytes()
    began, spent = time.perf_counter(), time.process_time()
    urgent, readings = (_filled(homes, learned, lane) for lane in ("urgent", "readings"))
    took_s, spent_s = time.perf_counter() - began, time.process_time() - spent
    figure = f"{took_s:.1f} s ({spent_s:.1f} s of the processor)"
    row(f"states of {homes:,} homes restored", figure, "< 10 s")
    row("memory a home, its states asleep", _memory(before, homes), "≤ 20 kB")
    floor = _floor(homes, r)
    row("floor of a press: a look-up", _times(floor, floor))
    pressed = _presses([urgent], homes, r)
    row("press through the engine that raises it", _times(pressed, floor), "p99 ≤ 1 ms")
    woken = _signs(readings, homes, r)
    row("the same press as a sign of life, where the home sleeps", _times(woken, floor))
    clock = _Clock()
    wakening = _feed(readings, learned, clock, homes=homes, step_ms=QUARTER_MS, steps=1)
    row("first reading of each home, states woken", str(wakening))
    row("memory a home, everything awake", _memory(before, homes), "≤ 20 kB")
    pressed = _presses([urgent, readings], homes, r, clock.now_ms)
    row("press through both engines, homes awake", _times(pressed, floor), "p99 ≤ 1 ms")
    for engine in (urgent, readings):
        engine.take_dirty()
    for what, step_ms in (("quarter of an hour", QUARTER_MS), ("minute", MINUTE_MS)):
        bare = _feed(_bare(homes), learned, _Clock(), homes=homes, step_ms=step_ms, steps=2)
        row(f"floor of a register every {what}: no rules", f"{bare.per_s:,.0f} readings/s")
        pace = _feed(readings, learned, clock, homes=homes, step_ms=step_ms, steps=STEPS)
        row(f"register every {what}", str(pace), "≥ 200,000 readings/s")
        row(
            f"states written for it, each home once a {what}",
            f"{pace.written_us:.0f} us and {pace.written_bytes / 1000:.1f} kB a home",
        )
    row("a whole day of quarter-hours", str(_day(learned)))
    for what, figure in shares(learned[0].states, learned[0].register_kwh, BEGIN_MS):
        row(what, figure)
    print("\n| what | figure | goal |\n|---|---|---|")
    for what, figure, goal in rows:
        print(f"| {what} | {figure} | {goal} |")


class _Clock:
    """Time only goes on: readings older than the last are ignored, and cost nothing."""

    def __init__(self) -> None:
        self.now_ms = BEGIN_MS


def _learned(seed: int) -> list[Learned]:
    """Homes that have lived four weeks of quarter-hours."""
    engine = Engine(default_rules())
    last: dict[str, float] = {}
    past = past_registers(households(PATTERNS, seed), BEGIN_MS, DAYS, QUARTER_MS // 1000)
    for person, at_ms, kwh in past:
        if person.home not in last:
            engine.add_home(HomeFacts(home=person.home), at_ms)
        engine.observe(person.home, register(at_ms, kwh), at_ms)
        last[person.home] = kwh
    states: dict[str, list[tuple[str, bytes]]] = {}
    for home, rule, state in engine.take_dirty():
        states.setdefault(home, []).append((rule, state))
    return [Learned(states=states[home], register_kwh=last[home]) for home in last]


def register(at_ms: int, kwh: float) -> Item:
    return Item(
        id="i",
        seq=1,
        device="meter",
        kind="power",
        measured_at_ms=at_ms,
        received_at_ms=at_ms,
        values={"energy_kwh": kwh},
    )


def _filled(homes: int, learned: Sequence[Learned], lane: Lane) -> Engine:
    engine = Engine(default_rules(), lane=lane)
    mine = {rule.name for rule in default_rules() if rule.kind.lane == lane}
    for number in range(homes):
        name = f"home-{number:07d}"
        engine.add_home(HomeFacts(home=name), BEGIN_MS)
        for rule, state in learned[number % len(learned)].states:
            if rule in mine:
                # As a store gives them: the bytes of each home are its own.
                engine.restore(name, rule, bytes(bytearray(state)))
    engine.resume(BEGIN_MS)
    if engine.take_problems():
        raise SystemExit("a state was not taken")
    engine.take_dirty()
    return engine


def _bare(homes: int) -> Engine:
    rules: Sequence[Rule] = ()
    engine = Engine(rules)
    for number in range(homes):
        engine.add_home(HomeFacts(home=f"home-{number:07d}"), BEGIN_MS)
    return engine


def _press(number: int, now_ms: int) -> Item:
    return Item(
        id=f"press-{now_ms}-{number}",
        seq=number + 1,
        device="button",
        kind="sos",
        measured_at_ms=now_ms,
        received_at_ms=now_ms,
    )


def _presses(
    engines: Sequence[Engine], homes: int, r: random.Random, now_ms: int = BEGIN_MS
) -> list[float]:
    """Seconds that each press took in all of these engines; the first raises it."""
    samples = []
    for number in range(PRESSES):
        name, item = f"home-{r.randrange(homes):07d}", _press(number, now_ms + number)
        began = time.perf_counter()
        found = [engine.observe(name, item, now_ms + number) for engine in engines]
        samples.append(time.perf_counter() - began)
        if not found[0]:
            raise SystemExit(f"{name} was not heard")
    return samples


def _signs(readings: Engine, homes: int, r: random.Random) -> list[float]:
    samples = []
    for number in r.sample(range(homes), min(WOKEN, homes)):
        item = _press(number, BEGIN_MS)
        began = time.perf_counter()
        readings.observe(f"home-{number:07d}", item, BEGIN_MS)
        samples.append(time.perf_counter() - began)
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


def _feed(
    engine: Engine,
    learned: Sequence[Learned],
    clock: _Clock,
    *,
    homes: int,
    step_ms: int,
    steps: int,
) -> Pace:
    """Every home in turn, step by step, as somebody who uses 60 W; states are taken once a step."""
    stepped_s, written_s, size, findings = 0.0, 0.0, 0, 0
    for _step in range(steps):
        clock.now_ms += step_ms
        for batch in _batches(homes, learned, clock.now_ms):
            began = time.process_time()
            for name, item, at_ms in batch:
                findings += len(engine.observe(name, item, at_ms))
            stepped_s += time.process_time() - began
            began = time.process_time()
            rows = engine.take_dirty()
            written_s += time.process_time() - began
            size += sum(len(state) for _home, _rule, state in rows)
    done = homes * steps
    return Pace(
        per_s=done / stepped_s,
        findings=findings,
        written_us=written_s / done * 1e6,
        written_bytes=size / done,
    )


def _batches(
    homes: int, learned: Sequence[Learned], at_ms: int
) -> Iterator[list[tuple[str, Item, int]]]:
    used_kwh = (at_ms - BEGIN_MS) / 3.6e6 * 0.06
    for first in range(0, homes, CHUNK):
        yield [
            (
                f"home-{home:07d}",
                register(at_ms, learned[home % len(learned)].register_kwh + used_kwh),
                at_ms,
            )
            for home in range(first, min(first + CHUNK, homes))
        ]


def _day(learned: Sequence[Learned]) -> Pace:
    """A day of some homes, from one midnight to the next, with what is learned once a day."""
    engine, clock = _filled(DAY_HOMES, learned, "readings"), _Clock()
    _feed(engine, learned, clock, homes=DAY_HOMES, step_ms=QUARTER_MS, steps=1)
    return _feed(engine, learned, clock, homes=DAY_HOMES, step_ms=QUARTER_MS, steps=96)


def _times(samples: list[float], floor: list[float]) -> str:
    ordered, base = sorted(samples), sorted(floor)[len(floor) // 2]
    p50, p99 = (ordered[int(q * len(ordered))] for q in (0.5, 0.99))
    return (
        f"p50 {p50 * 1e6:.1f} us, p99 {p99 * 1e6:.1f} us ({p99 / base:.0f} x floor),"
        f" slowest {ordered[-1] * 1e6:,.0f} us"
    )


def _memory(before: int, homes: int) -> str:
    """What the process has grown by. Collected, and frozen as a hub is once it has started."""
    gc.collect()
    gc.freeze()
    used = _rss_bytes() - before
    return f"{used / homes / 1000:.1f} kB ({used / _MIB:,.0f} MiB)"


def _rss_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()
