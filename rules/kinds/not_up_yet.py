"""Nobody has got up, later than this person ever does.

Sees: the first sign of a morning: a movement, a door, the bed left, a measurement, or a
quarter-hour of electricity above what the home's machines do at night (`rules.stirring`). The usual
time is learned: the latest but a tenth of the last 28 mornings.

Can't see: a morning whose electricity was not seen (`cannot_judge`); who is away looks like who
sleeps, so journeys belong into the away mode; a boiler that runs every night hides a kettle.

Defaults: two hours later than the usual time; before two weeks are known an hour more, before one
week no opinion.

Sources: "later than usual + 2 h, watch", practice of Japanese and Korean services.
"""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from rules.derived import POWER_METER, POWER_SLOT
from rules.finding import EvidenceValue, Finding
from rules.local_time import HOUR_MS, MINUTE_MS, at_minute_ms, day_of, minute_of
from rules.metering import SLOT_MS
from rules.params import number
from rules.plain import PlainKind
from rules.rule import NOTHING, UNCHANGED, Observation, Opinion, Subject
from rules.signs import LIFE_KINDS, Signs, remembered
from rules.staying import NO_STAY, STAY, Staying
from rules.stirring import Stirring
from rules.waiting import NEVER, Calm, Slots

_AHEAD_MAX_MS: Final = 10 * MINUTE_MS
DAYS_MAX: Final = 28
_DAYS_MIN: Final = 7
_DAYS_TRUSTED: Final = 14
_YOUNG_MIN: Final = 60
# Electricity must have been seen until so long ago, or nobody can say that all is quiet.
_SEEN_MS: Final = 75 * MINUTE_MS
_AGAIN_MS: Final = 15 * MINUTE_MS
# A person who gets up after this is awake at night; the next morning is another day.
_LATEST_MIN: Final = 17 * 60


class RisingReason(StrEnum):
    NOT_UP_YET = "not_up_yet"
    UP = "up"
    RISING_LEARNING = "rising_learning"
    RISING_UNSEEN = "rising_unseen"
    RISING_AWAITED = "rising_awaited"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotUpYetParams:
    """from_h: signs before this hour belong to the night; late_min: beyond the usual time."""

    from_h: int = number(4, 0, 9)
    late_min: int = number(120, 30, 480)


