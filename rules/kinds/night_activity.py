"""A night in which somebody was up far more than this person ever is.

Sees: the quarter-hours of a night with a movement, a door, a bed or presence that changed, or
electricity above what the home's machines do at night (`rules.stirring`).

Can't see: what it was: an illness, a visitor, a film. Machines with a timer that is set anew look
like somebody awake. A night of which less than most was seen isn't judged.

Defaults: 23:00 to 05:00; told in the morning, when the count lies above the median of the last 28
nights by four robust deviations and by two hours. Seven nights are learned first.

Sources: change from the person's own norm (thresholds, section 2); the limit is this project's.
"""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import Any, Final

from rules.derived import POWER_METER, POWER_SLOT
from rules.finding import EvidenceValue, Finding
from rules.local_time import DAY_MS, MINUTE_MS, at_minute_ms, day_of, minute_of
from rules.metering import SLOT_MS
from rules.params import number
from rules.plain import PlainKind
from rules.rule import NOTHING, UNCHANGED, Observation, Opinion, Subject
from rules.signs import Signs, remembered
from rules.staying import NO_STAY, STAY, Staying
from rules.stirring import Stirring
from rules.waiting import NEVER, Calm, Slots

_AHEAD_MAX_MS: Final = 10 * MINUTE_MS
NIGHTS_MAX: Final = 28
_NIGHTS_MIN: Final = 7
# The deviation of a normal distribution from the median of the distances.
_MAD: Final = 1.4826
# Part of a night's slots of which electricity must have been seen.
_SEEN_PART: Final = 0.8
# A night has fewer slots than a byte can tell.
_COUNT_MAX: Final = 255
_SENSORS: Final = frozenset({"motion", "contact", "bed", "presence"})


class NightReason(StrEnum):
    RESTLESS_NIGHT = "restless_night"
    NIGHT_USUAL = "night_usual"
    NIGHTS_LEARNING = "nights_learning"


@dataclass(frozen=True, slots=True, kw_only=True)
class NightActivityParams:
    from_h: int = number(23, 18, 23)
    until_h: int = number(5, 2, 9)
    margin_slots: int = number(8, 2, 24)
    deviations: float = number(4.0, 2.0, 20.0)


