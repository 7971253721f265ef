"""From meter readings to quarter-hour slots of power, whatever the meter and its interval.

    readings:   .  .  .  .  .  .  .          1 s … 1 h apart, register, interval or watts
    steps:     |-----|-----|-----|           at least STEP_MS long, mean power of each
    slots:     [       15 min      ]         the highest step in it, one number of watts

A step longer than a slot fills all slots that it covers. Readings too far apart leave a gap: its
slots are unknown and never reported. Registers that fall back are a roll-over when that explains
a possible consumption, else another meter: the interval is unknown and counting starts anew.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from contract.item import Scalar

SLOT_MS: Final = 15 * 60_000
# Five minutes: short enough for a kettle to stand out, long enough for a register of 0.01 kWh.
STEP_MS: Final = 5 * 60_000
# Hourly meters are judged; one that usually reports every x may miss one report.
GAP_MIN_MS: Final = 65 * 60_000
GAP_INTERVALS: Final = 2.5
# Beyond this nothing that was seen says anything about what happened in between.
GAP_MAX_MS: Final = 180 * 60_000
# A house connection of 3 × 80 A; more is a broken reading or another meter's register.
POWER_MAX_W: Final = 55_000.0
# A register of 1 Wh is as good as a continuous one.
DECIMALS_MAX: Final = 3
# Where registers roll over: four to eight digits before the point.
_ROLLOVERS_KWH: Final = (1e4, 1e5, 1e6, 1e7, 1e8)
_ALL_WHOLE: Final = 2.0**53
# The step from the last value before a roll-over must be this small a part of the register.
_ROLLOVER_PART: Final = 0.01
# A better source that has been quiet this long gives way to a worse one.
_SOURCE_QUIET_MS: Final = 3 * 3_600_000

_NONE, _POWER, _INTERVAL, _REGISTER = range(4)


# In place of a grain: the sun hides what was used (`rules.sunlit`), the watts are no more than the
# home's floor.
VEILED: Final = -1.0


class Slot(NamedTuple):
    """A quarter of an hour; `number` counts them since the epoch. `grain_w`: one unit of the
    register's last digit, as power over the step it was seen in, or `VEILED`."""

    number: int
    watts: float
    grain_w: float


class Gap(NamedTuple):
    """A time without readings, and the mean power over it when a register tells."""

    start_ms: int
    end_ms: int
    watts: float | None


