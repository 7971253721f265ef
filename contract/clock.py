"""Which simulated time it is at a given real time: the accelerated clock of a demonstration.

A plan is a list of segments, each a straight line: from `real_ms` on, simulated time starts at
`sim_ms` and runs `speed` times as fast. Production runs on the identity plan. The edges read the
real clock; nothing here does.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from contract.errors import ContractError


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    real_ms: int
    sim_ms: int
    speed: float


@dataclass(frozen=True, slots=True)
class ClockPlan:
    """Piecewise linear, never running backwards; before the first segment time is real."""

    segments: Sequence[Segment] = ()

    def sim_ms(self, real_ms: int) -> int:
        for segment in reversed(self.segments):
            if real_ms >= segment.real_ms:
                return segment.sim_ms + int((real_ms - segment.real_ms) * segment.speed)
        return real_ms if not self.segments else self.segments[0].sim_ms

    def speed(self, real_ms: int) -> float:
        for segment in reversed(self.segments):
            if real_ms >= segment.real_ms:
                return segment.speed
        return 1.0

    def real_delay_s(self, sim_delay_s: float, real_ms: int) -> float:
        """How long to wait in real seconds until `sim_delay_s` have passed, at today's speed."""
        return max(0.0, sim_delay_s / self.speed(real_ms))


def plan_to_json(plan: ClockPlan) -> str:
    rows = [[s.real_ms, s.sim_ms, s.speed] for s in plan.segments]
    return json.dumps({"v": 1, "segments": rows})


def plan_from_json(text: str) -> ClockPlan:
    try:
        rows = json.loads(text)["segments"]
        return ClockPlan(
            tuple(Segment(real_ms=int(r), sim_ms=int(s), speed=float(x)) for r, s, x in rows)
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ContractError("bad_clock_plan", str(error)) from error
