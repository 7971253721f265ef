"""A meter that answers and counts nothing more: its register stands, its figures are dead.

Sees: the register (`energy_kwh`) of the home's main meter (`mains`) that goes on arriving and
doesn't move, beside how often it usually does. A socket may well count nothing for days, and one
that goes on counting behind a meter that stands doesn't become the home's meanwhile.

Can't see: a home that is really switched off at its main switch looks the same, and wants a look as
well. A meter that doesn't answer at all is the rule `device_silent`.

Defaults: a day without a step of the register, in a home that uses ten steps of it a day or more.

Sources: "unchanged for 24 h fires only on dead supply": 0 of 78 real absences in 25 home-years
(thresholds, section 2). It never says anything about the person.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from sys import intern
from typing import Any, Final

from rules.derived import POWER_METER, POWER_SLOT
from rules.finding import EvidenceValue, Finding
from rules.local_time import DAY_MS, HOUR_MS, MINUTE_MS
from rules.params import number
from rules.plain import PlainKind
from rules.rule import NOTHING, UNCHANGED, Observation, Opinion, Subject
from rules.waiting import ALWAYS, NEVER, Calm, Slots

_AHEAD_MAX_MS: Final = 10 * MINUTE_MS
_METERS_MAX: Final = 8
# A pause between readings longer than this is no standing register: the clock starts again.
_UNSEEN_MS: Final = 3 * HOUR_MS
# Steps of its register that a home must usually make in a day, to be judged by them.
_STEPS_A_DAY_MIN: Final = 10.0
# Weight of the newest step in what is usual.
_PART: Final = 0.1


class MeterReason(StrEnum):
    REGISTER_STANDS = "register_stands"
    REGISTER_MOVES = "register_moves"
    REGISTER_USUAL = "register_usual"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterDeadParams:
    after_h: int = number(24, 6, 168)
    late_after_min: int = number(120, 20, 1440)


@dataclass(slots=True)
class _Meter:
    """moved_ms: when the register moved last, or was seen again; step_ms: between two steps."""

    device: str
    register_kwh: float
    moved_ms: int
    last_ms: int
    step_ms: float = 0.0
    raised_ms: int | None = None


class MeterDeadMonitor:
    __slots__ = ("_main", "_meters", "_params", "_subject", "due_ms")

    def __init__(self, subject: Subject, params: MeterDeadParams) -> None:
        self.due_ms: int | None = None
        self._subject = subject
        self._params = params
        # Mostly one: no dictionary, which every reading would have to look through in memory.
        self._meters: tuple[_Meter, ...] = ()
        self._main = ""

    def observe(self, observation: Observation, now_ms: int) -> list[Finding]:
        if observation.kind != "power":
            if self._main == observation.device:
                return UNCHANGED
            self._main = observation.device
            return NOTHING
        kwh = observation.values.get("energy_kwh")
        if kwh is None:
            return UNCHANGED
        at_ms = observation.measured_at_ms
        if at_ms > now_ms + _AHEAD_MAX_MS:
            at_ms = now_ms
        device = observation.device
        for meter in self._meters:
            if meter.device == device:
                break
        else:
            if len(self._meters) < _METERS_MAX:
                self._meters = (*self._meters, _Meter(device, kwh, at_ms, at_ms))
            return NOTHING
        if at_ms <= meter.last_ms:
            return UNCHANGED
        before_ms, meter.last_ms = meter.last_ms, at_ms
        if kwh != meter.register_kwh:
            return self._moved(observation, meter, kwh, at_ms, now_ms)
        if at_ms - before_ms > _UNSEEN_MS:
            meter.moved_ms = at_ms
        return self._judge(observation, meter, at_ms, now_ms)

    def calm(self) -> Calm:
        """A quarter-hour only says which meter is the home's."""
        return ALWAYS if self._main else NEVER

    def minds(self, observation: Observation, now_ms: int) -> bool:  # noqa: ARG002 - whenever
        return observation.kind != "power"

    def catch_up(self, slots: Slots, device: str) -> None:  # noqa: ARG002 - as above
        self._main = device

    def _moved(
        self, observation: Observation, meter: _Meter, kwh: float, at_ms: int, now_ms: int
    ) -> list[Finding]:
        if meter.raised_ms is None:
            step_ms = at_ms - meter.moved_ms
            if step_ms <= DAY_MS:
                usual_ms = meter.step_ms
                meter.step_ms = usual_ms + (step_ms - usual_ms) * (_PART if usual_ms else 1.0)
            meter.register_kwh, meter.moved_ms = kwh, at_ms
            return NOTHING
        meter.register_kwh, meter.moved_ms = kwh, at_ms
        found = self._finding("cleared", MeterReason.REGISTER_MOVES, observation, meter, now_ms)
        meter.raised_ms = None
        return [found]

    def _judge(
        self, observation: Observation, meter: _Meter, at_ms: int, now_ms: int
    ) -> list[Finding]:
        if at_ms - meter.moved_ms < self._params.after_h * HOUR_MS:
            return NOTHING
        lively = 0.0 < meter.step_ms <= DAY_MS / _STEPS_A_DAY_MIN
        late = now_ms - at_ms > self._params.late_after_min * MINUTE_MS
        main = observation.device == self._main
        if meter.raised_ms is not None or late or not (main and lively):
            return NOTHING
        meter.raised_ms = now_ms
        return [self._finding("raised", MeterReason.REGISTER_STANDS, observation, meter, now_ms)]

    def fire(self, at_ms: int) -> list[Finding]:  # noqa: ARG002 - judged when something is seen
        return NOTHING

    def resume(self, now_ms: int) -> None:
        """Readings that were missed leave a hole, which is noticed by itself."""

    def dump(self) -> dict[str, Any]:
        return {
            "main": self._main,
            "meters": {
                m.device: [m.register_kwh, m.moved_ms, m.last_ms, m.step_ms, m.raised_ms]
                for m in self._meters
            },
        }

    def load(self, document: Mapping[str, Any]) -> "MeterDeadMonitor":
        self._main = intern(str(document["main"]))
        self._meters = tuple(
            _Meter(
                intern(str(device)),
                float(kwh),
                int(moved),
                int(last),
                float(step),
                None if raised is None else int(raised),
            )
            for device, (kwh, moved, last, step, raised) in document["meters"].items()
        )
        return self

    def view(self, now_ms: int) -> Opinion:  # noqa: ARG002 - the last word of the meter
        for meter in self._meters:
            if meter.raised_ms is not None:
                return Opinion(
                    state="dead",
                    since_ms=meter.moved_ms,
                    explanation={"reason": MeterReason.REGISTER_STANDS, "device": meter.device},
                )
        return Opinion(
            state="quiet", since_ms=None, explanation={"reason": MeterReason.REGISTER_USUAL}
        )

    def _finding(
        self, phase: Any, reason: MeterReason, observation: Observation, meter: _Meter, now_ms: int
    ) -> Finding:
        evidence: dict[str, EvidenceValue] = {
            "energy_kwh": meter.register_kwh,
            "since_ms": meter.moved_ms,
            "usual_step_min": round(meter.step_ms / MINUTE_MS),
        }
        return self._subject.finding(
            key=f"{observation.device}|{meter.raised_ms}",
            phase=phase,
            reason=reason,
            raised_at_ms=meter.raised_ms or now_ms,
            at_ms=now_ms,
            device=observation.device,
            source_id=observation.id,
            evidence=evidence,
        )


METER_DEAD: Final = PlainKind(
    name="meter_dead",
    params=MeterDeadParams,
    hears=frozenset({"power", POWER_SLOT, POWER_METER}),
    monitor=MeterDeadMonitor,
    severity="technical",
    patient=True,
)
