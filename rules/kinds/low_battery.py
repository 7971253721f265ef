"""A battery that is nearly empty, days before the device dies.

Sees: `device_word` with `battery_pct`, and the device's own fault `battery_low`. Raised at
`low_pct`, over at `release_pct` or with the device's own word: a battery in the cold goes up and
down by some per cent and must not be told each time.

Can't see: a battery of which the device says nothing.

Defaults: at 20 %, over at 30 %; a new battery within three days.

Sources: a low battery is told days ahead (EN 50134); the figures are this project's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from contract.config import ConfigError
from rules.device_cases import DeviceCases, Trouble
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

# The device's own word for it.
BATTERY_FAULT: Final = "battery_low"


class LowBatteryReason(StrEnum):
    BATTERY_LOW = "battery_low"
    BATTERY_OK = "battery_ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class LowBatteryParams:
    """low_pct: at 20 % a button or sensor still lives for days to weeks; repair_h: before it
    dies, and with a visit that is made anyway."""

    low_pct: float = number(20.0, 1.0, 90.0)
    release_pct: float = number(30.0, 2.0, 100.0)
    repair_h: float = number(72.0, 1.0, 720.0)


class LowBatteryMonitor:
    """No state but the cases."""

    __slots__ = ("_cases", "_params", "due_ms")

    def __init__(self, subject: Subject, params: LowBatteryParams) -> None:
        self._params = params
        self._cases = DeviceCases(subject)
        self.due_ms: int | None = None

    def observe(self, observation: Observation, now_ms: int) -> list[Finding]:
        found = self._judge(observation, now_ms)
        self.due_ms = self._cases.due_ms
        return found

    def _judge(self, word: Observation, now_ms: int) -> list[Finding]:
        part, pct = word.device, word.values.get("battery_pct")
        says_low = word.attrs.get("fault") == BATTERY_FAULT
        says_ok = word.attrs.get("recovered") == BATTERY_FAULT
        if says_low or (pct is not None and pct <= self._params.low_pct):
            facts = self._cases.facts(part)
            trouble = Trouble(
                reason=LowBatteryReason.BATTERY_LOW,
                mend_ms=round(self._params.repair_h * 3_600_000),
                worsens=True,
                life_critical=facts.life_critical,
                evidence={} if pct is None else {"battery_pct": pct},
            )
            return self._cases.begin(part, trouble, raise_ms=now_ms, now_ms=now_ms)
        if says_ok or (pct is not None and pct >= self._params.release_pct):
            return self._cases.end(part, LowBatteryReason.BATTERY_OK, now_ms)
        return NOTHING

    def fire(self, at_ms: int) -> list[Finding]:
        found = self._cases.fire(at_ms)
        self.due_ms = self._cases.due_ms
        return found

    def resume(self, now_ms: int) -> None:
        """A battery does not fill while nobody looks."""

    def dump(self) -> dict[str, Any]:
        return {"cases": self._cases.dump()}

    def load(self, document: Mapping[str, Any]) -> "LowBatteryMonitor":
        self._cases.load(document["cases"])
        self.due_ms = self._cases.due_ms
        return self

    def view(self, now_ms: int) -> Opinion:  # noqa: ARG002 - nothing here runs out
        return self._cases.opinion("ok")


class LowBattery:
    """The rule kind `low_battery`."""

    name: Final = "low_battery"
    lane: Final[Lane] = "readings"
    subject: Final[SubjectKind] = "either"
    severity: Final[Severity] = "technical"
    state_version: Final = 1
    starts_idle: Final = True

    def parse(self, table: Mapping[str, Any], where: str, base: Any = None) -> LowBatteryParams:
        params = parse_params(LowBatteryParams, table, where, base)
        if params.release_pct <= params.low_pct:
            raise ConfigError(f"{where}.release_pct", "lies above low_pct, or it is never over")
        return params

    def listens(self, params: LowBatteryParams) -> frozenset[str]:  # noqa: ARG002
        return frozenset({DEVICE_WORD})

    def start(self, subject: Subject, params: LowBatteryParams, now_ms: int) -> Monitor:  # noqa: ARG002 - nothing to time
        return LowBatteryMonitor(subject, params)

    def load(
        self, subject: Subject, params: LowBatteryParams, document: Mapping[str, Any]
    ) -> Monitor:
        return LowBatteryMonitor(subject, params).load(document)
