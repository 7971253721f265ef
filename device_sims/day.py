"""What happens in one home on one day: appliances, movements, the front door. Seeded and pure.

A day is a local calendar day, numbered since the epoch. Everything is told by its start; an
evening's lamp may burn into the next day.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from math import cos, pi
from types import MappingProxyType
from typing import Final

from device_sims.habits import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    WATER_HEATER,
    ZONE_MS,
    Habits,
    Thermostat,
)

# Days of routine kept computed, for all homes of one process together: three of 5,000 homes.
DAYS_CACHED: Final = 16_384
# A trip is drawn at most once in so many days.
TRIP_BLOCK_DAYS: Final = 30
TRIP_HOURS: Final = (26, 90)
# 1970-01-01 was a Thursday.
_WEEKDAY_OF_EPOCH: Final = 3
_SUNDAY: Final = 6
_DAYS_PER_YEAR: Final = 365.2425
# How much harder a refrigerator works in the warmest hour of the room, and when that is.
_ROOM_SWING: Final = 0.15
_WARMEST_H: Final = 15.0
# A turn of a thermostat begins up to so much of its period late.
_JITTER: Final = 0.2

# How the appliances of `Use.name` draw their power; others are as steady as a lamp.
SHAPE_OF: Final[Mapping[str, str]] = MappingProxyType(
    {
        "cooker": "hob",
        "rice cooker": "rice_cooker",
        "heater": "heater",
        "blanket": "blanket",
        "washing": "washing",
        "television": "television",
        "pump": "pump",
        "fan": "motor",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """An appliance that somebody (or, in `Day.automatic`, its thermostat) switched on.

    `shape` is how it draws its `watts` (see `loads`), `variant` the make of it.
    """

    start_ms: int
    end_ms: int
    watts: float
    name: str
    shape: str = "steady"
    variant: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    uses: tuple[Use, ...]
    automatic: tuple[Use, ...]
    moves_ms: tuple[int, ...]
    # The front door: (moment, open).
    door: tuple[tuple[int, bool], ...]


def day_number(at_ms: int) -> int:
    return (at_ms + ZONE_MS) // DAY_MS


def day_start_ms(day: int) -> int:
    return day * DAY_MS - ZONE_MS


def weekday(day: int) -> int:
    """0 is Monday."""
    return (day + _WEEKDAY_OF_EPOCH) % 7


def coldness(day: int) -> float:
    """1 in the middle of January, 0 from late spring to early autumn."""
    of_year = day % _DAYS_PER_YEAR
    from_january_15 = min(abs(of_year - 15), _DAYS_PER_YEAR - abs(of_year - 15))
    return max(0.0, 1.0 - from_january_15 / 100)


def trip(person: Habits, block: int) -> tuple[int, int] | None:
    """The days this person is away in a block of thirty days: (start, end), or None."""
    r = random.Random(person.seed * 7_368_787 + block)
    if r.random() >= person.trip_chance:
        return None
    start_ms = day_start_ms(block * TRIP_BLOCK_DAYS) + int(r.uniform(1, 25) * DAY_MS)
    # People leave by daylight.
    start_ms = day_start_ms(day_number(start_ms)) + int(r.uniform(8, 15) * HOUR_MS)
    return start_ms, start_ms + int(r.uniform(*TRIP_HOURS) * HOUR_MS)


@lru_cache(maxsize=DAYS_CACHED)
def day_of(person: Habits, day: int) -> Day:
    """The routine of this day, the same whenever it is asked for."""
    r = random.Random(person.seed * 1_000_003 + day)
    plan = _Plan(person, day, r)
    plan.morning()
    outings = [] if plan.unwell else plan.outings()
    plan.daytime()
    plan.evening()
    plan.night()
    plan.water()
    uses = _without(plan.uses, outings)
    moves = [at for at in plan.moves() if not _within(outings, at)]
    return Day(
        uses=tuple(sorted(uses, key=lambda u: u.start_ms)),
        automatic=tuple(automatic(person, day)),
        moves_ms=tuple(sorted(moves + [u.start_ms for u in uses])),
        door=tuple(door_of(outings)),
    )


class _Plan:
    """Collects the uses of one day."""

    def __init__(self, person: Habits, day: int, r: random.Random) -> None:
        self.person, self.day, self.r = person, day, r
        self.start_ms = day_start_ms(day)
        self.uses: list[Use] = []
        self.wakes_h = person.wakes_h + r.gauss(0, 0.35)
        self.sleeps_h = person.sleeps_h + r.gauss(0, 0.35)
        self.unwell = r.random() < person.unwell_chance
        self.visited = weekday(day) == _SUNDAY and r.random() < 3 * person.visited_chance
        self.cold = coldness(day)

    def use(self, at_h: float, minutes: float, watts: float, name: str) -> None:
        """Nothing is used that the home hasn't got."""
        if watts <= 0 or minutes <= 0:
            return
        begin_ms = self.start_ms + int(at_h * HOUR_MS)
        end_ms = begin_ms + int(minutes * MINUTE_MS)
        shape = SHAPE_OF.get(name, "steady")
        if name == "washing" and self.person.hot_washing:
            shape = "hot_washing"
        self.uses.append(
            Use(
                start_ms=begin_ms,
                end_ms=end_ms,
                watts=watts,
                name=name,
                shape=shape,
                variant=self.person.seed,
            )
        )

    def morning(self) -> None:
        p, r = self.person, self.r
        if self.cold > 0.2 or self.wakes_h < 6.0:
            self.use(self.wakes_h, r.uniform(20, 60), p.lamp_w, "lamp")
        self.use(self.wakes_h + r.uniform(0.1, 0.5), r.uniform(4, 8), p.kettle_w, "kettle")
        if not self.unwell:
            cooking_h = self.wakes_h + r.uniform(0.5, 1.2)
            self.use(cooking_h, r.uniform(20, 40), p.cooker_w, "cooker")

    def outings(self) -> list[tuple[int, int]]:
        """Market day, fields, neighbours: when nobody is in."""
        found = []
        if weekday(self.day) == self.person.market_weekday:
            found.append((self.r.uniform(8.0, 9.0), self.r.uniform(1.5, 4.0)))
        elif self.r.random() < 0.6:
            found.append((self.r.uniform(8.0, 10.0), self.r.uniform(0.3, 2.0)))
        if self.r.random() < 0.5:
            found.append((self.r.uniform(14.5, 16.5), self.r.uniform(0.3, 2.0)))
        return [
            (self.start_ms + int(at_h * HOUR_MS), self.start_ms + int((at_h + hours) * HOUR_MS))
            for at_h, hours in found
        ]

    def daytime(self) -> None:
        p, r = self.person, self.r
        if not self.unwell:
            for _ in range(2 if self.visited else 1):
                self.use(11.0 + r.gauss(0, 0.5), r.uniform(25, 50), p.cooker_w, "cooker")
            if self.day % p.washes_every_days == 0:
                self.use(r.uniform(8.0, 11.0), r.uniform(35, 60), p.wash_w, "washing")
        for _ in range(max(0, p.kettles_a_day - 1 - 2 * self.unwell)):
            self.use(r.uniform(8.0, 19.0), r.uniform(4, 7), p.kettle_w, "kettle")
        if r.random() < 0.6 * p.likes_television:
            self.use(12.5 + r.uniform(0, 2.0), r.uniform(40, 160), p.television_w, "television")
        if r.random() < self.cold:
            self.use(r.uniform(8.0, 14.0), r.uniform(60, 240), p.heater_w, "heater")
        if self.cold == 0.0 and r.random() < 0.4:
            self.use(12.0 + r.uniform(0, 2.0), r.uniform(40, 180), p.fan_w, "fan")

    def evening(self) -> None:
        p, r = self.person, self.r
        if not self.unwell or r.random() < 0.5:
            self.use(17.5 + r.gauss(0, 0.5), r.uniform(20, 45), p.cooker_w, "cooker")
        dark_h = 19.3 - 1.5 * self.cold + r.gauss(0, 0.2)
        self.use(dark_h, (self.sleeps_h - dark_h) * 60, p.lamp_w, "lamp")
        if r.random() < p.likes_television:
            at_h = 18.8 + r.gauss(0, 0.3)
            minutes = min(r.uniform(50, 150), (self.sleeps_h - at_h) * 60)
            self.use(at_h, minutes, p.television_w, "television")
        if r.random() < self.cold:
            self.use(18.5 + r.gauss(0, 0.5), r.uniform(60, 180), p.heater_w, "heater")
        if r.random() < self.cold * 1.5:
            self.use(self.sleeps_h - 0.7, r.uniform(60, 480), p.blanket_w, "blanket")

    def night(self) -> None:
        """Most old people are up once at night."""
        if self.r.random() < 0.7:
            self.use(
                self.r.uniform(0.5, 4.5), self.r.uniform(3, 10), self.person.lamp_w, "night lamp"
            )

    def water(self) -> None:
        """What needs water: the rice, the pump at the well, and the tank that heats it again."""
        p, r = self.person, random.Random(f"{self.person.seed} {self.day} water")
        if not self.unwell:
            for at_h in (10.8, 17.0) if self.visited else (r.choice((10.8, 17.0)),):
                warm_minutes = r.uniform(20, 240) if r.random() < 0.8 else 0.0
                self.use(at_h + r.gauss(0, 0.4), 30 + warm_minutes, p.rice_w, "rice cooker")
        for _ in range(r.randint(2, 5)):
            self.use(r.uniform(self.wakes_h, 20.0), r.uniform(0.4, 2.5), p.pump_w, "pump")
        washing_h = self.sleeps_h - r.uniform(0.4, 1.5)
        self.use(washing_h, r.uniform(12, 45), p.water_heater_w, WATER_HEATER)

    def moves(self) -> list[int]:
        """Steps through the room that its sensor sees."""
        an_hour = self.person.moves_an_hour * (0.3 if self.unwell else 1.0)
        found: list[int] = []
        at_h = self.wakes_h
        while at_h < self.sleeps_h:
            found.append(self.start_ms + int(at_h * HOUR_MS))
            at_h += self.r.expovariate(an_hour)
        return found


