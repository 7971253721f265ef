"""The same homes as CSV, for the rules' replay: readings, and the true absences beside them."""

import csv
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from device_sims.roster import households
from device_sims.world import DAY_MS, HOUR_MS, Home, habits

# 2026-01-01, a Thursday.
BEGIN_MS: Final = 1_767_225_600_000
# Longest absence drawn, from one and a quarter days on.
ABSENCE_HOURS: Final = (30, 60)


def write_readings(
    out: Path,
    truth: Path | None,
    *,
    homes: int,
    days: int,
    seed: int,
    interval_s: int,
) -> int:
    """Write energy registers of every home; returns the number of rows."""
    rows = 0
    absences: list[tuple[str, int, int]] = []
    with out.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["home", "device", "kind", "measured_at", "field", "value"])
        for household in households(homes, seed):
            home = Home(
                home=household.home,
                person=habits(household.seed),
                began_ms=BEGIN_MS,
                initial_kwh=1000.0,
            )
            absences += _absences(home, days, household.seed)
            device = household.devices[0].device
            for step in range(days * 86_400 // interval_s):
                at_ms = BEGIN_MS + step * interval_s * 1000
                value = f"{home.energy_kwh(at_ms):.2f}"
                writer.writerow([home.home, device, "power", _iso(at_ms), "energy_kwh", value])
                rows += 1
    if truth is not None:
        with truth.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["home", "began_at", "ended_at"])
            writer.writerows((home, _iso(start), _iso(end)) for home, start, end in absences)
    return rows


def _absences(home: Home, days: int, seed: int) -> list[tuple[str, int, int]]:
    """One long silence in the second half, for every second home."""
    r = random.Random(seed ^ 0x5A5A)
    if days < 8 or r.random() < 0.5:
        return []
    start_ms = BEGIN_MS + int(r.uniform(days / 2, days - 4) * DAY_MS)
    end_ms = start_ms + int(r.uniform(*ABSENCE_HOURS) * HOUR_MS)
    home.be_quiet(start_ms, quiet=True)
    home.be_quiet(end_ms, quiet=False)
    return [(home.home, start_ms, end_ms)]


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
