"""Pulse, whatever device counted it: cuff, oximeter, heart rate belt or watch.

Sees: `pulse_bpm` of items of the kinds `blood_pressure`, `oximetry` and `heart_rate`; one person's
pulse is one pulse, so two devices make one alarm. The readings of each `attrs.user` are judged
apart. The pulse of a cuff or of a spot measurement is an average in itself and speaks at once
(unless `confirm_spot`); a stream must stay beyond an urgent limit for `stable_s`; any other single
reading must be repeated within `confirm_min`, and nobody repeating it is urgent too. A resting
pulse that rises by `trend_up_bpm` in `trend_days` is to be watched.

Can't see: exercise, fever and fear from illness; whether a belt's pulse was taken at rest. Cuffs
miscount a pulse that is irregular. A pulse beside an impossible pressure or saturation is not
believed; 0, below 20 and above 250 are marked and never alarmed on.

Defaults: urgent at 40 or below and from 131 on, to be watched at 41-50 and 111-130.

Sources: NEWS2, NHS home monitoring card. The trend's ten beats are ours, for a clinician to confirm
as all of these.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from rules.params import check_order, number
from rules.pressure import implausible
from rules.rule import Observation
from rules.vitals.kind import VitalKind
from rules.vitals.measures import Values
from rules.vitals.params import SignParams
from rules.vitals.reasons import SignReason
from rules.vitals.sign import OneValueLimits, OneValueSign, Reasons, Spread, Whose

# Belts send every second, oximeters that stream every one to four.
STREAM_GAP_MS: Final = 10_000
# Where an oximeter's saturation must lie for its pulse to be believed.
_SATURATION: Final = (35.0, 100.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseParams(SignParams):
    urgent_low_bpm: float = number(40.0, 20, 60)
    urgent_high_bpm: float = number(131.0, 90, 220)
    watch_low_bpm: float = number(50.0, 20, 70)
    watch_high_bpm: float = number(111.0, 80, 220)
    confirm_spot: bool = field(default=False)
    stable_s: int = number(5, 0, 600)
    release_bpm: float = number(5.0, 0, 30)
    third_bpm: float = number(20.0, 1, 60)
    trend_up_bpm: float = number(10.0, 0, 60)


class Pulse(OneValueSign):
    fields = ("pulse_bpm",)
    plausible = (20.0, 250.0)
    reasons: Mapping[str, Reasons] = MappingProxyType(
        {
            "low": Reasons(
                SignReason.PULSE_LOW,
                SignReason.PULSE_LOW_UNCONFIRMED,
                SignReason.PULSE_LOW_WATCH,
            ),
            "high": Reasons(
                SignReason.PULSE_HIGH,
                SignReason.PULSE_HIGH_UNCONFIRMED,
                SignReason.PULSE_HIGH_WATCH,
            ),
        }
    )

    def read(self, observation: Observation) -> Values | str | None:
        values = observation.values
        if "pulse_bpm" not in values:
            return None
        if observation.kind == "blood_pressure":
            why = implausible(values)
            if why is not None:
                return why
        saturation = values.get("spo2_pct", _SATURATION[1])
        if not _SATURATION[0] <= saturation <= _SATURATION[1]:
            return "no_finger"
        return super().read(observation)

    def stream_gap_ms(self, observation: Observation) -> int:
        return 0 if _average(observation) else STREAM_GAP_MS

    def solid(self, observation: Observation, params: PulseParams) -> bool:
        return not params.confirm_spot and _average(observation)

    def stable_ms(self, params: Any) -> int:
        return int(params.stable_s * 1000)

    def limits(self, params: PulseParams, whose: Whose) -> OneValueLimits:  # noqa: ARG002
        return OneValueLimits(
            unit="pulse_bpm",
            urgent_low=params.urgent_low_bpm,
            watch_low=params.watch_low_bpm,
            watch_high=params.watch_high_bpm,
            urgent_high=params.urgent_high_bpm,
            release=params.release_bpm,
            third_spread=params.third_bpm,
        )

    def trend(self, params: PulseParams) -> Spread:
        return Spread(up=params.trend_up_bpm)


def _average(observation: Observation) -> bool:
    return observation.kind == "blood_pressure" or observation.attrs.get("mode") == "spot"


class PulseKind(VitalKind):
    """The rule kind `pulse`."""

    name = "pulse"
    sign = Pulse()
    params = PulseParams
    kinds = frozenset({"blood_pressure", "oximetry", "heart_rate"})

    def check(self, params: PulseParams, where: str) -> None:
        check_order(
            params,
            where,
            ("urgent_low_bpm", "watch_low_bpm"),
            ("watch_low_bpm", "watch_high_bpm"),
            ("watch_high_bpm", "urgent_high_bpm"),
            ("trend_days_min", "trend_days"),
        )
