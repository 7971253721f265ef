"""Monitors of activations: something was pressed, or a detector went off.

Every press is a `raised` finding with an episode of its own, named by the item's id; whether an
alarm is open that it joins is known by the alarms alone. A rule can't know it and never guesses.
Nothing here is ever held back: no rate limit, no quiet hours, no learning.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from rules.finding import EvidenceValue, Finding
from rules.rule import NOTHING, Observation, Opinion, Subject

# Ids remembered per home and rule to answer a duplicate with silence. The hub stores each event
# once before the rules see it; this is the second belt, and a trembling hand fits into it.
SEEN_IDS_MAX: Final = 32

# Without an `action` the item is a press: a button that can say only one thing says "help".
_PRESS: Final = "press"


class PressReason(StrEnum):
    PRESSED = "pressed"
    HELD = "held"
    TEST_PRESS = "test_press"
    DETECTED = "detected"
    DEVICE_CLEAR = "device_clear"


class ActivationMonitor:
    """The presses of one home for one rule.

    by_hand: a person triggers it (pressed, held); otherwise a detector does (detected) and its
    own `clear` is told as `cleared`. `clear` of a call button says nothing: only a named human
    ends a call for help.
    """

    __slots__ = ("_by_hand", "_late_after_ms", "_open", "_seen", "_subject", "due_ms")

    def __init__(self, subject: Subject, *, late_after_ms: int, by_hand: bool) -> None:
        self.due_ms: int | None = None
        self._subject = subject
        self._late_after_ms = late_after_ms
        self._by_hand = by_hand
        self._seen: dict[str, None] = {}
        # The last activation: [id, hub time, device].
        self._open: tuple[str, int, str] | None = None

    def observe(self, observation: Observation, now_ms: int) -> list[Finding]:
        if observation.id in self._seen:
            return NOTHING
        self._seen[observation.id] = None
        if len(self._seen) > SEEN_IDS_MAX:
            del self._seen[next(iter(self._seen))]
        action = observation.attrs.get("action", _PRESS)
        if action == "test":
            return [self._finding(observation, now_ms, PressReason.TEST_PRESS)]
        if action == "clear":
            return self._clear(observation, now_ms)
        self._open = (observation.id, now_ms, observation.device)
        if not self._by_hand:
            return [self._finding(observation, now_ms, PressReason.DETECTED)]
        held = action == "hold"
        return [
            self._finding(observation, now_ms, PressReason.HELD if held else PressReason.PRESSED)
        ]

    def fire(self, at_ms: int) -> list[Finding]:  # noqa: ARG002 - it never asks to be woken
        return NOTHING

    def resume(self, now_ms: int) -> None:
        """Presses need nobody to listen: the gateway keeps them."""

    def dump(self) -> dict[str, Any]:
        return {"seen": list(self._seen), "open": self._open}

    def load(self, document: Mapping[str, Any]) -> "ActivationMonitor":
        self._seen = dict.fromkeys(str(i) for i in document["seen"][-SEEN_IDS_MAX:])
        last = document["open"]
        self._open = None if last is None else (str(last[0]), int(last[1]), str(last[2]))
        return self

    def view(self, now_ms: int) -> Opinion:  # noqa: ARG002 - nothing here runs out
        if self._open is None:
            return Opinion(state="quiet", since_ms=None, explanation={"reason": "none"})
        word = PressReason.PRESSED if self._by_hand else PressReason.DETECTED
        return Opinion(
            state="activated",
            since_ms=self._open[1],
            explanation={"reason": word, "device": self._open[2]},
        )

    def _finding(self, observation: Observation, now_ms: int, reason: PressReason) -> Finding:
        test = reason is PressReason.TEST_PRESS
        return self._subject.finding(
            key=observation.id,
            phase="raised",
            reason=reason,
            kind=observation.kind,
            severity="technical" if test else None,
            raised_at_ms=observation.measured_at_ms,
            at_ms=now_ms,
            device=observation.device,
            source_id=observation.id,
            evidence=self._evidence(observation, now_ms),
        )

    def _clear(self, observation: Observation, now_ms: int) -> list[Finding]:
        if self._by_hand or self._open is None:
            return NOTHING
        key, raised_at_ms, _device = self._open
        self._open = None
        return [
            self._subject.finding(
                key=key,
                phase="cleared",
                reason=PressReason.DEVICE_CLEAR,
                kind=observation.kind,
                raised_at_ms=raised_at_ms,
                at_ms=now_ms,
                device=observation.device,
                source_id=observation.id,
                evidence=self._evidence(observation, now_ms),
            )
        ]

    def _evidence(self, observation: Observation, now_ms: int) -> dict[str, EvidenceValue]:
        delay_ms = now_ms - observation.measured_at_ms
        evidence: dict[str, EvidenceValue] = {
            "action": str(observation.attrs.get("action", _PRESS)),
            "measured_at_ms": observation.measured_at_ms,
        }
        if delay_ms > self._late_after_ms:
            evidence["late"] = True
            evidence["delay_s"] = delay_ms // 1000
        elif delay_ms < -self._late_after_ms:
            evidence["clock_doubtful"] = True
        if observation.attrs.get("time") == "doubtful":
            evidence["clock_doubtful"] = True
        evidence.update(observation.values)
        return evidence
