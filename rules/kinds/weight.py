"""Body weight: water that gathers in days, and flesh lost in weeks.

Sees: items of kind `weight`; the readings of each `attrs.user` are judged apart. A gain of
`gain_kg` within `gain_days` (the day's mean above the lowest day's) is to be watched: in a failing
heart it is water, days before breath gets short. So is a loss of `trend_down_kg` in `trend_days`,
and no measurement by who used to measure. Nothing of a weight is ever urgent.

Can't see: clothes, a meal, a scale on a carpet. Somebody else on the scale without `attrs.user`
looks like a jump; one of more than `other_person_kg` is taken for that and says nothing.

Defaults: 2 kg in 3 days; 3 kg lost in 14 days.

Sources: ESC guideline on heart failure 2021 (more than 2 kg in 3 days). The loss is ours. All for a
clinician to confirm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rules.finding import EvidenceValue, Severity
from rules.params import check_order, number
from rules.vitals.days import Days, day_of
from rules.vitals.kind import VitalKind
from rules.vitals.measures import Measurement, Values
from rules.vitals.params import HabitParams
from rules.vitals.reasons import SignReason
from rules.vitals.sign import OneValueLimits, OneValueSign, Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightParams(HabitParams):
    gain_kg: float = number(2.0, 0.5, 10)
    gain_days: int = number(3, 1, 6)
    other_person_kg: float = number(6.0, 1, 50)
    trend_down_kg: float = number(3.0, 0, 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightLimits(OneValueLimits):
    """No weight is wrong in itself: only the gain has a limit."""

    gain_kg: float

    def shown(self, reason: SignReason) -> dict[str, EvidenceValue]:
        return {"limit_gain_kg": self.gain_kg} if reason == SignReason.WEIGHT_GAIN else {}


class BodyWeight(OneValueSign):
    fields = ("weight_kg",)
    plausible = (20.0, 250.0)
    standing = ("gain", SignReason.WEIGHT_GAIN)

    def limits(self, params: WeightParams, user: str) -> OneValueLimits:  # noqa: ARG002
        return WeightLimits(
            unit="weight_kg", release=0.0, third_spread=params.gain_kg, gain_kg=params.gain_kg
        )

    def trend(self, params: WeightParams) -> Spread:
        return Spread(down=params.trend_down_kg)

    def mean(
        self, history: Sequence[Measurement], params: WeightParams
    ) -> tuple[Values, Literal["over", "between", "under"]] | None:
        """The mean of the days, and whether the newest is far above those before."""
        days = Days()
        for m in history:
            days.add(m.began_ms, m.values[0])
        today = max((day_of(m.began_ms) for m in history), default=0)
        means = [mean for _, mean in days.means(today - params.gain_days, today)]
        if len(means) < 2:
            return None
        gain = means[-1] - min(means[:-1])
        over = params.gain_kg <= gain <= params.other_person_kg
        under = gain < params.gain_kg / 2
        return (sum(means) / len(means),), "over" if over else "under" if under else "between"


class Weight(VitalKind):
    """The rule kind `weight`."""

    name = "weight"
    severity: Severity = "watch"
    sign = BodyWeight()
    params = WeightParams
    kinds = frozenset({"weight"})

    def check(self, params: WeightParams, where: str) -> None:
        check_order(params, where, ("gain_kg", "other_person_kg"), ("trend_days_min", "trend_days"))
