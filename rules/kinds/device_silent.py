"""A device that should report by itself and is not heard: nobody would know if it had died.

Sees: `device_status`, a few times an hour from a gateway's heartbeats, and every word or press of
a device. Silence is counted from one status to the next, so only while its gateway is heard:
whatever happens to gateway, line or hub, the clock of silence stands still, and a pause of more
than a quarter of an hour counts as nothing. A device was heard when its last-seen time is another
than before; whether the gateway's clock is right is no matter.

Can't see: a plain 433 MHz button that died, for it speaks only when pressed; `test_due` is for it.
After an outage the silence that nobody watched is not made up for.

Defaults: the device's own interval, or that of its kind (a meter an hour, a button that reports by
itself a day); `least_s` makes every interval at least so long. Mended within two hours if lives
depend on it, else within three days.

Sources: button silent for 24 h, life-critical fault mended in 2 h (thresholds, section 3).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from rules.device_cases import CaseReason, DeviceCases, Trouble
from rules.finding import Finding, Severity
from rules.params import number, parse_params
from rules.rule import (
    DEVICE_PRESS,
    DEVICE_STATUS,
    DEVICE_WORD,
    NOTHING,
    DeviceFacts,
    Lane,
    Monitor,
    Observation,
    Opinion,
    Subject,
    SubjectKind,
)

# Statuses come every five minutes; a longer pause than three of them was not watched.
UNWATCHED_MS: Final = 15 * 60_000


class DeviceSilentReason(StrEnum):
    NOT_HEARD = "not_heard"
    HEARD_AGAIN = "heard_again"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSilentParams:
    """least_s: a shorter silence is none, whatever the device's interval (where time runs fast, or
    a site's radio has long pauses). life_critical_repair_h: thresholds, section 3; repair_h: a
    meter or sensor that is missing makes the home harder to judge, it does not leave anybody
    without help."""

    least_s: int = number(0, 0, 604_800)
    life_critical_repair_h: float = number(2.0, 0.25, 168.0)
    repair_h: float = number(72.0, 1.0, 720.0)


class DeviceSilentMonitor:
    """`_heard`: part → [last-seen time of the gateway's clock or None, silence so far in ms].
    `_status_ms`: gateway → hub's time of its last status."""

    __slots__ = ("_cases", "_heard", "_params", "_status_ms", "_subject", "due_ms")

    def __init__(self, subject: Subject, params: DeviceSilentParams) -> None:
        self._subject = subject
        self._params = params
        self._cases = DeviceCases(subject)
        self._heard: dict[str, tuple[int | None, int]] = {}
        self._status_ms: dict[str, int] = {}
        self.due_ms: int | None = None

    def observe(self, observation: Observation, now_ms: int) -> list[Finding]:
        if observation.kind == DEVICE_STATUS:
            found = self._status(observation, now_ms)
        else:
            part = observation.device
            found = self._cases.end(part, DeviceSilentReason.HEARD_AGAIN, now_ms)
            if part in self._heard:
                self._heard[part] = (self._heard[part][0], 0)
        self.due_ms = self._cases.due_ms
        return found

    def _status(self, status: Observation, now_ms: int) -> list[Finding]:
        gateway = status.device
        passed_ms = now_ms - self._status_ms.get(gateway, now_ms)
        if passed_ms > UNWATCHED_MS:
            passed_ms = 0
        self._status_ms[gateway] = now_ms
        found = NOTHING
        for facts in self._subject.devices:
            if facts.gateway == gateway:
                shown = status.attrs.get(facts.device) is True
                seen = status.values.get(facts.device)
                seen_ms = None if seen is None else int(seen)
                found = found + self._device(facts, seen_ms, shown, passed_ms, now_ms)
        return found

    def _device(
        self, facts: DeviceFacts, seen_ms: int | None, shown: bool, passed_ms: int, now_ms: int
    ) -> list[Finding]:
        part = facts.part
        before_ms, silent_ms = self._heard.get(part, (None, 0))
        if seen_ms is not None and seen_ms != before_ms:
            self._heard[part] = (seen_ms, 0)
            return self._cases.end(part, DeviceSilentReason.HEARD_AGAIN, now_ms)
        silent_ms += passed_ms
        self._heard[part] = (before_ms, silent_ms)
        expected_s = facts.expected_interval_s
        if expected_s is None or (facts.once_shown and not shown):
            return self._cases.end(part, CaseReason.NOT_WATCHED, now_ms)
        if silent_ms < max(expected_s, self._params.least_s) * 1000:
            return NOTHING
        hours = self._params.repair_h
        if facts.life_critical:
            hours = self._params.life_critical_repair_h
        trouble = Trouble(
            reason=DeviceSilentReason.NOT_HEARD,
            mend_ms=round(hours * 3_600_000),
            worsens=True,
            life_critical=facts.life_critical,
            evidence={
                "silent_s": silent_ms // 1000,
                "expected_interval_s": expected_s,
                "last_seen_ms": before_ms,
            },
        )
        return self._cases.begin(part, trouble, raise_ms=now_ms, now_ms=now_ms)

    def fire(self, at_ms: int) -> list[Finding]:
        found = self._cases.fire(at_ms)
        self.due_ms = self._cases.due_ms
        return found

    def resume(self, now_ms: int) -> None:
        """Nothing runs out by itself: the next status decides."""

    def dump(self) -> dict[str, Any]:
        return {
            "heard": {part: list(row) for part, row in self._heard.items()},
            "status": self._status_ms,
            "cases": self._cases.dump(),
        }

    def load(self, document: Mapping[str, Any]) -> "DeviceSilentMonitor":
        here = {facts.part for facts in self._subject.devices}
        for part, (seen_ms, silent_ms) in document["heard"].items():
            if part in here:
                self._heard[part] = (None if seen_ms is None else int(seen_ms), int(silent_ms))
        self._status_ms = {str(g): int(at_ms) for g, at_ms in document["status"].items()}
        self._cases.load(document["cases"])
        self.due_ms = self._cases.due_ms
        return self

    def view(self, now_ms: int) -> Opinion:  # noqa: ARG002 - counted from status to status
        return self._cases.opinion("heard" if self._heard else "waiting")


class DeviceSilent:
    """The rule kind `device_silent`."""

    name: Final = "device_silent"
    lane: Final[Lane] = "readings"
    subject: Final[SubjectKind] = "home"
    severity: Final[Severity] = "technical"
    state_version: Final = 1
    starts_idle: Final = False

    def parse(self, table: Mapping[str, Any], where: str, base: Any = None) -> DeviceSilentParams:
        return parse_params(DeviceSilentParams, table, where, base)

    def listens(self, params: DeviceSilentParams) -> frozenset[str]:  # noqa: ARG002
        return frozenset({DEVICE_STATUS, DEVICE_WORD, DEVICE_PRESS})

    def start(self, subject: Subject, params: DeviceSilentParams, now_ms: int) -> Monitor:  # noqa: ARG002 - the first status starts the clock
        return DeviceSilentMonitor(subject, params)

    def load(
        self, subject: Subject, params: DeviceSilentParams, document: Mapping[str, Any]
    ) -> Monitor:
        return DeviceSilentMonitor(subject, params).load(document)