def automatic(person: Habits, day: int) -> Iterator[Use]:
    """What thermostats begin in these 24 hours, whoever is there; it may end on the next day.

    A load has a phase of its own that goes on over midnight: its turns are numbered since the
    epoch, and each day has those whose time it is.
    """
    by_name = {load.name: load for load in person.thermostats}
    defrosting = by_name.get("defrost")
    frost: list[Use] = []
    if defrosting is not None:
        for day_of_it in (day - 1, day, day + 1):
            frost += _turns(person, defrosting, day_of_it, "steady")
    for load in person.thermostats:
        if load.name == "defrost":
            yield from _turns(person, load, day, "steady")
        elif load.name == "refrigerator":
            for run in _turns(person, load, day, "refrigerator"):
                yield _after_frost(run, frost)
        else:
            yield from _turns(person, load, day, "steady")


def _turns(person: Habits, load: Thermostat, day: int, shape: str) -> Iterator[Use]:
    r = random.Random(f"{person.seed} {load.name} {day}")
    start_ms, end_ms = day_start_ms(day), day_start_ms(day + 1)
    phase_ms = random.Random(f"{person.seed} {load.name}").randrange(load.period_ms)
    nominal_ms = start_ms + (phase_ms - start_ms) % load.period_ms
    # A cold room is good for a refrigerator and bad for a tank.
    cold = coldness(day)
    season = {"refrigerator": 1.0 - 0.35 * cold, WATER_HEATER: 1.0 + 0.4 * cold}.get(load.name, 1.0)
    while nominal_ms < end_ms:
        hour = (nominal_ms - start_ms) / HOUR_MS
        warmth = 1.0 + _ROOM_SWING * cos((hour - _WARMEST_H) / 24 * 2 * pi)
        room = warmth if load.name == "refrigerator" else 1.0
        begins_ms = nominal_ms + int(load.period_ms * r.uniform(0.0, _JITTER))
        runs_ms = int(load.on_ms * season * room * r.uniform(0.85, 1.15))
        # Always over before the next turn may begin.
        runs_ms = min(runs_ms, nominal_ms + load.period_ms - begins_ms)
        yield Use(
            start_ms=begins_ms,
            end_ms=begins_ms + runs_ms,
            watts=load.watts,
            name=load.name,
            shape=shape,
            variant=person.seed,
        )
        nominal_ms += load.period_ms


