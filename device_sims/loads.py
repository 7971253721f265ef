"""How appliances draw power while they are on: a registry of shapes. Seeded and pure.

A shape makes a course of phases, each a loop of pieces (milliseconds, milliwatts). Everything is
whole numbers, so energy is exactly the integral of power, asked at once or in pieces, and costs the
same after ten seconds as after ten hours: mW x ms = µJ.
"""

import random
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

Piece = tuple[int, int]
# (how long, or None for until it is switched off; the loop).
Phase = tuple[int | None, tuple[Piece, ...]]

SECOND_MS: Final = 1000
MINUTE_MS: Final = 60_000
UJ_PER_KWH: Final = 3_600_000_000_000
# Courses kept, for all homes of a process: a home has about ten.
COURSES_CACHED: Final = 131_072


class Course:
    """Power and energy since the switch was turned, at any moment."""

    __slots__ = ("_phases", "_starts")

    def __init__(self, phases: Sequence[Phase]) -> None:
        self._starts: list[int] = []
        # (energy before it, length of the loop, energy of the loop, the loop)
        self._phases: list[tuple[int, int, int, tuple[Piece, ...]]] = []
        at_ms = before_uj = 0
        for lasts_ms, loop in phases:
            period_ms, loop_uj = sum(p[0] for p in loop), sum(p[0] * p[1] for p in loop)
            self._starts.append(at_ms)
            self._phases.append((before_uj, period_ms, loop_uj, loop))
            if lasts_ms is not None:
                at_ms += lasts_ms
                before_uj = self.energy_uj(at_ms)

    def power_mw(self, on_ms: int) -> int:
        number = bisect_right(self._starts, on_ms) - 1
        _before, period_ms, _loop_uj, loop = self._phases[number]
        rest_ms = (on_ms - self._starts[number]) % period_ms
        for piece_ms, mw in loop:
            if rest_ms < piece_ms:
                return mw
            rest_ms -= piece_ms
        return loop[-1][1]

    def energy_uj(self, on_ms: int) -> int:
        # The energy at a phase's end is that phase's: bisect_right would ask the next one, which
        # says the same.
        number = bisect_right(self._starts, on_ms) - 1
        before_uj, period_ms, loop_uj, loop = self._phases[number]
        turns, rest_ms = divmod(on_ms - self._starts[number], period_ms)
        sum_uj = before_uj + turns * loop_uj
        for piece_ms, mw in loop:
            if rest_ms <= piece_ms:
                return sum_uj + rest_ms * mw
            sum_uj += piece_ms * mw
            rest_ms -= piece_ms
        return sum_uj

    def edges(self, from_ms: int, to_ms: int) -> Iterator[int]:
        """Every moment between the two at which the power may change."""
        for number, start_ms in enumerate(self._starts):
            last = number + 1 == len(self._starts)
            end_ms = to_ms if last else min(self._starts[number + 1], to_ms)
            _before, period_ms, _loop_uj, loop = self._phases[number]
            if len(loop) == 1:  # nothing changes inside
                if from_ms <= start_ms < end_ms:
                    yield start_ms
                continue
            turn_ms = start_ms + max(0, (from_ms - start_ms) // period_ms) * period_ms
            while turn_ms < end_ms:
                at_ms = turn_ms
                for piece_ms, _mw in loop:
                    if from_ms <= at_ms < end_ms:
                        yield at_ms
                    at_ms += piece_ms
                turn_ms += period_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """`course` makes it of the rated mW and a seeded Random; `tan_phi`: reactive by real power."""

    course: Callable[[int, random.Random], Sequence[Phase]]
    tan_phi: float = 0.0


def _piece(ms: float, mw: float) -> Piece:
    return max(1, round(ms)), round(mw)


def _steady(mw: int, _r: random.Random) -> Sequence[Phase]:
    return [(None, ((MINUTE_MS, mw),))]


def _refrigerator(mw: int, r: random.Random) -> Sequence[Phase]:
    """A compressor starts with six times its current, and works harder on warm gas."""
    return [
        (300, (_piece(300, 6 * mw),)),
        (round(r.uniform(60, 200) * SECOND_MS), (_piece(1000, 1.2 * mw),)),
        (None, (_piece(1000, mw),)),
    ]


def _pump(mw: int, _r: random.Random) -> Sequence[Phase]:
    return [(400, (_piece(400, 4 * mw),)), (None, (_piece(1000, mw),))]


def _rice_cooker(mw: int, r: random.Random) -> Sequence[Phase]:
    """Full power until the water is gone, then warm in pulses for as long as it is left on."""
    warm = (_piece(r.uniform(20, 50) * SECOND_MS, 0.5 * mw), _piece(4 * MINUTE_MS, 1500))
    return [(round(r.uniform(22, 34) * MINUTE_MS), (_piece(1000, mw),)), (None, warm)]


def _hob(mw: int, r: random.Random) -> Sequence[Phase]:
    """Induction: full power to the boil; below its least power it can only go on and off."""
    on_s = r.uniform(2.5, 6.0)
    pulses = (_piece(on_s * SECOND_MS, 0.8 * mw), _piece(r.uniform(2, 5) * SECOND_MS, 2500))
    return [(round(r.uniform(3, 8) * MINUTE_MS), (_piece(1000, mw),)), (None, pulses)]


def _heater(mw: int, r: random.Random) -> Sequence[Phase]:
    """Warms the room, then keeps it with its thermostat."""
    keeps = (_piece(r.uniform(3, 6) * MINUTE_MS, mw), _piece(r.uniform(2, 5) * MINUTE_MS, 1000))
    return [(round(r.uniform(12, 30) * MINUTE_MS), (_piece(1000, mw),)), (None, keeps)]


def _blanket(mw: int, r: random.Random) -> Sequence[Phase]:
    keeps = (_piece(r.uniform(60, 120) * SECOND_MS, mw), _piece(r.uniform(2, 5) * MINUTE_MS, 500))
    return [(round(r.uniform(15, 25) * MINUTE_MS), (_piece(1000, mw),)), (None, keeps)]


def _washing(mw: int, r: random.Random) -> Sequence[Phase]:
    """Fill, turn to and fro, drain, spin; twice."""
    turn_s, rest_s = r.uniform(8, 15), r.uniform(3, 6)
    to_and_fro = (
        _piece(turn_s * SECOND_MS, mw),
        _piece(rest_s * SECOND_MS, 4000),
        _piece(turn_s * SECOND_MS, 0.94 * mw),
        _piece(rest_s * SECOND_MS, 4000),
    )
    spin = (_piece(20 * SECOND_MS, 0.7 * mw), _piece(40 * SECOND_MS, 1.5 * mw))
    fill_ms, drain_ms = round(r.uniform(2, 4) * MINUTE_MS), round(1.5 * MINUTE_MS)
    fill, drain = (_piece(1000, 6000),), (_piece(1000, 28_000),)
    return [
        (fill_ms, fill),
        (round(r.uniform(10, 18) * MINUTE_MS), to_and_fro),
        (drain_ms, drain),
        (2 * MINUTE_MS, spin),
        (fill_ms, fill),
        (round(r.uniform(5, 9) * MINUTE_MS), to_and_fro),
        (drain_ms, drain),
        (round(r.uniform(3, 5) * MINUTE_MS), spin),
        (None, (_piece(1000, 1500),)),
    ]


def _hot_washing(mw: int, r: random.Random) -> Sequence[Phase]:
    """With a heater of 1.8 kW before the drum turns."""
    heating: Phase = (round(r.uniform(8, 16) * MINUTE_MS), (_piece(1000, 1_800_000 + 0.2 * mw),))
    return [heating, *_washing(mw, r)]


def _television(mw: int, r: random.Random) -> Sequence[Phase]:
    """The picture decides how bright it burns."""
    picture = tuple(
        _piece(r.uniform(15, 45) * SECOND_MS, mw * r.uniform(0.85, 1.15)) for _ in range(7)
    )
    return [(None, picture)]


SHAPES: Final[Mapping[str, Shape]] = MappingProxyType(
    {
        "steady": Shape(course=_steady),
        "electronic": Shape(course=_steady, tan_phi=0.6),
        "motor": Shape(course=_steady, tan_phi=0.75),
        "refrigerator": Shape(course=_refrigerator, tan_phi=0.75),
        "pump": Shape(course=_pump, tan_phi=0.7),
        "rice_cooker": Shape(course=_rice_cooker),
        "hob": Shape(course=_hob, tan_phi=0.1),
        "heater": Shape(course=_heater),
        "blanket": Shape(course=_blanket),
        "washing": Shape(course=_washing, tan_phi=0.7),
        "hot_washing": Shape(course=_hot_washing, tan_phi=0.2),
        "television": Shape(course=_television, tan_phi=0.5),
    }
)
# These are straight lines, which a profile adds up without asking a course.
STEADY: Final = frozenset({"steady", "electronic", "motor"})


@lru_cache(maxsize=COURSES_CACHED)
def course(shape: str, mw: int, variant: int) -> Course:
    """The course of an appliance; `variant` is its make, the same for the same number."""
    return Course(SHAPES[shape].course(mw, random.Random(f"{shape} {variant}")))
