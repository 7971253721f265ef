"""One home, past and present: routine, what befalls it, and its meter's register. Pure.

The routine comes from `day`; a home adds what a story does to it: somebody lies still, the supply
fails, a visitor comes. A change takes effect from its moment on, so the past stays as it was read
and the register never runs backwards.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import hypot
from typing import Final

from device_sims.body import Body
from device_sims.day import TRIP_BLOCK_DAYS, Day, Use, day_number, day_of, day_start_ms, trip
from device_sims.habits import MINUTE_MS, Habits
from device_sims.loads import STEADY, UJ_PER_KWH, Course, course
from device_sims.profile import Interval, Profile
from device_sims.sun import sun_steps
from device_sims.troubles import Troubles

# "Until further notice": beyond every date this program meets.
OPEN_END_MS: Final = 1 << 53
# Profiles of a home kept: yesterday's for what is asked late, today's, and one to spare.
PROFILES_KEPT: Final = 3
# A DL/T 645 register counts hundredths of a kilowatt-hour.
REGISTER_KWH: Final = 0.01


@dataclass(slots=True)
class Home:
    """`travels`: may be away for days; `resolution_kwh`: the smallest step of the register."""

    home: str
    person: Habits
    began_ms: int
    initial_kwh: float
    resolution_kwh: float = REGISTER_KWH
    travels: bool = False
    conditions: tuple[str, ...] = ()
    # Falls ill by the seed as well, not only when a story says so.
    ails: bool = False
    body: Body = field(init=False)
    troubles: Troubles = field(init=False)
    quiet: list[Interval] = field(default_factory=list)
    dark: list[Interval] = field(default_factory=list)
    extra: list[Use] = field(default_factory=list)
    _profiles: dict[int, Profile] = field(default_factory=dict)
    # Microjoules taken and given from the beginning until the start of each day.
    _before: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0)])
    # Those of single appliances.
    _appliances: dict[str, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.body = Body(seed=self.person.seed, conditions=self.conditions, ails=self.ails)
        self.troubles = Troubles(seed=self.person.seed)

    # What befalls it.

    def be_quiet(self, at_ms: int, *, quiet: bool, left_on_w: float = 0.0) -> None:
        """The person stops moving (or is up again); `left_on_w` burns on meanwhile."""
        if quiet and left_on_w > 0 and not self.is_quiet(at_ms):
            self.extra.append(
                Use(start_ms=at_ms, end_ms=OPEN_END_MS, watts=left_on_w, name="left on")
            )
        if not quiet:
            self.extra = [
                replace(u, end_ms=at_ms) if u.end_ms == OPEN_END_MS else u for u in self.extra
            ]
        _switch(self.quiet, at_ms, quiet)
        self._forget_from(at_ms)

    def go_dark(self, at_ms: int, *, dark: bool) -> None:
        """The supply fails (or is back)."""
        _switch(self.dark, at_ms, dark)
        self._forget_from(at_ms)

    def visit(self, at_ms: int, minutes: float) -> None:
        """Somebody comes: light, and water for tea."""
        end_ms = at_ms + int(minutes * MINUTE_MS)
        tea_ms = min(at_ms + 5 * MINUTE_MS, end_ms)
        kettle_w = self.person.kettle_w
        self.extra += [
            Use(start_ms=at_ms, end_ms=end_ms, watts=self.person.lamp_w, name="visit"),
            Use(start_ms=tea_ms, end_ms=tea_ms + 5 * MINUTE_MS, watts=kettle_w, name="kettle"),
        ]
        self._forget_from(at_ms)

    def is_dark(self, at_ms: int) -> bool:
        return _inside(self.dark, at_ms)

    def is_quiet(self, at_ms: int) -> bool:
        """Nobody stirs: somebody lies still, or nobody is there."""
        return _inside(self.quiet, at_ms) or _inside(self.trips(day_number(at_ms)), at_ms)

    def trips(self, day: int) -> list[Interval]:
        """Trips that can touch this day."""
        if not self.travels:
            return []
        block = day // TRIP_BLOCK_DAYS
        found = (trip(self.person, block - 1), trip(self.person, block))
        return [t for t in found if t is not None]

    # What can be seen.

    def day(self, day: int) -> Day:
        """The routine with absences taken out."""
        plan = day_of(self.person, day)
        still = [*self.quiet, *self.trips(day)]
        if not still:
            return plan
        return Day(
            uses=tuple(u for u in plan.uses if not _inside(still, u.start_ms)),
            automatic=plan.automatic,
            moves_ms=tuple(m for m in plan.moves_ms if not _inside(still, m)),
            door=tuple(d for d in plan.door if not _inside(still, d[0])),
        )

    def uses(self, from_ms: int, to_ms: int) -> list[Use]:
        """What somebody switched on in [from, to); without supply nothing goes on."""
        return [
            use
            for day in range(day_number(from_ms), day_number(to_ms) + 1)
            for use in self.day(day).uses
            if from_ms <= use.start_ms < to_ms and not self.is_dark(use.start_ms)
        ]

    def power_w(self, at_ms: int) -> float:
        """What the meter shows; below nothing while the home gives."""
        return self._profile(day_number(at_ms)).power_mw(at_ms) / 1000

    def power_factor(self, at_ms: int) -> float:
        """Real by apparent power; 1 when nothing is on."""
        profile = self._profile(day_number(at_ms))
        mw = profile.power_mw(at_ms)
        apparent = hypot(mw, profile.reactive_mvar(at_ms))
        return abs(mw) / apparent if apparent else 1.0

    def energy_kwh(self, at_ms: int) -> float:
        """What was taken until now, on top of what the meter showed at the beginning."""
        return self.initial_kwh + self.taken_uj(at_ms) / UJ_PER_KWH

    def taken_uj(self, at_ms: int) -> int:
        """Taken from the grid since the beginning, to the microjoule."""
        return self._sums(at_ms)[0]

    def given_uj(self, at_ms: int) -> int:
        """Given to the grid since the beginning: what panels made and nobody used."""
        return self._sums(at_ms)[1]

    def _sums(self, at_ms: int) -> tuple[int, int]:
        if at_ms <= self.began_ms:
            return 0, 0
        first, today = day_number(self.began_ms), day_number(at_ms)
        while len(self._before) <= today - first:
            profile = self._profile(first + len(self._before) - 1)
            taken, given = self._before[-1]
            taken += profile.taken_uj(OPEN_END_MS)
            self._before.append((taken, given + profile.given_uj(OPEN_END_MS)))
        profile = self._profile(today)
        taken, given = self._before[today - first]
        return taken + profile.taken_uj(at_ms), given + profile.given_uj(at_ms)

    def register_kwh(self, at_ms: int) -> float:
        """What the meter shows: whole steps, the begun one not yet."""
        return self._shown(round(self.initial_kwh * UJ_PER_KWH) + self.taken_uj(at_ms))

    def reverse_kwh(self, at_ms: int) -> float:
        """The meter's register of what the home gave."""
        return self._shown(self.given_uj(at_ms))

    def _shown(self, uj: int) -> float:
        steps = uj // round(self.resolution_kwh * UJ_PER_KWH)
        return round(steps * self.resolution_kwh, 3)

    def appliance_w(self, name: str, at_ms: int) -> float:
        """The power of one appliance now, as a plug in front of it measures it."""
        if self.is_dark(at_ms):
            return 0.0
        return sum(_course(u).power_mw(at_ms - u.start_ms) for u in self._on(name, at_ms)) / 1000

    def appliance_kwh(self, name: str, at_ms: int) -> float:
        """Energy of one appliance since the beginning (outages of an evening not taken out)."""
        first, today = day_number(self.began_ms), day_number(at_ms)
        before = self._appliances.setdefault(name, [0])
        # An evening's use may reach into the next day: only what lies before yesterday is summed.
        while len(before) <= today - first - 1:
            before.append(before[-1] + self._used_uj(name, first + len(before) - 1, OPEN_END_MS))
        done = max(0, today - first - 1)
        uj = before[done]
        for day in range(first + done, today + 1):
            uj += self._used_uj(name, day, at_ms)
        return uj / UJ_PER_KWH

    def _used_uj(self, name: str, day: int, until_ms: int) -> int:
        """Energy of one appliance from what was switched on that day."""
        sum_uj = 0
        for use in self.day(day).uses:
            from_ms, to_ms = max(use.start_ms, self.began_ms), min(use.end_ms, until_ms)
            if use.name == name and from_ms < to_ms:
                made = _course(use)
                sum_uj += made.energy_uj(to_ms - use.start_ms)
                sum_uj -= made.energy_uj(from_ms - use.start_ms)
        return sum_uj

    def _on(self, name: str, at_ms: int) -> Iterator[Use]:
        today = day_number(at_ms)
        for use in (*self.day(today - 1).uses, *self.day(today).uses):
            if use.name == name and use.start_ms <= at_ms < use.end_ms:
                yield use

    # Summing.

    def _profile(self, day: int) -> Profile:
        known = self._profiles.get(day)
        if known is None:
            yesterday, today = self.day(day - 1), self.day(day)
            known = Profile(
                max(day_start_ms(day), self.began_ms),
                day_start_ms(day + 1),
                self.person.standing_w,
                (
                    *yesterday.uses,
                    *today.uses,
                    *yesterday.automatic,
                    *today.automatic,
                    *self.extra,
                ),
                self.dark,
                sun=sun_steps(self.person.seed, self.person.pv_w, day) if self.person.pv_w else (),
            )
            if len(self._profiles) >= PROFILES_KEPT:
                self._profiles.pop(next(iter(self._profiles)))
            self._profiles[day] = known
        return known

    def _forget_from(self, at_ms: int) -> None:
        first = day_number(self.began_ms)
        day = max(day_number(at_ms), first)
        del self._before[day - first + 1 :]
        for sums in self._appliances.values():
            del sums[day - first + 1 :]
        self._profiles = {d: p for d, p in self._profiles.items() if d < day}


def _course(use: Use) -> Course:
    variant = 0 if use.shape in STEADY else use.variant
    return course(use.shape, round(use.watts * 1000), variant)


def _switch(intervals: list[Interval], at_ms: int, on: bool) -> None:
    running = bool(intervals) and intervals[-1][1] == OPEN_END_MS
    if on and not running:
        intervals.append((at_ms, OPEN_END_MS))
    elif not on and running:
        intervals[-1] = (intervals[-1][0], max(at_ms, intervals[-1][0]))


def _inside(intervals: list[Interval], at_ms: int) -> bool:
    return any(start_ms <= at_ms < end_ms for start_ms, end_ms in intervals)
