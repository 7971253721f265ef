"""The home's electricity in quarter-hours, for every rule that judges it.

Sees: `power` of all meters of a home, as register, interval energy or watts, 1 s to 1 h apart.
`rules.mains` chooses the device that measures most (or the one that `meter` names),
`rules.metering` makes quarter-hours of its readings. It finds nothing itself. A socket doesn't
replace the meter before it whose register moved all week and now stands: that one is dead or
bypassed, and `meter_dead` says so. Where `panels_meter` is named, and `meter` counts both ways
(attribute `reverse_energy_kwh`), the quarter-hours are of what the home uses: taken less given,
and what the panels make; a part that is missing is a gap.

Can't see: two meters that each feed a part of the home are not added up; the larger one counts.
What a battery behind the main meter takes is used when it is charged. A meter of panels that never
feed in, and that is dead, leaves what is taken.

Defaults: `meter` is empty: the device that measures most speaks for the home. `panels_meter` is
empty, and needs `meter`. Its watts are made, not used, and no load to `overload`.

Sources: design of this project; a socket can't measure more than the meter before it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from contract.config import ConfigError
from rules.behind_panels import BehindPanels, mains_of
from rules.derived import POWER_GAP, POWER_MADE, POWER_METER, POWER_SLOT, Derived
from rules.finding import EvidenceValue, Finding, Severity
from rules.mains import Mains
from rules.metering import SLOT_MS, Gap, Slot
from rules.params import parse_params
from rules.rule import NOTHING, Lane, Monitor, Observation, Opinion, Subject, SubjectKind
from rules.waiting import Waiting

# A clock this far ahead is wrong; the reading counts as taken now.
AHEAD_MAX_MS: Final = 10 * 60_000
_NONE: Final[Sequence[Derived]] = ()
_NO_VALUES: Final[Mapping[str, float]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class MainsParams:
    """meter: the device to judge by, empty for the one that measures most. panels_meter: the device
    that counts what the home's panels give."""

    meter: str = ""
    panels_meter: str = ""


class MainsMonitor:
    """The meters of one home."""

    __slots__ = ("_derived", "_mains", "due_ms", "waiting")

    def __init__(self, mains: Mains, waiting: Waiting) -> None:
        self.due_ms: int | None = None
        self._mains = mains
        self.waiting = waiting
        waiting.mains = mains
        self._derived: Sequence[Derived] = _NONE

    def observe(self, observation: Observation, now_ms: int) -> list[Finding]:
        at_ms = observation.measured_at_ms
        if at_ms > now_ms + AHEAD_MAX_MS:
            at_ms = now_ms
        mains = self._mains
        before = mains.primary
        done = mains.read(observation, at_ms)
        if done is None and mains.primary is before:
            # Of most readings nothing comes yet.
            if observation.device == mains.panels:
                self._derived = [_of_panels(observation, at_ms)]
            return NOTHING
        device = mains.primary
        if device != before or mains.larger:
            self._derived = [
                self._changed(observation, at_ms),
                *(_derived(observation, device, part) for part in done or ()),
            ]
        elif done is not None:
            keep = self.waiting.keep
            for place, part in enumerate(done):
                if not (isinstance(part, Slot) and keep(part, device, now_ms)):
                    self._derived = [_derived(observation, device, rest) for rest in done[place:]]
                    break
        if observation.device == mains.panels:
            self._derived = [_of_panels(observation, at_ms), *self._derived]
        return NOTHING

    def take_derived(self) -> Sequence[Derived]:
        derived, self._derived = self._derived, _NONE
        return derived

    def _changed(self, observation: Observation, at_ms: int) -> Derived:
        mains = self._mains
        larger, mains.larger = mains.larger, False
        return _made(observation, mains.primary, POWER_METER, at_ms, {"larger": float(larger)})

    def fire(self, at_ms: int) -> list[Finding]:  # noqa: ARG002 - it never asks to be woken
        return NOTHING

    def resume(self, now_ms: int) -> None:
        """A gap is told by the reading that ends it."""

    def dump(self) -> dict[str, Any]:
        waiting = self.waiting.dump()
        return {"mains": self._mains.dump(), **({"waiting": waiting} if waiting else {})}

    def view(self, now_ms: int) -> Opinion:  # noqa: ARG002 - what is late is for the rules to say
        meter = self._mains.meter
        if meter is None:
            return Opinion(state="waiting", since_ms=None, explanation={"reason": "no_meter"})
        return Opinion(
            state="metered",
            since_ms=meter.last_ms,
            explanation={
                **_how(self._mains),
                "meter": self._mains.primary,
                "last_reading_ms": meter.last_ms,
                "interval_s": round(meter.interval_ms / 1000),
            },
        )


def _how(mains: Mains) -> dict[str, EvidenceValue]:
    if not isinstance(mains, BehindPanels):
        return {"reason": "metered"}
    reason = "metered_used" if mains.used else "use_unknown"
    return {"reason": reason, "panels_meter": mains.panels}


def _of_panels(observation: Observation, at_ms: int) -> Derived:
    return _made(observation, observation.device, POWER_MADE, at_ms, _NO_VALUES)


def _derived(observation: Observation, device: str, part: Slot | Gap) -> Derived:
    if isinstance(part, Slot):
        number, watts, grain_w = part
        values = {"number": float(number), "watts": watts, "grain_w": grain_w}
        return _made(observation, device, POWER_SLOT, (number + 1) * SLOT_MS, values)
    values = {"start_ms": float(part.start_ms), "end_ms": float(part.end_ms)}
    if part.watts is not None:
        values["watts"] = part.watts
    return _made(observation, device, POWER_GAP, part.end_ms, values)


def _made(
    observation: Observation, device: str, kind: str, at_ms: int, values: Mapping[str, float]
) -> Derived:
    return Derived(observation.id, device, kind, at_ms, observation.received_at_ms, values)


class MainsFeed:
    """The rule kind `mains`; `make_mains`: what chooses and reads the meters of a home."""

    name: Final = "mains"
    lane: Final[Lane] = "readings"
    subject: Final[SubjectKind] = "home"
    severity: Final[Severity] = "technical"
    # 2: quarter-hours that wait; 3: and their grain.
    state_version: Final = 3
    starts_idle: Final = True
    emits: Final = frozenset({POWER_SLOT, POWER_GAP, POWER_METER, POWER_MADE})

    def __init__(self, make_mains: Callable[[str, str], Mains] = mains_of) -> None:
        self._make_mains = make_mains

    def parse(self, table: Mapping[str, Any], where: str, base: Any = None) -> MainsParams:
        params = parse_params(MainsParams, table, where, base)
        if params.panels_meter and params.meter in ("", params.panels_meter):
            detail = "needs `meter`: another device, which counts what is taken and given"
            raise ConfigError(f"{where}.panels_meter", detail)
        return params

    def listens(self, params: MainsParams) -> frozenset[str]:  # noqa: ARG002
        return frozenset({"power"})

    def start(self, subject: Subject, params: MainsParams, now_ms: int) -> Monitor:  # noqa: ARG002
        return MainsMonitor(self._make_mains(params.meter, params.panels_meter), Waiting())

    def load(
        self,
        subject: Subject,  # noqa: ARG002 - it finds nothing
        params: MainsParams,
        document: Mapping[str, Any],
    ) -> Monitor:
        waiting = Waiting.load(document.get("waiting"))
        mains = mains_of(params.meter, params.panels_meter)
        mains.restore(document["mains"])
        return MainsMonitor(mains, waiting)
