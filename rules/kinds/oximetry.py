"""Oxygen saturation of a fingertip oximeter, single measurements and streams.

Sees: `spo2_pct` of items of kind `oximetry`; the readings of each `attrs.user` are judged apart. In
a stream (readings at most ten seconds apart, or one that says by `attrs.duration_s` how long it
lasted) an urgent value must stay for `stable_s`; a single measurement (`attrs.mode` `spot`, or
alone) must be repeated within `confirm_min`, the mean from it on counts, and nobody repeating it is
urgent too. Watch values must be seen on `watch_times` occasions in `watch_within_h`. Falling by
`trend_down_pct` in `trend_days` is to be watched, and so is no measurement by who used to measure.
Persons with COPD have limits of their own: the only person of a home, where the register says so
(`copd_by_file`), or those named by hand (`copd_users`: their `attrs.user`, or "*" for the whole
home; then the register is not asked). Evidence and view say by whose word (`limits_profile`).

Can't see: a cold or painted finger reads low, and a repeat on the same finger confirms it. Two
people who use one oximeter without `attrs.user` are one to it. Whose a reading is in a home of two,
or where the oximeter knows a second user: there everybody's limits hold until `copd_users` says who
has COPD. Above 100 and below 35 nothing is measured: such values are marked and never alarmed on. A
gateway that is down looks like nobody measuring.

Defaults: urgent at 91 % or below (COPD 83), to be watched at 92-95 (COPD 84-87).

Sources: NEWS2, SpO2 scales 1 and 2 (Royal College of Physicians 2017); the five seconds are the
usual alarm delay of bedside monitors. All for a clinician to confirm; scale 2 is meant for persons
whose doctor wants their saturation at 88 to 92, so a register should say COPD of nobody else.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from rules.params import check_order, number
from rules.rule import Observation
from rules.vitals.kind import VitalKind
from rules.vitals.params import HOUR_MS, HabitParams
from rules.vitals.sign import OneValueLimits, OneValueSign, Spread, Whose

EVERYBODY: Final = "*"
# `limits_profile` of evidence and view: whose limits, and by whose word.
COPD_BY_HAND: Final = "copd_by_hand"
COPD_BY_FILE: Final = "copd_by_file"
COPD_UNCLEAR: Final = "copd_unclear"
# Oximeters that stream send every second, some every four.
STREAM_GAP_MS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OximetryParams(HabitParams):
    urgent_low_pct: float = number(91.0, 50, 99)
    watch_low_pct: float = number(95.0, 50, 100)
    copd_users: tuple[str, ...] = field(default=())
    copd_by_file: bool = True
    copd_urgent_low_pct: float = number(83.0, 50, 99)
    copd_watch_low_pct: float = number(87.0, 50, 100)
    stable_s: int = number(5, 0, 600)
    watch_times: int = number(2, 1, 5)
    watch_within_h: int = number(48, 1, 168)
    release_pct: float = number(1.0, 0, 10)
    third_pct: float = number(4.0, 1, 20)
    trend_down_pct: float = number(3.0, 0, 20)


class Saturation(OneValueSign):
    fields = ("spo2_pct",)
    # Calibrated from 70; below 35 no oximeter shows a number. 0 is "no finger".
    plausible = (35.0, 100.0)

    def stream_gap_ms(self, observation: Observation) -> int:
        return 0 if observation.attrs.get("mode") == "spot" else STREAM_GAP_MS

    def stable_ms(self, params: Any) -> int:
        return int(params.stable_s * 1000)

    def limits(self, params: OximetryParams, whose: Whose) -> OneValueLimits:
        profile = _profile(params, whose)
        copd = profile in (COPD_BY_HAND, COPD_BY_FILE)
        return OneValueLimits(
            unit="spo2_pct",
            urgent_low=params.copd_urgent_low_pct if copd else params.urgent_low_pct,
            watch_low=params.copd_watch_low_pct if copd else params.watch_low_pct,
            release=params.release_pct,
            third_spread=params.third_pct,
            watch_times={"low": params.watch_times},
            watch_within_ms=params.watch_within_h * HOUR_MS,
            profile=profile,
        )

    def trend(self, params: OximetryParams) -> Spread:
        return Spread(down=params.trend_down_pct)


def _profile(params: OximetryParams, whose: Whose) -> str:
    """What was named by hand counts alone: who is not named there has nobody's limits."""
    if params.copd_users:
        named = EVERYBODY in params.copd_users or whose.user in params.copd_users
        return COPD_BY_HAND if named else ""
    if not params.copd_by_file or not whose.copd:
        return ""
    return COPD_BY_FILE if whose.copd == "only_person" else COPD_UNCLEAR


class Oximetry(VitalKind):
    """The rule kind `oximetry`."""

    takes_copd: Final = True
    name = "oximetry"
    sign = Saturation()
    params = OximetryParams
    kinds = frozenset({"oximetry"})

    def check(self, params: OximetryParams, where: str) -> None:
        check_order(
            params,
            where,
            ("urgent_low_pct", "watch_low_pct"),
            ("copd_urgent_low_pct", "copd_watch_low_pct"),
            ("trend_days_min", "trend_days"),
        )
