"""Blood pressure of a cuff: urgent, to be watched, or usual.

Sees: items of kind `blood_pressure`; the readings of each `attrs.user` are judged apart. A high or
low value must be repeated within `confirm_min`, and the mean from it on counts; nobody repeating a
high one is urgent too, and a crisis value is urgent at once. The home mean of `mean_days`, a
systolic trend over `trend_days` and no measurement by who used to measure are to be watched. A
reading older than `late_after_min` on arrival (a cuff replaying its memory) only enters means and
trends. The pulse in the same item is the rule kind `pulse`'s.

Can't see: a cuff whose clock is hours behind looks like a replayed memory and wakes nobody; the
view says when the last reading was measured. Two people who use one cuff without `attrs.user` are
one to it. A gateway that is down looks like nobody measuring.

Defaults: urgent from 180/110 on, at once from 200/120 on; urgent at 90 systolic or below when
repeated, else to be watched, as 91-100 are; the home mean of seven days from 135/85 on; ten mmHg
more in fourteen days.

Sources: Chinese hypertension guideline 2024 and ESC 2024 (high, home mean); NEWS2 (low); JMIR Med
Inform 2025;13:e66066 (a naive limit alarms on 57 % of readings, hence the repeat). The trend's ten
mmHg are ours. All for a clinician to confirm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal

from rules.finding import EvidenceValue
from rules.params import check_order, number
from rules.pressure import implausible, plausible_pulse
from rules.rule import Observation
from rules.vitals.days import Days, day_of
from rules.vitals.kind import VitalKind
from rules.vitals.measures import HISTORY_MAX, Measurement, Values, mean_of
from rules.vitals.params import HabitParams
from rules.vitals.reasons import SignReason
from rules.vitals.sign import CRISIS, URGENT, WATCH, Reasons, Spread, Verdict, Whose

# Version 1 had the pulse among its troubles, and levels one lower for high ones.
_VERSION: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PressureParams(HabitParams):
    """Limits in mmHg; each is reached by a value equal to it."""

    urgent_systolic_mmhg: float = number(180.0, 120, 260)
    urgent_diastolic_mmhg: float = number(110.0, 70, 160)
    crisis_systolic_mmhg: float = number(200.0, 140, 280)
    crisis_diastolic_mmhg: float = number(120.0, 80, 180)
    low_systolic_mmhg: float = number(90.0, 50, 120)
    low_watch_systolic_mmhg: float = number(100.0, 50, 130)
    mean_systolic_mmhg: float = number(135.0, 100, 200)
    mean_diastolic_mmhg: float = number(85.0, 60, 130)
    mean_days: int = number(7, 1, 30)
    mean_readings_min: int = number(6, 2, HISTORY_MAX)
    mean_days_min: int = number(3, 1, 30)
    mean_release_mmhg: float = number(5.0, 0, 30)
    release_mmhg: float = number(10.0, 0, 40)
    third_mmhg: float = number(10.0, 1, 40)
    trend_up_mmhg: float = number(10.0, 0, 60)
    trend_down_mmhg: float = number(20.0, 0, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class PressureLimits:
    p: PressureParams
    # A low value is told at once: it is a call on the same day, not a visit.
    watch_waits: bool = False
    watch_times: Mapping[str, int] = field(default_factory=dict)
    watch_within_ms: int = 0
    profile: str = ""

    @property
    def third_spread(self) -> float:
        return self.p.third_mmhg

    def judge(self, values: Values) -> Sequence[Verdict]:
        p, systolic, diastolic = self.p, values[0], values[1]
        if systolic >= p.crisis_systolic_mmhg or diastolic >= p.crisis_diastolic_mmhg:
            return (Verdict("high", CRISIS),)
        if systolic >= p.urgent_systolic_mmhg or diastolic >= p.urgent_diastolic_mmhg:
            return (Verdict("high", URGENT),)
        if systolic <= p.low_systolic_mmhg:
            return (Verdict("low", URGENT),)
        return (Verdict("low", WATCH),) if systolic <= p.low_watch_systolic_mmhg else ()

    def gone(self, trouble: str, values: Values) -> bool:
        p, systolic, diastolic = self.p, values[0], values[1]
        if trouble == "low":
            return systolic > p.low_watch_systolic_mmhg + p.mean_release_mmhg
        return (
            systolic < p.urgent_systolic_mmhg - p.release_mmhg
            and diastolic < p.urgent_diastolic_mmhg - p.release_mmhg
        )

    def shown(self, reason: SignReason) -> dict[str, EvidenceValue]:
        p = self.p
        if reason in (SignReason.LOW_CONFIRMED, SignReason.LOW_UNCONFIRMED):
            return {"limit_systolic_mmhg": p.low_systolic_mmhg}
        if reason == SignReason.LOW_WATCH:
            return {"limit_systolic_mmhg": p.low_watch_systolic_mmhg}
        pair = (p.urgent_systolic_mmhg, p.urgent_diastolic_mmhg)
        if reason == SignReason.CRISIS:
            pair = (p.crisis_systolic_mmhg, p.crisis_diastolic_mmhg)
        elif reason == SignReason.MEAN_HIGH:
            pair = (p.mean_systolic_mmhg, p.mean_diastolic_mmhg)
        return {"limit_systolic_mmhg": pair[0], "limit_diastolic_mmhg": pair[1]}


class Pressure:
    """The sign: systolic, diastolic, and the pulse beside them to be drawn."""

    fields = ("systolic_mmhg", "diastolic_mmhg", "pulse_bpm")
    judged = 2
    standing = ("mean", SignReason.MEAN_HIGH)
    reasons: Mapping[str, Reasons] = MappingProxyType(
        {
            "high": Reasons(
                SignReason.HIGH_CONFIRMED, SignReason.HIGH_UNCONFIRMED, SignReason.HIGH_WATCH
            ),
            "low": Reasons(
                SignReason.LOW_CONFIRMED, SignReason.LOW_UNCONFIRMED, SignReason.LOW_WATCH, WATCH
            ),
        }
    )

    def read(self, observation: Observation) -> Values | str | None:
        values = observation.values
        why = implausible(values)
        if why is not None:
            return why
        pressure = (float(values["systolic_mmhg"]), float(values["diastolic_mmhg"]))
        return (*pressure, plausible_pulse(values))

    def stream_gap_ms(self, observation: Observation) -> int:  # noqa: ARG002
        return 0

    def solid(self, observation: Observation, params: Any) -> bool:  # noqa: ARG002
        return False

    def stable_ms(self, params: Any) -> int:  # noqa: ARG002
        return 0

    def limits(self, params: PressureParams, whose: Whose) -> PressureLimits:  # noqa: ARG002
        return PressureLimits(p=params)

    def trend(self, params: PressureParams) -> Spread:
        return Spread(up=params.trend_up_mmhg, down=params.trend_down_mmhg)

    def habit(self, params: PressureParams) -> HabitParams:
        return params

    def keep_days(self, params: PressureParams) -> int:
        return params.mean_days

    def mean(
        self, history: Sequence[Measurement], params: PressureParams
    ) -> tuple[Values, Literal["over", "between", "under"]] | None:
        """The home mean, once there are enough readings on enough days to call it one."""
        p = params
        if len(history) < p.mean_readings_min:
            return None
        if len({day_of(m.began_ms) for m in history}) < p.mean_days_min:
            return None
        mean = mean_of(history)
        if mean[0] >= p.mean_systolic_mmhg or mean[1] >= p.mean_diastolic_mmhg:
            return mean, "over"
        under = (
            mean[0] < p.mean_systolic_mmhg - p.mean_release_mmhg
            and mean[1] < p.mean_diastolic_mmhg - p.mean_release_mmhg
        )
        return mean, "under" if under else "between"


class BloodPressure(VitalKind):
    """The rule kind `blood_pressure`."""

    name = "blood_pressure"
    state_version = _VERSION
    sign = Pressure()
    params = PressureParams
    kinds = frozenset({"blood_pressure"})

    def check(self, params: PressureParams, where: str) -> None:
        check_order(
            params,
            where,
            ("urgent_systolic_mmhg", "crisis_systolic_mmhg"),
            ("urgent_diastolic_mmhg", "crisis_diastolic_mmhg"),
            ("low_systolic_mmhg", "low_watch_systolic_mmhg"),
            ("low_watch_systolic_mmhg", "urgent_systolic_mmhg"),
            ("mean_days_min", "mean_days"),
            ("trend_days_min", "trend_days"),
        )

    def migrated(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        if document.get("v", _VERSION) >= _VERSION:
            return document
        persons = {user: _person_of_1(old) for user, old in document["persons"].items()}
        return {**document, "persons": persons}


def _person_of_1(old: Mapping[str, Any]) -> dict[str, Any]:
    """A person of version 1: history of [ms, systolic, diastolic, pulse], five-part pending."""
    days = Days()
    history = []
    for measured_ms, *values in old["history"]:
        days.add(int(measured_ms), float(values[0]))
        history.append([measured_ms, measured_ms, measured_ms, 1, values, values])
    troubles = {
        trouble: [level + 1 if trouble == "high" else level, at_ms]
        for trouble, (level, at_ms) in old["troubles"].items()
        if not trouble.startswith("pulse")
    }
    last_ms = max((row[0] for row in history), default=None)
    return {
        "history": history,
        "days": days.dump(),
        "pending": [] if old["pending"] is None else [old["pending"][1:]],
        "troubles": troubles,
        "seen": {},
        "runs": {},
        "asked_day": 0,
        "last": [last_ms, "", ""],
        "missing_from": 0,
    }
