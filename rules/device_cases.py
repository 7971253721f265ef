"""What is wrong with which device, until it is right again: what all rules about devices share.

A case begins, is raised once it has lasted, is heard again as `watch` when a life-critical device
is not mended in its time, and ends with its cause:

  begin --lasted--> raised --not mended in time--> repeated (watch)     (life-critical devices)
    |                  |                              |
    +------ end -------+----------- end --------------+-> cleared, unless another case of this
                                                          device is still raised

Cases have names: the part (`<gateway>/<device>`), or `<part>#<what>` where a device can have
several at once. All of one part share an alarm. A device that left the home takes its cases along.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from rules.finding import EvidenceValue, Finding, Phase, Severity
from rules.rule import NOTHING, DeviceFacts, Opinion, Subject

# Cases of one home or gateway; a gateway's own and unclaimed devices are a few, and nobody can
# work off more than this.
CASES_MAX: Final = 2000
# After the hub was away, what waits at the gateways (a test, a recovery) gets this long to come.
RESUME_GRACE_MS: Final = 5 * 60_000
# A device that was heard for the first time is in the register, and in what is said of it, within
# this time; one that is not there later has left.
LISTED_MS: Final = 60_000


class CaseReason(StrEnum):
    # Of `cleared`, whatever the rule: it is bound elsewhere, or other settings say so.
    NOT_WATCHED = "not_watched"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What a rule says of a device. `mend_ms`: how long until it must be mended; `worsens`:
    whether it is heard again then, if the device is life-critical."""

    reason: str
    mend_ms: int
    worsens: bool
    life_critical: bool
    evidence: Mapping[str, EvidenceValue]


class _Case:
    """`raise_ms`: when it has lasted long enough; `key` names the occasion."""

    __slots__ = ("began_ms", "gone_ms", "key", "raise_ms", "raised_ms", "trouble", "worsen_ms")

    def __init__(self, key: str, trouble: Trouble, began_ms: int, raise_ms: int) -> None:
        self.key = key
        self.trouble = trouble
        self.began_ms = began_ms
        self.raise_ms = raise_ms
        self.raised_ms: int | None = None
        self.worsen_ms: int | None = None
        self.gone_ms: int | None = None

    @property
    def due_ms(self) -> int | None:
        if self.gone_ms is not None:
            return self.gone_ms
        return self.raise_ms if self.raised_ms is None else self.worsen_ms


