"""A call for help: every press or hold of a call button, at once and always.

Sees: items of kind `sos`. `press`, `hold`, an unknown or no action raise; `test` is told as a
technical finding with reason `test_press`; `clear` says nothing, for only a named human ends a call
for help. No rate limit, no quiet hours; it can't be switched off or made softer. An id seen among
the last 32 is a duplicate.

Can't see: a press that the gateway never received.

Defaults: a press older than two minutes on arrival is marked late, and raised like any other.

Sources: the promise of this system (design, section 4): no call is lost, doubled or silenced.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from rules.finding import Severity
from rules.params import number, parse_params
from rules.pressing import ActivationMonitor
from rules.rule import Lane, Monitor, Subject, SubjectKind


@dataclass(frozen=True, slots=True, kw_only=True)
class SosParams:
    """late_after_s: a press older than this on arrival is marked `late`, and raised as ever."""

    late_after_s: int = number(120, 5, 86_400)


class Sos:
    """The rule kind `sos`."""

    name: Final = "sos"
    lane: Final[Lane] = "urgent"
    subject: Final[SubjectKind] = "home"
    severity: Final[Severity] = "urgent"
    state_version: Final = 1
    starts_idle: Final = True

    def parse(self, table: Mapping[str, Any], where: str, base: Any = None) -> SosParams:
        return parse_params(SosParams, table, where, base)

    def listens(self, params: SosParams) -> frozenset[str]:  # noqa: ARG002 - the same for all
        return frozenset({"sos"})

    def start(self, subject: Subject, params: SosParams, now_ms: int) -> Monitor:  # noqa: ARG002
        return _monitor(subject, params)

    def load(self, subject: Subject, params: SosParams, document: Mapping[str, Any]) -> Monitor:
        return _monitor(subject, params).load(document)


def _monitor(subject: Subject, params: SosParams) -> ActivationMonitor:
    return ActivationMonitor(subject, late_after_ms=params.late_after_s * 1000, by_hand=True)
