"""What each rule costs of a quarter-hour, and of a home's memory: one beside `mains` at a time."""

import gc
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from typing import Final

from contract.item import Item
from rules.config import default_rules
from rules.engine import Engine
from rules.rule import HomeFacts, Rule

HOMES: Final = 300
# A day: what a rule does once a day is in it.
STEPS: Final = 96
STEP_MS: Final = 900_000
FEED: Final = "mains"

States = Sequence[tuple[str, bytes]]


def shares(states: States, register_kwh: float, begin_ms: int) -> Iterator[tuple[str, str]]:
    """(what, figure) of each rule that a learned home has a state of."""
    rules = {rule.name: rule for rule in default_rules()}
    known = [name for name, _state in states if name in rules]
    alone = _slot_us([rules[FEED]], states, register_kwh, begin_ms)
    yield (
        f"of it {FEED} and the engine",
        f"{alone:.1f} us, {_size_kb([rules[FEED]], states):.1f} kB",
    )
    for name in known:
        if name != FEED:
            spent = _slot_us([rules[FEED], rules[name]], states, register_kwh, begin_ms) - alone
            yield f"of it {name}", f"{spent:.1f} us, {_size_kb([rules[name]], states):.1f} kB"


def _engine(rules: Sequence[Rule], states: States, homes: int) -> Engine:
    """Homes whose states are awake."""
    engine = Engine(rules)
    names = {rule.name for rule in rules}
    for number in range(homes):
        home = f"home-{number}"
        engine.add_home(HomeFacts(home=home), 0)
        for name, state in states:
            if name in names:
                engine.restore(home, name, state)
    # A second word that the hub was down is for those who are awake.
    engine.resume(0)
    engine.resume(0)
    engine.take_dirty()
    return engine


def _slot_us(rules: Sequence[Rule], states: States, register_kwh: float, begin_ms: int) -> float:
    """The mean step of all homes in a day, for one of them."""
    engine = _engine(rules, states, HOMES)
    spent_s = 0.0
    for step in range(1, STEPS + 1):
        at_ms = begin_ms + step * STEP_MS
        item = Item(
            id="i",
            seq=step,
            device="meter",
            kind="power",
            measured_at_ms=at_ms,
            received_at_ms=at_ms,
            values={"energy_kwh": register_kwh + step * 0.015},
        )
        began = time.process_time()
        for number in range(HOMES):
            engine.observe(f"home-{number}", item, at_ms)
        spent_s += time.process_time() - began
        engine.take_dirty()
    return spent_s / STEPS / HOMES * 1e6


def _size_kb(rules: Sequence[Rule], states: States) -> float:
    """Python's own memory for the cells of a home, less what any home takes."""
    return (_traced(rules, states) - _traced((), states)) / HOMES / 1000


def _traced(rules: Sequence[Rule], states: States) -> int:
    gc.collect()
    tracemalloc.start()
    engine = _engine(rules, states, HOMES)
    gc.collect()
    size, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del engine
    return size
