"""Body weight: water that gathers in days, and flesh lost in weeks.

Sees: items of kind `weight`; the readings of each `attrs.user` are judged apart. A gain of
`gain_kg` within `gain_days`, on both sides by weights that another one supports, is to be watched:
in a failing heart it is water, days before breath gets short. So is a loss of `trend_down_kg` in
`trend_days`, and no measurement by who used to measure. Nothing of a weight is ever urgent.

Can't see: clothes, a meal, a scale on a carpet. Somebody else on the scale without `attrs.user`
looks like a jump; one of more than `other_person_kg` is taken for that and says nothing.

Defaults: 2 kg in 3 days; 3 kg lost in 14 days.

Sources: ESC guideline on heart failure 2021 (more than 2 kg in 3 days). The loss is ours. All for a
clinician to confirm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from rules.finding import EvidenceValue, Severity
from rules.params import check_order, number
from rules.vitals.days import day_of
from rules.vitals.kind import VitalKind
from rules.vitals.measures import Measurement, Values
from rules.vitals.params import HabitParams
from rules.vitals.reasons import SignReason
from rules.vitals.sign import OneValueLimits, OneValueSign, Spread, Whose

# Scales and clothes scatter by half of this; water gathers by it in a day.
SUPPORT_KG: Final = 1.0


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

    def limits(self, params: WeightParams, whose: Whose) -> OneValueLimits:  # noqa: ARG002
        return WeightLimits(
            unit="weight_kg", release=0.0, third_spread=params.gain_kg, gain_kg=params.gain_kg
        )

    def trend(self, params: WeightParams) -> Spread:
        return Spread(down=params.trend_down_kg)

    def mean(
        self, history: Sequence[Measurement], params: WeightParams
    ) -> tuple[Values, Literal["over", "between", "under"]] | None:
        """The mean of what can be believed, and whether today is far above the days before."""
        weights = [(day_of(m.began_ms), m.values[0]) for m in history]
        believed = [row for n, row in enumerate(weights) if _supported(row[1], weights, n)]
        today = weights[-1][0] if weights else 0
        now = [kg for day, kg in believed if day == today]
        before = [kg for day, kg in believed if today - params.gain_days <= day < today]
        if not now or not before:
            return None
        gain = sum(now) / len(now) - min(before)
        over = params.gain_kg <= gain <= params.other_person_kg
        under = gain < params.gain_kg / 2
        mean = sum(kg for _, kg in believed) / len(believed)
        return (mean,), "over" if over else "under" if under else "between"


def _supported(kg: float, weights: Sequence[tuple[int, float]], number: int) -> bool:
    """Whether another measurement says about the same: a coat or a carpet stands alone."""
    return any(
        n != number and abs(kg - other) <= SUPPORT_KG for n, (_, other) in enumerate(weights)
    )


class Weight(VitalKind):
    """The rule kind `weight`."""

    name = "weight"
    severity: Severity = "watch"
    sign = BodyWeight()
    params = WeightParams
    kinds = frozenset({"weight"})

    def check(self, params: WeightParams, where: str) -> None:
        check_order(params, where, ("gain_kg", "other_person_kg"), ("trend_days_min", "trend_days"))
