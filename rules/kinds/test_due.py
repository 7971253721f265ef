"""A call button that nobody has pressed for a week: does it still work?

Sees: `device_press`. Any press, hold or test shows that button, radio, gateway and hub work, and
starts the time again; a detector's `clear` does not. A button that was never pressed is counted
from when it was first known here.

Can't see: whether the elder can reach the button.

Defaults: the device's own interval, or seven days for buttons and fall detectors; to be done within
seven days. It never becomes `watch`, for nothing is known to be broken.

Sources: weekly button test (thresholds, section 3).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from rules.device_cases import DeviceCases, Trouble
from rules.finding import Finding, Severity
from rules.params import number, parse_params
from rules.rule import (
    DEVICE_PRESS,
    NOTHING,
    DeviceFacts,
    Lane,
    Monitor,
    Observation,
    Opinion,
    Subject,
    SubjectKind,
)


class DueTestReason(StrEnum):
    WEEKLY_TEST_DUE = "weekly_test_due"
    TESTED = "tested"


@dataclass(frozen=True, slots=True, kw_only=True)
class DueTestParams:
    """repair_h: with one of the next visits; a button that is broken is found by other rules."""

    repair_h: float = number(168.0, 1.0, 720.0)


class DueTestMonitor:
    """`_tested`: part → hub's time of the last press, or since when the button is known."""

    __slots__ = ("_cases", "_params", "_subject", "_tested", "due_ms")

    def __init__(self, subject: Subject, params: DueTestParams) -> None:
        self._subject = subject
        self._params = params
        self._cases = DeviceCases(subject)
        self._tested: dict[str, int] = {}
        self.due_ms: int | None = None

    def begin(self) -> "DueTestMonitor":
        """Start the time of every button that has none yet, since these facts are known."""
        for facts in self._subject.devices:
            tested_ms = self._tested.setdefault(facts.part, self._subject.since_ms)
            if facts.part not in self._cases:
                self._plan(facts, tested_ms)
        return self

    def observe(self, observation: Observation, now_ms: int) -> list[Finding]:
        part = observation.device
        facts = self._subject.device(part)
        if facts is None or observation.attrs.get("action") == "clear":
            return NOTHING
        self._tested[part] = now_ms
        found = self._cases.end(part, DueTestReason.TESTED, now_ms)
        self._plan(facts, now_ms)
        return found

    def _plan(self, facts: DeviceFacts, tested_ms: int) -> None:
        if facts.test_interval_s is not None:
            trouble = Trouble(
                reason=DueTestReason.WEEKLY_TEST_DUE,
                mend_ms=round(self._params.repair_h * 3_600_000),
                worsens=False,
                # Nothing is known to be broken: no two hours, and it never becomes `watch`.
                life_critical=False,
                evidence={"tested_ms": tested_ms, "test_interval_s": facts.test_interval_s},
            )
            # `tested_ms` as the present: what is due already is raised by the next timer.
            self._cases.begin(
                facts.part,
                trouble,
                raise_ms=tested_ms + facts.test_interval_s * 1000,
                now_ms=tested_ms,
            )
        self.due_ms = self._cases.due_ms

    def fire(self, at_ms: int) -> list[Finding]:
        found = self._cases.fire(at_ms)
        # After other settings ended a case, the button's time goes on by the new ones.
        self.begin()
        self.due_ms = self._cases.due_ms
        return found

    def resume(self, now_ms: int) -> None:
        self._cases.resume(now_ms)
        self.due_ms = self._cases.due_ms

    def dump(self) -> dict[str, Any]:
        return {"tested": self._tested, "cases": self._cases.dump()}

    def load(self, document: Mapping[str, Any]) -> "DueTestMonitor":
        here = {facts.part: facts for facts in self._subject.devices}
        for part, at_ms in document["tested"].items():
            if part in here:
                self._tested[part] = int(at_ms)
        self._cases.load(document["cases"])
        self._cases.keep(
            lambda part, trouble: (
                part in here
                and here[part].test_interval_s == trouble.evidence.get("test_interval_s")
            )
        )
        self.due_ms = self._cases.due_ms
        return self.begin()

    def view(self, now_ms: int) -> Opinion:  # noqa: ARG002 - the cases know since when
        return self._cases.opinion("tested" if self._tested else "quiet")


class DueTest:
    """The rule kind `test_due`."""

    name: Final = "test_due"
    lane: Final[Lane] = "readings"
    subject: Final[SubjectKind] = "home"
    severity: Final[Severity] = "technical"
    state_version: Final = 1
    starts_idle: Final = False

    def parse(self, table: Mapping[str, Any], where: str, base: Any = None) -> DueTestParams:
        return parse_params(DueTestParams, table, where, base)

    def listens(self, params: DueTestParams) -> frozenset[str]:  # noqa: ARG002
        return frozenset({DEVICE_PRESS})

    def start(self, subject: Subject, params: DueTestParams, now_ms: int) -> Monitor:  # noqa: ARG002 - since the facts are known
        return DueTestMonitor(subject, params).begin()

    def load(self, subject: Subject, params: DueTestParams, document: Mapping[str, Any]) -> Monitor:
        return DueTestMonitor(subject, params).load(document)
