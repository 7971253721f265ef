"""What a home's people measured of themselves, and the limits that the rules have for a person."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from contract.errors import ContractError
from dashboard.ports import ReadingsReader, RuleViews
from dashboard.reads import Row
from ledger.views import Document


class Line(NamedTuple):
    """A parameter of a rule kind that is a limit of a field; side: of what it is the edge."""

    parameter: str
    field: str
    side: str


# By the kind of the reading: which rule kind judges it, and by which lines. A line of the side
# `urgent` is one that calls somebody, one of `watch` has somebody look.
LINES: Final[Mapping[str, tuple[str, Sequence[Line]]]] = {
    "blood_pressure": (
        "blood_pressure",
        (
            Line("urgent_systolic_mmhg", "systolic_mmhg", "urgent"),
            Line("low_systolic_mmhg", "systolic_mmhg", "urgent"),
            Line("urgent_diastolic_mmhg", "diastolic_mmhg", "urgent"),
        ),
    ),
    "heart_rate": (
        "pulse",
        (
            Line("urgent_high_bpm", "pulse_bpm", "urgent"),
            Line("watch_high_bpm", "pulse_bpm", "watch"),
            Line("watch_low_bpm", "pulse_bpm", "watch"),
            Line("urgent_low_bpm", "pulse_bpm", "urgent"),
        ),
    ),
    "oximetry": (
        "oximetry",
        (
            Line("watch_low_pct", "spo2_pct", "watch"),
            Line("urgent_low_pct", "spo2_pct", "urgent"),
        ),
    ),
    "temperature": (
        "temperature",
        (
            Line("urgent_high_c", "temperature_c", "urgent"),
            Line("watch_high_c", "temperature_c", "watch"),
            Line("watch_low_c", "temperature_c", "watch"),
            Line("urgent_low_c", "temperature_c", "urgent"),
        ),
    ),
    "glucose": (
        "glucose",
        (
            Line("urgent_high_mmol_l", "glucose_mmol_l", "urgent"),
            Line("watch_high_mmol_l", "glucose_mmol_l", "watch"),
            Line("watch_low_mmol_l", "glucose_mmol_l", "watch"),
            Line("urgent_low_mmol_l", "glucose_mmol_l", "urgent"),
        ),
    ),
    "weight": ("", ()),
}
# A person measures a few times a day; an oximeter that streams is shown by its hours.
_RAW_MAX: Final = 1_500


def vitals_of(
    readings: ReadingsReader, devices: Sequence[Row], from_ms: int, to_ms: int
) -> list[Document]:
    """Each series of the home's devices that measure people."""
    found: list[Document] = []
    for device in devices:
        if device["kind"] not in LINES:
            continue
        asked = (device["gateway"], device["device"], None, None, from_ms, to_ms)
        try:
            series = readings.series(*asked, "raw")
        except ContractError:
            series = ()
        if not series or any(len(one.points) > _RAW_MAX for one in series):
            series = readings.series(*asked, "hour")
        found.extend(
            {
                "device": f"{device['gateway']}/{device['device']}",
                "kind": one.kind,
                "field": one.field,
                "resolution": one.resolution,
                "points": one.points,
            }
            for one in series
            if one.kind in LINES and one.points
        )
    return found


def limits_of(rules: RuleViews, person: str, kinds: Sequence[str]) -> list[Document]:
    """What holds for this person; `of`: the person, her home, a category or the county."""
    names = {str(rule["kind"]): str(rule["name"]) for rule in reversed(rules.describe())}
    found: list[Document] = []
    for kind in kinds:
        rule_kind, lines = LINES[kind]
        if rule_kind not in names:
            continue
        scope: Any = rules.detail(names[rule_kind], f"person:{person}")["scope"]
        values: Mapping[str, Any] = scope["values"]
        found.extend(
            {
                "kind": kind,
                "field": line.field,
                "side": line.side,
                "beyond": "below" if "low_" in line.parameter else "above",
                "value": values[line.parameter]["value"],
                "of": values[line.parameter]["source"],
            }
            for line in lines
            if line.parameter in values
        )
    return found