class Meter:
    """The readings of one device, in the order of `measured_at_ms`; older ones are ignored."""

    __slots__ = (
        "_decimals",
        "_interval_ms",
        "_last_ms",
        "_peak",
        "_register",
        "_slot",
        "_source",
        "_step_ms",
        "_step_wh",
    )

    def __init__(self) -> None:
        self._source = _NONE
        self._last_ms = -1
        self._register = 0.0
        self._interval_ms = 0.0
        # Digits behind the point that the register has shown.
        self._decimals = 0
        self._step_ms = 0
        self._step_wh = 0.0
        self._slot = 0
        self._peak: float | None = None

    @property
    def last_ms(self) -> int:
        """When the last reading was taken; -1 before the first."""
        return self._last_ms

    @property
    def interval_ms(self) -> float:
        return self._interval_ms

    @property
    def counts(self) -> bool:
        """Whether it is read by its register."""
        return self._source == _REGISTER

    def read(
        self, at_ms: int, values: Mapping[str, float], attrs: Mapping[str, Scalar]
    ) -> Sequence[Slot | Gap] | None:
        """Take a reading; the slots and gaps that it completes, None when there are none."""
        passed_ms = at_ms - self._last_ms
        if passed_ms < 0:
            return None
        register = values.get("energy_kwh")
        if register is not None:
            source, wh = _REGISTER, (register - self._register) * 1000.0
            if wh < 0.0:
                wh = rolled_wh(self._register, register)
        else:
            source, wh = _energy(values, attrs, passed_ms)
        if source != self._source:
            if source < self._source and (source == _NONE or passed_ms < _SOURCE_QUIET_MS):
                return None
            self._source = source
            wh = -1.0
        elif passed_ms == 0:
            return None
        if register is not None and register != self._register:
            # What it has shown before shows no digit more.
            self._register = register
            while self._decimals < DECIMALS_MAX and not is_whole(register * 10**self._decimals):
                self._decimals += 1
        if wh < 0.0 or wh * 3_600_000.0 > POWER_MAX_W * passed_ms:
            return self._skip(at_ms, None)
        if passed_ms > GAP_MIN_MS and passed_ms > self._gap_ms():
            mean_w = wh * 3_600_000.0 / passed_ms if source == _REGISTER else None
            return self._skip(at_ms, mean_w)
        self._last_ms = at_ms
        # The usual interval, slowly: one delayed report doesn't change what is usual.
        self._interval_ms += (passed_ms - self._interval_ms) * (0.1 if self._interval_ms else 1.0)
        self._step_wh += wh
        step_ms = at_ms - self._step_ms
        if step_ms < STEP_MS:
            return None
        watts = self._step_wh * 3_600_000.0 / step_ms
        start_ms, self._step_ms, self._step_wh = self._step_ms, at_ms, 0.0
        return self._step(start_ms, at_ms, watts)

    def begin_again(self, at_ms: int, register_kwh: float) -> Sequence[Slot | Gap]:
        """What the register shows now has nothing to do with what it showed."""
        self._source, self._register = _REGISTER, register_kwh
        return self._skip(at_ms, None)

    def _step(self, start_ms: int, end_ms: int, watts: float) -> Sequence[Slot | Gap] | None:
        """Enter a step; it belongs to the slots of which it covers half or that hold half of
        it."""
        number = end_ms // SLOT_MS
        grain_w = 0.0
        if self._source == _REGISTER and self._decimals < DECIMALS_MAX:
            grain_w = 1000.0 / 10**self._decimals * 3_600_000.0 / (end_ms - start_ms)
        if number <= self._slot:
            # Before it only while the rest of a half-known slot runs out.
            if number < self._slot:
                return None
            if self._peak is None or watts > self._peak:
                self._peak = watts
            return None
        half_ms = min(end_ms - start_ms, SLOT_MS) / 2
        if self._peak is None or (
            (self._slot + 1) * SLOT_MS - start_ms > half_ms and watts > self._peak
        ):
            self._peak = watts
        done: list[Slot | Gap] = [Slot(self._slot, self._peak, grain_w)]
        if number > self._slot + 1:
            done.extend(Slot(between, watts, grain_w) for between in range(self._slot + 1, number))
        self._slot = number
        rest_ms = end_ms - number * SLOT_MS
        self._peak = watts if rest_ms > 0 and rest_ms >= half_ms else None
        return done

    def _skip(self, at_ms: int, watts: float | None) -> Sequence[Slot | Gap]:
        """Leave everything since the last reading unknown, the slot that was open too."""
        gap = [Gap(self._last_ms, at_ms, watts)] if self._last_ms >= 0 else []
        self._last_ms = self._step_ms = at_ms
        self._step_wh = 0.0
        self._slot = at_ms // SLOT_MS
        # The slot in which readings come back is known only from here on: not at all, unless
        # most of it lies ahead.
        if at_ms % SLOT_MS > SLOT_MS // 2:
            self._slot += 1
        self._peak = None
        return gap

    def _gap_ms(self) -> float:
        return min(max(GAP_MIN_MS, self._interval_ms * GAP_INTERVALS), GAP_MAX_MS)

    def dump(self) -> list[Any]:
        return [getattr(self, name) for name in Meter.__slots__]

    @classmethod
    def load(cls, row: list[Any]) -> "Meter":
        meter = cls()
        if len(row) != len(cls.__slots__):
            raise ValueError(f"meter state of {len(row)} fields")
        for name, value in zip(cls.__slots__, row, strict=True):
            number = value if value is None and name == "_peak" else _number(value)
            setattr(meter, name, number)
        return meter


def _number(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"meter state holds {value!r}")
    return value


def _energy(
    values: Mapping[str, float], attrs: Mapping[str, Scalar], passed_ms: int
) -> tuple[int, float]:
    """Energy since the last reading from an interval or from the watts of now."""
    interval_wh = values.get("energy_interval_wh")
    if interval_wh is not None:
        interval_s = attrs.get("interval_s")
        if isinstance(interval_s, int | float) and interval_s > 0:
            return _INTERVAL, max(0.0, interval_wh) * passed_ms / (interval_s * 1000.0)
        return _INTERVAL, max(0.0, interval_wh)
    watts = values.get("power_w")
    if watts is None:
        return _NONE, 0.0
    return _POWER, max(0.0, watts) * passed_ms / 3_600_000.0


def is_whole(number: float) -> bool:
    # From 2**53 on a float has no digits behind the point; beyond its range it is no integer.
    return abs(number) >= _ALL_WHOLE or abs(number - round(number)) < 1e-4


def rolled_wh(before_kwh: float, after_kwh: float) -> float:
    """Energy between two readings around a roll-over; negative when it was none."""
    for top_kwh in _ROLLOVERS_KWH:
        near = top_kwh * _ROLLOVER_PART
        if top_kwh - near <= before_kwh < top_kwh and after_kwh <= near:
            return (top_kwh - before_kwh + after_kwh) * 1000.0
    return -1.0
