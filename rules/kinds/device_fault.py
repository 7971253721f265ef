"""A device or gateway that says it is broken, or without mains, and does not recover.

Sees: `device_word`; attrs `fault` begins, `recovered` ends, values `mains` 0 and 1 do the same for
`mains_lost`. A fault must last before it is raised: a blackout of ten minutes must not send eight
people to eight meters. `rules/device_faults.py` says which faults ask for a repair at all; the
others are shown with the device and send nobody. Faults and recoveries travel in two lanes: of two
that come within ten minutes the later measured counts.

Can't see: why; meters of a dark village look like broken ones (`village_dark` holds their alarms).
Tampering is the rule `tamper`.

Defaults: after five minutes on a life-critical device or gateway, else after 45; mended within two
hours or three days.

Sources: fault after 45 min, life-critical fault mended in 2 h (thresholds, section 3).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from rules.device_cases import DeviceCases, Trouble
from rules.device_faults import MAINS_LOST, REPAIRED
from rules.finding import Finding, Severity
from rules.params import number, parse_params
from rules.rule import (
    DEVICE_WORD,
    NOTHING,
    Lane,
    Monitor,
    Observation,
    Opinion,
    Subject,
    SubjectKind,
)

# Faults and recoveries travel in two lanes. Of two that come together the later measured counts,
# in whichever order they arrive; after this time the order is what it is.
TOGETHER_MS: Final = 10 * 60_000
# Recoveries remembered for that; a home has a dozen devices.
ENDED_MAX: Final = 64


class DeviceFaultReason(StrEnum):
    """Of `cleared`; raised are the faults themselves."""

    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFaultParams:
    """Times a fault must last, and until it is mended (thresholds, section 3: a button or gateway
    on its own at once, repair task at 45 minutes, life-critical within 2 hours)."""

    life_critical_after_min: float = number(5.0, 0.0, 1440.0)
    after_min: float = number(45.0, 0.0, 1440.0)
    life_critical_repair_h: float = number(2.0, 0.25, 168.0)
    repair_h: float = number(72.0, 1.0, 720.0)


class DeviceFaultMonitor:
    """`_ended`: case → (measured, told) of its last recovery."""

    __slots__ = ("_cases", "_ended", "_params", "due_ms")

    def __init__(self, subject: Subject, params: DeviceFaultParams) -> None:
        self._params = params
        self._cases = DeviceCases(subject)
        self._ended: dict[str, tuple[int, int]] = {}
        self.due_ms: int | None = None

    def observe(self, observation: Observation, now_ms: int) -> list[Finding]:
        part, attrs = observation.device, observation.attrs
        found = NOTHING
        mains = observation.values.get("mains")
        if mains is not None:
            found = self._heard(observation, part, MAINS_LOST, bool(mains), now_ms)
        if "fault" in attrs:
            found = found + self._heard(observation, part, str(attrs["fault"]), False, now_ms)
        elif "recovered" in attrs:
            found = found + self._heard(observation, part, str(attrs["recovered"]), True, now_ms)
        self.due_ms = self._cases.due_ms
        return found

    def _heard(
        self, word: Observation, part: str, fault: str, over: bool, now_ms: int
    ) -> list[Finding]:
        if fault not in REPAIRED:
            return NOTHING
        name = f"{part}#{fault}"
        if over:
            self._ended.pop(name, None)
            if len(self._ended) >= ENDED_MAX:
                del self._ended[next(iter(self._ended))]
            self._ended[name] = (word.measured_at_ms, now_ms)
            return self._cases.end(name, DeviceFaultReason.RECOVERED, now_ms)
        measured_ms, told_ms = self._ended.get(name, (0, 0))
        if word.measured_at_ms <= measured_ms and now_ms - told_ms <= TOGETHER_MS:
            return NOTHING
        facts = self._cases.facts(part)
        critical, params = facts.life_critical, self._params
        after_min = params.life_critical_after_min if critical else params.after_min
        repair_h = params.life_critical_repair_h if critical else params.repair_h
        trouble = Trouble(
            reason=fault,
            mend_ms=round(repair_h * 3_600_000),
            worsens=True,
            life_critical=critical,
            evidence={"fault": fault, "began_ms": min(word.measured_at_ms, now_ms)},
        )
        raise_ms = now_ms + round(after_min * 60_000)
        return self._cases.begin(name, trouble, raise_ms=raise_ms, now_ms=now_ms)

    def fire(self, at_ms: int) -> list[Finding]:
        found = self._cases.fire(at_ms)
        self.due_ms = self._cases.due_ms
        return found

    def resume(self, now_ms: int) -> None:
        self._cases.resume(now_ms)
        self.due_ms = self._cases.due_ms

    def dump(self) -> dict[str, Any]:
        return {
            "cases": self._cases.dump(),
            "ended": {name: list(at) for name, at in self._ended.items()},
        }

    def load(self, document: Mapping[str, Any]) -> "DeviceFaultMonitor":
        self._cases.load(document["cases"])
        self._ended = {
            str(name): (int(measured), int(told))
            for name, (measured, told) in document["ended"].items()
        }
        self.due_ms = self._cases.due_ms
        return self

    def view(self, now_ms: int) -> Opinion:  # noqa: ARG002 - the cases know since when
        return self._cases.opinion("ok")


class DeviceFault:
    """The rule kind `device_fault`."""

    name: Final = "device_fault"
    lane: Final[Lane] = "readings"
    subject: Final[SubjectKind] = "either"
    severity: Final[Severity] = "technical"
    state_version: Final = 1
    starts_idle: Final = True

    def parse(self, table: Mapping[str, Any], where: str, base: Any = None) -> DeviceFaultParams:
        return parse_params(DeviceFaultParams, table, where, base)

    def listens(self, params: DeviceFaultParams) -> frozenset[str]:  # noqa: ARG002
        return frozenset({DEVICE_WORD})

    def start(self, subject: Subject, params: DeviceFaultParams, now_ms: int) -> Monitor:  # noqa: ARG002 - nothing to time yet
        return DeviceFaultMonitor(subject, params)

    def load(
        self, subject: Subject, params: DeviceFaultParams, document: Mapping[str, Any]
    ) -> Monitor:
        return DeviceFaultMonitor(subject, params).load(document)