class NotUpYetMonitor:
    """_rises: minutes of the mornings known, oldest first; _day: the day that is judged now."""

    __slots__ = (
        "_day",
        "_params",
        "_raised_ms",
        "_rises",
        "_seen_ms",
        "_signs",
        "_staying",
        "_stirring",
        "_subject",
        "_up",
        "due_ms",
    )

    def __init__(self, subject: Subject, params: NotUpYetParams) -> None:
        self.due_ms: int | None = None
        self._subject = subject
        self._params = params
        self._stirring = Stirring()
        self._signs = Signs()
        self._staying = NO_STAY
        self._rises = array("H")
        self._day = -1
        self._up = False
        self._seen_ms = -1
        self._raised_ms: int | None = None

    def observe(self, observation: Observation, now_ms: int) -> list[Finding]:
        at_ms = observation.measured_at_ms
        if at_ms > now_ms + _AHEAD_MAX_MS:
            at_ms = now_ms
        kind = observation.kind
        if kind == POWER_SLOT:
            watts = observation.values.get("watts")
            start_ms = at_ms - SLOT_MS
            if watts is None or at_ms <= self._seen_ms:
                return UNCHANGED
            self._seen_ms = at_ms
            self._turn(start_ms)
            return self._sign(start_ms, now_ms) if self._stirring.slot(start_ms, watts) else NOTHING
        if kind == STAY:
            self._staying = self._staying.told(observation, now_ms)
            return NOTHING
        if kind == POWER_METER:
            if observation.values.get("larger"):
                self._stirring.forget()
            return NOTHING
        sign = self._signs.read(observation)
        if not remembered(kind) and (sign is None or self._is_up(day_of(at_ms))):
            return UNCHANGED
        if sign is None:
            return NOTHING
        self._turn(at_ms)
        return self._sign(at_ms, now_ms)

    def calm(self) -> Calm:
        """Until midnight, once somebody is up; before, what shows nobody. The bound of stirring
        is another one every day, so it holds only when the day's first slot was seen."""
        until_ms = at_minute_ms(self._day + 1, 0)
        if self._is_up(self._day):
            return Calm(until_ms)
        stirring = self._stirring
        if stirring.night != self._day or self._day < 0:
            return NEVER
        return Calm(until_ms) if stirring.above_w is None else Calm(until_ms, stirring.above_w)

    def minds(self, observation: Observation, now_ms: int) -> bool:
        """Once somebody is up, a sign of the same day says nothing new."""
        at_ms = max(observation.measured_at_ms, now_ms)
        return observation.kind not in LIFE_KINDS or not self._is_up(day_of(at_ms))

    def _is_up(self, day: int) -> bool:
        done = self._up and self._raised_ms is None and self.due_ms is None
        return done and day <= self._day

    def catch_up(self, slots: Slots, device: str) -> None:  # noqa: ARG002 - whoever tells
        new = [slot for slot in slots if slot[0] > self._seen_ms]
        if new:
            self._seen_ms = new[-1][0]
            self._stirring.see(new)

    def _turn(self, at_ms: int) -> None:
        """Begin a new morning when the day is over."""
        day = day_of(at_ms)
        if day <= self._day:
            return
        self._day, self._up = day, False
        self._wish(at_ms)

    def _wish(self, now_ms: int) -> None:
        usual = self.usual_min
        if usual is None or self._up or self._raised_ms is not None:
            self.due_ms = None
        else:
            self.due_ms = max(at_minute_ms(self._day, usual + self._late_min), now_ms)

    @property
    def usual_min(self) -> int | None:
        """When this person is up on nine mornings of ten, in minutes of the day."""
        if len(self._rises) < _DAYS_MIN:
            return None
        minutes = sorted(self._rises)
        return minutes[int(0.9 * (len(minutes) - 1) + 0.5)]

    @property
    def _late_min(self) -> int:
        young = len(self._rises) < _DAYS_TRUSTED
        return self._params.late_min + (_YOUNG_MIN if young else 0)

    def _sign(self, at_ms: int, now_ms: int) -> list[Finding]:
        minute = minute_of(at_ms)
        if day_of(at_ms) != self._day or minute < self._params.from_h * 60:
            return NOTHING
        found = NOTHING
        if self._raised_ms is not None:
            found = [self._finding("cleared", RisingReason.UP, now_ms)]
            self._raised_ms = None
        if not self._up:
            self._up = True
            if minute < _LATEST_MIN and not self._staying.since(at_minute_ms(self._day, 0)):
                self._rises.append(minute)
                del self._rises[:-DAYS_MAX]
        self.due_ms = None
        return found

    def fire(self, at_ms: int) -> list[Finding]:
        self.due_ms = None
        if self._up or minute_of(at_ms) >= _LATEST_MIN or day_of(at_ms) != self._day:
            return NOTHING
        if not self._stirring.tells or at_ms - self._seen_ms > _SEEN_MS:
            self.due_ms = at_ms + _AGAIN_MS
            return NOTHING
        self._raised_ms = at_ms
        return [self._finding("raised", RisingReason.NOT_UP_YET, at_ms)]

    def resume(self, now_ms: int) -> None:
        """Signs of the time in which the hub was down are still on their way."""
        if self.due_ms is not None:
            self.due_ms = max(self.due_ms, now_ms + _AGAIN_MS)

    def dump(self) -> dict[str, Any]:
        return {
            "stirring": self._stirring.dump(),
            "signs": self._signs.dump(),
            "staying": self._staying.dump(),
            "rises": self._rises.tolist(),
            "day": self._day,
            "up": self._up,
            "seen": self._seen_ms,
            "raised": self._raised_ms,
            "due": self.due_ms,
        }

    def load(self, document: Mapping[str, Any]) -> "NotUpYetMonitor":
        self._stirring = Stirring.load(document["stirring"])
        self._signs = Signs.load(document["signs"])
        self._staying = Staying.load(document.get("staying"))
        self._rises = array("H", document["rises"])[-DAYS_MAX:]
        self._day, self._up = int(document["day"]), bool(document["up"])
        self._seen_ms = int(document["seen"])
        raised, due = document["raised"], document["due"]
        self._raised_ms = None if raised is None else int(raised)
        self.due_ms = None if due is None else int(due)
        return self

    def view(self, now_ms: int) -> Opinion:
        usual = self.usual_min
        shown: dict[str, EvidenceValue] = {"days_learned": len(self._rises)}
        if usual is None or not self._stirring.tells:
            return Opinion(
                state="learning",
                since_ms=None,
                explanation={"reason": RisingReason.RISING_LEARNING, **shown},
            )
        shown["usual_up"] = f"{usual // 60:02d}:{usual % 60:02d}"
        if self._raised_ms is not None:
            reason, state = RisingReason.NOT_UP_YET, "late"
        elif self._up:
            reason, state = RisingReason.UP, "up"
        elif now_ms - self._seen_ms > _SEEN_MS:
            reason, state = RisingReason.RISING_UNSEEN, "cannot_judge"
        else:
            reason, state = RisingReason.RISING_AWAITED, "awaited"
        return Opinion(
            state=state, since_ms=self._raised_ms, explanation={"reason": reason, **shown}
        )

    def _finding(self, phase: Any, reason: RisingReason, at_ms: int) -> Finding:
        usual = self.usual_min or 0
        return self._subject.finding(
            key=str(self._raised_ms),
            phase=phase,
            reason=reason,
            raised_at_ms=self._raised_ms or at_ms,
            at_ms=at_ms,
            evidence={
                "usual_up": f"{usual // 60:02d}:{usual % 60:02d}",
                "days_learned": len(self._rises),
                "seen_until_ms": self._seen_ms,
                "late_h": round((at_ms - at_minute_ms(self._day, usual)) / HOUR_MS, 1),
                **self._signs.shown(),
            },
        )


NOT_UP_YET: Final = PlainKind(
    name="not_up_yet",
    params=NotUpYetParams,
    hears=LIFE_KINDS | {STAY, POWER_SLOT, POWER_METER},
    monitor=NotUpYetMonitor,
    severity="watch",
    # 2: numbers are packed.
    state_version=2,
    ask_first_s=0,
    patient=True,
)
