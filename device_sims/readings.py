"""The same homes as CSV, for the rules' replay: readings, and what was true beside them.

True are absences, either somebody who lies still (`silent`) or a journey (`away`): for the meter
they are the same, and a rule has to tell both. True are illnesses as well, by their names.
"""

import csv
import random
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from device_sims.agenda import agenda
from device_sims.day import day_number
from device_sims.faults import SERIES_FAULTS, Series
from device_sims.habits import DAY_MS, HOUR_MS, equipped, habits
from device_sims.past import past_registers
from device_sims.registry import SIMULATED
from device_sims.roster import Household, households
from device_sims.world import Home

# 2026-01-01T00:00:00Z, a Thursday.
BEGIN_MS: Final = 1_767_225_600_000
# Kinds of devices that measure a person: kind -> the device's name in the registry.
_VITALS: Final = {d.kind: name for name, d in SIMULATED.items() if d.vital is not None}
KINDS: Final = ("power", "motion", "contact", *_VITALS)
# What every home is given, whether it would have it or not.
EQUIPMENT: Final = ("pv", "water-heater")
# Faults that begin in the home; the others change the series on its way.
_HOME_FAULTS: Final = frozenset({"left-on", "blackout", "coarse"})
FAULTS: Final = frozenset(_HOME_FAULTS | set(SERIES_FAULTS))
SILENCE_HOURS: Final = (30, 60)
BLACKOUT_HOURS: Final = (2, 20)
# A lamp, a television, a blanket: what is on when somebody falls.
LEFT_ON_W: Final = 120.0
COARSE_KWH: Final = 0.1
# A pulse of a good meter, and a counter with rolls.
STEP_KWH_MIN: Final = 0.001
STEP_KWH_MAX: Final = 10.0
# Silences are put into the second half, so that a rule has had time to learn.
_DAYS_TO_LEARN_MIN: Final = 8

