"""Carbon monoxide measured in figures, from a sensor without an alarm of its own.

Sees: `environment` readings with `co_ppm`, each device apart. A level must last: a cigarette or a
door to the kitchen is no poisoning. A detector's own alarm is the rule `gas`.

Can't see: readings further apart than `unseen_min` say nothing of the time between; a level then
counts anew.

Defaults: 300 ppm at once, 100 ppm for ten minutes, 50 ppm for an hour are urgent; 30 ppm for two
hours is to be watched. Below `release_ppm` it is over.

Sources: the alarm times of EN 50291-1, each taken at its earliest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from rules.finding import EvidenceValue, Finding, Severity
from rules.params import number
from rules.plain import PlainKind
from rules.rule import NOTHING, Observation, Opinion, Subject

_MINUTE_MS: Final = 60_000
_SENSORS_MAX: Final = 16
# A clock this far ahead is wrong; the reading counts as taken now.
_AHEAD_MAX_MS: Final = 10 * _MINUTE_MS
# Above what any sensor of homes can measure.
_PPM_MAX: Final = 10_000.0


class CarbonMonoxideReason(StrEnum):
    CO_URGENT = "co_urgent"
    CO_WATCH = "co_watch"
    CO_GONE = "co_gone"
    CO_USUAL = "co_usual"


@dataclass(frozen=True, slots=True, kw_only=True)
class CarbonMonoxideParams:
    at_once_ppm: float = number(300.0, 100.0, 1000.0)
    high_ppm: float = number(100.0, 50.0, 500.0)
    high_min: int = number(10, 1, 40)
    low_ppm: float = number(50.0, 20.0, 200.0)
    low_min: int = number(60, 10, 90)
    watch_ppm: float = number(30.0, 10.0, 100.0)
    watch_min: int = number(120, 30, 480)
    release_ppm: float = number(20.0, 1.0, 50.0)
    unseen_min: int = number(30, 5, 240)
    late_after_min: int = number(120, 20, 1440)


class _Sensor:
    """since_ms: for each level since when the air was above it, None below."""

    __slots__ = ("key", "last_ms", "ppm", "raised_ms", "severity", "since_ms")

    def __init__(self) -> None:
        self.last_ms = -1
        self.ppm = 0.0
        self.since_ms: list[int | None] = [None, None, None]
        self.raised_ms: int | None = None
        self.severity: Severity = "watch"
        self.key = ""


class CarbonMonoxideMonitor:
    __slots__ = ("_params", "_sensors", "_subject", "due_ms")

    def __init__(self, subject: Subject, params: CarbonMonoxideParams) -> None:
        self.due_ms: int | None = None
        self._subject = subject
        self._params = params
        self._sensors: dict[str, _Sensor] = {}

    def observe(self, observation: Observation, now_ms: int) -> list[Finding]:
        ppm = observation.values.get("co_ppm")
        if ppm is None or not 0.0 <= ppm <= _PPM_MAX:
            return NOTHING
        sensor = self._sensor(observation.device)
        at_ms = observation.measured_at_ms
        if at_ms > now_ms + _AHEAD_MAX_MS:
            at_ms = now_ms
        if sensor is None or at_ms <= sensor.last_ms:
            return NOTHING
        self._note(sensor, ppm, at_ms)
        if sensor.raised_ms is not None and ppm < self._params.release_ppm:
            return self._clear(observation, sensor, now_ms)
        if now_ms - at_ms > self._params.late_after_min * _MINUTE_MS:
            return NOTHING
        severity = self._severity(sensor, at_ms)
        worse = sensor.severity == "watch" and severity == "urgent"
        if severity is None or (sensor.raised_ms is not None and not worse):
            return NOTHING
        sensor.raised_ms = now_ms
        sensor.severity = severity
        sensor.key = observation.id
        word = CarbonMonoxideReason
        reason = word.CO_URGENT if severity == "urgent" else word.CO_WATCH
        return [self._finding("raised", reason, observation, sensor, now_ms)]

    def _note(self, sensor: _Sensor, ppm: float, at_ms: int) -> None:
        p = self._params
        unseen = sensor.last_ms < 0 or at_ms - sensor.last_ms > p.unseen_min * _MINUTE_MS
        for place, level in enumerate((p.high_ppm, p.low_ppm, p.watch_ppm)):
            if ppm < level:
                sensor.since_ms[place] = None
            elif unseen or sensor.since_ms[place] is None:
                sensor.since_ms[place] = at_ms
        sensor.last_ms, sensor.ppm = at_ms, ppm

    def _severity(self, sensor: _Sensor, at_ms: int) -> Severity | None:
        p = self._params
        lasted = [0 if since is None else at_ms - since for since in sensor.since_ms]
        if sensor.ppm >= p.at_once_ppm:
            return "urgent"
        if lasted[0] >= p.high_min * _MINUTE_MS or lasted[1] >= p.low_min * _MINUTE_MS:
            return "urgent"
        return "watch" if lasted[2] >= p.watch_min * _MINUTE_MS else None

    def _clear(self, observation: Observation, sensor: _Sensor, now_ms: int) -> list[Finding]:
        found = self._finding("cleared", CarbonMonoxideReason.CO_GONE, observation, sensor, now_ms)
        sensor.raised_ms, sensor.severity = None, "watch"
        return [found]

    def fire(self, at_ms: int) -> list[Finding]:  # noqa: ARG002 - judged when something is seen
        return NOTHING

    def resume(self, now_ms: int) -> None:
        """Readings that were missed leave a hole, which is noticed by itself."""

    def dump(self) -> dict[str, Any]:
        return {
            "sensors": {
                device: [s.last_ms, s.ppm, s.since_ms, s.raised_ms, s.severity, s.key]
                for device, s in self._sensors.items()
            }
        }

    def load(self, document: Mapping[str, Any]) -> "CarbonMonoxideMonitor":
        for device, (last, ppm, since, raised, severity, key) in document["sensors"].items():
            sensor = self._sensors[str(device)] = _Sensor()
            sensor.last_ms, sensor.ppm = int(last), float(ppm)
            sensor.since_ms = [None if at is None else int(at) for at in since]
            if len(sensor.since_ms) != len(_Sensor().since_ms):
                raise ValueError(f"{len(sensor.since_ms)} levels of carbon monoxide")
            sensor.raised_ms = None if raised is None else int(raised)
            sensor.severity = "urgent" if severity == "urgent" else "watch"
            sensor.key = str(key)
        return self

    def view(self, now_ms: int) -> Opinion:  # noqa: ARG002 - the last word of the sensor
        worst = max(self._sensors.items(), key=lambda item: item[1].ppm, default=None)
        reason = CarbonMonoxideReason.CO_USUAL
        if worst is None:
            return Opinion(state="quiet", since_ms=None, explanation={"reason": reason})
        device, sensor = worst
        if sensor.raised_ms is not None:
            reason = CarbonMonoxideReason.CO_URGENT
            if sensor.severity == "watch":
                reason = CarbonMonoxideReason.CO_WATCH
        return Opinion(
            state="quiet" if sensor.raised_ms is None else "poisoned",
            since_ms=sensor.raised_ms,
            explanation={"reason": reason, "co_ppm": sensor.ppm, "device": device},
        )

    def _sensor(self, device: str) -> _Sensor | None:
        sensor = self._sensors.get(device)
        if sensor is None and len(self._sensors) < _SENSORS_MAX:
            sensor = self._sensors[device] = _Sensor()
        return sensor

    def _finding(
        self,
        phase: Any,
        reason: CarbonMonoxideReason,
        observation: Observation,
        sensor: _Sensor,
        now_ms: int,
    ) -> Finding:
        evidence: dict[str, EvidenceValue] = {
            "co_ppm": sensor.ppm,
            "normal_ppm": self._params.watch_ppm,
        }
        since = [at for at in sensor.since_ms if at is not None]
        if since:
            evidence["since_ms"] = min(since)
        return self._subject.finding(
            key=f"{observation.device}|{sensor.key}",
            phase=phase,
            reason=reason,
            severity=sensor.severity,
            raised_at_ms=sensor.raised_ms or now_ms,
            at_ms=now_ms,
            device=observation.device,
            source_id=observation.id,
            evidence=evidence,
        )


CARBON_MONOXIDE: Final = PlainKind(
    name="carbon_monoxide",
    params=CarbonMonoxideParams,
    hears=frozenset({"environment"}),
    monitor=CarbonMonoxideMonitor,
    severity="urgent",
)
