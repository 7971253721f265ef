"""A call button that calls again and again: somebody must look at it, and nobody is silenced.

Sees: presses of each call button (`sos`), by the time at which they were made, so that a drained
backlog of a week is no jam. The calls themselves stay calls: each is heard by the rule `sos`.

Can't see: a trembling hand from a stuck key; both want a visit.

Defaults: ten presses within ten minutes; over after half an hour without one.

Sources: practice figure of this project; no standard names one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from rules.finding import Finding
from rules.params import number
from rules.plain import PlainKind
from rules.rule import NOTHING, Observation, Opinion, Subject

_MINUTE_MS: Final = 60_000
# Buttons remembered in one home; more are a fault of another kind.
_BUTTONS_MAX: Final = 16
_QUIET_ACTIONS: Final = frozenset({"test", "clear"})


class JamReason(StrEnum):
    BUTTON_JAMMED = "button_jammed"
    QUIET_AGAIN = "quiet_again"
    NO_JAM = "no_jam"


@dataclass(frozen=True, slots=True, kw_only=True)
class JammedButtonParams:
    presses: int = number(10, 3, 100)
    window_min: int = number(10, 1, 1440)
    quiet_min: int = number(30, 1, 1440)


@dataclass(slots=True)
class _Button:
    """times_ms: the newest presses, oldest first; jammed_ms: when the jam was told."""

    times_ms: list[int]
    ids: list[str]
    jammed_ms: int | None = None
    key: str = ""
    heard_ms: int = 0


class JammedButtonMonitor:
    __slots__ = ("_buttons", "_params", "_subject", "due_ms")

    def __init__(self, subject: Subject, params: JammedButtonParams) -> None:
        self.due_ms: int | None = None
        self._subject = subject
        self._params = params
        self._buttons: dict[str, _Button] = {}

    def observe(self, observation: Observation, now_ms: int) -> list[Finding]:
        if observation.attrs.get("action") in _QUIET_ACTIONS:
            return NOTHING
        button = self._button(observation.device)
        if button is None or observation.id in button.ids:
            return NOTHING
        at_ms = observation.measured_at_ms
        button.heard_ms = now_ms
        button.times_ms = sorted([*button.times_ms, at_ms])[-self._params.presses :]
        button.ids = [*button.ids, observation.id][-self._params.presses :]
        window_ms = self._params.window_min * _MINUTE_MS
        jams = (
            len(button.times_ms) == self._params.presses
            and button.times_ms[-1] - button.times_ms[0] <= window_ms
        )
        found = NOTHING
        if jams and button.jammed_ms is None:
            button.jammed_ms, button.key = now_ms, observation.id
            found = [self._finding("raised", JamReason.BUTTON_JAMMED, observation.device, now_ms)]
        self._wish()
        return found

    def fire(self, at_ms: int) -> list[Finding]:
        found: list[Finding] = []
        for device, button in self._buttons.items():
            if button.jammed_ms is not None and self._over_ms(button) <= at_ms:
                found.append(self._finding("cleared", JamReason.QUIET_AGAIN, device, at_ms))
                button.jammed_ms = None
                button.times_ms = []
        self._wish()
        return found

    def resume(self, now_ms: int) -> None:
        """While the hub was down nobody can have heard that it fell quiet."""
        for button in self._buttons.values():
            if button.jammed_ms is not None:
                button.heard_ms = max(button.heard_ms, now_ms)
        self._wish()

    def dump(self) -> dict[str, Any]:
        return {
            "buttons": {
                device: [b.times_ms, b.ids, b.jammed_ms, b.key, b.heard_ms]
                for device, b in self._buttons.items()
            }
        }

    def load(self, document: Mapping[str, Any]) -> "JammedButtonMonitor":
        for device, (times, ids, jammed, key, heard) in document["buttons"].items():
            self._buttons[str(device)] = _Button(
                times_ms=[int(t) for t in times],
                ids=[str(i) for i in ids],
                jammed_ms=None if jammed is None else int(jammed),
                key=str(key),
                heard_ms=int(heard),
            )
        self._wish()
        return self

    def view(self, now_ms: int) -> Opinion:  # noqa: ARG002 - a timer ends it
        for device, button in self._buttons.items():
            if button.jammed_ms is not None:
                return Opinion(
                    state="jammed",
                    since_ms=button.jammed_ms,
                    explanation={"reason": JamReason.BUTTON_JAMMED, "device": device},
                )
        return Opinion(state="quiet", since_ms=None, explanation={"reason": JamReason.NO_JAM})

    def _button(self, device: str) -> _Button | None:
        button = self._buttons.get(device)
        if button is None and len(self._buttons) < _BUTTONS_MAX:
            button = self._buttons[device] = _Button([], [])
        return button

    def _over_ms(self, button: _Button) -> int:
        return button.heard_ms + self._params.quiet_min * _MINUTE_MS

    def _wish(self) -> None:
        jammed = [self._over_ms(b) for b in self._buttons.values() if b.jammed_ms is not None]
        self.due_ms = min(jammed, default=None)

    def _finding(self, phase: Any, reason: JamReason, device: str, at_ms: int) -> Finding:
        button = self._buttons[device]
        return self._subject.finding(
            key=f"{device}|{button.key}",
            phase=phase,
            reason=reason,
            raised_at_ms=button.jammed_ms or at_ms,
            at_ms=at_ms,
            device=device,
            source_id=button.key,
            evidence={
                "presses": len(button.times_ms),
                "window_min": self._params.window_min,
            },
        )


JAMMED_BUTTON: Final = PlainKind(
    name="jammed_button",
    params=JammedButtonParams,
    hears=frozenset({"sos"}),
    monitor=JammedButtonMonitor,
    severity="technical",
)
