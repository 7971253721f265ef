"""Nobody has stirred in a home for a day: judged from its electricity, refuted by anything else.

Sees: `power` of the home's main meter (`rules.metering` makes quarter-hours of it, `rules.living`
compares the newest 25 hours of them with what the home does alone), and as proof of life every
press, movement, door, bed or presence change, every measurement that a person takes of herself, and
`said_well`, by which the hub tells that a human has heard from her.
States: `learning`, `well`, `silent`, `cannot_judge` (meter quiet, supply dead, lived and empty too
alike). The clock of silence stands still while nothing is seen: 25 hours means 25 hours that were
seen.

Told of stays (`stay`), it learns nothing from them; what it finds meanwhile the book holds.

Can't see: a person at home who uses nothing that stands out from the machines for a whole day; it
is found silent, and judged more carefully from then on. An absence in a home whose machines look
like people (boilers used by day, defrost heaters, solar panels, night storage). What arrives late
counts, but only a view of the present raises; readings of yesterday wake nobody.

Defaults: 25 seen hours; 120 minutes without readings are `meter_quiet`, older readings raise
nothing; no opinion in the first week or so, narrower limits until 30 days are known.

Sources: practice of Japanese, Korean and Shanghai services; `./dev eval` (docs/rules.md).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from rules.finding import EvidenceValue, Finding, Severity
from rules.former_living import SCALE, is_former, migrated
from rules.lived_days import SLOTS_PER_DAY, SLOTS_PER_HOUR
from rules.living import Living
from rules.mains import Mains
from rules.metering import SLOT_MS, Gap, Meter, Slot
from rules.params import number, parse_params
from rules.rule import NOTHING, Lane, Monitor, Observation, Opinion, Subject, SubjectKind
from rules.signs import LIFE_KINDS, SAID_WELL, LifeReason, Signs
from rules.staying import STAY, Staying
from rules.supply import Supply

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000

# A clock this far ahead is wrong; the reading counts as taken now.
_AHEAD_MAX_MS: Final = 10 * MINUTE_MS
# No opinion in the first two days.
_LEARNING_MS: Final = 48 * HOUR_MS
# Activity so far above the limit ends a silence.
_BACK_PART: Final = 1.3
_BACK_MORE: Final = 0.1
# Back so soon that nobody had been away: on the tuning homes four of five silences that were none
# had ended by then, and one of seven that were some.
_SOON_MS: Final = 10 * HOUR_MS
# So that no per cent is taken of nothing.
_LIMIT_LEAST: Final = 0.01
# Energy that came while nobody was looking proves life at this part of a poor lived day's.
_GAP_LIVED_PART: Final = 0.5
_GAP_WH_MIN: Final = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NoSignOfLifeParams:
    """window_h: seen hours that look empty, a whole day; late_after_min: older readings raise
    nothing; blind_after_min: without readings for so long the state is `cannot_judge`; meter: the
    device to judge by, empty for the one that measures most."""

    window_h: int = number(25, 20, 48)
    late_after_min: int = number(120, 20, 1440)
    blind_after_min: int = number(120, 20, 1440)
    meter: str = ""


class NoSignOfLifeMonitor:
    """One home. `_quiet_slots`: seen slots since the last proof of life."""

    __slots__ = (
        "_began_ms",
        "_living",
        "_mains",
        "_params",
        "_quiet_slots",
        "_raised",
        "_raised_limit",
        "_signs",
        "_staying",
        "_subject",
        "_supply",
        "due_ms",
    )

    def __init__(self, subject: Subject, params: NoSignOfLifeParams, mains: Mains) -> None:
        self.due_ms: int | None = None
        self._subject = subject
        self._params = params
        self._mains = mains
        self._living = Living(params.window_h)
        self._signs = Signs()
        self._staying = Staying()
        self._began_ms = -1
        self._quiet_slots = 0
        self._supply = Supply()
        # The open silence: [raised at, first quiet moment].
        self._raised: tuple[int, int] | None = None
        # The limit that it was below.
        self._raised_limit = 0.0

    def observe(self, observation: Observation, now_ms: int) -> list[Finding]:
        at_ms = observation.measured_at_ms
        if at_ms > now_ms + _AHEAD_MAX_MS:
            at_ms = now_ms
        if observation.kind == STAY:
            self._staying.read(observation, now_ms)
            return NOTHING
        if observation.kind != "power":
            return self._sign(observation, at_ms, now_ms)
        if self._began_ms < 0:
            self._began_ms = at_ms
        mains = self._mains
        done = mains.read(observation, at_ms)
        if done is None:
            if mains.larger:
                self._start_over(at_ms)
            return NOTHING
        found = NOTHING
        for part in done:
            new = (
                self._gap(observation, part, now_ms)
                if isinstance(part, Gap)
                else self._slot(observation, part, now_ms)
            )
            if new:
                found = found + new
        return found

    def fire(self, at_ms: int) -> list[Finding]:  # noqa: ARG002 - judged when something is seen
        return NOTHING

    def resume(self, now_ms: int) -> None:
        """Missing data never counted as silence: nothing to forgive."""

    # Electricity.

    def _start_over(self, at_ms: int) -> None:
        """Another meter shows more of the home: learn it anew, but don't end a silence."""
        self._mains.larger = False
        self._living = Living(self._params.window_h)
        self._began_ms = at_ms
        self._quiet_slots = 0
        self._supply.forget()

    def _slot(self, observation: Observation, slot: Slot, now_ms: int) -> list[Finding]:
        living, supply = self._living, self._supply
        if supply.holds(slot, living.base_w, living.alone):
            return NOTHING
        doubtful = supply.doubtful(living.base_w)
        for before in supply.release():
            self._push(before)
        if doubtful:
            living.unsteady()
        self._push(slot)
        return self._judge(observation, (slot.number + 1) * SLOT_MS, now_ms)

    def _push(self, slot: Slot) -> None:
        self._living.push(
            slot.number,
            slot.watts,
            slot.grain_w,
            learn=self._raised is None,
            usual=not self._staying.since((slot.number - SLOTS_PER_DAY) * SLOT_MS),
        )
        self._quiet_slots += 1

    def _judge(self, observation: Observation, end_ms: int, now_ms: int) -> list[Finding]:
        living = self._living
        activity = living.measure()
        if activity is None or end_ms - self._began_ms < _LEARNING_MS:
            return NOTHING
        limit = living.quiet.limit
        if self._raised is not None:
            back = activity > self._raised_limit * _BACK_PART + _BACK_MORE
            if not back or end_ms <= self._raised[0]:
                return NOTHING
            return self._clear(observation, LifeReason.ACTIVITY, now_ms)
        if activity > limit:
            return NOTHING
        if self._quiet_slots < living.window or not living.covered():
            return NOTHING
        living.suspect()
        if now_ms - end_ms > self._params.late_after_min * MINUTE_MS:
            # Of the past: it wakes nobody, but it isn't learned as a lived day either.
            return NOTHING
        self._raised = (now_ms, living.window_start_number() * SLOT_MS)
        self._raised_limit = limit
        if not self._staying.since(self._raised[1]):
            living.raised()
        return [self._finding("raised", LifeReason.NO_ACTIVITY, observation, now_ms)]

    def _clear(self, observation: Observation, reason: LifeReason, now_ms: int) -> list[Finding]:
        finding = self._finding("cleared", reason, observation, now_ms)
        raised_ms, start_ms = self._raised or (now_ms, now_ms)
        passed_ms = now_ms - raised_ms
        # Of what somebody had said beforehand nothing is learned.
        unsaid = not self._staying.since(start_ms)
        self._living.back(soon=unsaid and passed_ms < _SOON_MS)
        self._raised = None
        self._quiet_slots = min(self._quiet_slots, 0)
        return [finding]

    def _gap(self, observation: Observation, gap: Gap, now_ms: int) -> list[Finding]:
        """Nothing was seen; a register may still tell that somebody cooked meanwhile."""
        if gap.watts is None:
            return NOTHING
        living = self._living
        if not living.days:
            return NOTHING
        hours = (gap.end_ms - gap.start_ms) / HOUR_MS
        floor_w, lived_w = living.base_w, living.lived_w
        extra_wh = (gap.watts - floor_w) * hours
        if extra_wh < max(_GAP_WH_MIN, lived_w * hours * (1 + _GAP_LIVED_PART)):
            return NOTHING
        return self._proof(observation, gap.end_ms, LifeReason.ENERGY_UNSEEN, now_ms)

    # Proof of life.

    def _sign(self, observation: Observation, at_ms: int, now_ms: int) -> list[Finding]:
        reason = self._signs.read(observation)
        if reason is None:
            return NOTHING
        return self._proof(observation, at_ms, reason, now_ms)

    def _proof(
        self, observation: Observation, at_ms: int, reason: LifeReason, now_ms: int
    ) -> list[Finding]:
        if not self._signs.alive(at_ms, reason, observation.device):
            return NOTHING
        meter = self._mains.meter
        seen_ms = meter.last_ms if meter is not None else -1
        if seen_ms >= 0:
            # Only what was seen since then counts as quiet, and not the slot in which it was.
            since = max(0, (seen_ms - at_ms) // SLOT_MS) - 1
            self._quiet_slots = min(self._quiet_slots, since)
        if self._raised is None or at_ms <= self._raised[1]:
            return NOTHING
        return self._clear(observation, reason, now_ms)

    def _finding(
        self,
        phase: Any,
        reason: LifeReason,
        observation: Observation,
        now_ms: int,
    ) -> Finding:
        raised_ms, start_ms = self._raised or (now_ms, now_ms)
        living = self._living
        evidence: dict[str, EvidenceValue] = {
            "quiet_since_ms": start_ms,
            "window_h": self._params.window_h,
            "days_learned": living.quiet.days,
            "floor_w": max(0, living.floor_w),
            "mean_w": living.mean_w(),
            "peak_w": living.peak_w(),
            "spread_w": round(living.spread_w),
        }
        alone, activity = living.alone, living.activity
        if alone is not None:
            evidence["alone_spread_w"] = round(alone.spread_w)
            evidence["alone_peak_w"] = round(living.floor_w + alone.peak_w)
        if activity is not None:
            limit = max(self._raised_limit, _LIMIT_LEAST)
            evidence["activity_pct"] = round(activity / limit * 100)
            evidence["usual_pct"] = round(living.quiet.usual / limit * 100)
            evidence["days_as_quiet"] = living.quiet.as_quiet(activity)
        evidence.update(self._signs.shown())
        return self._subject.finding(
            key=str(start_ms),
            phase=phase,
            reason=reason,
            raised_at_ms=raised_ms,
            at_ms=now_ms,
            device=observation.device,
            source_id=observation.id,
            evidence=evidence,
        )

    # State.

    def dump(self) -> dict[str, Any]:
        return {
            "mains": self._mains.dump(),
            "living": self._living.dump(),
            "signs": self._signs.dump(),
            "staying": self._staying.dump(),
            "began": self._began_ms,
            "quiet_slots": self._quiet_slots,
            "supply": self._supply.dump(),
            "raised": self._raised,
            "raised_limit": self._raised_limit,
        }

    def load(self, document: Mapping[str, Any]) -> "NoSignOfLifeMonitor":
        self._mains = Mains.load(self._params.meter, document["mains"])
        living = document["living"]
        scale = 1.0
        if is_former(living):
            living, scale = migrated(living), SCALE
        self._living = Living.load(self._params.window_h, living)
        self._signs = Signs.load(document["signs"])
        self._staying = Staying.load(document["staying"])
        self._began_ms = int(document["began"])
        self._quiet_slots = int(document["quiet_slots"])
        raised = document["raised"]
        self._raised_limit = float(document["raised_limit"]) * scale
        self._supply = Supply.load(document["held"] if "held" in document else document["supply"])
        self._raised = None if raised is None else (int(raised[0]), int(raised[1]))
        return self

    def view(self, now_ms: int) -> Opinion:
        meter = self._mains.meter
        shown: dict[str, EvidenceValue] = dict(self._signs.shown())
        quiet, activity = self._living.quiet, self._living.activity
        shown["days_learned"] = quiet.days
        if meter is None:
            return Opinion(
                state="cannot_judge",
                since_ms=None,
                explanation={"reason": LifeReason.NO_METER, **shown},
            )
        shown["last_reading_ms"] = meter.last_ms
        if activity is not None and quiet.limit > 0.0:
            shown["activity_pct"] = round(activity / quiet.limit * 100)
        shown["quiet_hours_seen"] = max(0, self._quiet_slots) / SLOTS_PER_HOUR
        state, since_ms, reason = self._word(meter, now_ms)
        shown.update(self._outlook(state))
        return Opinion(state=state, since_ms=since_ms, explanation={"reason": reason, **shown})

    def _outlook(self, state: str) -> dict[str, EvidenceValue]:
        """When electricity last showed somebody, and how many quiet hours are left to be seen."""
        slots, stirred = self._living.outlook()
        shown: dict[str, EvidenceValue] = {"window_h": self._params.window_h}
        if stirred is not None:
            shown["power_sign_ms"] = (stirred + 1) * SLOT_MS
        if state == "well" and slots is not None:
            left = max(slots, self._living.window - self._quiet_slots)
            shown["quiet_hours_left"] = left / SLOTS_PER_HOUR
        return shown

    def _word(self, meter: Meter, now_ms: int) -> tuple[str, int | None, LifeReason]:
        blind = now_ms - meter.last_ms > self._params.blind_after_min * MINUTE_MS
        if self._raised is not None:
            # Still silent as far as anybody saw; the meter's silence is told beside it.
            reason = LifeReason.METER_QUIET if blind else LifeReason.NO_ACTIVITY
            return "silent", self._raised[1], reason
        if blind:
            return "cannot_judge", meter.last_ms, LifeReason.METER_QUIET
        if self._supply.dead:
            return "cannot_judge", meter.last_ms, LifeReason.SUPPLY_DEAD
        if self._living.quiet.weak or self._living.coarse:
            return "cannot_judge", None, LifeReason.WEAK_SIGNAL
        if meter.last_ms - self._began_ms < _LEARNING_MS or self._living.quiet.limit <= 0.0:
            return "learning", self._began_ms, LifeReason.LEARNING
        return "well", self._signs.last_ms, LifeReason.ACTIVITY


class NoSignOfLife:
    """The rule kind `no_sign_of_life`; `make_mains`: what chooses and reads the meters."""

    name: Final = "no_sign_of_life"
    lane: Final[Lane] = "readings"
    subject: Final[SubjectKind] = "home"
    severity: Final[Severity] = "urgent"
    # 4: blocks of hours in place of hours (`rules.former_living` reads 3).
    state_version: Final = 4
    starts_idle: Final = True
    # Five minutes to get up and find the key, as services in Japan and Korea call first; a silence
    # of a day can bear them.
    ask_first_s: Final[int | None] = 300

    def __init__(self, make_mains: Callable[[str], Mains] = Mains) -> None:
        self._make_mains = make_mains

    def parse(self, table: Mapping[str, Any], where: str, base: Any = None) -> NoSignOfLifeParams:
        return parse_params(NoSignOfLifeParams, table, where, base)

    def listens(self, params: NoSignOfLifeParams) -> frozenset[str]:  # noqa: ARG002
        return LIFE_KINDS | {"power", STAY, SAID_WELL}

    def start(self, subject: Subject, params: NoSignOfLifeParams, now_ms: int) -> Monitor:  # noqa: ARG002
        return NoSignOfLifeMonitor(subject, params, self._make_mains(params.meter))

    def load(
        self, subject: Subject, params: NoSignOfLifeParams, document: Mapping[str, Any]
    ) -> Monitor:
        mains = self._make_mains(params.meter)
        return NoSignOfLifeMonitor(subject, params, mains).load(document)
