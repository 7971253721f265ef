"""Body temperature: fever and cold.

Sees: items of kind `temperature`; the readings of each `attrs.user` are judged apart. A value
beyond a limit must be repeated within `confirm_min` and the mean from it on counts; nobody
repeating an urgent one is urgent too. No measurement by who used to measure is to be watched.

Can't see: where it was measured (an armpit reads half a degree less than an ear); fever that was
brought down by medicine. A forehead that came in from the cold reads as a cold person, and a repeat
indoors is what tells them apart. Below 25 and above 45 °C nobody lives: such values, degrees
Fahrenheit among them, are marked and never alarmed on.

Defaults: urgent at 35.0 °C or below and from 39.1 on, to be watched at 35.1-36.0 (on
`watch_low_times` occasions: a thermometer under a cold arm is common) and 38.1-39.0.

Sources: NEWS2. All for a clinician to confirm.
"""

from dataclasses import dataclass
from typing import Final

from rules.params import check_order, number
from rules.vitals.kind import VitalKind
from rules.vitals.params import HOUR_MS, HabitParams
from rules.vitals.sign import OneValueLimits, OneValueSign, Spread, Whose

# 30-45 °C in Fahrenheit: the unit was lost.
_FAHRENHEIT: Final = (86.0, 113.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TemperatureParams(HabitParams):
    urgent_low_c: float = number(35.0, 30, 36)
    watch_low_c: float = number(36.0, 30, 37)
    watch_high_c: float = number(38.1, 37, 40)
    urgent_high_c: float = number(39.1, 37.5, 42)
    watch_low_times: int = number(2, 1, 5)
    watch_within_h: int = number(48, 1, 168)
    release_c: float = number(0.2, 0, 2)
    third_c: float = number(0.5, 0.1, 3)
    # Off: no source names a slow rise that matters.
    trend_up_c: float = number(0.0, 0, 3)


class BodyTemperature(OneValueSign):
    fields = ("temperature_c",)
    # A chilled survivor, and the highest fever.
    plausible = (25.0, 45.0)

    def refusal(self, value: float) -> str:
        low, high = _FAHRENHEIT
        return "fahrenheit_as_celsius" if low <= value <= high else "out_of_range"

    def limits(self, params: TemperatureParams, whose: Whose) -> OneValueLimits:  # noqa: ARG002
        return OneValueLimits(
            unit="temperature_c",
            urgent_low=params.urgent_low_c,
            watch_low=params.watch_low_c,
            watch_high=params.watch_high_c,
            urgent_high=params.urgent_high_c,
            release=params.release_c,
            third_spread=params.third_c,
            watch_times={"low": params.watch_low_times},
            watch_within_ms=params.watch_within_h * HOUR_MS,
        )

    def trend(self, params: TemperatureParams) -> Spread:
        return Spread(up=params.trend_up_c)


class Temperature(VitalKind):
    """The rule kind `temperature`."""

    name = "temperature"
    sign = BodyTemperature()
    params = TemperatureParams
    kinds = frozenset({"temperature"})

    def check(self, params: TemperatureParams, where: str) -> None:
        check_order(
            params,
            where,
            ("urgent_low_c", "watch_low_c"),
            ("watch_low_c", "watch_high_c"),
            ("watch_high_c", "urgent_high_c"),
            ("trend_days_min", "trend_days"),
        )
