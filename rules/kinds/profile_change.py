"""The days of this home have become other days than they were.

Sees: for each hour of a day how much more than its floor the home uses (`power_slot`), on a scale
of doublings. A day is compared with each of the last 28: its distance is the median of the hours'
mean differences, and it is judged by how far the days usually lie from each other.

Can't see: why; a new stove, a guest and a depression all change a day. Days of which less than four
fifths were seen are left out. After two weeks of new days the new days are the usual ones.

Defaults: three days in a row, each four robust deviations beyond the usual distance; weekends are
compared with weekends as soon as four are known. Fourteen days are learned first.

Sources: day profile against the person's own norm of 28 days (thresholds, section 2); robust
statistics (median, median of distances) as in every textbook.
"""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import log2
from statistics import median
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from rules.byte_rows import ByteRows
from rules.derived import POWER_METER, POWER_SLOT
from rules.finding import EvidenceValue, Finding
from rules.local_time import DAY_MS, HOUR_MS, ZONE_MS, at_minute_ms, is_weekend
from rules.metering import SLOT_MS
from rules.packed import packed, packed_bytes, unpacked, unpacked_bytes
from rules.params import number
from rules.plain import PlainKind
from rules.rule import NOTHING, UNCHANGED, Observation, Opinion, Subject
from rules.staying import NO_STAY, STAY, Staying
from rules.waiting import NEVER, Calm, Slots

DAYS_MAX: Final = 28
_DAYS_MIN: Final = 14
_WEEKENDS_MIN: Final = 4
_HOURS: Final = 24
_SLOTS_MIN: Final = 77
_FLOOR_PART: Final = 0.1
# One step of the scale is a sixteenth of a doubling from 25 W on, so that a byte holds an hour.
_UNIT_W: Final = 25.0
_STEPS: Final = 16
_STEP_MAX: Final = 255
_MAD: Final = 1.4826
# Days that are alike to the watt would make any day a strange one.
_SPREAD_MIN: Final = 0.12 * _STEPS
# Hours told with a finding: those that changed most.
_HOURS_TOLD: Final = 6
_LATE_MS: Final = 12 * 3_600_000

Days = npt.NDArray[np.int16]


class ProfileReason(StrEnum):
    PROFILE_CHANGED = "profile_changed"
    PROFILE_USUAL = "profile_usual"
    PROFILE_LEARNING = "profile_learning"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileChangeParams:
    days: int = number(3, 1, 14)
    deviations: float = number(4.0, 2.0, 20.0)
    release_deviations: float = number(2.0, 0.0, 20.0)


