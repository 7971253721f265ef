"""A finding: what a rule says is wrong with a home, why, since when, on what evidence."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from contract.ids import name_uuid

Severity = Literal["urgent", "watch", "technical"]
Phase = Literal["raised", "repeated", "cleared"]
EvidenceValue = str | int | float | bool | None | Sequence[Sequence[float]] | Sequence[str]

_NAMESPACE = uuid.UUID("6f1b2c1e-52a4-5a43-8f0e-5d2f0a7c9b10")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Pure output of a rule.

    episode: the same for all findings of one occurrence, equal again after any replay.
    phase: `raised` opens, `repeated` is heard again (second press, worsening), `cleared` says
    that the cause is gone; whether that closes an alarm is not the rule's to decide.
    reason: a value of the rule kind's Reason enum. source_id: the item that caused it, if any.
    part: which of several things of the home it is about (`<gateway>/<device>`); each has an alarm
    of its own. repair_within_ms: somebody has to mend it in this time.
    """

    episode: str
    home: str
    rule: str
    kind: str
    severity: Severity
    phase: Phase
    reason: str
    raised_at_ms: int
    at_ms: int
    device: str | None = None
    source_id: str | None = None
    evidence: Mapping[str, EvidenceValue] = field(default_factory=dict)
    part: str = ""
    repair_within_ms: int | None = None


def episode_id(home: str, rule: str, key: str) -> str:
    """The name-based UUID of an occurrence; `key` is the item id or the start that defines it."""
    return name_uuid(_NAMESPACE, f"{home}|{rule}|{key}")
