"""Readings of power over a past that is known as a whole: meters are read as columns first.

The real `Mains` chooses the device and the real rules judge; only what a meter says to a reading is
looked up. A reading that completes nothing then need not be shown to the rules at all, unless one
of them looks at readings themselves:

    mains, no_sign_of_life  the first of each device, and those that complete a slot or gap
    overload                those near its limit or beyond, and the first below it again
    meter_dead              all of a home in which a register stands long enough; else none
    any other               all
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from contract.item import Scalar
from hearthwatch.backtest.past_readings import POWER, PastReadings, PowerColumns
from rules.cells import params_of
from rules.kinds.mains import MainsFeed
from rules.kinds.meter_dead import MeterDeadParams
from rules.kinds.no_sign_of_life import NoSignOfLife
from rules.kinds.overload import RELEASE_PART, OverloadParams
from rules.mains import Mains
from rules.meter_columns import ColumnMeter, Ints
from rules.metering import Gap, Meter, Slot
from rules.rule import HomeFacts, Rule

_HOUR_MS: Final = 3_600_000

# Device → the moments of its readings of power that are shown.
Shown = Mapping[str, Ints]


class HomeMeters:
    """What the meters of one home say, read at once. `shown_at`: the first reading of each device,
    and those that complete something."""

    def __init__(self, columns: Mapping[str, PowerColumns]) -> None:
        self.columns = columns
        self._parts: dict[str, Mapping[int, Sequence[Slot | Gap]]] = {}
        self._taken: dict[str, Ints] = {}
        self.shown_at: dict[str, Ints] = {}
        for device, column in columns.items():
            metered = ColumnMeter().read_columns(column.meter)
            times_ms = column.meter.times_ms
            rows = [row for row, _parts in metered.parts]
            parts = [parts for _row, parts in metered.parts]
            self._parts[device] = dict(zip(times_ms[rows].tolist(), parts, strict=True))
            self._taken[device] = times_ms[metered.taken]
            self.shown_at[device] = times_ms[rows if rows[:1] == [0] else [0, *rows]]

    def said(self, device: str, at_ms: int) -> Sequence[Slot | Gap] | None:
        return self._parts[device].get(at_ms)

    def last_ms(self, device: str, at_ms: int, reader: str) -> int:
        """When a device was last read before `reader` is at this moment; of readings of one moment
        those come first whose device has the smaller name."""
        taken = self._taken[device]
        place = bisect_right(taken, at_ms) if device <= reader else bisect_left(taken, at_ms)
        return int(taken[place - 1]) if place else -1


class _Moment:
    """Which reading is being shown."""

    __slots__ = ("at_ms", "device")

    def __init__(self) -> None:
        self.at_ms = -1
        self.device = ""


class _PlayedMeter(Meter):
    """Says what its column said."""

    __slots__ = ("_device", "_meters", "_moment")

    def __init__(self, device: str, meters: HomeMeters, moment: _Moment) -> None:
        super().__init__()
        self._device = device
        self._meters = meters
        self._moment = moment

    @property
    def last_ms(self) -> int:
        return self._meters.last_ms(self._device, self._moment.at_ms, self._moment.device)

    def read(
        self,
        at_ms: int,
        values: Mapping[str, float],  # noqa: ARG002 - they have been read
        attrs: Mapping[str, Scalar],  # noqa: ARG002
    ) -> Sequence[Slot | Gap] | None:
        self._moment.at_ms, self._moment.device = at_ms, self._device
        return self._meters.said(self._device, at_ms)


def meters_of(past: PastReadings, home: str) -> HomeMeters | None:
    """None when the home's readings don't fit into columns."""
    columns = past.power_columns(home)
    return None if columns is None else HomeMeters(columns)


def knows_panels(rules: Sequence[Rule], facts: HomeFacts) -> bool:
    """Whether the home is judged by what three registers tell together, reading by reading."""
    return any(
        isinstance(rule.kind, MainsFeed) and params_of(rule, facts).panels_meter for rule in rules
    )


def with_played(rules: Sequence[Rule], meters: HomeMeters) -> list[Rule]:
    """The same rules with meters that are looked up."""

    def make_mains(chosen: str, _panels: str = "") -> Mains:
        # What the panels' meter says with the main one is no matter of columns: `knows_panels`.
        moment = _Moment()
        return Mains(chosen, lambda device: _PlayedMeter(device, meters, moment))

    played: list[Rule] = []
    for rule in rules:
        if isinstance(rule.kind, MainsFeed):
            played.append(replace(rule, kind=MainsFeed(make_mains)))
        elif isinstance(rule.kind, NoSignOfLife):
            played.append(replace(rule, kind=NoSignOfLife(make_mains)))
        else:
            played.append(rule)
    return played


def shown_to(rules: Sequence[Rule], facts: HomeFacts, meters: HomeMeters) -> Shown | None:
    """The readings of power that matter to these rules in this home; None: all of them."""
    extra: dict[str, list[Ints]] = {}
    for rule in rules:
        params = params_of(rule, facts)
        if rule.kind.subject == "gateway" or POWER not in rule.kind.listens(params):
            continue
        if isinstance(rule.kind, MainsFeed | NoSignOfLife):
            continue
        if isinstance(params, MeterDeadParams):
            if any(_stands(column, params) for column in meters.columns.values()):
                return None
        elif isinstance(params, OverloadParams):
            wanted = _loads(meters.columns, params)
            if wanted is None:
                return None
            for device, moments in wanted.items():
                extra.setdefault(device, []).append(moments)
        else:
            return None
    return {
        device: np.unique(np.concatenate([shown, *extra[device]])) if device in extra else shown
        for device, shown in meters.shown_at.items()
    }


def joined(parts: Sequence[Shown | None]) -> Shown | None:
    """What several rule sets are shown together."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    if all(part is known[0] for part in known):
        return known[0]
    return {
        device: np.unique(np.concatenate([part[device] for part in known])) for device in known[0]
    }


def _stands(column: PowerColumns, params: MeterDeadParams) -> bool:
    """Whether the register shows one value for as long as a dead meter would; what it shows after
    an unseen time only makes that shorter."""
    seen = ~np.isnan(column.meter.energy_kwh)
    times_ms, kwh = column.meter.times_ms[seen], column.meter.energy_kwh[seen]
    if times_ms.size < 2:
        return False
    begins = np.concatenate(([0], np.flatnonzero(np.diff(kwh) != 0) + 1))
    ends = np.concatenate((begins[1:] - 1, [times_ms.size - 1]))
    longest_ms = int((times_ms[ends] - times_ms[begins]).max())
    return longest_ms >= params.after_h * _HOUR_MS


def _loads(columns: Mapping[str, PowerColumns], params: OverloadParams) -> Shown | None:
    """The readings that change an overload's mind. Of several devices one that is quiet gives way
    to another, which every reading decides: all of them are wanted then."""
    if any(column.has_amperes for column in columns.values()):
        return None
    speaking = {
        device: column
        for device, column in columns.items()
        if not np.isnan(column.meter.power_w).all()
    }
    if len(speaking) > 1 or (speaking and len(columns) > 1):
        return None
    limit_w = min(params.limit_w, params.high_w) * RELEASE_PART
    wanted: dict[str, Ints] = {}
    for device, column in speaking.items():
        said = ~np.isnan(column.meter.power_w)
        high = column.meter.power_w[said] >= limit_w
        after = np.concatenate(([False], high[:-1]))
        wanted[device] = column.meter.times_ms[said][high | after]
    return wanted
