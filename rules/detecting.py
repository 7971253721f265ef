"""The factory of rule kinds about detectors: something went off, and that is told as it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from contract.config import ConfigError, one_of
from contract.kinds import ACTIVATION_KINDS
from rules.finding import Severity
from rules.params import number, parse_params
from rules.pressing import ActivationMonitor
from rules.rule import Lane, Monitor, Subject, SubjectKind


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorParams:
    """listens_to: kinds of activation items; late_after_s: older on arrival is marked `late`."""

    listens_to: tuple[str, ...] = ()
    late_after_s: int = number(120, 5, 86_400)


class DetectorKind:
    """A subclass gives `name` and `params`, whose `listens_to` is what it hears by default."""

    name: str = ""
    lane: Final[Lane] = "urgent"
    subject: Final[SubjectKind] = "home"
    severity: Severity = "urgent"
    state_version: Final = 1
    starts_idle: Final = True
    # Under which names its states and its rules of rules.toml were written by older programs.
    formerly: frozenset[str] = frozenset()

    params: type[DetectorParams]

    def parse(self, table: Mapping[str, Any], where: str, base: Any = None) -> DetectorParams:
        params = parse_params(self.params, table, where, base)
        if not params.listens_to:
            raise ConfigError(f"{where}.listens_to", "names no kind, the rule would never fire")
        for kind in params.listens_to:
            # A press of a call button has its own rule, which no setting can weaken.
            one_of(kind, ACTIVATION_KINDS - {"sos"}, f"{where}.listens_to")
        return params

    def listens(self, params: DetectorParams) -> frozenset[str]:
        return frozenset(params.listens_to)

    def start(
        self,
        subject: Subject,
        params: DetectorParams,
        now_ms: int,  # noqa: ARG002 - nothing to time
    ) -> Monitor:
        return _monitor(subject, params)

    def load(
        self, subject: Subject, params: DetectorParams, document: Mapping[str, Any]
    ) -> Monitor:
        return _monitor(subject, params).load(document)


def _monitor(subject: Subject, params: DetectorParams) -> ActivationMonitor:
    return ActivationMonitor(subject, late_after_ms=params.late_after_s * 1000, by_hand=False)