_HEADER: Final = ("home", "device", "kind", "measured_at", "field", "value")
Row = tuple[str, str, str, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    began_ms: int
    ended_ms: int
    cause: str


def write_readings(
    out: Path,
    truth: Path | None,
    *,
    homes: int,
    days: int,
    seed: int,
    interval_s: int,
    kinds: Collection[str] = ("power",),
    faults: Collection[str] = (),
    equipment: Collection[str] = (),
    step_kwh: float | None = None,
) -> int:
    """Write every home's readings, home after home; returns the number of rows."""
    rows = 0
    with ExitStack() as files:
        readings = csv.writer(files.enter_context(out.open("w", newline="")))
        readings.writerow(_HEADER)
        absences = None
        if truth is not None:
            absences = csv.writer(files.enter_context(truth.open("w", newline="")))
            absences.writerow(["home", "began_at", "ended_at", "cause"])
        for household in households(homes, seed):
            home = _home(household, faults, equipment, step_kwh)
            if "blackout" in faults:
                _black_out(home, household.gateway, days, seed)
            silence = _silence(home, household, days, faults)
            if absences is not None:
                absences.writerows(
                    (home.home, _iso(a.began_ms), _iso(a.ended_ms), a.cause)
                    for a in _truth(home, silence, days, kinds)
                )
            for row in _rows(
                household,
                home,
                days=days,
                interval_s=interval_s,
                kinds=kinds,
                faults=faults,
            ):
                readings.writerow(row)
                rows += 1
    return rows


def write_past(
    out: Path, *, homes: int, days: int, seed: int, interval_s: int, before_ms: int
) -> int:
    """Write what the meters of a run showed in the days before its story began."""
    rows = 0
    with out.open("w", newline="") as file:
        readings = csv.writer(file)
        readings.writerow(_HEADER)
        for household, at_ms, kwh in past_registers(
            households(homes, seed), before_ms, days, interval_s
        ):
            meter = _name(household, "meter")
            readings.writerow(
                [household.home, meter, "power", _iso(at_ms), "energy_kwh", f"{kwh:.2f}"]
            )
            rows += 1
    return rows


def _home(
    household: Household,
    faults: Collection[str],
    equipment: Collection[str],
    step_kwh: float | None,
) -> Home:
    person = equipped(
        habits(household.seed), pv="pv" in equipment, water_heater="water-heater" in equipment
    )
    own_kwh = COARSE_KWH if "coarse" in faults else household.register_kwh
    return Home(
        home=household.home,
        person=person,
        began_ms=BEGIN_MS,
        initial_kwh=1000.0,
        resolution_kwh=own_kwh if step_kwh is None else step_kwh,
        travels=True,
        conditions=household.conditions,
        ails=True,
    )


def _rows(
    household: Household,
    home: Home,
    *,
    days: int,
    interval_s: int,
    kinds: Collection[str],
    faults: Collection[str],
) -> Iterator[Row]:
    meter = household.fitted("meter")
    if "power" in kinds and meter is not None:
        r = random.Random(household.seed ^ 0xFA17)
        series = _registers(home, days, interval_s)
        for name, change in SERIES_FAULTS.items():
            if name in faults:
                series = change(series, r)
        for at_ms, kwh in series:
            yield home.home, meter.device, "power", _iso(at_ms), "energy_kwh", _shown(kwh)
    wireless = set(kinds) - {"power"}
    if wireless:
        for day in range(day_number(BEGIN_MS), day_number(BEGIN_MS + days * DAY_MS)):
            yield from _wireless(household, home, day, wireless)


def _registers(home: Home, days: int, interval_s: int) -> Series:
    """What a gateway reads that asks at even intervals; a dark meter doesn't answer."""
    times = (BEGIN_MS + n * interval_s * 1000 for n in range(days * 86_400 // interval_s))
    return [(at_ms, home.register_kwh(at_ms)) for at_ms in times if not home.is_dark(at_ms)]


def _wireless(household: Household, home: Home, day: int, kinds: Collection[str]) -> Iterable[Row]:
    """Movements, the door, measurements of one day."""
    for due in agenda(household, home, day):
        at = _iso(due.at_ms)
        if due.what in ("move", "still") and "motion" in kinds:
            active = "1" if due.what == "move" else "0"
            yield home.home, _name(household, "motion"), "motion", at, "active", active
        elif due.what == "door" and "contact" in kinds:
            is_open = "1" if due.is_open else "0"
            yield home.home, _name(household, "contact"), "contact", at, "open", is_open
        elif due.what == "vital" and SIMULATED[due.model].kind in kinds:
            kind, vital = SIMULATED[due.model].kind, SIMULATED[due.model].vital
            seen = home.body.vitals(due.at_ms)
            for name, decimals in vital.values.items() if vital is not None else ():
                value = f"{getattr(seen, name):.{decimals}f}"
                yield home.home, _name(household, due.model), kind, at, name, value


def _name(household: Household, model: str) -> str:
    fitted = household.fitted(model)
    return fitted.device if fitted is not None else ""


def _silence(home: Home, household: Household, days: int, faults: Collection[str]) -> Truth | None:
    """One long silence in the second half, for every second home that isn't away then."""
    r = random.Random(household.seed ^ 0x5A5A)
    if days < _DAYS_TO_LEARN_MIN or r.random() < 0.5:
        return None
    start_ms = BEGIN_MS + int(r.uniform(days / 2, days - 4) * DAY_MS)
    end_ms = start_ms + int(r.uniform(*SILENCE_HOURS) * HOUR_MS)
    around = (start_ms - DAY_MS, end_ms + DAY_MS)
    trips = [t for ms in around for t in home.trips(day_number(ms))]
    if any(began < around[1] and around[0] < ended for began, ended in trips):
        return None
    left_on_w = LEFT_ON_W if "left-on" in faults else 0.0
    home.be_quiet(start_ms, quiet=True, left_on_w=left_on_w)
    home.be_quiet(end_ms, quiet=False)
    return Truth(began_ms=start_ms, ended_ms=end_ms, cause="silent")


def _truth(home: Home, silence: Truth | None, days: int, kinds: Collection[str]) -> list[Truth]:
    """A home's absences, and its illnesses where a person is measured, that reach into the time."""
    end_ms = BEGIN_MS + days * DAY_MS
    trips = {t for n in range(days + 1) for t in home.trips(day_number(BEGIN_MS + n * DAY_MS))}
    found = [
        Truth(began_ms=began_ms, ended_ms=ended_ms, cause="away")
        for began_ms, ended_ms in trips
        if began_ms < end_ms and ended_ms > BEGIN_MS
    ]
    times = [BEGIN_MS + n * DAY_MS for n in range(days + 1)] if _VITALS.keys() & kinds else []
    illnesses = {e for at_ms in times for e in home.body.spells_around(at_ms)}
    found += [
        Truth(began_ms=e.began_ms, ended_ms=e.ended_ms, cause=e.illness)
        for e in illnesses
        if e.began_ms < end_ms and e.ended_ms > BEGIN_MS
    ]
    if silence is not None:
        found.append(silence)
    return sorted(found, key=lambda a: (a.began_ms, a.cause))


def _black_out(home: Home, gateway: str, days: int, seed: int) -> None:
    """The supply of a village fails once: the same hours for all its homes."""
    r = random.Random(f"{seed} {gateway}")
    start_ms = BEGIN_MS + int(r.uniform(0.3, 0.9) * days * DAY_MS)
    home.go_dark(start_ms, dark=True)
    home.go_dark(start_ms + int(r.uniform(*BLACKOUT_HOURS) * HOUR_MS), dark=False)


def _shown(kwh: float) -> str:
    """Two decimals, as a DL/T 645 register has; more when its steps are finer."""
    return f"{kwh:.2f}" if round(kwh, 2) == kwh else f"{kwh:.3f}"


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
