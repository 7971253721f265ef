"""`./dev bench --engine`: the rule engine alone, with a province of homes in memory.

A few dozen homes live four weeks of quarter-hours through the real rules; their states, as a hub
would have stored them, are restored into as many homes as asked for, which live on. Then presses
and readings go to them: one processor, no broker and no disk. The floor of a press is a call that
looks the home up and answers nothing, that of a reading an engine without rules: what any engine in
this interpreter pays. Everything is printed at the end as one table.
"""

import gc
import random
import resource
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from bench.engine_feed import (
    BEGIN_MS,
    MINUTE_MS,
    QUARTER_MS,
    Clock,
    Learned,
    feed,
    register,
)
from bench.engine_shares import shares
from contract.item import Item
from device_sims.past import lived_home
from device_sims.roster import households
from hearthwatch.memory import give_back, settle
from rules.config import default_rules
from rules.engine import Engine
from rules.rule import HomeFacts, Lane, Rule

DAYS: Final = 28
# Homes that really live; the others are given their states.
PATTERNS: Final = 60
PRESSES: Final = 100_000
# Sleeping homes that are woken by a press, a home each.
WOKEN: Final = 2000
# A pause after which every rule of a home is asked, and has its state read.
PAUSE_MS: Final = 4 * 3_600_000
STEPS: Final = 10
# Homes that live a whole day, in which everything that happens once a day happens.
DAY_HOMES: Final = 1000
# The rule that is measured apart, for it takes as much as all others.
APART: Final = "no_sign_of_life"
_MIB: Final = 1024 * 1024

GOAL: Final = "≥ 200,000 readings/s"
# Quarter-hours that all homes live.
QUARTERS: Final = 8

Row = Callable[[str, str, str], None]


def report(homes: int, seed: int = 1) -> None:
    """Prints the figures; SystemExit when a press was not heard."""
    learned, rules = learned_homes(seed), default_rules()
    r = random.Random(seed)
    rows: list[tuple[str, str, str]] = []

    def row(what: str, figure: str, goal: str = "") -> None:
        print(f"{what}: {figure}", flush=True)
        rows.append((what, figure, goal))

    before = _rss_bytes()
    began, spent = time.perf_counter(), time.process_time()
    urgent, readings = (_filled(homes, learned, rules, lane) for lane in ("urgent", "readings"))
    took_s, spent_s = time.perf_counter() - began, time.process_time() - spent
    figure = f"{took_s:.1f} s ({spent_s:.1f} s of the processor)"
    row(f"states of {homes:,} homes restored", figure, "< 10 s")
    row("memory a home, its states asleep", _memory(before, homes), "≤ 20 kB")
    floor = _floor(homes, r)
    row("floor of a press: a look-up", _times(floor, floor))
    pressed = _presses([urgent], homes, r)
    row("press through the engine that raises it", _times(pressed, floor), "p99 ≤ 1 ms")
    # As a hub does every minute; what the presses have left there would be looked through below.
    settle()
    woken = _signs(readings, homes, r)
    row("the same press as a sign of life, where the home sleeps", _times(woken, floor))
    clock = Clock()
    first = feed(readings, learned, clock, homes=homes, step_ms=PAUSE_MS, steps=1)
    row("first reading of each home after a pause, states woken", str(first))
    feed(readings, learned, clock, homes=homes, step_ms=QUARTER_MS, steps=2)
    row("memory a home, everything awake", _memory(before, homes), "≤ 20 kB")
    began = time.perf_counter()
    give_back()
    row("giving back what is free", f"{(time.perf_counter() - began) * 1000:.0f} ms")
    pressed = _presses([urgent, readings], homes, r, clock.now_ms)
    row("press through both engines, homes awake", _times(pressed, floor), "p99 ≤ 1 ms")
    for engine in (urgent, readings):
        engine.take_dirty()
    _paces(readings, learned, clock, homes, row)
    days = min(homes, DAY_HOMES)
    silent = _filled(days, learned, rules, "readings")
    row("timers of a day, a home that says nothing, its states woken", _timers(silent, days))
    for without in ("", APART):
        few = _filled(days, learned, [rule for rule in rules if rule.name != without], "readings")
        clock = Clock()
        feed(few, learned, clock, homes=days, step_ms=PAUSE_MS, steps=1)
        feed(few, learned, clock, homes=days, step_ms=QUARTER_MS, steps=2)
        label = f"without {without}: " if without else ""
        _days(few, learned, clock, days, _labelled(row, label))
    for what, figure in shares(learned[0].states, learned[0].register(BEGIN_MS), BEGIN_MS):
        row(what, figure)
    print("\n| what | figure | goal |\n|---|---|---|")
    for what, figure, goal in rows:
        print(f"| {what} | {figure} | {goal} |")


