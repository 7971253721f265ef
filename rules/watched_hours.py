"""Of one sensor, the hours of the last four weeks: in which it was watched, and in which it saw
somebody. Pure.

A sensor that says nothing can't be told from one whose battery is empty. So an hour counts as
watched only between two moments at which the sensor was heard, whatever it said, and only if they
lie no further apart than is usual of it:

    heard     |----|----|----|         (a battery, a radio that fails)        |----|----|
    watched   =================                                               ===========
    sign           ^    ^

Nothing that comes after the last moment at which it was heard is known, so an empty battery never
looks like a quiet home.
"""

from array import array
from collections.abc import Mapping
from typing import Any, Final

from rules.local_time import HOUR_MS, MINUTE_MS, ZONE_MS
from rules.packed import packed, unpacked

DAYS: Final = 28
HOURS: Final = 24
# What a sensor's own rhythm is taken for before it is known; most send their battery every hour.
_PACE_MS: Final = 60 * MINUTE_MS
# The rhythm follows longer pauses soon and shorter ones slowly: by day a sensor is heard at each
# movement, and what counts are the pauses of the night.
_RISE: Final = 0.1
_FALL: Final = 0.002
# A sensor that is heard more seldom is no witness: an absence is to be known within a day.
_PACE_MAX_MS: Final = 3 * HOUR_MS
# Pauses up to so many times the rhythm are watched: one message in a row may be lost.
_PATIENCE: Final = 2.0
# Statuses come every five minutes: a shorter patience than some of them says nothing.
_PATIENCE_MIN_MS: Final = 30 * MINUTE_MS


def hour_of(at_ms: int) -> int:
    """The local hour, counted since the epoch."""
    return (at_ms + ZONE_MS) // HOUR_MS


def no_hours() -> "array[int]":
    """A number for each day, oldest first; its bits are the hours."""
    return array("i", bytes(4 * DAYS))


def turned(bits: "array[int]", days: int) -> "array[int]":
    """So many days later."""
    if days >= DAYS:
        return no_hours()
    return bits[days:] + array("i", bytes(4 * days))


def mark(bits: "array[int]", newest_day: int, hour: int) -> bool:
    """Set an hour's bit; False when it was set, or lies outside of what is remembered."""
    place = DAYS - 1 - (newest_day - hour // HOURS)
    if not 0 <= place < DAYS or bits[place] >> hour % HOURS & 1:
        return False
    bits[place] |= 1 << hour % HOURS
    return True


def mark_between(bits: "array[int]", day: int, since_ms: int, end_ms: int) -> None:
    """The whole hours between two moments, up to this day."""
    for hour in range(hour_of(since_ms) + 1, hour_of(end_ms)):
        mark(bits, day, hour)


def has(bits: "array[int]", newest_day: int, hour: int) -> bool:
    place = DAYS - 1 - (newest_day - hour // HOURS)
    return 0 <= place < DAYS and bool(bits[place] >> hour % HOURS & 1)


def count(bits: "array[int]") -> int:
    return sum(day.bit_count() for day in bits)


class WatchedSensor:
    """gateway, kind: where it is and what it reports. heard_ms: when it was heard last, by the
    hub's clock, -1: never; sign_ms: its last sign of life; seen, signs: its hours."""

    __slots__ = (
        "_pace_ms",
        "_shown_ms",
        "_watched_ms",
        "gateway",
        "heard_ms",
        "kind",
        "seen",
        "sign_ms",
        "signs",
    )

    def __init__(self, gateway: str, kind: str) -> None:
        self.gateway = gateway
        self.kind = kind
        self.heard_ms = -1
        self.sign_ms = -1
        self.seen = no_hours()
        self.signs = no_hours()
        self._pace_ms = float(_PACE_MS)
        # What the gateway's clock said when it was heard last, and since when it is watched.
        self._shown_ms = -1
        self._watched_ms = -1

    @property
    def patience_ms(self) -> int:
        return max(_PATIENCE_MIN_MS, round(self._pace_ms * _PATIENCE))

    def lives(self, now_ms: int) -> bool:
        return self.heard_ms >= 0 and now_ms - self.heard_ms <= self.patience_ms

    def hear(self, shown_ms: int, now_ms: int, newest_day: int) -> bool:
        """The gateway's word of when it heard it; True when a day of before has changed. Whether
        the gateway's clock is right is no matter, a time that was told before is none."""
        if shown_ms == self._shown_ms:
            return False
        self._shown_ms = shown_ms
        before_ms, self.heard_ms = self.heard_ms, now_ms
        pause_ms = now_ms - before_ms
        if before_ms < 0 or pause_ms > self.patience_ms:
            self._watched_ms = now_ms
        if before_ms < 0:
            return False
        pace_ms = min(pause_ms, _PACE_MAX_MS)
        step = _RISE if pace_ms > self._pace_ms else _FALL
        self._pace_ms = round(self._pace_ms + step * (pace_ms - self._pace_ms), 1)
        # Whole hours that ended since it was heard before, of those that were watched altogether.
        first = max(hour_of(before_ms), hour_of(self._watched_ms - 1) + 1)
        before = False
        for hour in range(first, hour_of(now_ms)):
            before |= mark(self.seen, newest_day, hour) and hour // HOURS < newest_day
        return before

    def sign(self, at_ms: int, newest_day: int) -> bool:
        """It saw somebody; True when a day of before has changed."""
        self.sign_ms = max(self.sign_ms, at_ms)
        hour = hour_of(at_ms)
        new = mark(self.signs, newest_day, hour)
        return new and hour // HOURS < newest_day

    def turn(self, days: int) -> None:
        self.seen, self.signs = turned(self.seen, days), turned(self.signs, days)

    def dump(self) -> list[Any]:
        return [
            self.gateway,
            self.kind,
            self.heard_ms,
            self.sign_ms,
            self._pace_ms,
            self._shown_ms,
            self._watched_ms,
            packed(self.seen),
            packed(self.signs),
        ]

    @classmethod
    def load(cls, row: Any) -> "WatchedSensor":
        gateway, kind, heard, sign, pace, shown, watched, seen, signs = row
        sensor = cls(str(gateway), str(kind))
        sensor.heard_ms, sensor.sign_ms = int(heard), int(sign)
        sensor._pace_ms = float(pace)
        sensor._shown_ms, sensor._watched_ms = int(shown), int(watched)
        sensor.seen, sensor.signs = hours_told(seen), hours_told(signs)
        return sensor


def hours_told(stored: Any) -> "array[int]":
    bits = unpacked("i", stored)
    if len(bits) != DAYS:
        raise ValueError(f"hours of {len(bits)} days")
    return bits


def sensors_told(rows: Mapping[str, Any]) -> dict[str, WatchedSensor]:
    return {str(device): WatchedSensor.load(row) for device, row in rows.items()}
