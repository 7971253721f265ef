"""Out of bed at night and not back: perhaps a fall on the way.

Sees: a bed sensor's `occupied`, at night. How long this person's ways usually take is learned from
the last forty.

Can't see: who sits in the kitchen and is well; a sensor that misses a light sleeper. Movements of
other sensors are told with the finding and don't end it: somebody who fell moves too.

Defaults: 22:00 to 06:00; half an hour, or a quarter of an hour more than nineteen of twenty usual
ways take, at most an hour and a half.

Sources: practice of bed-exit supervision in care homes; the figures are this project's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from rules.finding import EvidenceValue, Finding
from rules.local_time import MINUTE_MS, minute_of
from rules.params import number
from rules.plain import PlainKind
from rules.rule import NOTHING, Observation, Opinion, Subject

_AHEAD_MAX_MS: Final = 10 * MINUTE_MS
WAYS_MAX: Final = 40
_WAYS_MIN: Final = 10
_MARGIN_MIN: Final = 15
# Out for longer than this, the person has got up for good.
_WAY_MAX_MS: Final = 3 * 3_600_000
# A bed that nobody came back to says no more after half a day.
_MORNING_MS: Final = 12 * 3_600_000
# A bed that must have been slept in before, or nobody lay in it.
_ASLEEP_MS: Final = 20 * MINUTE_MS


class BedReason(StrEnum):
    NOT_BACK_IN_BED = "not_back_in_bed"
    BACK_IN_BED = "back_in_bed"
    MORNING = "morning"
    IN_BED = "in_bed"
    OUT_OF_BED = "out_of_bed"
    NO_BED = "no_bed"


@dataclass(frozen=True, slots=True, kw_only=True)
class BedAbsenceParams:
    from_h: int = number(22, 18, 23)
    until_h: int = number(6, 3, 10)
    after_min: int = number(30, 10, 120)
    at_most_min: int = number(90, 20, 240)
    late_after_min: int = number(30, 5, 240)


class BedAbsenceMonitor:
    """_in_ms, _out_ms: since when the bed is occupied, or left; one of them is None."""

    __slots__ = (
        "_device",
        "_in_ms",
        "_last_ms",
        "_out_ms",
        "_params",
        "_raised_ms",
        "_stirred_ms",
        "_subject",
        "_ways",
        "due_ms",
    )

    def __init__(self, subject: Subject, params: BedAbsenceParams) -> None:
        self.due_ms: int | None = None
        self._subject = subject
        self._params = params
        self._device = ""
        self._last_ms = -1
        self._in_ms: int | None = None
        self._out_ms: int | None = None
        self._stirred_ms: int | None = None
        self._raised_ms: int | None = None
        # How long this person's ways took, in milliseconds.
        self._ways: list[int] = []

    def observe(self, observation: Observation, now_ms: int) -> list[Finding]:
        at_ms = observation.measured_at_ms
        if at_ms > now_ms + _AHEAD_MAX_MS:
            at_ms = now_ms
        if observation.kind != "bed":
            if observation.values.get("active", 0.0) > 0:
                self._stirred_ms = max(at_ms, self._stirred_ms or 0)
            return NOTHING
        occupied = observation.values.get("occupied")
        if occupied is None or at_ms <= self._last_ms:
            return NOTHING
        # One bed is followed: two beds in a room are two persons.
        if self._device not in ("", observation.device):
            return NOTHING
        self._device, self._last_ms = observation.device, at_ms
        if occupied > 0:
            return self._back(at_ms, now_ms)
        self._left(at_ms, now_ms)
        return NOTHING

    def _back(self, at_ms: int, now_ms: int) -> list[Finding]:
        found = NOTHING
        out_ms, self._out_ms, self.due_ms = self._out_ms, None, None
        if self._raised_ms is not None:
            found = [self._finding("cleared", BedReason.BACK_IN_BED, now_ms)]
            self._raised_ms = None
        elif out_ms is not None and self._night(out_ms) and at_ms - out_ms <= _WAY_MAX_MS:
            self._ways = [*self._ways, at_ms - out_ms][-WAYS_MAX:]
        if self._in_ms is None:
            self._in_ms = at_ms
        return found

    def _left(self, at_ms: int, now_ms: int) -> None:
        asleep = self._in_ms is not None and at_ms - self._in_ms >= _ASLEEP_MS
        self._in_ms = None
        if self._out_ms is not None or not asleep:
            self._out_ms = self._out_ms or at_ms
            return
        self._out_ms = at_ms
        late = now_ms - at_ms > self._params.late_after_min * MINUTE_MS
        if self._night(at_ms) and not late:
            self.due_ms = max(now_ms, at_ms + self._limit_ms())

    def _night(self, at_ms: int) -> bool:
        minute = minute_of(at_ms)
        return minute >= self._params.from_h * 60 or minute < self._params.until_h * 60

    def _limit_ms(self) -> int:
        limit_ms = self._params.after_min * MINUTE_MS
        if len(self._ways) >= _WAYS_MIN:
            longest_ms = sorted(self._ways)[int(0.95 * (len(self._ways) - 1))]
            limit_ms = max(limit_ms, longest_ms + _MARGIN_MIN * MINUTE_MS)
        return min(limit_ms, self._params.at_most_min * MINUTE_MS)

    def fire(self, at_ms: int) -> list[Finding]:
        self.due_ms = None
        if self._raised_ms is not None:
            found = self._finding("cleared", BedReason.MORNING, at_ms)
            self._raised_ms = None
            return [found]
        # Morning came first: the person is up.
        if self._out_ms is None or not self._night(at_ms):
            return NOTHING
        self._raised_ms = at_ms
        # Whoever is seen to by day needs no word from the bed.
        self.due_ms = at_ms + _MORNING_MS
        return [self._finding("raised", BedReason.NOT_BACK_IN_BED, at_ms)]

    def resume(self, now_ms: int) -> None:
        """The word that the bed is occupied again may be on its way."""
        if self.due_ms is not None:
            self.due_ms = max(self.due_ms, now_ms + 2 * MINUTE_MS)

    def dump(self) -> dict[str, Any]:
        return {
            "device": self._device,
            "last": self._last_ms,
            "in": self._in_ms,
            "out": self._out_ms,
            "stirred": self._stirred_ms,
            "raised": self._raised_ms,
            "ways": self._ways,
            "due": self.due_ms,
        }

    def load(self, document: Mapping[str, Any]) -> "BedAbsenceMonitor":
        self._device = str(document["device"])
        self._last_ms = int(document["last"])
        self._in_ms = _moment(document["in"])
        self._out_ms = _moment(document["out"])
        self._stirred_ms = _moment(document["stirred"])
        self._raised_ms = _moment(document["raised"])
        self._ways = [int(w) for w in document["ways"]][-WAYS_MAX:]
        self.due_ms = _moment(document["due"])
        return self

    def view(self, now_ms: int) -> Opinion:  # noqa: ARG002 - a timer judges
        shown: dict[str, EvidenceValue] = {"ways_learned": len(self._ways)}
        if self._raised_ms is not None:
            return Opinion(
                state="absent",
                since_ms=self._out_ms,
                explanation={"reason": BedReason.NOT_BACK_IN_BED, **shown},
            )
        if not self._device:
            return Opinion(state="unknown", since_ms=None, explanation={"reason": BedReason.NO_BED})
        inside = self._in_ms is not None
        return Opinion(
            state="in_bed" if inside else "out_of_bed",
            since_ms=self._in_ms if inside else self._out_ms,
            explanation={"reason": BedReason.IN_BED if inside else BedReason.OUT_OF_BED, **shown},
        )

    def _finding(self, phase: Any, reason: BedReason, at_ms: int) -> Finding:
        evidence: dict[str, EvidenceValue] = {
            "since_ms": self._out_ms or self._raised_ms,
            "usual_min": _usual_min(self._ways),
            "limit_min": self._limit_ms() // MINUTE_MS,
        }
        if self._stirred_ms is not None and self._stirred_ms > (self._out_ms or 0):
            evidence["moved_ms"] = self._stirred_ms
        return self._subject.finding(
            key=str(self._raised_ms),
            phase=phase,
            reason=reason,
            raised_at_ms=self._raised_ms or at_ms,
            at_ms=at_ms,
            device=self._device,
            evidence=evidence,
        )


def _usual_min(ways: list[int]) -> int | None:
    return sorted(ways)[len(ways) // 2] // MINUTE_MS if ways else None


def _moment(value: Any) -> int | None:
    return None if value is None else int(value)


BED_ABSENCE: Final = PlainKind(
    name="bed_absence",
    params=BedAbsenceParams,
    hears=frozenset({"bed", "motion"}),
    monitor=BedAbsenceMonitor,
    severity="watch",
    ask_first_s=0,
)
