"""One user of a cuff: the week of readings, the wait for a repeat, what is wrong now.

Also what a finding about it shows as evidence, and its form on disk.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from rules.finding import EvidenceValue
from rules.pressure import TROUBLE, PressureParams, PressureReason, Reading, mean

# Two readings further apart than this ask for a third (thresholds, section 1).
_THIRD_READING_MMHG: Final = 10


@dataclass(slots=True, kw_only=True)
class Pending:
    """A first reading that waits for its repeat."""

    reason: PressureReason
    measured_ms: int
    due_ms: int
    device: str
    item: str


class Person:
    """One user of the cuff. `troubles`: trouble → [level, measured time of the last news]."""

    __slots__ = ("history", "pending", "troubles")

    def __init__(self) -> None:
        self.history: list[Reading] = []
        self.pending: Pending | None = None
        self.troubles: dict[str, list[int]] = {}


def sitting_evidence(sitting: list[Reading]) -> dict[str, EvidenceValue]:
    """The newest reading of a sitting and, when it was repeated, the mean that counts."""
    newest = sitting[-1]
    evidence: dict[str, EvidenceValue] = {
        "systolic_mmhg": newest.systolic,
        "diastolic_mmhg": newest.diastolic,
        "count": len(sitting),
    }
    if len(sitting) > 1:
        systolic, diastolic = mean(sitting)
        evidence["mean_systolic_mmhg"] = round(systolic, 1)
        evidence["mean_diastolic_mmhg"] = round(diastolic, 1)
        spread = max(r.systolic for r in sitting) - min(r.systolic for r in sitting)
        if len(sitting) == 2 and spread > _THIRD_READING_MMHG:
            evidence["third_advised"] = True
    return evidence


def limits(reason: PressureReason, p: PressureParams) -> dict[str, EvidenceValue]:
    """The limits that this reason was judged by."""
    if reason is PressureReason.CRISIS:
        pair = (p.crisis_systolic_mmhg, p.crisis_diastolic_mmhg)
    elif reason is PressureReason.MEAN_HIGH:
        pair = (p.mean_systolic_mmhg, p.mean_diastolic_mmhg)
    elif TROUBLE[reason][0] == "high":
        pair = (p.urgent_systolic_mmhg, p.urgent_diastolic_mmhg)
    else:
        one = {
            PressureReason.LOW_CONFIRMED: p.low_systolic_mmhg,
            PressureReason.LOW_UNCONFIRMED: p.low_systolic_mmhg,
            PressureReason.LOW_WATCH: p.low_watch_systolic_mmhg,
            PressureReason.PULSE_LOW: p.pulse_low_bpm,
            PressureReason.PULSE_LOW_WATCH: p.pulse_low_watch_bpm,
            PressureReason.PULSE_HIGH: p.pulse_high_bpm,
            PressureReason.PULSE_HIGH_WATCH: p.pulse_high_watch_bpm,
        }[reason]
        unit = "bpm" if TROUBLE[reason][0].startswith("pulse") else "systolic_mmhg"
        return {f"limit_{unit}": one}
    return {"limit_systolic_mmhg": pair[0], "limit_diastolic_mmhg": pair[1]}


def dump_person(person: Person) -> dict[str, Any]:
    pending = person.pending
    return {
        "history": person.history,
        "troubles": person.troubles,
        "pending": None
        if pending is None
        else [
            pending.reason,
            pending.measured_ms,
            pending.due_ms,
            pending.device,
            pending.item,
        ],
    }


def load_person(document: Mapping[str, Any]) -> Person:
    person = Person()
    person.history = [
        Reading(int(m), float(s), float(d), float(p)) for m, s, d, p in document["history"]
    ]
    person.troubles = {str(t): [int(v[0]), int(v[1])] for t, v in document["troubles"].items()}
    if document["pending"] is not None:
        reason, measured_ms, due_ms, device, item = document["pending"]
        person.pending = Pending(
            reason=PressureReason(reason),
            measured_ms=int(measured_ms),
            due_ms=int(due_ms),
            device=str(device),
            item=str(item),
        )
    return person
