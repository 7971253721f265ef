"""A meter that takes the past of a device at once, as columns. Pure.

    rows:      odd  clean clean clean clean … clean  odd  clean clean …
    read by:   read |------- one stretch --------|  read |-- stretch …

A row is clean when nothing is to be decided about it: the same source as the row before, no gap,
no fall, no impossible power. A stretch of clean rows is read with numpy up to its steps of five
minutes; every other row, and each step, goes through `Meter` itself. What comes out, and the
state afterwards, is the same to the last bit: the energy of a step is added up in the order of
its rows.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from contract.item import Scalar
from rules.metering import (
    DECIMALS_MAX,
    GAP_MIN_MS,
    POWER_MAX_W,
    SLOT_MS,
    STEP_MS,
    Gap,
    Meter,
    Slot,
)

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# A shorter stretch costs more to set up than to read row by row.
STRETCH_MIN: Final = 24
_NOT_WHOLE: Final = 1e-4
# As `Meter` numbers its sources.
_NONE, _POWER, _INTERVAL, _REGISTER = range(4)


class MeterColumns(NamedTuple):
    """Readings of one device, `times_ms` rising; NaN where a reading lacks the field."""

    times_ms: Ints
    energy_kwh: Floats
    power_w: Floats
    interval_wh: Floats
    interval_s: Floats


class Metered(NamedTuple):
    """Row numbers with the slots and gaps that they complete, and which rows were not ignored."""

    parts: Sequence[tuple[int, Sequence[Slot | Gap]]]
    taken: Bools


class ColumnMeter(Meter):
    """`Meter` with `read_columns`; each call goes on where the last reading left off."""

    __slots__ = ()

    def read_columns(self, columns: MeterColumns) -> Metered:
        """Read all rows."""
        size = columns.times_ms.size
        taken = np.ones(size, np.bool_)
        parts: list[tuple[int, Sequence[Slot | Gap]]] = []
        sources, wh, clean = _judged(columns)
        unclean = np.flatnonzero(~clean)
        odd = unclean.tolist()
        odd.append(size)
        number, row = 0, 0
        while row < size:
            while odd[number] < row:
                number += 1
            end = odd[number]
            if end - row >= STRETCH_MIN and self._follows(columns, row, int(sources[row])):
                self._stretch(columns, wh, row, end, parts)
                row = end
                continue
            # Up to the row behind the next odd one; after it a stretch may begin.
            stop = min(max(end, row) + 1, size)
            for each in range(row, stop):
                self._one(columns, each, parts, taken)
            row = stop
        return Metered(parts, taken)

    def _follows(self, columns: MeterColumns, row: int, source: int) -> bool:
        """Whether the row before was read, by the same source."""
        before_ms = columns.times_ms[row - 1]
        return row > 0 and self._source == source and self._last_ms == before_ms

    def _one(
        self,
        columns: MeterColumns,
        row: int,
        parts: list[tuple[int, Sequence[Slot | Gap]]],
        taken: Bools,
    ) -> None:
        at_ms = int(columns.times_ms[row])
        done = self.read(at_ms, *_reading(columns, row))
        taken[row] = self._last_ms == at_ms
        if done:
            parts.append((row, done))

    def _stretch(
        self,
        columns: MeterColumns,
        all_wh: Floats,
        begin: int,
        end: int,
        parts: list[tuple[int, Sequence[Slot | Gap]]],
    ) -> None:
        times_ms = columns.times_ms[begin:end]
        ends = self._step_ends(times_ms)
        energies_wh = self._step_energies(all_wh[begin:end], ends)
        finer = self._finer(columns.energy_kwh[begin:end])
        self._usual(np.diff(columns.times_ms[begin - 1 : end]))
        ends_ms = times_ms[ends]
        starts_ms = np.concatenate(([self._step_ms], ends_ms[:-1])) if ends else ends_ms
        watts = energies_wh[:-1] * 3_600_000.0 / (ends_ms - starts_ms)
        self._steps(np.array(ends), starts_ms, ends_ms, watts, finer, begin, parts)
        self._decimals += len(finer)
        self._last_ms = int(times_ms[-1])
        self._step_wh = float(energies_wh[-1])
        if ends:
            self._step_ms = int(ends_ms[-1])
        if self._source == _REGISTER:
            self._register = float(columns.energy_kwh[end - 1])

    def _steps(  # noqa: PLR0917 - columns side by side
        self,
        ends: Ints,
        starts_ms: Ints,
        ends_ms: Ints,
        watts: Floats,
        finer: list[int],
        begin: int,
        parts: list[tuple[int, Sequence[Slot | Gap]]],
    ) -> None:
        """Enter steps; of those that end in one slot the first decides, the others can only be
        higher."""
        if not ends.size:
            return
        numbers = ends_ms // SLOT_MS
        first = np.concatenate(([0], np.flatnonzero(np.diff(numbers)) + 1))
        others = watts.copy()
        others[first] = -np.inf
        highest = np.maximum.reduceat(others, first)
        columns = (ends, starts_ms, ends_ms, watts)
        steps = zip(*(c[first].tolist() for c in columns), highest.tolist(), strict=True)
        for row, start_ms, end_ms, mean_w, higher_w in steps:
            while finer and finer[0] <= row:
                finer.pop(0)
                self._decimals += 1
            done = self._step(start_ms, end_ms, mean_w)
            if done:
                parts.append((begin + row, done))
            if end_ms // SLOT_MS == self._slot and higher_w > (
                -np.inf if self._peak is None else self._peak
            ):
                self._peak = higher_w

    def _step_ends(self, times_ms: Ints) -> list[int]:
        """The rows that end a step, counted from the first of the stretch."""
        following = np.searchsorted(times_ms, times_ms + STEP_MS).tolist()
        row = int(np.searchsorted(times_ms, self._step_ms + STEP_MS))
        ends = []
        while row < len(following):
            ends.append(row)
            row = following[row]
        return ends

    def _step_energies(self, wh: Floats, ends: Sequence[int]) -> Floats:
        """The energy of each step and of what is left; the first has begun before."""
        stops = np.array([*(end + 1 for end in ends), wh.size])
        starts = np.concatenate(([0], stops[:-1]))
        lengths = stops - starts
        sums = np.zeros(stops.size)
        sums[0] = self._step_wh
        longest_first = np.argsort(-lengths, kind="stable")
        rising = np.sort(lengths)
        for place in range(int(rising[-1])):
            longer = stops.size - int(np.searchsorted(rising, place, side="right"))
            which = longest_first[:longer]
            sums[which] += wh[starts[which] + place]
        return sums

    def _finer(self, energy_kwh: Floats) -> list[int]:
        """At which rows the register shows one digit more (a row may be there twice)."""
        rows: list[int] = []
        if self._source != _REGISTER:
            return rows
        row = 0
        for decimals in range(self._decimals, DECIMALS_MAX):
            shown = energy_kwh[row:] * 10.0**decimals
            with np.errstate(invalid="ignore"):
                broken = np.abs(shown - np.round(shown)) >= _NOT_WHOLE
            first = int(np.argmax(broken))
            if not broken[first]:
                break
            row += first
            rows.append(row)
        return rows

    def _usual(self, passed_ms: Ints) -> None:
        interval_ms = self._interval_ms
        changes = np.flatnonzero(np.diff(passed_ms))
        steady = int(changes[-1]) + 1 if changes.size else 0
        for row, passed in enumerate(passed_ms.tolist()):
            before_ms = interval_ms
            interval_ms += (passed - interval_ms) * (0.1 if interval_ms else 1.0)
            if row >= steady and interval_ms == before_ms:
                break
        self._interval_ms = interval_ms


def _judged(c: MeterColumns) -> tuple[Ints, Floats, Bools]:
    """Of each row the source, the energy since the row before, and whether it is clean."""
    size = c.times_ms.size
    sources = np.where(
        ~np.isnan(c.energy_kwh),
        _REGISTER,
        np.where(
            ~np.isnan(c.interval_wh), _INTERVAL, np.where(~np.isnan(c.power_w), _POWER, _NONE)
        ),
    )
    clean = np.zeros(size, np.bool_)
    if size < 2:
        return sources, np.zeros(size), clean
    passed_ms = np.diff(c.times_ms, prepend=c.times_ms[0])
    with np.errstate(all="ignore"):
        register_wh = np.diff(c.energy_kwh, prepend=np.nan) * 1000.0
        interval_wh = np.maximum(0.0, c.interval_wh)
        timed_wh = interval_wh * passed_ms / (c.interval_s * 1000.0)
        power_wh = np.maximum(0.0, c.power_w) * passed_ms / 3_600_000.0
        wh = np.select(
            [sources == _REGISTER, sources == _INTERVAL],
            [register_wh, np.where(c.interval_s > 0, timed_wh, interval_wh)],
            power_wh,
        )
        possible = (wh >= 0.0) & (wh * 3_600_000.0 <= POWER_MAX_W * passed_ms)
    same = sources[1:] == sources[:-1]
    clean[1:] = same & (sources[1:] != _NONE) & possible[1:]
    clean &= (passed_ms > 0) & (passed_ms <= GAP_MIN_MS)
    return sources, wh, clean


def _reading(c: MeterColumns, row: int) -> tuple[dict[str, float], dict[str, Scalar]]:
    values = {
        name: float(column[row])
        for name, column in (
            ("energy_kwh", c.energy_kwh),
            ("power_w", c.power_w),
            ("energy_interval_wh", c.interval_wh),
        )
        if not np.isnan(column[row])
    }
    interval_s = float(c.interval_s[row])
    return values, {} if np.isnan(interval_s) else {"interval_s": interval_s}
