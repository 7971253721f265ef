"""The feed `mains` over a past that is known as a whole: its meters are read as columns first.

The real `Mains` chooses the device and the real monitor makes the observations; only what a meter
says to a reading is looked up. A reading that completes nothing need not be shown to it at all.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from contract.item import Scalar
from hearthwatch.backtest.past_readings import POWER, PastReadings
from rules.cells import params_of
from rules.finding import Severity
from rules.kinds.mains import MainsFeed, MainsMonitor, MainsParams
from rules.mains import Mains
from rules.meter_columns import ColumnMeter, Ints, MeterColumns
from rules.metering import Gap, Meter, Slot
from rules.rule import HomeFacts, Lane, Monitor, Rule, Subject, SubjectKind


class HomeMeters:
    """What the meters of one home say, read at once. `shown_at`: device → the moments of the
    readings that must be shown: the first, and those that complete something."""

    def __init__(self, columns: Mapping[str, MeterColumns]) -> None:
        self._parts: dict[str, Mapping[int, Sequence[Slot | Gap]]] = {}
        self._taken: dict[str, list[int]] = {}
        self.shown_at: dict[str, Ints] = {}
        for device, column in columns.items():
            metered = ColumnMeter().read_columns(column)
            times_ms = column.times_ms
            rows = [row for row, _parts in metered.parts]
            moments = times_ms[rows].tolist()
            said = zip(moments, (parts for _row, parts in metered.parts), strict=True)
            self._parts[device] = dict(said)
            self._taken[device] = times_ms[metered.taken].tolist()
            self.shown_at[device] = times_ms[np.unique([0, *rows])]

    def said(self, device: str, at_ms: int) -> Sequence[Slot | Gap] | None:
        return self._parts[device].get(at_ms)

    def last_ms(self, device: str, at_ms: int, reader: str) -> int:
        """When a device was last read before `reader` is at this moment; of readings of one moment
        those come first whose device has the smaller name."""
        taken = self._taken[device]
        place = bisect_right(taken, at_ms) if device <= reader else bisect_left(taken, at_ms)
        return taken[place - 1] if place else -1


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


class PlayedMains:
    """The rule kind `mains` for the past of one home."""

    name: Final = MainsFeed.name
    lane: Final[Lane] = MainsFeed.lane
    subject: Final[SubjectKind] = MainsFeed.subject
    severity: Final[Severity] = MainsFeed.severity
    state_version: Final = MainsFeed.state_version
    starts_idle: Final = True
    emits: Final = MainsFeed.emits

    def __init__(self, kind: MainsFeed, meters: HomeMeters) -> None:
        self._kind = kind
        self._meters = meters

    def parse(self, table: Mapping[str, Any], where: str, base: Any = None) -> MainsParams:
        return self._kind.parse(table, where, base)

    def listens(self, params: MainsParams) -> frozenset[str]:
        return self._kind.listens(params)

    def start(self, subject: Subject, params: MainsParams, now_ms: int) -> Monitor:  # noqa: ARG002
        moment = _Moment()
        meters = self._meters
        return MainsMonitor(
            Mains(params.meter, lambda device: _PlayedMeter(device, meters, moment))
        )

    def load(
        self, subject: Subject, params: MainsParams, document: Mapping[str, Any]
    ) -> Monitor:
        raise ValueError("the past is played from its beginning")


def feed_alone(rules: Sequence[Rule], facts: HomeFacts) -> Rule | None:
    """The one rule that wants readings of power, if it is the feed and nobody else wants them."""
    wanting = [
        rule
        for rule in rules
        if rule.kind.subject != "gateway" and POWER in rule.kind.listens(params_of(rule, facts))
    ]
    alone = wanting[0] if len(wanting) == 1 else None
    return alone if alone is not None and isinstance(alone.kind, MainsFeed) else None


def meters_of(past: PastReadings, home: str) -> HomeMeters | None:
    """None when the home's readings don't fit into columns."""
    columns = past.meter_columns(home)
    return None if columns is None else HomeMeters(columns)