class NightActivityMonitor:
    """_night: the local day on which the present night began; _active: its slots with activity."""

    __slots__ = (
        "_active",
        "_counts",
        "_night",
        "_params",
        "_raised_ms",
        "_seen",
        "_seen_ms",
        "_sensed",
        "_signs",
        "_staying",
        "_stirring",
        "_subject",
        "due_ms",
    )

    def __init__(self, subject: Subject, params: NightActivityParams) -> None:
        self.due_ms: int | None = None
        self._subject = subject
        self._params = params
        self._stirring = Stirring()
        self._signs = Signs()
        self._staying = NO_STAY
        self._counts = array("B")
        self._night = -1
        # Few, and kept all day: an array takes a twentieth of a set's room.
        self._active = array("q")
        self._seen = 0
        self._seen_ms = -1
        self._sensed = False
        self._raised_ms: int | None = None

    def observe(self, observation: Observation, now_ms: int) -> list[Finding]:
        at_ms = observation.measured_at_ms
        if at_ms > now_ms + _AHEAD_MAX_MS:
            at_ms = now_ms
        kind = observation.kind
        if kind == POWER_SLOT:
            watts = observation.values.get("watts")
            if watts is not None:
                self._electricity(watts, at_ms, now_ms)
        elif kind == STAY:
            self._staying = self._staying.told(observation, now_ms)
        elif kind == POWER_METER:
            if observation.values.get("larger"):
                self._stirring.forget()
        elif self._signs.read(observation) is not None:
            sensed, self._sensed = self._sensed, True
            if self._within(at_ms, now_ms):
                self._note(at_ms // SLOT_MS)
            elif sensed and not remembered(kind):
                return UNCHANGED
        return NOTHING

    def calm(self) -> Calm:
        """A night that has begun is judged by its timer; the next begins with its first slot."""
        if self._night < 0:
            return NEVER
        return Calm(at_minute_ms(self._night + 1, self._params.from_h * 60))

    def minds(self, observation: Observation, now_ms: int) -> bool:
        """By day a sensor only shows that it works."""
        minutes = (minute_of(observation.measured_at_ms), minute_of(now_ms))
        return observation.kind not in _SENSORS or not all(map(self._by_day, minutes))

    def _by_day(self, minute: int) -> bool:
        return self._params.until_h * 60 <= minute < self._params.from_h * 60

    def catch_up(self, slots: Slots, device: str) -> None:  # noqa: ARG002 - whoever tells
        for end_ms, watts, now_ms, _grain_w in slots:
            self._electricity(watts, end_ms, now_ms)

    def _electricity(self, watts: float, at_ms: int, now_ms: int) -> None:
        if at_ms <= self._seen_ms:
            return
        self._seen_ms = at_ms
        start_ms = at_ms - SLOT_MS
        stirs = self._stirring.slot(start_ms, watts)
        if self._within(start_ms, now_ms):
            self._seen += 1
            if stirs:
                self._note(start_ms // SLOT_MS)

    def _note(self, slot: int) -> None:
        if slot not in self._active:
            self._active.append(slot)

    def _within(self, at_ms: int, now_ms: int) -> bool:
        """Whether a moment belongs to the night that is open now; a new night is begun by it."""
        minute = minute_of(at_ms)
        if self._by_day(minute):
            return False
        night = day_of(at_ms) - (minute < self._params.until_h * 60)
        end_ms = at_minute_ms(night + 1, self._params.until_h * 60)
        if night > self._night and end_ms > now_ms:
            self._night, self._active, self._seen = night, array("q"), 0
            # Slots and sensors may come a little late: the morning has time.
            self.due_ms = end_ms + 2 * SLOT_MS
        return night == self._night and self.due_ms is not None

    def fire(self, at_ms: int) -> list[Finding]:
        self.due_ms = None
        if self._seen < _SEEN_PART * self._slots and not self._sensed:
            return NOTHING
        count = len(self._active)
        found = self._judge(count, at_ms)
        if not self._staying.since(at_minute_ms(self._night, self._params.from_h * 60)):
            self._counts.append(min(count, _COUNT_MAX))
            del self._counts[:-NIGHTS_MAX]
        self._sensed = False
        return found

    def _judge(self, count: int, at_ms: int) -> list[Finding]:
        limit = self._limit()
        if limit is None:
            return NOTHING
        if count > limit and self._raised_ms is None:
            self._raised_ms = at_ms
            return [self._finding("raised", NightReason.RESTLESS_NIGHT, count, at_ms)]
        if count <= limit and self._raised_ms is not None:
            found = self._finding("cleared", NightReason.NIGHT_USUAL, count, at_ms)
            self._raised_ms = None
            return [found]
        return NOTHING

    @property
    def _slots(self) -> int:
        hours = 24 - self._params.from_h + self._params.until_h
        return hours * 3_600_000 // SLOT_MS

    def _limit(self) -> float | None:
        counts = self._counts
        if len(counts) < _NIGHTS_MIN:
            return None
        usual = median(counts)
        spread = _MAD * median(abs(c - usual) for c in counts)
        return usual + max(self._params.margin_slots, self._params.deviations * spread)

    def resume(self, now_ms: int) -> None:
        """A night that ended while the hub was down waits for what is still on its way."""
        if self.due_ms is not None and self.due_ms < now_ms:
            self.due_ms = now_ms + 2 * SLOT_MS

    def dump(self) -> dict[str, Any]:
        return {
            "stirring": self._stirring.dump(),
            "signs": self._signs.dump(),
            "staying": self._staying.dump(),
            "counts": self._counts.tolist(),
            "night": self._night,
            "active": sorted(self._active),
            "seen": self._seen,
            "seen_ms": self._seen_ms,
            "sensed": self._sensed,
            "raised": self._raised_ms,
            "due": self.due_ms,
        }

    def load(self, document: Mapping[str, Any]) -> "NightActivityMonitor":
        self._stirring = Stirring.load(document["stirring"])
        self._signs = Signs.load(document["signs"])
        self._staying = Staying.load(document.get("staying"))
        self._counts = array("B", (min(int(c), _COUNT_MAX) for c in document["counts"]))
        del self._counts[:-NIGHTS_MAX]
        self._night = int(document["night"])
        self._active = array("q", sorted({int(n) for n in document["active"]}))
        self._seen, self._seen_ms = int(document["seen"]), int(document["seen_ms"])
        self._sensed = bool(document["sensed"])
        raised, due = document["raised"], document["due"]
        self._raised_ms = None if raised is None else int(raised)
        self.due_ms = None if due is None else int(due)
        return self

    def view(self, now_ms: int) -> Opinion:  # noqa: ARG002 - nights end by a timer
        shown: dict[str, EvidenceValue] = {"nights_learned": len(self._counts)}
        if self._limit() is None:
            return Opinion(
                state="learning",
                since_ms=None,
                explanation={"reason": NightReason.NIGHTS_LEARNING, **shown},
            )
        shown["usual_slots"] = median(self._counts)
        restless = self._raised_ms is not None
        return Opinion(
            state="restless" if restless else "quiet",
            since_ms=self._raised_ms,
            explanation={
                "reason": NightReason.RESTLESS_NIGHT if restless else NightReason.NIGHT_USUAL,
                "last_night_slots": self._counts[-1],
                **shown,
            },
        )

    def _finding(self, phase: Any, reason: NightReason, count: int, at_ms: int) -> Finding:
        return self._subject.finding(
            key=str(self._raised_ms),
            phase=phase,
            reason=reason,
            raised_at_ms=self._raised_ms or at_ms,
            at_ms=at_ms,
            evidence={
                "active_slots": count,
                "usual_slots": median(self._counts),
                "nights_learned": len(self._counts),
                "since_ms": at_minute_ms(self._night, self._params.from_h * 60),
                "until_ms": at_minute_ms(self._night, self._params.until_h * 60) + DAY_MS,
            },
        )


NIGHT_ACTIVITY: Final = PlainKind(
    name="night_activity",
    params=NightActivityParams,
    hears=_SENSORS | {STAY, POWER_SLOT, POWER_METER},
    monitor=NightActivityMonitor,
    severity="watch",
    # 2: numbers are packed.
    state_version=2,
    ask_first_s=0,
    patient=True,
)
