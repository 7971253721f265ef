"""What a finding does to the alarms that are open. Pure.

One open alarm per subject, rule and part: another press, a worse reading or more evidence joins
it and is heard again; nothing that arrives ever opens a second one beside it.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from alarms.lifecycle import REPAIR_KINDS
from contract.ids import name_uuid
from rules.finding import Finding, Severity

_SEVERITY_ORDER: Final[Mapping[Severity, int]] = {"technical": 0, "watch": 1, "urgent": 2}

# A home visit follows every urgent alarm within 45 minutes (thresholds, section 3).
TASK_DUE_MS: Final = 45 * 60_000

# Evidence kept on the alarm itself; the readings and events behind it stay in their stores.
EVIDENCE_BYTES_MAX: Final = 16 * 1024

_TASK_NAMESPACE: Final = uuid.UUID("0f0c0a52-6e5d-5d0b-8a5e-1d3c5b7a9e21")

Action = Literal["raise", "join", "worsen", "clear", "note", "ignore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAlarm:
    """What intake must know of the alarm that is open for this subject, rule and part."""

    id: str
    severity: Severity
    last_event_ms: int


def decide(finding: Finding, current: OpenAlarm | None, *, replayable: bool) -> Action:
    """What to do with a finding.

    replayable: it may come again after a crash (findings from readings; an activation cannot,
    its event is stored once). note: recorded, nobody is woken (a test press). ignore: this very
    finding is in already.
    """
    if finding.reason == "test_press":
        return "note"
    if finding.phase == "cleared":
        return "clear" if current is not None else "ignore"
    if current is None:
        return "raise"
    # Before the replay: what is worse than the alarm cannot be in it yet, however old it is.
    if _SEVERITY_ORDER[finding.severity] > _SEVERITY_ORDER[current.severity]:
        return "worsen"
    if replayable and finding.at_ms <= current.last_event_ms:
        return "ignore"
    return "join"


def needs_task(alarm: Mapping[str, Any]) -> bool:
    """Every urgent alarm gets somebody sent, and everything that must be mended."""
    return alarm["severity"] == "urgent" or alarm["repair_within_ms"] is not None


def due_within_ms(alarm: Mapping[str, Any]) -> int:
    """Time for the task: a repair's own, or that of a home visit."""
    repair_ms = alarm["repair_within_ms"]
    return TASK_DUE_MS if repair_ms is None else int(repair_ms)


def task_kind(alarm: Mapping[str, Any]) -> str:
    if alarm["kind"] in REPAIR_KINDS:
        return "repair"
    return "emergency" if alarm["severity"] == "urgent" else "follow_up"


def task_id(alarm: str, reopened: int = 0) -> str:
    """One task for each alarm, whatever is replayed, and one more each time it is opened again."""
    return name_uuid(_TASK_NAMESPACE, f"{alarm}|{reopened}" if reopened else alarm)


def next_task_id(before: str) -> str:
    """The task after one that is over, of the same alarm."""
    return name_uuid(_TASK_NAMESPACE, f"{before}|next")


def is_milder(finding: Finding, severity: Severity) -> bool:
    """It belongs to the alarm, but says less than what the alarm is about."""
    return _SEVERITY_ORDER[finding.severity] < _SEVERITY_ORDER[severity]


def merged_evidence(
    old: Mapping[str, Any], finding: Finding, *, milder: bool = False
) -> dict[str, Any]:
    """The newest evidence, with what the first finding saw kept under `first`.

    What is milder than the alarm stands under `milder`: a call about 190/117 goes on saying so when
    the mean of the week is found to be high as well."""
    if milder:
        seen = {name: value for name, value in finding.evidence.items() if name != "readings"}
        return {**old, "milder": {"reason": finding.reason, **seen}}
    first = old.get("first", {k: v for k, v in old.items() if k != "first"})
    return {**finding.evidence, "first": first}


def open_alarm(row: Mapping[str, Any] | None) -> OpenAlarm | None:
    if row is None:
        return None
    return OpenAlarm(id=row["id"], severity=row["severity"], last_event_ms=row["last_event_ms"])
