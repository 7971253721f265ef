"""What the sensors of a home say of a silence, beside what electricity says of it. Pure.

`movements` tells how long its sensors have seen nobody: still (rarer than one day in two months) or
very still (than one in half a year). Both look at the same people, who are out for both at once, so
they are not taken for independent: no chances are multiplied, each must find it rare by itself.

    electricity since then         still            very still      the last sign was a door
    shows nobody                   a silence        a silence       a silence once very still
    can't judge, or no meter       -                a silence       a silence, for longer
    shows somebody                 -                a silence, for longest
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from rules.finding import EvidenceValue
from rules.living import Living
from rules.local_time import HOUR_MS
from rules.metering import SLOT_MS
from rules.rule import Observation
from rules.signs import LifeReason, Signs
from rules.usual_gaps import Usual

# As `rules.kinds.movements` tells them.
LEARNING, WELL, STILL, VERY_STILL = -1, 0, 1, 2
# What was told so long ago holds no more: it is told every six hours.
_HOLDS_MS: Final = 7 * HOUR_MS
# Who has left by a door is mostly back by the evening: so much longer than other silences.
_DOOR_MORE_H: Final = 4
# Machines look like somebody in some homes: after so much longer it is not believed.
_SOMEBODY_MORE_H: Final = 6
# Electricity shows somebody still while a hob cools and a machine that was started goes on.
GRACE_MS: Final = HOUR_MS
_NAMES: Final = ("missed_h", "limit_h", "usual_h", "longest_h", "days", "sensors")


# What electricity says of the time since the last sign.
Power = Literal["nobody", "somebody", "unknown"]
_POWERS: Final[Mapping[str, Power]] = {
    "nobody": "nobody",
    "somebody": "somebody",
    "unknown": "unknown",
}


class Stillness(NamedTuple):
    """since_ms: the last sign that the sensors know; quiet_h: hours since then that were watched;
    numbers: for the evidence."""

    level: int
    since_ms: int
    told_ms: int
    quiet_h: int
    door_last: bool
    numbers: tuple[float, ...]

    @property
    def judges(self) -> bool:
        return self.level >= WELL

    def holds(self, now_ms: int) -> bool:
        return now_ms - self.told_ms <= _HOLDS_MS

    def calls(self, power: Power, least_h: int, *, there: bool) -> bool:
        """Whether it is a silence. there: a bed or a presence sensor says that somebody is."""
        left = self.door_last and not there
        wanted = STILL if power == "nobody" and not left else VERY_STILL
        if power == "somebody":
            least_h += _SOMEBODY_MORE_H
        elif left:
            least_h += _DOOR_MORE_H
        return self.level >= wanted and self.quiet_h >= least_h

    def shown(self, signs: Signs) -> dict[str, EvidenceValue]:
        missed_h, limit_h, usual_h, longest_h, days, sensors = self.numbers
        shown: dict[str, EvidenceValue] = {
            "sensors": round(sensors),
            "quiet_watched_h": self.quiet_h,
            "missed_signs_h": missed_h,
            "missed_usual_h": usual_h,
            "missed_limit_h": limit_h,
            "longest_quiet_h": round(longest_h),
            "sensor_days": round(days),
        }
        if self.door_last:
            shown["door_last"] = True
        if signs.there:
            shown["somebody_there"] = True
        return shown

    def dump(self) -> list[Any]:
        return [*self[:5], list(self.numbers)]


class Sensed:
    """What `no_sign_of_life` remembers of it. still: what was told last; alone: sensors found the
    open silence and electricity hasn't; `_over_ms`: the first quiet moment of the last one that is
    over, which they find only once; power: what electricity said then."""

    __slots__ = ("_over_ms", "alone", "power", "still")

    def __init__(self) -> None:
        self.still: Stillness | None = None
        self.alone = False
        self.power: Power = "unknown"
        self._over_ms = -1

    def tell(self, observation: Observation, signs: Signs) -> int | None:
        """Take what `movements` says; since when it is still, None if that is over or known to be
        wrong."""
        still = self.still = stillness_told(observation)
        last_ms = signs.last_ms
        over = still.since_ms <= self._over_ms or (last_ms is not None and last_ms > still.since_ms)
        return None if over else still.since_ms

    def calls(self, power: Power, least_h: int, signs: Signs) -> bool:
        """Whether it is a silence, found by sensors alone from now on."""
        still = self.still
        if still is None or not still.calls(power, least_h, there=signs.there):
            return False
        self.alone, self.power = True, power
        return True

    def reason(self, signs: Signs) -> LifeReason:
        left = self.still is not None and self.still.door_last and not signs.there
        return LifeReason.LEFT_BY_DOOR if left else LifeReason.NO_MOVEMENT

    @property
    def days(self) -> int:
        """Known of the sensors."""
        return 0 if self.still is None else round(self.still.numbers[_NAMES.index("days")])

    def end(self, start_ms: int) -> None:
        self.alone, self._over_ms = False, start_ms

    def shown(self, signs: Signs, now_ms: int) -> Mapping[str, EvidenceValue]:
        """What the sensors say, if they say anything of now."""
        still = self.still
        if still is None or not still.judges or not still.holds(now_ms):
            return {}
        return still.shown(signs)

    def dump(self) -> list[Any] | None:
        """None: there is nothing to be remembered, as in homes without sensors."""
        if self.still is None and self._over_ms < 0:
            return None
        still = None if self.still is None else self.still.dump()
        return [self.alone, self.power, self._over_ms, still]

    @classmethod
    def load(cls, row: Any) -> "Sensed":
        """None also of a state of before sensors were asked."""
        sensed = cls()
        if row is not None:
            alone, power, over_ms, still = row
            sensed.power = _POWERS[power]
            sensed.alone, sensed._over_ms = bool(alone), int(over_ms)
            sensed.still = None if still is None else _stillness(still)
        return sensed


def told_values(usual: Usual, quiet_h: int, missed_h: float) -> dict[str, float]:
    """What is said of a silence where it is known what is usual."""
    return {
        "quiet_h": float(quiet_h),
        "missed_h": round(missed_h, 1),
        "limit_h": round(usual.alone_h, 1),
        "usual_h": round(usual.middle_h, 1),
        "longest_h": float(usual.longest_h),
        "days": float(usual.days),
    }


def stillness_told(observation: Observation) -> Stillness:
    values = observation.values
    return Stillness(
        level=int(values.get("level", LEARNING - 1)),
        since_ms=int(values.get("since_ms", 0.0)),
        told_ms=observation.measured_at_ms,
        quiet_h=int(values.get("quiet_h", 0.0)),
        door_last=values.get("door_last", 0.0) > 0,
        numbers=tuple(values.get(name, 0.0) for name in _NAMES),
    )


def _stillness(row: Any) -> Stillness:
    level, since_ms, told_ms, quiet_h, door_last, numbers = row
    if len(numbers) != len(_NAMES):
        raise ValueError(f"no figures of sensors: {numbers!r:.80}")
    told = tuple(float(number) for number in numbers)
    times = int(since_ms), int(told_ms), int(quiet_h)
    return Stillness(int(level), *times, bool(door_last), told)


def power_says(living: Living, quiet_ms: int, *, blind: bool, masked: bool) -> Power:
    """quiet_ms: whoever it showed before is quiet for long enough. blind: its meter is quiet, its
    supply dead, or nothing is known yet. masked: its machines look like somebody."""
    if blind or living.activity is None or living.quiet.limit <= 0.0 or living.coarse:
        return "unknown"
    _slots, stirred = living.outlook()
    if stirred is None or (stirred + 1) * SLOT_MS <= quiet_ms:
        return "nobody"
    return "unknown" if masked else "somebody"