class ProfileChangeMonitor:
    """_days, _rows: the days known and their 24 bytes each, oldest first; _hours, _watts: the slots
    of the present day; _strange: strange days in a row."""

    __slots__ = (
        "_day",
        "_days",
        "_hours",
        "_params",
        "_raised_ms",
        "_rows",
        "_seen_ms",
        "_staying",
        "_strange",
        "_subject",
        "_watts",
        "due_ms",
    )

    def __init__(self, subject: Subject, params: ProfileChangeParams) -> None:
        self.due_ms: int | None = None
        self._subject = subject
        self._params = params
        self._days = array("i")
        self._rows = ByteRows(_HOURS)
        self._day = -1
        self._hours = array("B")
        self._watts = array("f")
        self._seen_ms = -1
        self._strange = 0
        self._staying = NO_STAY
        self._raised_ms: int | None = None

    def observe(self, observation: Observation, now_ms: int) -> list[Finding]:
        kind = observation.kind
        if kind != POWER_SLOT:
            if kind == STAY:
                self._staying = self._staying.told(observation, now_ms)
            elif kind == POWER_METER and observation.values.get("larger"):
                self._strange = 0
                self._rows.clear()
                del self._days[:], self._hours[:], self._watts[:]
            return NOTHING
        watts, at_ms = observation.values.get("watts"), observation.measured_at_ms
        if watts is None or at_ms <= self._seen_ms:
            return UNCHANGED
        self._seen_ms = at_ms
        start_ms = at_ms - SLOT_MS
        found = NOTHING
        day, within_ms = divmod(start_ms + ZONE_MS, DAY_MS)
        if day != self._day:
            found = self._end_day(observation, now_ms)
            self._day = day
            del self._hours[:], self._watts[:]
        self._hours.append(within_ms // HOUR_MS)
        self._watts.append(watts)
        return found

    def calm(self) -> Calm:
        """A day is judged by the first slot of the next."""
        return NEVER if self._day < 0 else Calm(at_minute_ms(self._day + 1, 0))

    def minds(self, observation: Observation, now_ms: int) -> bool:  # noqa: ARG002 - all it hears
        return True

    def catch_up(self, slots: Slots, device: str) -> None:  # noqa: ARG002 - whoever tells
        new = [slot for slot in slots if slot[0] > self._seen_ms]
        if new:
            self._seen_ms = new[-1][0]
            from_ms = at_minute_ms(self._day, 0) + SLOT_MS
            self._hours.extend([(end_ms - from_ms) // HOUR_MS for end_ms, _w, _now_ms, _g in new])
            self._watts.extend([watts for _end_ms, watts, _now_ms, _g in new])

    def _end_day(self, observation: Observation, now_ms: int) -> list[Finding]:
        if len(self._watts) < _SLOTS_MIN:
            return NOTHING
        today = _profile(self._hours, self._watts)
        score, alike = self._score(self._day, today)
        if self._staying.since(at_minute_ms(self._day, 0)):
            return NOTHING
        self._days.append(self._day)
        del self._days[:-DAYS_MAX]
        self._rows.append(today)
        self._rows.keep(DAYS_MAX)
        if score is None or alike is None:
            return NOTHING
        self._strange = self._strange + 1 if score >= self._params.deviations else 0
        # A drained backlog tells of days that are over; it fills the memory and wakes nobody.
        if now_ms - at_minute_ms(self._day, 0) - DAY_MS > _LATE_MS:
            return NOTHING
        if self._raised_ms is None and self._strange >= self._params.days:
            self._raised_ms = now_ms
            told = self._told(today, alike, score)
            return [self._finding("raised", ProfileReason.PROFILE_CHANGED, observation, told)]
        if self._raised_ms is not None and score < self._params.release_deviations:
            told = self._told(today, alike, score)
            found = self._finding("cleared", ProfileReason.PROFILE_USUAL, observation, told, now_ms)
            self._raised_ms = None
            return [found]
        return NOTHING

    def _score(self, day: int, today: bytes) -> tuple[float | None, Days | None]:
        """How many deviations a day lies from the others, and the days that it is compared with."""
        if len(self._days) < _DAYS_MIN:
            return None, None
        # Whole numbers of two bytes: their sums are exact, and take half the time of floats'.
        rows = np.frombuffer(self._rows.joined(), dtype=np.uint8)
        days = rows.reshape(-1, _HOURS).astype(np.int16)
        weekend = is_weekend(day)
        alike = [place for place, d in enumerate(self._days) if is_weekend(d) == weekend]
        if len(alike) >= (_WEEKENDS_MIN if weekend else _DAYS_MIN // 2):
            days = days[alike]
        mine = np.abs(days - np.frombuffer(today, dtype=np.uint8)).sum(axis=1) / _HOURS
        each = np.abs(days[:, None, :] - days[None, :, :]).sum(axis=2)
        each.sort(axis=1)
        # A day's distance to itself, the smallest, is none of the distances.
        others = each.shape[1] - 1
        low, high = (each[:, place] / _HOURS for place in ((others + 1) // 2, others // 2 + 1))
        usual = ((low + high) / 2).tolist()
        middle = median(usual)
        spread = max(_MAD * median(abs(u - middle) for u in usual), _SPREAD_MIN)
        return (median(mine.tolist()) - middle) / spread, days

    def fire(self, at_ms: int) -> list[Finding]:  # noqa: ARG002 - a day is judged by the next
        return NOTHING

    def resume(self, now_ms: int) -> None:
        """What was missed is missing from its day."""

    def dump(self) -> dict[str, Any]:
        return {
            "days": packed(self._days),
            "rows": packed_bytes(self._rows.joined()),
            "day": self._day,
            "hours": packed(self._hours),
            "watts": packed(self._watts),
            "seen": self._seen_ms,
            "strange": self._strange,
            "staying": self._staying.dump(),
            "raised": self._raised_ms,
        }

    def load(self, document: Mapping[str, Any]) -> "ProfileChangeMonitor":
        self._days = unpacked("i", document["days"])
        self._rows = ByteRows(_HOURS, unpacked_bytes(document["rows"]))
        self._day = int(document["day"])
        self._hours = unpacked("B", document["hours"])
        self._watts = unpacked("f", document["watts"])
        whole = len(self._rows) == len(self._days)
        if not whole or len(self._hours) != len(self._watts):
            raise ValueError("days without their hours")
        self._seen_ms, self._strange = int(document["seen"]), int(document["strange"])
        self._staying = Staying.load(document.get("staying"))
        raised = document["raised"]
        self._raised_ms = None if raised is None else int(raised)
        return self

    def view(self, now_ms: int) -> Opinion:  # noqa: ARG002 - a day is judged when it is over
        shown: dict[str, EvidenceValue] = {"days_learned": len(self._days)}
        if len(self._days) < _DAYS_MIN:
            reason, state = ProfileReason.PROFILE_LEARNING, "learning"
        elif self._raised_ms is not None:
            reason, state = ProfileReason.PROFILE_CHANGED, "changed"
        else:
            reason, state = ProfileReason.PROFILE_USUAL, "usual"
            shown["strange_days"] = self._strange
        return Opinion(
            state=state, since_ms=self._raised_ms, explanation={"reason": reason, **shown}
        )

    def _told(self, today: bytes, alike: Days, score: float) -> dict[str, EvidenceValue]:
        """The hours that changed most: [hour, usual watts above the floor, today's]."""
        usual = np.median(alike, axis=0)
        now = np.frombuffer(today, dtype=np.uint8).astype(np.float64)
        most = np.argsort(-np.abs(now - usual), kind="stable")[:_HOURS_TOLD]
        hours = [[float(h), _watts(usual[h]), _watts(now[h])] for h in sorted(most.tolist())]
        return {
            "deviations": round(score, 1),
            "strange_days": self._strange,
            "days_learned": len(self._days),
            "hours": hours,
            "more_used": bool(now.sum() > usual.sum()),
        }

    def _finding(
        self,
        phase: Any,
        reason: ProfileReason,
        observation: Observation,
        told: Mapping[str, EvidenceValue],
        at_ms: int | None = None,
    ) -> Finding:
        raised_ms = self._raised_ms or 0
        return self._subject.finding(
            key=str(raised_ms),
            phase=phase,
            reason=reason,
            raised_at_ms=raised_ms,
            at_ms=raised_ms if at_ms is None else at_ms,
            device=observation.device,
            source_id=observation.id,
            evidence={"since_ms": at_minute_ms(self._day - self._strange + 1, 0), **told},
        )


def _profile(hours: Sequence[int], watts: Sequence[float]) -> bytes:
    floor_w = sorted(watts)[int(len(watts) * _FLOOR_PART)]
    sums, counts = [0.0] * _HOURS, [0] * _HOURS
    for hour, w in zip(hours, watts, strict=True):
        sums[hour] += max(0.0, w - floor_w)
        counts[hour] += 1
    total = sum(sums) / len(watts)
    means = [s / n if n else total for s, n in zip(sums, counts, strict=True)]
    return bytes(min(_STEP_MAX, round(_STEPS * log2(1 + w / _UNIT_W))) for w in means)


def _watts(step: float) -> float:
    return float(round(_UNIT_W * (2 ** (float(step) / _STEPS) - 1)))


PROFILE_CHANGE: Final = PlainKind(
    name="profile_change",
    params=ProfileChangeParams,
    hears=frozenset({STAY, POWER_SLOT, POWER_METER}),
    monitor=ProfileChangeMonitor,
    severity="watch",
    # 2: numbers are packed.
    state_version=2,
    ask_first_s=0,
    patient=True,
)
