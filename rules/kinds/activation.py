"""A detector went off: fall, smoke, gas, leak, tamper; one configured rule for each.

Sees: items of the kinds in `listens_to`, so that a site can join or split them. The same words as a
call button: `press`, `hold` or none raise, `test` is technical, `clear` tells that the device sees
the cause gone (and closes nothing by itself).

Can't see: what the detector doesn't; carbon monoxide in figures is the rule `carbon_monoxide`.

Defaults: fall, smoke and gas are urgent, a leak is to be watched, tampering is technical. Older
than two minutes on arrival is marked late.

Sources: the promise of this system (design, section 4); detectors' own standards set their limits.
"""

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
class ActivationParams:
    """listens_to: kinds of activation items; late_after_s: older on arrival is marked `late`."""

    listens_to: tuple[str, ...] = ("fall", "gas", "leak", "smoke", "tamper")
    late_after_s: int = number(120, 5, 86_400)


class Activation:
    """The rule kind `activation`."""

    name: Final = "activation"
    lane: Final[Lane] = "urgent"
    subject: Final[SubjectKind] = "home"
    severity: Final[Severity] = "urgent"
    state_version: Final = 1
    starts_idle: Final = True

    def parse(self, table: Mapping[str, Any], where: str, base: Any = None) -> ActivationParams:
        params = parse_params(ActivationParams, table, where, base)
        if not params.listens_to:
            raise ConfigError(f"{where}.listens_to", "names no kind, the rule would never fire")
        for kind in params.listens_to:
            # A press of a call button has its own rule, which no setting can weaken.
            one_of(kind, ACTIVATION_KINDS - {"sos"}, f"{where}.listens_to")
        return params

    def listens(self, params: ActivationParams) -> frozenset[str]:
        return frozenset(params.listens_to)

    def start(
        self,
        subject: Subject,
        params: ActivationParams,
        now_ms: int,  # noqa: ARG002 - nothing to time
    ) -> Monitor:
        return _monitor(subject, params)

    def load(
        self, subject: Subject, params: ActivationParams, document: Mapping[str, Any]
    ) -> Monitor:
        return _monitor(subject, params).load(document)


def _monitor(subject: Subject, params: ActivationParams) -> ActivationMonitor:
    return ActivationMonitor(subject, late_after_ms=params.late_after_s * 1000, by_hand=False)