def _paces(engine: Engine, learned: Sequence[Learned], clock: Clock, homes: int, row: Row) -> None:
    """All homes: a register every minute, then every quarter of an hour."""
    bare = feed(_bare(homes), learned, Clock(), homes=homes, step_ms=MINUTE_MS, steps=2)
    row("floor of a reading: no rules", f"{bare.per_s:,.0f} readings/s", "")
    pace = feed(engine, learned, clock, homes=homes, step_ms=MINUTE_MS, steps=STEPS)
    row("register every minute", str(pace), GOAL)
    row("states written for it, a home and minute", pace.written(), "")
    pace = feed(engine, learned, clock, homes=homes, step_ms=QUARTER_MS, steps=QUARTERS)
    row("register every quarter of an hour, two hours of it", str(pace), GOAL)
    row("states written for it, a home and quarter-hour", pace.written(), "")


def _labelled(row: Row, label: str) -> Row:
    return lambda what, figure, goal: row(label + what, figure, goal)


def _days(engine: Engine, learned: Sequence[Learned], clock: Clock, homes: int, row: Row) -> None:
    """Some homes: a day with nothing but the register, and one of the field's mix. Their engine
    has no other homes: else it would be the timers of all those that are measured."""
    pace = feed(engine, learned, clock, homes=homes, step_ms=MINUTE_MS, steps=STEPS)
    row(f"{homes:,} homes, register every minute", str(pace), GOAL)
    pace = feed(engine, learned, clock, homes=homes, step_ms=QUARTER_MS, steps=96)
    row(f"{homes:,} homes, register every quarter of an hour, a day of it", str(pace), GOAL)
    row("states written for it, a home and quarter-hour", pace.written(), "")
    mix = random.Random(1)
    pace = feed(engine, learned, clock, homes=homes, step_ms=QUARTER_MS, steps=96, mix=mix)
    row(f"{homes:,} homes, the field's mix, a day of it", str(pace), "")
    row("states written for it, a home and quarter-hour (mix)", pace.written(), "")


def _timers(engine: Engine, homes: int) -> str:
    """What time alone costs a home in a day: nights and mornings that are judged, devices that
    are silent."""
    spent_s, written_s, size = 0.0, 0.0, 0
    for step in range(1, 97):
        began = time.process_time()
        engine.advance(BEGIN_MS + step * QUARTER_MS)
        advanced = time.process_time()
        size += sum(len(state) for _home, _rule, state in engine.take_dirty())
        spent_s += advanced - began
        written_s += time.process_time() - advanced
    return (
        f"{spent_s / homes * 1e6:.0f} us; states written for it"
        f" {written_s / homes * 1e6:.0f} us and {size / homes / 1000:.1f} kB"
    )


def learned_homes(seed: int = 1, patterns: int = PATTERNS) -> list[Learned]:
    """Homes that have lived four weeks of quarter-hours."""
    engine, lived = Engine(default_rules()), {}
    for person in households(patterns, seed):
        home = lived_home(person, BEGIN_MS)
        lived[person.home] = cache(home.register_kwh)
        first_ms = max(home.began_ms, BEGIN_MS - DAYS * 86_400_000)
        engine.add_home(HomeFacts(home=person.home), first_ms)
        for at_ms in range(first_ms, BEGIN_MS, QUARTER_MS):
            seen = register(at_ms, lived[person.home](at_ms))
            engine.observe(person.home, seen, at_ms)
    states: dict[str, list[tuple[str, bytes]]] = {}
    for name, rule, state in engine.take_dirty():
        states.setdefault(name, []).append((rule, state))
    return [Learned(states=states[name], register=lived[name]) for name in lived]


def _filled(homes: int, learned: Sequence[Learned], rules: Sequence[Rule], lane: Lane) -> Engine:
    engine = Engine(rules, lane=lane)
    mine = {rule.name for rule in rules if rule.kind.lane == lane}
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


def _times(samples: list[float], floor: list[float]) -> str:
    ordered, base = sorted(samples), sorted(floor)[len(floor) // 2]
    p50, p99 = (ordered[int(q * len(ordered))] for q in (0.5, 0.99))
    return (
        f"p50 {p50 * 1e6:.1f} us, p99 {p99 * 1e6:.1f} us ({p99 / base:.0f} x floor),"
        f" slowest {ordered[-1] * 1e6:,.0f} us"
    )


def _memory(before: int, homes: int) -> str:
    """What the process has grown by. Collected, and frozen as a hub is once it has started, and
    what is free given back as a hub does now and then."""
    gc.collect()
    gc.freeze()
    give_back()
    used = _rss_bytes() - before
    return f"{used / homes / 1000:.1f} kB ({used / _MIB:,.0f} MiB)"


def _rss_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()
