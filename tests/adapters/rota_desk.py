"""A rota over HTTP for tests: one county desk with day and night, and one of a town."""

from typing import Any

from alarms.rota.days import day_number, iso_day
from alarms.rota.model import Desk, Hours
from alarms.rota.plan import weekly
from rules.local_time import at_minute_ms

# Of tests/dashboard/conftest.py: a Monday, four in the afternoon there.
TODAY = day_number("2026-11-23")
TWO = (
    Hours(name="day", start_min=8 * 60, length_min=12 * 60),
    Hours(name="night", start_min=20 * 60, length_min=12 * 60),
)


def at(day: int, clock: str) -> int:
    hours, minutes = clock.split(":")
    return at_minute_ms(day, int(hours) * 60 + int(minutes))


async def staff(world: Any) -> None:
    """The town's desk has a rota; the county's stands empty and need not be manned."""

    def fill(unit: Any) -> None:
        book = world.rota.book
        town = Desk(id="town", name="城关镇值班室", region="610926101")
        county = Desk(id="county", name="县值班室", region="610926", always=False)
        book.set_desk(unit, town, "admin-1", "new")
        book.set_desk(unit, county, "admin-1", "new")
        teams = {"day": [["duty-1", "visitor-3"]], "night": [["manager-1"]]}
        pattern = weekly(id="round", desk="town", from_day=TODAY, hours=TWO, teams=teams)
        book.set_pattern(unit, pattern, "admin-1", "new")

    await world.writer.change(fill)


def key(day: int, name: str = "day", desk: str = "town") -> str:
    return f"{desk}/{iso_day(day)}/{name}"
