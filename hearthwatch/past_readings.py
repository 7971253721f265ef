"""Past readings from rows of text: compact columns per home, played back in order of time."""

import difflib
import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import numpy as np

from contract.item import Scalar
from contract.kinds import KINDS
from contract.moment import EPOCH, MAX_MS

COLUMNS: Final = ("home", "device", "kind", "measured_at", "field", "value")
# Heartbeats of gateways are no items, but the rules see them.
STATUS: Final = "status"
# Fields that are attributes: text, or numbers that are no measurement.
ATTRIBUTES: Final = frozenset(
    {
        "action",
        "body_movement",
        "cuff_fit",
        "fault",
        "interval_s",
        "irregular_pulse",
        "online",
        "retained",
        "user",
    }
)
# Integers from here on are Unix milliseconds, below it seconds (until the year 5138).
_MS_FROM: Final = 100_000_000_000


class BadRow(ValueError):  # noqa: N818 - it is a row, told to whoever wrote the file
    """A row or header that says nothing usable, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastReading:
    """An observation made of the rows of one home, device, kind and time."""

    id: str
    device: str
    kind: str
    measured_at_ms: int
    received_at_ms: int
    values: Mapping[str, float] = field(default_factory=dict)
    attrs: Mapping[str, Scalar] = field(default_factory=dict)


class _Home:
    """Rows of a home as columns; `texts` holds the few values that are no numbers."""

    __slots__ = ("keys", "texts", "times", "values")

    def __init__(self) -> None:
        self.times = array("q")
        self.keys = array("i")
        self.values = array("d")
        self.texts: dict[int, str] = {}


class PastReadings:
    """Filled by `header` and `add`, then read home by home."""

    def __init__(self) -> None:
        self.rows = 0
        self.bad = 0
        self._order: tuple[int, ...] = ()
        self._width = 0
        self._homes: dict[str, _Home] = {}
        # (device, kind, field) by number, in the order of first sight.
        self._keys: list[tuple[str, str, str]] = []
        self._numbers: dict[tuple[str, str, str], int] = {}
        self._last_time = ("", 0)

    def header(self, cells: Sequence[str]) -> None:
        """Find the columns; BadRow when one is missing."""
        names = [cell.strip().lower() for cell in cells]
        missing = [name for name in COLUMNS if name not in names]
        if missing:
            raise BadRow(f"columns missing: {', '.join(missing)}; needed: {', '.join(COLUMNS)}")
        self._order = tuple(names.index(name) for name in COLUMNS)
        self._width = max(self._order) + 1

    def add(self, cells: Sequence[str]) -> None:
        """Take a row; BadRow says what is wrong with it."""
        if len(cells) < self._width:
            raise BadRow(f"{len(cells)} cells, expected {self._width}")
        home, device, kind, measured_at, name, value = (cells[i].strip() for i in self._order)
        if not home or not device:
            raise BadRow("no home or device")
        number = self._numbers.get((device, kind, name))
        if number is None:
            number = self._number(device, kind, name)
        at_ms = self._time(measured_at)
        text: str | None = None
        if name in ATTRIBUTES:
            text, reading = value, 0.0
        else:
            reading = _value(value)
        columns = self._homes.get(home)
        if columns is None:
            columns = self._homes[home] = _Home()
        if text is not None:
            columns.texts[len(columns.times)] = text
        columns.times.append(at_ms)
        columns.keys.append(number)
        columns.values.append(reading)
        self.rows += 1

    def homes(self) -> list[str]:
        return sorted(self._homes)

    def start_ms(self, home: str) -> int:
        return min(self._homes[home].times)

    def stop_ms(self, home: str) -> int:
        return max(self._homes[home].times)

    @property
    def end_ms(self) -> int:
        return max((max(home.times) for home in self._homes.values()), default=0)

    def observations(self, home: str) -> Iterator[PastReading]:
        """The readings of a home by time, then device and kind; of a repeated field the last."""
        columns = self._homes[home]
        times = np.frombuffer(columns.times, dtype=np.int64)
        keys = np.frombuffer(columns.keys, dtype=np.int32)
        pairs = sorted({(device, kind) for device, kind, _name in self._keys})
        places = {pair: place for place, pair in enumerate(pairs)}
        group_of = np.array([places[(d, k)] for d, k, _name in self._keys], dtype=np.int32)
        order = np.lexsort((group_of[keys], times))
        rows: list[int] = []
        current: tuple[int, int] | None = None
        for row in order.tolist():
            place = (columns.times[row], int(group_of[columns.keys[row]]))
            if place != current and rows:
                yield self._observation(home, columns, rows)
                rows = []
            current = place
            rows.append(row)
        if rows:
            yield self._observation(home, columns, rows)

    def _observation(self, home: str, columns: _Home, rows: Sequence[int]) -> PastReading:
        at_ms = columns.times[rows[0]]
        device, kind, _name = self._keys[columns.keys[rows[0]]]
        values: dict[str, float] = {}
        attrs: dict[str, Scalar] = {}
        for row in rows:
            name = self._keys[columns.keys[row]][2]
            text = columns.texts.get(row)
            if text is None:
                values[name] = columns.values[row]
            else:
                attrs[name] = _scalar(text)
        return PastReading(
            id=f"{home}|{device}|{kind}|{at_ms}",
            device=device,
            kind=kind,
            measured_at_ms=at_ms,
            received_at_ms=at_ms,
            values=values,
            attrs=attrs,
        )

    def _number(self, device: str, kind: str, name: str) -> int:
        """Enter a new (device, kind, field) after checking that it exists."""
        if kind == STATUS:
            allowed: frozenset[str] = ATTRIBUTES
        elif kind in KINDS:
            allowed = KINDS[kind].values | ATTRIBUTES
        else:
            raise BadRow(f"unknown kind {kind!r}{_nearest(kind, KINDS)}")
        if name not in allowed:
            raise BadRow(f"unknown field {name!r} of kind {kind}{_nearest(name, allowed)}")
        number = len(self._keys)
        self._keys.append((device, kind, name))
        self._numbers[(device, kind, name)] = number
        return number

    def _time(self, text: str) -> int:
        if text == self._last_time[0]:
            return self._last_time[1]
        at_ms = _moment(text)
        if not 0 <= at_ms <= MAX_MS:
            raise BadRow(f"measured_at {text!r} is not between 1970 and 2199")
        self._last_time = (text, at_ms)
        return at_ms


def _moment(text: str) -> int:
    try:
        number = float(text)
        return int(number) if number >= _MS_FROM else round(number * 1000)
    except (ValueError, OverflowError):
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadRow(f"measured_at {text[:40]!r} is no time") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round((moment - EPOCH).total_seconds() * 1000)


def _value(text: str) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise BadRow(f"value {text[:40]!r} is no number") from error
    if not math.isfinite(number):
        raise BadRow(f"value {text[:40]!r} is not finite")
    return number


def _scalar(text: str) -> Scalar:
    lowered = text.lower()
    if lowered in ("true", "false"):
        return lowered == "true"
    try:
        return float(text)
    except ValueError:
        return text


def _nearest(name: str, allowed: Mapping[str, object] | frozenset[str]) -> str:
    near = difflib.get_close_matches(name, list(allowed), n=1, cutoff=0.5)
    return f", did you mean {near[0]!r}?" if near else ""
