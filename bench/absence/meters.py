"""What a meter tells of a house: its interval, its last digit, and everything that goes wrong."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Final

import numpy as np

from bench.absence.houses import DAY, Chance, House, Span, Watts, chance

# 2025-10-01 00:00 in China.
BEGIN_MS: Final = 1_759_248_000_000
MINUTE_MS: Final = 60_000
# One line asks one meter after the other.
PANELS_LATE_MS: Final = 5_000


MAIN: Final = "meter"
PANELS: Final = "panels"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """every_min apart it tells its register in steps of `grain_kwh`, or the watts of the moment
    when that is 0. left_on_w: a load that stays on while nobody is there. troubled: samples and
    hours that are missing, blackouts, a clock that wanders, registers that start anew. two_way: it
    counts what is given as well, in a register of its own; only for homes that give. panels: theirs
    has the same digits and is read a moment later, and the home is judged by what it uses."""

    name: str
    every_min: int = 15
    grain_kwh: float = 0.001
    left_on_w: float = 0.0
    troubled: bool = False
    two_way: bool = False
    panels: bool = False


METERS: Final = (
    Meter(name="register 0.001 kWh, 15 min"),
    Meter(name="the same, 120 W left on", left_on_w=120.0),
    Meter(name="register 0.01 kWh, 15 min", grain_kwh=0.01),
    Meter(name="register 0.01 kWh, 60 min", every_min=60, grain_kwh=0.01),
    Meter(name="register 1 kWh, 15 min", grain_kwh=1.0),
    Meter(name="watts, 5 min", every_min=5, grain_kwh=0.0),
    Meter(name="gaps, blackouts, restarts", troubled=True),
    Meter(name="register 1 kWh, 60 min", every_min=60, grain_kwh=1.0),
    Meter(name="register 1 kWh, 15 min, 120 W left on", grain_kwh=1.0, left_on_w=120.0),
    Meter(name="register 1 kWh, gaps, blackouts, restarts", grain_kwh=1.0, troubled=True),
    Meter(name="register 0.1 kWh, 5 min", every_min=5, grain_kwh=0.1),
    Meter(name="both ways, 0.001 kWh, 15 min", two_way=True),
    Meter(name="both ways, 0.01 kWh, 15 min", grain_kwh=0.01, two_way=True),
    Meter(name="both ways, 0.001 kWh, 1 min", every_min=1, two_way=True),
    Meter(name="both ways, gaps, blackouts, restarts", troubled=True, two_way=True),
    Meter(name="both ways and panels, 0.001 kWh, 15 min", two_way=True, panels=True),
    Meter(name="both ways and panels, 0.01 kWh, 15 min", grain_kwh=0.01, two_way=True, panels=True),
    Meter(
        name="both ways and panels, gaps, blackouts, restarts",
        troubled=True,
        two_way=True,
        panels=True,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tape:
    """Readings in the order of arrival, and when nothing could be seen (in minutes)."""

    meter: Meter
    minutes: Sequence[int]
    values: Sequence[float]
    blind: Sequence[Span] = ()
    # The other register, where there is one.
    given: Sequence[float] = ()
    # That of the panels, PANELS_LATE_MS behind each of these.
    made: Sequence[float] = ()


@dataclass(slots=True)
class Seen:
    """A reading as the rules see it."""

    id: str
    device: str
    kind: str
    measured_at_ms: int
    received_at_ms: int
    values: Mapping[str, float]
    attrs: Mapping[str, str | int | float | bool] = field(default_factory=dict)


def record(house: House, meter: Meter, seed: int) -> Tape:
    watts = house.watts.copy()
    for span in house.absences:
        watts[span.start : span.end] += meter.left_on_w
    r = chance("meter", seed)
    blind: list[Span] = []
    missing = np.zeros(len(watts), dtype=bool)
    if meter.troubled:
        blind = _troubles(r, watts, missing)
    at = np.arange(meter.every_min, len(watts), meter.every_min)
    given = np.zeros(0)
    if meter.grain_kwh:
        kwh = _counted(watts) + r.uniform(10, 9000)
        if meter.troubled:
            for _ in range(2):
                # A new meter, or one that lost its memory, counts from nothing.
                where = int(r.integers(0, len(kwh)))
                kwh[where:] -= kwh[where]
        values = _shown(kwh[at], meter)
    else:
        values = watts[at - 1].astype(np.float64)
    kept = ~missing[at - 1]
    minutes, values = at[kept], np.round(values[kept], 3)
    if meter.two_way:
        given = _shown(_counted(-watts)[at] + r.uniform(0, 9000), meter)[kept]
    made = np.zeros(0)
    if meter.panels and house.made is not None:
        # Panels feed no street that is dark.
        sunny = _a_moment_later(_counted(np.where(watts == 0.0, 0.0, house.made)))
        made = _shown(sunny[at] + r.uniform(0, 9000), meter)[kept]
    if meter.troubled:
        # The clock of the one that reads wanders by minutes, and is set right at times.
        minutes = minutes + np.round(6 * np.sin(minutes / DAY / 3)).astype(np.int64)
    return Tape(
        meter=meter,
        minutes=minutes.tolist(),
        values=values.tolist(),
        blind=blind,
        given=np.round(given, 3).tolist(),
        made=np.round(made, 3).tolist(),
    )


def _counted(watts: Watts) -> np.ndarray:
    """What a register has counted before each minute, in kWh; it never runs backwards."""
    return np.concatenate([[0.0], np.cumsum(np.maximum(watts, 0.0), dtype=np.float64)]) / 60_000


def _a_moment_later(kwh: np.ndarray) -> np.ndarray:
    passed = np.diff(kwh, append=kwh[-1:])
    return kwh + passed * (PANELS_LATE_MS / MINUTE_MS)


def _shown(kwh: np.ndarray, meter: Meter) -> np.ndarray:
    return np.floor(kwh / meter.grain_kwh) * meter.grain_kwh


def _troubles(r: Chance, watts: Watts, missing: np.ndarray) -> list[Span]:
    blind = []
    days = len(watts) / DAY
    missing |= r.random(len(watts)) < 0.02
    for _ in range(r.poisson(days / 9)):
        start = int(r.uniform(0, len(watts)))
        end = start + int(min(r.lognormal(np.log(4), 1.1), 60) * 60)
        missing[start:end] = True
        blind.append(Span(start=start, end=end))
    for _ in range(r.poisson(days / 12)):
        start = int(r.uniform(0, len(watts)))
        end = start + int(min(r.lognormal(np.log(1.5), 1.0), 30) * 60)
        watts[start:end] = 0.0
        if r.random() < 0.5:
            missing[start:end] = True
        blind.append(Span(start=start, end=end))
    return blind


def observations(tape: Tape) -> Iterator[Seen]:
    field_name = "energy_kwh" if tape.meter.grain_kwh else "power_w"
    attrs: Iterable[dict[str, float]] = repeat({})
    if tape.meter.two_way:
        attrs = [{"reverse_energy_kwh": given} for given in tape.given]
    made: Iterable[float | None] = tape.made or repeat(None)
    for minute, value, beside, kwh in zip(tape.minutes, tape.values, attrs, made, strict=False):
        at_ms = BEGIN_MS + minute * MINUTE_MS
        yield Seen(f"m{minute}", MAIN, "power", at_ms, at_ms, {field_name: value}, beside)
        if kwh is not None:
            late_ms = at_ms + PANELS_LATE_MS
            yield Seen(f"p{minute}", PANELS, "power", late_ms, late_ms, {field_name: kwh})


def quarters(tape: Tape) -> np.ndarray:
    """Mean watts per quarter-hour of the same readings, for the simple methods; nan is unseen."""
    minutes = np.array(tape.minutes)
    values = np.array(tape.values)
    size = int(minutes[-1]) // 15 + 1
    watts = np.full(size, np.nan)
    if not tape.meter.grain_kwh:
        slots = (minutes - 1) // 15
        sums = np.bincount(slots, values, minlength=size)[:size]
        counts = np.bincount(slots, minlength=size)[:size]
        watts[counts > 0] = sums[counts > 0] / counts[counts > 0]
        return watts
    passed = np.diff(minutes)
    energy = np.diff(values) * 60_000
    for start, end, wh, length in zip(minutes[:-1], minutes[1:], energy, passed, strict=True):
        if wh >= 0 and 0 < length <= 65:
            first = int(start) // 15
            watts[first : max(first + 1, int(end) // 15)] = wh / length
    return watts
