"""What `no_sign_of_life` says of a home: on a screen, and with a finding. Pure."""

from typing import Final

from rules.coarse_living import CoarseLiving
from rules.finding import EvidenceValue
from rules.lived_days import SLOTS_PER_HOUR
from rules.living import Living
from rules.metering import SLOT_MS
from rules.rule import Opinion
from rules.signs import LifeReason, Signs
from rules.stillness import LEARNING as SENSORS_LEARN
from rules.stillness import Sensed

# No opinion in the first two days.
LEARNING_MS: Final = 48 * 3_600_000
# So that no per cent is taken of nothing.
_LIMIT_LEAST: Final = 0.01
# Where electricity says nothing, sensors may.
_UNJUDGED: Final = frozenset({"cannot_judge", "learning"})


def evidence_of(living: Living, limit: float, sensed: Sensed) -> dict[str, EvidenceValue]:
    """What was seen in the window, and what the home does alone. limit: that it was below. Where
    sensors found it the window is of the time before, or not even known."""
    if sensed.alone:
        return {"power_shows": sensed.power, "days_learned": sensed.days}
    evidence: dict[str, EvidenceValue] = {
        "window_h": living.asked // SLOTS_PER_HOUR,
        "days_learned": living.quiet.days,
    }
    if isinstance(living, CoarseLiving):
        evidence.update(living.shown())
    else:
        evidence["floor_w"] = max(0, living.floor_w)
        evidence["mean_w"], evidence["peak_w"] = living.mean_w(), living.peak_w()
        evidence["spread_w"] = round(living.spread_w)
    evidence.update(_wrong(living))
    evidence.update(living.quiet.weekly.shown())
    alone, activity = living.alone, living.activity
    if alone is not None:
        evidence["alone_spread_w"] = round(alone.spread_w)
        evidence["alone_peak_w"] = round(living.floor_w + alone.peak_w)
    if activity is not None:
        limit = max(limit, _LIMIT_LEAST)
        evidence["activity_pct"] = round(activity / limit * 100)
        evidence["usual_pct"] = round(living.quiet.usual / limit * 100)
        evidence["days_as_quiet"] = living.quiet.as_quiet(activity)
    return evidence


def opinion_of(
    living: Living,
    signs: Signs,
    *,
    began_ms: int,
    read_ms: int,
    silent_ms: int | None,
    quiet_slots: int,
    blind: bool,
    dead: bool,
    masked_ms: int | None = None,
) -> Opinion:
    """read_ms: the last reading, -1: none. silent_ms: since when it is silent; blind: the meter is
    quiet; dead: so is the supply. masked_ms: since when it is known that machines look like
    somebody here."""
    shown: dict[str, EvidenceValue] = dict(signs.shown())
    quiet, activity = living.quiet, living.activity
    shown["days_learned"] = quiet.days
    shown.update(_wrong(living))
    if isinstance(living, CoarseLiving):
        shown.update(living.register())
    if read_ms < 0:
        explanation = {"reason": LifeReason.NO_METER, **shown}
        return Opinion(state="cannot_judge", since_ms=None, explanation=explanation)
    shown["last_reading_ms"] = read_ms
    if activity is not None and quiet.limit > 0.0:
        shown["activity_pct"] = round(activity / quiet.limit * 100)
    shown["quiet_hours_seen"] = max(0, quiet_slots) / SLOTS_PER_HOUR
    since_ms: int | None = None
    if silent_ms is not None:
        # Still silent as far as anybody saw; the meter's silence is told beside it.
        state, since_ms = "silent", silent_ms
        reason = LifeReason.METER_QUIET if blind else LifeReason.NO_ACTIVITY
    elif blind or dead or living.dark:
        state, since_ms = "cannot_judge", read_ms
        reason = LifeReason.METER_QUIET if blind else LifeReason.SUPPLY_DEAD
    elif living.mute:
        state = "cannot_judge"
        reason = LifeReason.COARSE_REGISTER if living.coarse else LifeReason.WEAK_SIGNAL
    elif read_ms - began_ms < LEARNING_MS or quiet.limit <= 0.0:
        state, since_ms, reason = "learning", began_ms, LifeReason.LEARNING
    elif masked_ms is not None:
        state, since_ms, reason = "cannot_judge", masked_ms, LifeReason.LIVED_WHILE_AWAY
    else:
        state, since_ms, reason = "well", signs.last_ms, LifeReason.ACTIVITY
    shown["window_h"] = living.asked // SLOTS_PER_HOUR
    shown.update(_outlook(living, quiet_slots, well=state == "well"))
    return Opinion(state=state, since_ms=since_ms, explanation={"reason": reason, **shown})


def with_sensors(opinion: Opinion, sensed: Sensed, signs: Signs, now_ms: int) -> Opinion:
    """The opinion where sensors are asked too."""
    still = sensed.still
    explanation = {**opinion.explanation, **sensed.shown(signs, now_ms)}
    if sensed.alone:
        explanation["reason"] = sensed.reason(signs)
        return Opinion(state="silent", since_ms=opinion.since_ms, explanation=explanation)
    if still is None or not still.holds(now_ms) or opinion.state not in _UNJUDGED:
        return Opinion(state=opinion.state, since_ms=opinion.since_ms, explanation=explanation)
    if still.judges:
        explanation["power_shows"] = "unknown"
        explanation["reason"] = LifeReason.SENSORS_WELL
        return Opinion(state="well", since_ms=signs.last_ms, explanation=explanation)
    if still.level == SENSORS_LEARN and opinion.state == "cannot_judge":
        explanation["power_shows"] = "unknown"
        explanation["reason"] = LifeReason.SENSORS_LEARNING
        return Opinion(state="learning", since_ms=None, explanation=explanation)
    return Opinion(state=opinion.state, since_ms=opinion.since_ms, explanation=explanation)


def _wrong(living: Living) -> dict[str, EvidenceValue]:
    """How often it was found silent within a year while somebody was there, and how often of these
    a human said so: from the third time on it must look empty for longer. How many alarms were
    refuted is told where they have spent its budget."""
    told: dict[str, EvidenceValue] = {}
    if living.quiet.spent:
        told["refuted_in_year"] = int(living.quiet.refuted)
    if wrong := living.wrong:
        told["wrong_in_year"] = len(wrong)
    if confirmed := sum(silence.confirmed for silence in wrong):
        told["confirmed_in_year"] = confirmed
    return told


def _outlook(living: Living, quiet_slots: int, *, well: bool) -> dict[str, EvidenceValue]:
    """When electricity last showed somebody, and how many quiet hours are left to be seen."""
    slots, stirred = living.outlook()
    shown: dict[str, EvidenceValue] = {}
    if stirred is not None:
        shown["power_sign_ms"] = (stirred + 1) * SLOT_MS
    if well and slots is not None:
        left = max(slots + max(0, living.doubt_slots - 1), living.asked - quiet_slots)
        shown["quiet_hours_left"] = left / SLOTS_PER_HOUR
    return shown
