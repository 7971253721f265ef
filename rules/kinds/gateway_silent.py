"""A gateway that stops talking: everything behind it can no longer be seen.

Sees: heartbeats, passed as observations of kind `status` with the home `gateway:<id>`, by the hub's
clock, for a gateway's may be wrong. A last will (`attrs.online` false) and a retained copy
(`attrs.retained` true) prove nothing. After a restart of the hub every gateway gets its time again.

Can't see: whether the power, the network or the device failed.

Defaults: raised 90 s after the last heartbeat (three missed), or after the roster named a gateway
that never spoke; cleared by the next heartbeat.

Sources: reporting time of EN 50136 class SP5.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from rules.finding import Finding, Severity
from rules.params import number, parse_params
from rules.rule import NOTHING, Lane, Monitor, Observation, Opinion, Subject, SubjectKind


class SilenceReason(StrEnum):
    NO_HEARTBEAT = "no_heartbeat"
    NEVER_HEARD = "never_heard"
    HEARD_AGAIN = "heard_again"
    HEARD = "heard"


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySilentParams:
    """after_s: three missed heartbeats of 30 s, the reporting time of EN 50136 class SP5."""

    after_s: int = number(90, 10, 86_400)


class GatewaySilentMonitor:
    """`_heard_ms`: the last heartbeat, or the moment from which one was expected."""

    __slots__ = ("_after_ms", "_ever", "_heard_ms", "_raised_ms", "_subject", "due_ms")

    def __init__(self, subject: Subject, after_ms: int, now_ms: int) -> None:
        self._subject = subject
        self._after_ms = after_ms
        self._heard_ms = now_ms
        self._ever = False
        self._raised_ms: int | None = None
        self.due_ms: int | None = now_ms + after_ms

    def observe(self, observation: Observation, now_ms: int) -> list[Finding]:
        attrs = observation.attrs
        if attrs.get("online", True) is False or attrs.get("retained", False) is True:
            return NOTHING
        # A gateway's clock may be wrong by years: what counts is that it was heard now.
        found = NOTHING
        if self._raised_ms is not None:
            found = [self._finding("cleared", SilenceReason.HEARD_AGAIN, now_ms)]
            self._raised_ms = None
        self._heard_ms = now_ms
        self._ever = True
        self.due_ms = now_ms + self._after_ms
        return found

    def fire(self, at_ms: int) -> list[Finding]:
        self._raised_ms = at_ms
        self.due_ms = None
        return [self._finding("raised", self._cause(), at_ms)]

    def resume(self, now_ms: int) -> None:
        if self._raised_ms is None:
            self.due_ms = max(self._heard_ms, now_ms) + self._after_ms

    def dump(self) -> dict[str, Any]:
        return {
            "heard": self._heard_ms,
            "ever": self._ever,
            "raised": self._raised_ms,
            "due": self.due_ms,
        }

    def load(self, document: Mapping[str, Any]) -> "GatewaySilentMonitor":
        self._heard_ms = int(document["heard"])
        self._ever = bool(document["ever"])
        raised = document["raised"]
        self._raised_ms = None if raised is None else int(raised)
        due = document["due"]
        self.due_ms = None if due is None else int(due)
        return self

    def view(self, now_ms: int) -> Opinion:
        if self._raised_ms is None:
            state = "heard" if self._ever else "waiting"
            return Opinion(
                state=state,
                since_ms=self._heard_ms,
                explanation={"reason": SilenceReason.HEARD, "last_heard_ms": self._last_heard()},
            )
        return Opinion(
            state="silent",
            since_ms=self._raised_ms,
            explanation={
                "reason": self._cause(),
                "last_heard_ms": self._last_heard(),
                "silent_s": (now_ms - self._heard_ms) // 1000,
            },
        )

    def _cause(self) -> SilenceReason:
        return SilenceReason.NO_HEARTBEAT if self._ever else SilenceReason.NEVER_HEARD

    def _last_heard(self) -> int | None:
        return self._heard_ms if self._ever else None

    def _finding(self, phase: Any, reason: SilenceReason, at_ms: int) -> Finding:
        raised_ms = at_ms if self._raised_ms is None else self._raised_ms
        return self._subject.finding(
            key=str(raised_ms),
            phase=phase,
            reason=reason,
            raised_at_ms=raised_ms,
            at_ms=at_ms,
            evidence={
                "last_heard_ms": self._last_heard(),
                "after_s": self._after_ms // 1000,
                "silent_s": (at_ms - self._heard_ms) // 1000,
            },
        )


class GatewaySilent:
    """The rule kind `gateway_silent`."""

    name: Final = "gateway_silent"
    lane: Final[Lane] = "readings"
    subject: Final[SubjectKind] = "gateway"
    severity: Final[Severity] = "technical"
    state_version: Final = 1
    starts_idle: Final = False

    def parse(self, table: Mapping[str, Any], where: str, base: Any = None) -> GatewaySilentParams:
        return parse_params(GatewaySilentParams, table, where, base)

    def listens(self, params: GatewaySilentParams) -> frozenset[str]:  # noqa: ARG002
        return frozenset({"status"})

    def start(self, subject: Subject, params: GatewaySilentParams, now_ms: int) -> Monitor:
        return GatewaySilentMonitor(subject, params.after_s * 1000, now_ms)

    def load(
        self, subject: Subject, params: GatewaySilentParams, document: Mapping[str, Any]
    ) -> Monitor:
        return GatewaySilentMonitor(subject, params.after_s * 1000, 0).load(document)
