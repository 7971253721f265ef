"""Homes as sources of power and movement: seeded, pure, exact over any interval.

A home's power is standing load + refrigerator cycle + the day's appliances. The day's appliances
follow the person's routine: sleep, meals, kettle, television, washing, now and then an absence.
Energy is summed from the same intervals that give the power, so a meter read at any two moments
says what was really used between them.
"""

import random
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
# The county's clock; routines follow it.
ZONE_MS: Final = 8 * HOUR_MS
# Days of one home's routine kept computed.
DAYS_CACHED: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """An appliance running, or (watts 0) a person moving about."""

    start_ms: int
    end_ms: int
    watts: float
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refrigerator:
    """A compressor with a thermostat: on for `on_ms` in every `period_ms`."""

    watts: float
    period_ms: int
    on_ms: int
    phase_ms: int

    def running(self, at_ms: int) -> bool:
        return (at_ms + self.phase_ms) % self.period_ms < self.on_ms

    def on_time_ms(self, at_ms: int) -> int:
        """Time the compressor ran from the epoch until `at_ms`."""
        cycles, rest = divmod(at_ms + self.phase_ms, self.period_ms)
        return cycles * self.on_ms + min(rest, self.on_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How one person lives; hours are local."""

    seed: int
    wakes_h: float
    sleeps_h: float
    standing_w: float
    refrigerator: Refrigerator
    kettle_w: float
    cooker_w: float
    television_w: float
    lamp_w: float
    washes_every_days: int
    away_chance: float


def habits(seed: int) -> Habits:
    """A person, drawn once by the seed."""
    r = random.Random(seed)
    period_ms = int(r.uniform(35, 75)) * MINUTE_MS
    return Habits(
        seed=seed,
        wakes_h=r.uniform(5.2, 7.0),
        sleeps_h=r.uniform(20.0, 22.0),
        standing_w=r.choice([3.0, 5.0, 8.0, 12.0, 20.0, 35.0]),
        refrigerator=Refrigerator(
            watts=r.uniform(60, 110),
            period_ms=period_ms,
            on_ms=int(period_ms * r.uniform(0.25, 0.4)),
            phase_ms=int(r.uniform(0, period_ms)),
        ),
        kettle_w=r.uniform(1200, 1800),
        cooker_w=r.uniform(400, 800),
        television_w=r.uniform(50, 110),
        lamp_w=r.uniform(9, 40),
        washes_every_days=r.randint(3, 7),
        away_chance=r.uniform(0.0, 0.05),
    )


@lru_cache(maxsize=DAYS_CACHED * 64)
def day_of(person: Habits, day: int) -> tuple[Use, ...]:
    """What this person does on this local day (days since the epoch), in order."""
    r = random.Random(person.seed * 1_000_003 + day)
    start_ms = day * DAY_MS - ZONE_MS

    def use(at_h: float, minutes: float, watts: float, name: str) -> Use:
        begin = start_ms + int(at_h * HOUR_MS)
        return Use(start_ms=begin, end_ms=begin + int(minutes * MINUTE_MS), watts=watts, name=name)

    wakes = person.wakes_h + r.gauss(0, 0.3)
    uses = [
        use(wakes, r.uniform(20, 60), person.lamp_w, "lamp"),
        use(wakes + r.uniform(0.1, 0.4), r.uniform(4, 7), person.kettle_w, "kettle"),
        use(wakes + r.uniform(0.5, 1.0), r.uniform(25, 40), person.cooker_w, "cooker"),
    ]
    away = r.random() < person.away_chance
    if not away:
        uses += [
            use(11.0 + r.gauss(0, 0.4), r.uniform(30, 50), person.cooker_w, "cooker"),
            use(13.0 + r.uniform(0, 1.5), r.uniform(60, 150), person.television_w, "television"),
            use(15.0 + r.uniform(0, 2.0), r.uniform(4, 6), person.kettle_w, "kettle"),
        ]
        if day % person.washes_every_days == 0:
            uses.append(use(9.0 + r.uniform(0, 1.5), r.uniform(40, 60), 320.0, "washing"))
    uses += [
        use(17.5 + r.gauss(0, 0.4), r.uniform(30, 45), person.cooker_w, "cooker"),
        use(18.8 + r.gauss(0, 0.3), r.uniform(60, 120), person.television_w, "television"),
        use(18.2 + r.gauss(0, 0.3), (person.sleeps_h - 18.2) * 60, person.lamp_w, "lamp"),
    ]
    if r.random() < 0.4:
        uses.append(use(r.uniform(1.0, 4.0), r.uniform(3, 10), person.lamp_w, "night"))
    return tuple(sorted(uses, key=lambda u: u.start_ms))


@dataclass(slots=True)
class Home:
    """One home's present and past. `quiet` and `dark` are intervals [start, end or None)."""

    home: str
    person: Habits
    began_ms: int
    initial_kwh: float
    quiet: list[list[int | None]] = field(default_factory=list)
    dark: list[list[int | None]] = field(default_factory=list)
    _whole_days_ws: dict[int, float] = field(default_factory=dict)

    def be_quiet(self, at_ms: int, *, quiet: bool) -> None:
        """The person stops moving (or is up again)."""
        _switch(self.quiet, at_ms, quiet)
        self._whole_days_ws.clear()

    def go_dark(self, at_ms: int, *, dark: bool) -> None:
        """The supply fails (or is back)."""
        _switch(self.dark, at_ms, dark)
        self._whole_days_ws.clear()

    def is_dark(self, at_ms: int) -> bool:
        return _inside(self.dark, at_ms)

    def is_quiet(self, at_ms: int) -> bool:
        return _inside(self.quiet, at_ms)

    def uses(self, from_ms: int, to_ms: int) -> list[Use]:
        """What was switched on in [from, to), absences and outages taken out."""
        first, last = _day(from_ms), _day(to_ms)
        return [
            use
            for day in range(first, last + 1)
            for use in day_of(self.person, day)
            if from_ms <= use.start_ms < to_ms
            and not self.is_quiet(use.start_ms)
            and not self.is_dark(use.start_ms)
        ]

    def power_w(self, at_ms: int) -> float:
        if self.is_dark(at_ms):
            return 0.0
        watts = self.person.standing_w
        if self.person.refrigerator.running(at_ms):
            watts += self.person.refrigerator.watts
        day = _day(at_ms)
        for use in (*day_of(self.person, day - 1), *day_of(self.person, day)):
            if use.start_ms <= at_ms < use.end_ms and not self.is_quiet(use.start_ms):
                watts += use.watts
        return watts

    def energy_kwh(self, at_ms: int) -> float:
        """The meter's register: never falls."""
        lit_ms = (at_ms - self.began_ms) - _overlap(self.dark, self.began_ms, at_ms)
        compressor = self.person.refrigerator
        on_ms = compressor.on_time_ms(self.began_ms + lit_ms) - compressor.on_time_ms(self.began_ms)
        joules = self.person.standing_w * lit_ms / 1000 + compressor.watts * on_ms / 1000
        joules += self._used_ws(at_ms)
        return self.initial_kwh + joules / 3_600_000

    def _used_ws(self, at_ms: int) -> float:
        """Watt-seconds of the appliances since the beginning."""
        first, today = _day(self.began_ms), _day(at_ms)
        total = 0.0
        for day in range(first, today - 1):
            known = self._whole_days_ws.get(day)
            if known is None:
                known = self._day_ws(day, self.began_ms, at_ms)
                self._whole_days_ws[day] = known
            total += known
        return total + sum(
            self._day_ws(day, self.began_ms, at_ms)
            for day in range(max(first, today - 1), today + 1)
        )

    def _day_ws(self, day: int, from_ms: int, to_ms: int) -> float:
        total = 0.0
        for use in day_of(self.person, day):
            start, end = max(use.start_ms, from_ms), min(use.end_ms, to_ms)
            if start < end and not self.is_quiet(use.start_ms):
                total += use.watts * (end - start - _overlap(self.dark, start, end)) / 1000
        return total


def _day(at_ms: int) -> int:
    return (at_ms + ZONE_MS) // DAY_MS


def _switch(intervals: list[list[int | None]], at_ms: int, on: bool) -> None:
    running = bool(intervals) and intervals[-1][1] is None
    if on and not running:
        intervals.append([at_ms, None])
    elif not on and running:
        intervals[-1][1] = at_ms


def _inside(intervals: list[list[int | None]], at_ms: int) -> bool:
    return any((start or 0) <= at_ms and (end is None or at_ms < end) for start, end in intervals)


def _overlap(intervals: list[list[int | None]], from_ms: int, to_ms: int) -> int:
    total = 0
    for start, end in intervals:
        begin, stop = max(start or 0, from_ms), min(to_ms if end is None else end, to_ms)
        total += max(0, stop - begin)
    return total
