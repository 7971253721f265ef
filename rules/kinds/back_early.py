"""Somebody is at home while its people are away: back early, or somebody else.

Sees: `stay` (who is away, from the book), signs that only a person makes (a press, a movement, a
door, bed or presence that changed, a measurement), and quarter-hours of electricity above what the
home's machines do at night (`rules.stirring`). Its finding opens no alarm: it ends the stay, and
that is written into the book.

Can't see: who it is; a heater with a timer that is set anew looks like somebody. In hospital
somebody else looks after the home: only `away` ends so.

Defaults: signs of the first three hours are those of leaving; one sign of a person is enough, of
electricity it takes two quarter-hours within an hour.

Sources: none; the figures are this project's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from rules.derived import POWER_METER, POWER_SLOT
from rules.finding import Finding
from rules.metering import SLOT_MS
from rules.params import number
from rules.plain import PlainKind
from rules.rule import NOTHING, UNCHANGED, Observation, Opinion, Subject
from rules.signs import LIFE_KINDS, Signs, remembered
from rules.staying import AWAY, NO_STAY, STAY, Staying
from rules.stirring import Stirring
from rules.waiting import ALWAYS, NEVER, Calm, Slots

_TOGETHER_MS: Final = 60 * 60_000


class BackReason(StrEnum):
    # Of the finding a `LifeReason`; these are words for the screen.
    AT_HOME = "at_home"
    AWAY_QUIET = "away_quiet"
    SOMEBODY_THERE = "somebody_there"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackEarlyParams:
    """leaving_h: what is seen so soon after the beginning is the leaving itself."""

    leaving_h: float = number(3.0, 0.0, 24.0)


class BackEarlyMonitor:
    """_away_ms: since when they are away; None: they aren't. _told_ms: when somebody was found."""

    __slots__ = (
        "_away_ms",
        "_params",
        "_seen_ms",
        "_signs",
        "_staying",
        "_stirred_ms",
        "_stirring",
        "_subject",
        "_told_ms",
        "due_ms",
    )

    def __init__(self, subject: Subject, params: BackEarlyParams) -> None:
        self.due_ms: int | None = None
        self._subject = subject
        self._params = params
        self._signs = Signs()
        self._stirring = Stirring()
        self._staying = NO_STAY
        self._away_ms: int | None = None
        self._told_ms: int | None = None
        self._seen_ms = -1
        self._stirred_ms = -1

    def observe(self, observation: Observation, now_ms: int) -> list[Finding]:
        kind, at_ms = observation.kind, observation.measured_at_ms
        if kind == POWER_SLOT:
            watts = observation.values.get("watts")
            if watts is not None and self._stirs(watts, at_ms):
                together = at_ms - self._stirred_ms <= _TOGETHER_MS
                self._stirred_ms = at_ms
                # What began before they had left proves nothing.
                if together and self._counts(at_ms - _TOGETHER_MS):
                    return self._found(observation, "activity", now_ms)
        elif kind == STAY:
            self._stay(observation, now_ms)
        elif kind == POWER_METER:
            if observation.values.get("larger"):
                self._stirring.forget()
        else:
            sign = self._signs.read(observation)
            if sign is not None and self._counts(at_ms):
                return self._found(observation, str(sign), now_ms)
            if not remembered(kind):
                return UNCHANGED
        return NOTHING

    def _stay(self, observation: Observation, now_ms: int) -> None:
        self._staying = self._staying.told(observation, now_ms)
        if not self._staying.now(AWAY):
            self._away_ms = None
        elif self._away_ms is None:
            self._away_ms, self._told_ms = now_ms, None

    def _stirs(self, watts: float, at_ms: int) -> bool:
        if at_ms <= self._seen_ms:
            return False
        self._seen_ms = at_ms
        return self._stirring.slot(at_ms - SLOT_MS, watts)

    def calm(self) -> Calm:
        """While nobody is away, or somebody was found, electricity finds nobody."""
        return ALWAYS if self._away_ms is None or self._told_ms is not None else NEVER

    def minds(self, observation: Observation, now_ms: int) -> bool:  # noqa: ARG002 - whenever
        """A sign of a person who may be at home finds nobody."""
        return self._away_ms is not None or observation.kind not in LIFE_KINDS

    def catch_up(self, slots: Slots, device: str) -> None:  # noqa: ARG002 - whoever tells
        new = [slot for slot in slots if slot[0] > self._seen_ms]
        if new:
            self._seen_ms = new[-1][0]
            stirred_ms = self._stirring.see(new)
            if stirred_ms is not None:
                self._stirred_ms = stirred_ms

    def _counts(self, at_ms: int) -> bool:
        """Whether a sign of this time is one of somebody who should not be there."""
        if self._away_ms is None or self._told_ms is not None:
            return False
        return at_ms >= self._away_ms + round(self._params.leaving_h * 3_600_000)

    def _found(self, observation: Observation, sign: str, now_ms: int) -> list[Finding]:
        self._told_ms = now_ms
        return [
            self._subject.finding(
                key=str(self._away_ms),
                phase="raised",
                reason=sign,
                raised_at_ms=now_ms,
                at_ms=now_ms,
                device=observation.device,
                source_id=observation.id,
            )
        ]

    def fire(self, at_ms: int) -> list[Finding]:  # noqa: ARG002 - it waits for nothing
        return NOTHING

    def resume(self, now_ms: int) -> None:
        """Signs tell of their own time."""

    def dump(self) -> dict[str, Any]:
        return {
            "signs": self._signs.dump(),
            "stirring": self._stirring.dump(),
            "staying": self._staying.dump(),
            "away": self._away_ms,
            "told": self._told_ms,
            "seen": self._seen_ms,
            "stirred": self._stirred_ms,
        }

    def load(self, document: Mapping[str, Any]) -> "BackEarlyMonitor":
        self._signs = Signs.load(document["signs"])
        self._stirring = Stirring.load(document["stirring"])
        self._staying = Staying.load(document["staying"])
        away, told = document["away"], document["told"]
        self._away_ms = None if away is None else int(away)
        self._told_ms = None if told is None else int(told)
        self._seen_ms, self._stirred_ms = int(document["seen"]), int(document["stirred"])
        return self

    def view(self, now_ms: int) -> Opinion:  # noqa: ARG002 - it judges no silence
        if self._away_ms is None:
            reason, state, since_ms = BackReason.AT_HOME, "quiet", None
        elif self._told_ms is None:
            reason, state, since_ms = BackReason.AWAY_QUIET, "away", self._away_ms
        else:
            reason, state, since_ms = BackReason.SOMEBODY_THERE, "away", self._told_ms
        return Opinion(state=state, since_ms=since_ms, explanation={"reason": reason})


BACK_EARLY: Final = PlainKind(
    name="back_early",
    params=BackEarlyParams,
    hears=LIFE_KINDS | {STAY, POWER_SLOT, POWER_METER},
    monitor=BackEarlyMonitor,
    severity="watch",
    # 2: numbers are packed.
    state_version=2,
    patient=True,
)
