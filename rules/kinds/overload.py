"""More current than old wiring bears: a fire begins in a wall, not in an appliance.

Sees: `power` readings with watts, or amperes and volts, of the home's devices; of meters with a
register alone the highest five minutes of each quarter-hour (`power_slot`). The meter of a home's
panels (`panels_meter` of `mains`) counts what they make, and is left out.

Can't see: a single overloaded socket behind a meter that measures the whole home.

Defaults: 5.5 kW (25 A, the wire of most old village homes) for ten minutes is to be watched; 8.8 kW
(40 A, a usual main switch) for a minute is urgent. Over below nine tenths of the lower limit.

Sources: ratings of usual wires and switches; the right limit is the home's own (`[[override]]`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from sys import intern
from typing import Any, Final

from rules.derived import POWER_MADE, POWER_SLOT
from rules.finding import Finding, Severity
from rules.params import number
from rules.plain import PlainKind
from rules.rule import NOTHING, UNCHANGED, Observation, Opinion, Subject
from rules.waiting import EVER, NEVER, Calm, Slots

_MINUTE_MS: Final = 60_000
_AHEAD_MAX_MS: Final = 10 * _MINUTE_MS
# Readings further apart say nothing of the time between them.
_UNSEEN_MS: Final = 20 * _MINUTE_MS
RELEASE_PART: Final = 0.9
# Three phases of 80 A; more is a broken reading.
_POWER_MAX_W: Final = 55_000.0
# A meter is told to be the panels' with each of its readings; a day later it isn't any more.
_PANELS_MS: Final = 24 * 60 * _MINUTE_MS
# Neither limit is passed.
_BELOW: Final = (None, None)


class OverloadReason(StrEnum):
    OVERLOAD = "overload"
    OVERLOAD_HIGH = "overload_high"
    LOAD_USUAL = "load_usual"


@dataclass(frozen=True, slots=True, kw_only=True)
class OverloadParams:
    limit_w: float = number(5500.0, 500.0, 50_000.0)
    limit_min: int = number(10, 1, 240)
    high_w: float = number(8800.0, 500.0, 50_000.0)
    high_min: int = number(1, 0, 60)
    late_after_min: int = number(30, 5, 1440)


class OverloadMonitor:
    """_since: for the lower and the higher limit, since when the load was above it. _panels: the
    meter of the home's panels, and when it was last said to be that."""

    __slots__ = (
        "_device",
        "_key",
        "_last_ms",
        "_panels",
        "_params",
        "_raised",
        "_since",
        "_subject",
        "_watts",
        "due_ms",
    )

    def __init__(self, subject: Subject, params: OverloadParams) -> None:
        self.due_ms: int | None = None
        self._subject = subject
        self._params = params
        self._last_ms = -1
        self._watts = 0.0
        self._device = ""
        self._since: tuple[int | None, int | None] = _BELOW
        # [told at, severity] of the open overload.
        self._raised: tuple[int, Severity] | None = None
        self._key = ""
        self._panels: tuple[str, int] = ("", 0)

    def observe(self, observation: Observation, now_ms: int) -> list[Finding]:
        if observation.kind == POWER_MADE:
            return self._leave_out(observation, now_ms)
        device, told_ms = self._panels
        if observation.device == device and now_ms - told_ms <= _PANELS_MS:
            return UNCHANGED
        values = observation.values
        if observation.kind == POWER_SLOT:
            watts = values.get("watts")
        else:
            watts = values.get("power_w")
            if watts is None:
                # Most meters give their register alone.
                amperes, volts = values.get("current_a"), values.get("voltage_v")
                watts = None if amperes is None or volts is None else amperes * volts
        if watts is None or abs(watts) > _POWER_MAX_W:
            return UNCHANGED
        at_ms = observation.measured_at_ms
        if at_ms > now_ms + _AHEAD_MAX_MS:
            at_ms = now_ms
        if self._outdone(observation.device, watts, at_ms):
            return UNCHANGED
        params = self._params
        low = watts < params.limit_w * RELEASE_PART
        if low and watts < params.high_w and self._raised is None:
            # Nearly always; `_note` would do no more.
            self._since = _BELOW
            self._last_ms, self._watts, self._device = at_ms, watts, observation.device
            return NOTHING
        self._note(observation.device, watts, at_ms)
        if low:
            return self._clear(observation, now_ms) if self._raised is not None else NOTHING
        if now_ms - at_ms > self._params.late_after_min * _MINUTE_MS:
            return NOTHING
        severity = self._severity(at_ms)
        before = None if self._raised is None else self._raised[1]
        if severity is None or before in (severity, "urgent"):
            return NOTHING
        self._raised = (now_ms, severity)
        self._key = observation.id
        high = severity == "urgent"
        reason = OverloadReason.OVERLOAD_HIGH if high else OverloadReason.OVERLOAD
        return [self._finding("raised", reason, observation, now_ms)]

    def calm(self) -> Calm:
        """As long as nothing is too much, what is below both limits is only the last that was."""
        if self._raised is not None:
            return NEVER
        return Calm(EVER, min(self._params.limit_w * RELEASE_PART, self._params.high_w))

    def minds(self, observation: Observation, now_ms: int) -> bool:  # noqa: ARG002 - whenever
        """A register alone says nothing of the load of this moment."""
        values = observation.values
        return observation.kind == POWER_SLOT or "power_w" in values or "current_a" in values

    def catch_up(self, slots: Slots, device: str) -> None:
        for end_ms, watts, _now_ms, _grain_w in slots:
            if abs(watts) <= _POWER_MAX_W and not self._outdone(device, watts, end_ms):
                self._since = _BELOW
                self._last_ms, self._watts, self._device = end_ms, watts, device

    def _leave_out(self, observation: Observation, now_ms: int) -> list[Finding]:
        """What the panels make is no load, nor was it before somebody said whose meter this is."""
        self._panels = (observation.device, now_ms)
        if self._device != observation.device:
            return NOTHING
        self._since, self._device, self._watts, self._last_ms = _BELOW, "", 0.0, -1
        return self._clear(observation, now_ms) if self._raised is not None else NOTHING

    def _outdone(self, device: str, watts: float, at_ms: int) -> bool:
        """One device speaks until it is quiet: a socket's small load doesn't end its meter's."""
        return at_ms <= self._last_ms or (
            device != self._device and watts < self._watts and at_ms - self._last_ms <= _UNSEEN_MS
        )

    def _note(self, device: str, watts: float, at_ms: int) -> None:
        unseen = self._last_ms < 0 or at_ms - self._last_ms > _UNSEEN_MS
        since, params = self._since, self._params
        self._since = (
            _since(since[0], at_ms, over=watts >= params.limit_w, unseen=unseen),
            _since(since[1], at_ms, over=watts >= params.high_w, unseen=unseen),
        )
        self._last_ms, self._watts, self._device = at_ms, watts, device

    def _severity(self, at_ms: int) -> Severity | None:
        low, high = self._since
        p = self._params
        if high is not None and at_ms - high >= p.high_min * _MINUTE_MS:
            return "urgent"
        if low is not None and at_ms - low >= p.limit_min * _MINUTE_MS:
            return "watch"
        return None

    def _clear(self, observation: Observation, now_ms: int) -> list[Finding]:
        found = self._finding("cleared", OverloadReason.LOAD_USUAL, observation, now_ms)
        self._raised = None
        return [found]

    def fire(self, at_ms: int) -> list[Finding]:  # noqa: ARG002 - judged when something is seen
        return NOTHING

    def resume(self, now_ms: int) -> None:
        """Readings that were missed leave a hole, which is noticed by itself."""

    def dump(self) -> dict[str, Any]:
        return {
            "last": self._last_ms,
            "watts": self._watts,
            "device": self._device,
            "since": self._since,
            "raised": self._raised,
            "key": self._key,
            **({"panels": self._panels} if self._panels[0] else {}),
        }

    def load(self, document: Mapping[str, Any]) -> "OverloadMonitor":
        self._last_ms = int(document["last"])
        self._watts = float(document["watts"])
        self._device = intern(str(document["device"]))
        low, high = document["since"]
        self._since = (None if low is None else int(low), None if high is None else int(high))
        raised = document["raised"]
        if raised is not None:
            self._raised = (int(raised[0]), "urgent" if raised[1] == "urgent" else "watch")
        self._key = str(document["key"])
        name, told_ms = document.get("panels", ("", 0))
        self._panels = (intern(str(name)), int(told_ms))
        return self

    def view(self, now_ms: int) -> Opinion:  # noqa: ARG002 - the last word of the meter
        if self._raised is None:
            return Opinion(
                state="quiet", since_ms=None, explanation={"reason": OverloadReason.LOAD_USUAL}
            )
        at_ms, severity = self._raised
        high = severity == "urgent"
        return Opinion(
            state="overloaded",
            since_ms=at_ms,
            explanation={
                "reason": OverloadReason.OVERLOAD_HIGH if high else OverloadReason.OVERLOAD,
                "power_w": round(self._watts),
            },
        )

    def _finding(
        self, phase: Any, reason: OverloadReason, observation: Observation, now_ms: int
    ) -> Finding:
        raised_ms, severity = self._raised or (now_ms, "watch")
        since_ms = self._since[0]
        return self._subject.finding(
            key=self._key,
            phase=phase,
            reason=reason,
            severity=severity,
            raised_at_ms=raised_ms,
            at_ms=now_ms,
            device=observation.device,
            source_id=observation.id,
            evidence={
                "power_w": round(self._watts),
                "limit_w": self._params.limit_w,
                "since_ms": raised_ms if since_ms is None else since_ms,
            },
        )


def _since(before_ms: int | None, at_ms: int, *, over: bool, unseen: bool) -> int | None:
    if not over:
        return None
    return at_ms if unseen or before_ms is None else before_ms


OVERLOAD: Final = PlainKind(
    name="overload",
    params=OverloadParams,
    hears=frozenset({"power", POWER_SLOT, POWER_MADE}),
    hears_no_register=True,
    monitor=OverloadMonitor,
    severity="watch",
    patient=True,
)
