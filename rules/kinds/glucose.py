"""Blood glucose: hypoglycaemia, and sugar far too high.

Sees: items of kind `glucose`; the readings of each `attrs.user` are judged apart. A value beyond a
limit must be repeated within `confirm_min` and the mean from it on counts; nobody repeating an
urgent one is urgent too. High values to be watched must be seen on `watch_high_times` occasions in
`watch_within_h`. No measurement by who used to measure is to be watched.

Can't see: whether it was before or after a meal, and what was injected. Sugar that was eaten at
once after a low value makes the repeat normal: then nothing is said, which is right. Below 0.3 and
above 33.4 mmol/L no meter shows a number: such values, mg/dL among them, are marked and never
alarmed on; mg/dL below 33 would be read as a high value, and alarm.

Defaults: urgent below 3.0 mmol/L and from 16.7 on, to be watched below 3.9 and from 11.1 on twice;
a rise by 3 mmol/L in fourteen days.

Sources: International Hypoglycaemia Study Group (BMJ), American Diabetes Association; 16.7 is not
confirmed by a source. All for a clinician to confirm.
"""

from dataclasses import dataclass
from typing import Final

from rules.params import check_order, number
from rules.vitals.kind import VitalKind
from rules.vitals.params import HOUR_MS, HabitParams
from rules.vitals.sign import OneValueLimits, OneValueSign, Spread, Whose

# Meters end at 33.3 mmol/L (600 mg/dL); 34-600 is what they show in mg/dL.
_MG_DL: Final = (33.4, 610.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class GlucoseParams(HabitParams):
    urgent_low_mmol_l: float = number(3.0, 1.5, 5)
    watch_low_mmol_l: float = number(3.9, 2, 6)
    watch_high_mmol_l: float = number(11.1, 6, 20)
    urgent_high_mmol_l: float = number(16.7, 8, 33)
    watch_high_times: int = number(2, 1, 5)
    watch_within_h: int = number(168, 1, 168)
    release_mmol_l: float = number(0.5, 0, 5)
    third_mmol_l: float = number(1.5, 0.1, 10)
    trend_up_mmol_l: float = number(3.0, 0, 15)


class BloodGlucose(OneValueSign):
    fields = ("glucose_mmol_l",)
    plausible = (0.3, _MG_DL[0])

    def refusal(self, value: float) -> str:
        low, high = _MG_DL
        return "mg_dl_as_mmol_l" if low <= value <= high else "out_of_range"

    def limits(self, params: GlucoseParams, whose: Whose) -> OneValueLimits:  # noqa: ARG002
        return OneValueLimits(
            unit="glucose_mmol_l",
            urgent_low=params.urgent_low_mmol_l,
            watch_low=params.watch_low_mmol_l,
            watch_high=params.watch_high_mmol_l,
            urgent_high=params.urgent_high_mmol_l,
            low_exclusive=True,
            release=params.release_mmol_l,
            third_spread=params.third_mmol_l,
            watch_times={"high": params.watch_high_times},
            watch_within_ms=params.watch_within_h * HOUR_MS,
        )

    def trend(self, params: GlucoseParams) -> Spread:
        return Spread(up=params.trend_up_mmol_l)


class Glucose(VitalKind):
    """The rule kind `glucose`."""

    name = "glucose"
    sign = BloodGlucose()
    params = GlucoseParams
    kinds = frozenset({"glucose"})

    def check(self, params: GlucoseParams, where: str) -> None:
        check_order(
            params,
            where,
            ("urgent_low_mmol_l", "watch_low_mmol_l"),
            ("watch_low_mmol_l", "watch_high_mmol_l"),
            ("watch_high_mmol_l", "urgent_high_mmol_l"),
            ("trend_days_min", "trend_days"),
        )