class DeviceCases:
    """The cases of one monitor. `due_ms` is the monitor's."""

    __slots__ = ("_cases", "_ended_ms", "_subject", "due_ms")

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._cases: dict[str, _Case] = {}
        # When a case ended last: the next occasion is a later one, even in the same millisecond.
        self._ended_ms = -1
        self.due_ms: int | None = None

    def __contains__(self, name: str) -> bool:
        return name in self._cases

    def facts(self, part: str) -> DeviceFacts:
        """What is known of a device; a gateway itself is life-critical, for all go through it."""
        facts = self._subject.device(part)
        if facts is not None:
            return facts
        gateway, _, device = part.partition("/")
        return DeviceFacts(gateway, device, life_critical=gateway == device)

    def begin(self, name: str, trouble: Trouble, *, raise_ms: int, now_ms: int) -> list[Finding]:
        """A case that lasts until `raise_ms` is raised then; one that is there stays as it is."""
        if name in self._cases or len(self._cases) >= CASES_MAX:
            return NOTHING
        began_ms = max(now_ms, self._ended_ms + 1)
        case = self._cases[name] = _Case(f"{name}|{began_ms}", trouble, began_ms, raise_ms)
        found = self._raise(name, case, began_ms) if raise_ms <= now_ms else NOTHING
        self._plan()
        return found

    def end(self, name: str, reason: str, now_ms: int) -> list[Finding]:
        case = self._cases.pop(name, None)
        if case is None:
            return NOTHING
        self._plan()
        return self._ended(name, case, reason, now_ms)

    def fire(self, at_ms: int) -> list[Finding]:
        found = NOTHING
        for name, case in list(self._cases.items()):
            if case.due_ms is None or case.due_ms > at_ms:
                continue
            if case.gone_ms is not None:
                del self._cases[name]
                found = found + self._ended(name, case, CaseReason.NOT_WATCHED, at_ms)
            elif case.raised_ms is None:
                found = found + self._raise(name, case, at_ms)
            else:
                case.worsen_ms = None
                found = [*found, self._finding(name, case, "repeated", at_ms, severity="watch")]
        self._plan()
        return found

    def resume(self, now_ms: int) -> None:
        for case in self._cases.values():
            if case.raised_ms is None:
                case.raise_ms = max(case.raise_ms, now_ms + RESUME_GRACE_MS)
        self._plan()

    def keep(self, wanted: Callable[[str, Trouble], bool]) -> None:
        """Other settings since: what is not wanted is forgotten, or ended where it was raised."""
        for name, case in list(self._cases.items()):
            if wanted(_part(name), case.trouble):
                continue
            if case.raised_ms is None:
                del self._cases[name]
            elif case.gone_ms is None:
                case.gone_ms = self._subject.since_ms
        self._plan()

    def opinion(self, otherwise: str) -> Opinion:
        """For a screen: the oldest raised case, or the state that a monitor has without one."""
        raised = [
            (case.raised_ms, name, case.trouble)
            for name, case in self._cases.items()
            if case.raised_ms is not None
        ]
        if not raised:
            return Opinion(state=otherwise, since_ms=None, explanation={"reason": "none"})
        since_ms, name, trouble = min(raised, key=lambda row: row[:2])
        return Opinion(
            state="trouble",
            since_ms=since_ms,
            explanation={
                "reason": trouble.reason,
                "device": _part(name).partition("/")[2],
                "devices": len({_part(name) for _since_ms, name, _trouble in raised}),
            },
        )

    def dump(self) -> dict[str, Any]:
        return {"ended": self._ended_ms, "open": self._dump_open()}

    def _dump_open(self) -> dict[str, Any]:
        return {
            name: [
                case.key,
                case.began_ms,
                case.raise_ms,
                case.raised_ms,
                case.worsen_ms,
                case.gone_ms,
                case.trouble.reason,
                case.trouble.mend_ms,
                case.trouble.worsens,
                case.trouble.life_critical,
                dict(case.trouble.evidence),
            ]
            for name, case in self._cases.items()
        }

    def load(self, document: Mapping[str, Any]) -> "DeviceCases":
        """Cases of devices that have left are ended at the next moment."""
        self._ended_ms = int(document["ended"])
        for name, row in document["open"].items():
            key, began_ms, raise_ms, raised_ms, worsen_ms, gone_ms, *told = row
            reason, mend_ms, worsens, life_critical, evidence = told
            trouble = Trouble(
                reason=str(reason),
                mend_ms=int(mend_ms),
                worsens=bool(worsens),
                life_critical=bool(life_critical),
                evidence=dict(evidence),
            )
            case = _Case(str(key), trouble, int(began_ms), int(raise_ms))
            case.raised_ms = None if raised_ms is None else int(raised_ms)
            case.worsen_ms = None if worsen_ms is None else int(worsen_ms)
            case.gone_ms = None if gone_ms is None else int(gone_ms)
            here = self._subject.device(_part(name)) is not None
            old = case.began_ms < self._subject.since_ms - LISTED_MS
            if old and not here and case.gone_ms is None:
                case.gone_ms = self._subject.since_ms
            self._cases[str(name)] = case
        self._plan()
        return self

    def _raise(self, name: str, case: _Case, at_ms: int) -> list[Finding]:
        case.raised_ms = at_ms
        trouble = case.trouble
        if trouble.worsens and trouble.life_critical:
            case.worsen_ms = at_ms + trouble.mend_ms
        return [self._finding(name, case, "raised", at_ms)]

    def _ended(self, name: str, case: _Case, reason: str, now_ms: int) -> list[Finding]:
        if case.raised_ms is None:
            return NOTHING
        now_ms = self._ended_ms = max(now_ms, case.raised_ms, self._ended_ms + 1)
        part = _part(name)
        for other, left in self._cases.items():
            if _part(other) == part and left.raised_ms is not None:
                # The alarm goes on, and from now on for this reason.
                left.key = f"{left.key}|{now_ms}"
                return [self._finding(other, left, "raised", now_ms)]
        return [self._finding(name, case, "cleared", now_ms, reason=reason)]

    def _plan(self) -> None:
        due = [case.due_ms for case in self._cases.values() if case.due_ms is not None]
        self.due_ms = min(due) if due else None

    def _finding(
        self,
        name: str,
        case: _Case,
        phase: Phase,
        at_ms: int,
        *,
        reason: str | None = None,
        severity: Severity | None = None,
    ) -> Finding:
        part, trouble = _part(name), case.trouble
        return self._subject.finding(
            key=case.key,
            phase=phase,
            # A plain text, as it is again after a restart.
            reason=str(reason or trouble.reason),
            severity=severity,
            raised_at_ms=at_ms if case.raised_ms is None else case.raised_ms,
            at_ms=at_ms,
            device=part.partition("/")[2],
            part=part,
            repair_within_ms=None if phase == "cleared" else trouble.mend_ms,
            evidence={**trouble.evidence, "life_critical": trouble.life_critical},
        )


def _part(name: str) -> str:
    return name.partition("#")[0]
