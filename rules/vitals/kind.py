"""The factory that every vital sign's rule kind is an instance of."""

from collections.abc import Mapping
from typing import Any, Final

from rules.finding import Severity
from rules.params import parse_params
from rules.rule import Lane, Monitor, Subject, SubjectKind
from rules.vitals.monitor import SignMonitor
from rules.vitals.params import SignParams
from rules.vitals.sign import Sign


class VitalKind:
    """A subclass gives `name`, `sign`, `params`, `kinds` and `check`."""

    name: str = ""
    lane: Final[Lane] = "readings"
    subject: Final[SubjectKind] = "home"
    severity: Severity = "urgent"
    # Its limits want a clinician's signature (`rules.config`).
    clinical: Final = True
    state_version: int = 1
    starts_idle: bool = True

    sign: Sign
    params: type[SignParams]
    kinds: frozenset[str] = frozenset()

    def check(self, params: Any, where: str) -> None:
        """Refuse limits out of order, or a reading would be two things at once."""

    def migrated(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """A state of an older version in today's shape."""
        return document

    def parse(self, table: Mapping[str, Any], where: str, base: Any = None) -> Any:
        params = parse_params(self.params, table, where, base)
        self.check(params, where)
        return params

    def listens(self, params: Any) -> frozenset[str]:  # noqa: ARG002
        return self.kinds

    def start(self, subject: Subject, params: Any, now_ms: int) -> Monitor:  # noqa: ARG002
        return SignMonitor(subject, self.sign, params)

    def load(self, subject: Subject, params: Any, document: Mapping[str, Any]) -> Monitor:
        return SignMonitor(subject, self.sign, params).load(self.migrated(document))
