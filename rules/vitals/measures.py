"""Measurements of one person in order: repeats of each other, or seconds of one stream.

A *measurement* is one reading of a cuff or thermometer, or up to a minute of a stream (readings
seconds apart), whose mean it is. A *repeat* of a measurement is one that began after it, within
the time allowed for it; an earlier one is none, for who was well before may be ill now.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

# Eight measurements a day for a week, or the last hour of a stream.
HISTORY_MAX: Final = 64
# One measurement of a stream, so that an hour of seconds stays small.
STREAM_MEASUREMENT_MS: Final = 60_000

Values = tuple[float, ...]


@dataclass(slots=True)
class Measurement:
    """`told_ms`: what the device said of the last reading's time, right or wrong."""

    began_ms: int
    last_ms: int
    told_ms: int
    last: Values
    sums: Values
    count: int

    @property
    def values(self) -> Values:
        if self.count == 1:
            return self.sums
        return tuple(total / self.count for total in self.sums)

    def has(self, told_ms: int, values: Values) -> bool:
        return self.told_ms == told_ms and self.last == values

    def extend(self, at_ms: int, told_ms: int, values: Values) -> None:
        self.last_ms = max(self.last_ms, at_ms)
        self.told_ms, self.last = told_ms, values
        self.sums = tuple(total + v for total, v in zip(self.sums, values, strict=True))
        self.count += 1

    def dump(self) -> list[Any]:
        return [self.began_ms, self.last_ms, self.told_ms, self.count, self.last, self.sums]

    @classmethod
    def load(cls, row: Sequence[Any], width: int) -> "Measurement":
        began, last_ms, told, count, last, sums = row
        values, totals = _values(last, width), _values(sums, width)
        return cls(int(began), int(last_ms), int(told), values, totals, int(count))


def _values(row: Sequence[Any], width: int) -> Values:
    values = tuple(float(v) for v in row)
    if len(values) != width:
        raise ValueError(f"{len(values)} values, expected {width}")
    return values


class History:
    """The measurements of the last days, oldest first."""

    __slots__ = ("measurements",)

    def __init__(self) -> None:
        self.measurements: list[Measurement] = []

    def add(
        self, at_ms: int, told_ms: int, values: Values, *, oldest_ms: int, stream_gap_ms: int
    ) -> Measurement | None:
        """Put a reading in its place; None when it is in already, or too old to be judged."""
        known = self.measurements
        if at_ms < oldest_ms or any(m.has(told_ms, values) for m in known):
            return None
        if len(known) >= HISTORY_MAX and at_ms < known[0].began_ms:
            return None
        place = bisect_left(known, at_ms, key=lambda m: m.began_ms)
        if stream_gap_ms and place:
            before = known[place - 1]
            if at_ms - before.last_ms <= stream_gap_ms and (
                at_ms - before.began_ms < STREAM_MEASUREMENT_MS
            ):
                before.extend(at_ms, told_ms, values)
                return before
        new = Measurement(at_ms, at_ms, told_ms, values, values, 1)
        while place < len(known) and known[place].began_ms == at_ms:
            place += 1
        known.insert(place, new)
        while known[0].last_ms < oldest_ms or len(known) > HISTORY_MAX:
            del known[0]
        return new

    def from_on(self, began_ms: int, within_ms: int) -> list[Measurement]:
        """The measurement that began then and its repeats."""
        last_ms = began_ms + within_ms
        return [m for m in self.measurements if began_ms <= m.began_ms <= last_ms]

    def dump(self) -> list[list[Any]]:
        return [m.dump() for m in self.measurements]

    @classmethod
    def load(cls, rows: Sequence[Sequence[Any]], width: int) -> "History":
        history = cls()
        history.measurements = [Measurement.load(row, width) for row in rows]
        return history


def mean_of(measurements: Sequence[Measurement]) -> Values:
    columns = zip(*(m.values for m in measurements), strict=True)
    return tuple(sum(column) / len(measurements) for column in columns)