def _after_frost(run: Use, frost: list[Use]) -> Use:
    """While the heater melts the frost the compressor rests; then it has more to do."""
    for melting in frost:
        if melting.start_ms < run.end_ms and run.start_ms < melting.end_ms:
            rest_ms = max(melting.end_ms, run.start_ms) - run.start_ms
            return replace(run, start_ms=run.start_ms + rest_ms, end_ms=run.end_ms + rest_ms)
    return run


def _without(uses: list[Use], outings: list[tuple[int, int]]) -> list[Use]:
    """Who goes out switches off first, and switches nothing on before coming back."""
    found = []
    for use in uses:
        if _within(outings, use.start_ms):
            continue
        leaving = [start for start, _end in outings if use.start_ms < start < use.end_ms]
        end_ms = min([use.end_ms, *leaving])
        found.append(replace(use, end_ms=end_ms) if leaving else use)
    return found


def _within(intervals: list[tuple[int, int]], at_ms: int) -> bool:
    return any(start <= at_ms < end for start, end in intervals)


def door_of(outings: list[tuple[int, int]]) -> list[tuple[int, bool]]:
    """Open and shut on going and on coming back."""
    found = []
    for start_ms, end_ms in sorted(outings):
        for at_ms in (start_ms, end_ms):
            found += [(at_ms, True), (at_ms + MINUTE_MS // 4, False)]
    return found
