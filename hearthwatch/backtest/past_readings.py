"""Past readings as columns, played back home by home in order of time.

24 bytes a row and 8 for the order of homes; texts (attributes) are kept apart, they are few.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from contract.item import Scalar
from contract.kinds import STORED_ATTRS
from hearthwatch.backtest.rows import RowParts, check_names, scalar_of
from rules.meter_columns import Ints, MeterColumns

POWER: Final = "power"
_METER_FIELDS: Final = ("energy_kwh", "power_w", "energy_interval_wh", "interval_s")


class PastReading(NamedTuple):
    """An observation made of the rows of one home, device, kind and time. A tuple: there are many,
    and a frozen dataclass takes three times as long to make."""

    id: str
    device: str
    kind: str
    measured_at_ms: int
    received_at_ms: int
    values: Mapping[str, float]
    attrs: Mapping[str, Scalar]


class PowerColumns(NamedTuple):
    """What a device said of electricity. `has_amperes`: it says amperes and volts as well, from
    which watts can be made."""

    meter: MeterColumns
    has_amperes: bool


class _Index(NamedTuple):
    """Rows by home, and of each series number the place of its (device, kind) in their order."""

    order: Ints
    begins: Mapping[str, tuple[int, int]]
    places: npt.NDArray[np.int32]
    pairs: Sequence[tuple[str, str]]


class PastReadings:
    """Filled first, then read home by home."""

    def __init__(self) -> None:
        self.bad = 0
        self._homes = array("i")
        self._series = array("i")
        self._times = array("q")
        self._values = array("d")
        self._texts: dict[int, str] = {}
        self._home_names: list[str] = []
        self._home_numbers: dict[str, int] = {}
        # (device, kind, field) by number, in the order of first sight.
        self._series_names: list[tuple[str, str, str]] = []
        self._series_numbers: dict[tuple[str, str, str], int] = {}
        self._index: _Index | None = None

    @property
    def rows(self) -> int:
        return len(self._times)

    # Filling.

    def home_number(self, home: str) -> int:
        number = self._home_numbers.get(home)
        if number is None:
            number = self._home_numbers[home] = len(self._home_names)
            self._home_names.append(home)
        return number

    def series_number(self, device: str, kind: str, name: str) -> int:
        """BadRow when the kind or its field doesn't exist."""
        series = (device, kind, name)
        number = self._series_numbers.get(series)
        if number is None:
            check_names("-", *series)
            number = self._series_numbers[series] = len(self._series_names)
            self._series_names.append(series)
        return number

    def add(self, row: RowParts) -> None:
        series = self.series_number(*row.series)
        if row.text is not None:
            self._texts[self.rows] = row.text
        self._homes.append(self.home_number(row.home))
        self._series.append(series)
        self._times.append(row.at_ms)
        self._values.append(row.value)

    def add_columns(
        self,
        homes: npt.NDArray[np.int32],
        series: npt.NDArray[np.int32],
        times_ms: Ints,
        values: npt.NDArray[np.float64],
    ) -> None:
        """Rows without texts, by the numbers given above."""
        self._homes.frombytes(homes.tobytes())
        self._series.frombytes(series.tobytes())
        self._times.frombytes(times_ms.tobytes())
        self._values.frombytes(values.tobytes())

    def set_text(self, row: int, text: str) -> None:
        self._texts[row] = text

    # Reading.

    def homes(self) -> list[str]:
        return sorted(self._indexed().begins)

    def rows_of(self, home: str) -> int:
        return self._rows_of(home).size

    def start_ms(self, home: str) -> int:
        return int(self._times_of(home).min())

    def stop_ms(self, home: str) -> int:
        return int(self._times_of(home).max())

    @property
    def end_ms(self) -> int:
        return int(np.frombuffer(self._times, np.int64).max()) if self.rows else 0

    def observations(
        self, home: str, power_at: Mapping[str, Ints] | None = None
    ) -> Iterator[PastReading]:
        """The readings of a home by time, then device and kind; of a repeated field the last.

        power_at: device → the moments of its readings of power that are wanted.
        """
        index = self._indexed()
        rows = self._rows_of(home)
        times = np.frombuffer(self._times, np.int64)[rows]
        places = index.places[np.frombuffer(self._series, np.int32)[rows]]
        if power_at is not None:
            wanted = np.ones(rows.size, np.bool_)
            for place in np.unique(places).tolist():
                device, kind = index.pairs[place]
                if kind == POWER and device in power_at:
                    its = np.flatnonzero(places == place)
                    wanted[its] = _among(times[its], power_at[device])
            rows, times, places = rows[wanted], times[wanted], places[wanted]
        order = np.lexsort((places, times))
        rows, times, places = rows[order], times[order], places[order]
        changes = (np.diff(times) != 0) | (np.diff(places) != 0)
        begins = [0, *(np.flatnonzero(changes) + 1).tolist(), rows.size]
        columns = (rows.tolist(), times.tolist(), places.tolist())
        for begin, end in pairwise(begins):
            if begin < end:
                pair = index.pairs[columns[2][begin]]
                yield self._observation(home, pair, columns[1][begin], columns[0][begin:end])

    def power_columns(self, home: str) -> Mapping[str, PowerColumns] | None:
        """The readings of power of each device as columns; None when one has an interval that is
        no number, which columns can't hold."""
        rows = self._rows_of(home)
        series = np.frombuffer(self._series, np.int32)[rows]
        times = np.frombuffer(self._times, np.int64)[rows]
        alone = bool((series == series[0]).all())
        present: dict[str, list[int]] = {}
        for number in series[:1].tolist() if alone else np.unique(series).tolist():
            device, kind, _name = self._series_names[number]
            if kind == POWER:
                present.setdefault(device, []).append(number)
        columns: dict[str, PowerColumns] = {}
        for device, numbers in present.items():
            mine = times if alone else times[np.isin(series, numbers)]
            # A file that is in order of time needs no sorting.
            moments = mine if bool((np.diff(mine) > 0).all()) else np.unique(mine)
            fields = {name: np.full(moments.size, np.nan) for name in _METER_FIELDS}
            for number in numbers:
                name = self._series_names[number][2]
                if name not in fields:
                    continue
                its = np.arange(rows.size) if alone else np.flatnonzero(series == number)
                values = self._column(rows[its])
                if values is None:
                    return None
                # Of a repeated moment the last row stays: numpy writes in order.
                fields[name][np.searchsorted(moments, times[its])] = values
            names = {self._series_names[number][2] for number in numbers}
            columns[device] = PowerColumns(
                MeterColumns(moments, *fields.values()), {"current_a", "voltage_v"} <= names
            )
        return columns

    def _column(self, rows: Ints) -> npt.NDArray[np.float64] | None:
        values = np.frombuffer(self._values, np.float64)[rows]
        for place, row in enumerate(rows.tolist() if self._texts else ()):
            text = self._texts.get(row)
            if text is not None:
                scalar = scalar_of(text)
                if not isinstance(scalar, float):
                    return None
                values[place] = scalar
        return values

    def _observation(
        self, home: str, pair: tuple[str, str], at_ms: int, rows: Sequence[int]
    ) -> PastReading:
        device, kind = pair
        values: dict[str, float] = {}
        attrs: dict[str, Scalar] = {}
        beside = STORED_ATTRS.get(kind, ())
        for row in rows:
            name = self._series_names[self._series[row]][2]
            text = self._texts.get(row)
            if text is not None:
                attrs[name] = scalar_of(text)
            elif name in beside:
                attrs[name] = self._values[row]
            else:
                values[name] = self._values[row]
        return PastReading(
            id=f"{home}|{device}|{kind}|{at_ms}",
            device=device,
            kind=kind,
            measured_at_ms=at_ms,
            received_at_ms=at_ms,
            values=values,
            attrs=attrs,
        )

    def _times_of(self, home: str) -> Ints:
        times: Ints = np.frombuffer(self._times, np.int64)[self._rows_of(home)]
        return times

    def _rows_of(self, home: str) -> Ints:
        index = self._indexed()
        begin, end = index.begins[home]
        return index.order[begin:end]

    def _indexed(self) -> _Index:
        index = self._index
        if index is None or index.order.size != self.rows:
            index = self._index = self._make_index()
        return index

    def _make_index(self) -> _Index:
        homes = np.frombuffer(self._homes, np.int32)
        order = np.argsort(homes, kind="stable")
        counts = np.bincount(homes, minlength=len(self._home_names))
        ends = np.cumsum(counts).tolist()
        begins = {
            name: (end - count, end)
            for name, end, count in zip(self._home_names, ends, counts.tolist(), strict=True)
            if count
        }
        pairs = sorted({(device, kind) for device, kind, _name in self._series_names})
        place_of = {pair: place for place, pair in enumerate(pairs)}
        places = [place_of[(device, kind)] for device, kind, _name in self._series_names]
        return _Index(order, begins, np.array(places, dtype=np.int32), pairs)


def _among(times: Ints, moments: Ints) -> npt.NDArray[np.bool_]:
    """Which times are among rising moments, of which there is at least one."""
    places = np.minimum(np.searchsorted(moments, times), moments.size - 1)
    among: npt.NDArray[np.bool_] = moments[places] == times
    return among
