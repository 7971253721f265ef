"""A rota on a real book: two towns, a county desk, people with and without telephones."""

from collections.abc import Iterator

import pytest

from alarms.rota.book import RotaBook
from alarms.rota.coverage import Reach
from alarms.rota.days import day_number
from alarms.rota.model import Change, Desk, Hours, ShiftKey
from alarms.rota.plan import weekly
from alarms.rota.watch import CoverageWatch
from rules.local_time import HOUR_MS, at_minute_ms
from tests.adapters.book import Book

DAY = day_number("2026-11-23")  # a Monday
PEOPLE = ("li", "zhou", "wang", "zhao", "boss")
SPLIT = (
    Hours(name="day", start_min=8 * 60, length_min=12 * 60),
    Hours(name="night", start_min=20 * 60, length_min=12 * 60),
)


def at(day: int, clock: str) -> int:
    hours, minutes = clock.split(":")
    return at_minute_ms(day, int(hours) * 60 + int(minutes))


class Rota(Book):
    """The book with its rota and watch. `reach` is what is known of people's ways."""

    def __init__(self, path) -> None:
        self.reach = {person: Reach(alive=1) for person in PEOPLE}
        super().__init__(path)
        self.now_ms = at(DAY, "9:00")

    def open(self) -> None:
        super().open()
        self.rota = RotaBook(lambda: self.now_ms)
        self.writer.attach(self.rota)
        self.watch = CoverageWatch(self.rota, self.alarms, lambda _cursor: self.reach)

    def fire(self, at_ms: int | None = None) -> None:
        if at_ms is not None:
            self.now_ms = at_ms
        self.do(self.watch.fire_due)

    def restart(self) -> None:
        self.writer.close()
        self.open()
        self.start()

    def staff(self, day: int = DAY, **teams) -> None:
        """A desk of the county with day and night."""
        desk = Desk(id="county", name="县值班室", region="610926", seats=1)
        self.do(lambda unit: self.rota.set_desk(unit, desk, "boss", "new"))
        teams = teams or {"day": [["li", "zhou"]], "night": [["wang"]]}
        pattern = weekly(id="round", desk="county", from_day=day, hours=SPLIT, teams=teams)
        self.do(lambda unit: self.rota.set_pattern(unit, pattern, "boss", "new"))

    def change(self, day: int, name: str, people, **hours) -> None:
        key = ShiftKey(desk="county", day=day, name=name)
        change = Change(key=key, people=None if people is None else tuple(people), **hours)
        self.do(lambda unit: self.rota.change_shifts(unit, [change], "boss", "why"))

    def open_alarms(self) -> list[tuple[str, str, str, int]]:
        sql = "SELECT part, reason, severity, event_count FROM alarm WHERE state <> 'closed'"
        return [tuple(row) for row in self.rows(f"{sql} ORDER BY part")]

    def closed(self) -> list[tuple[str, str]]:
        sql = "SELECT part, outcome FROM alarm WHERE state = 'closed' ORDER BY number"
        return [tuple(row) for row in self.rows(sql)]


REGIONS = (
    ("610926", "平利县", "county", None),
    ("610926101", "城关镇", "town", "610926"),
    ("610926101001", "龙头村", "village", "610926101"),
)


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> bytes:
    """The book with its regions and accounts, made once."""
    path = tmp_path_factory.mktemp("rota") / "hub.sqlite"
    book = Rota(path)

    def fill(unit) -> None:
        for region in REGIONS:
            unit.execute("INSERT INTO region VALUES (?, ?, ?, ?)", region)
        sql = (
            "INSERT INTO account (username, name, role, region, phone, password, disabled,"
            " created_at_ms) VALUES (?, ?, ?, '610926', '137', 'x', 0, 0)"
        )
        for name in PEOPLE:
            unit.execute(sql, (name, name.upper(), "manager" if name == "boss" else "duty"))
        unit.execute(sql, ("mender", "M", "installer"))

    book.start()
    book.do(fill)
    book.writer.close()
    return path.read_bytes()


@pytest.fixture
def rota(template, tmp_path) -> Iterator[Rota]:
    path = tmp_path / "hub.sqlite"
    path.write_bytes(template)
    book = Rota(path)
    book.start()
    yield book
    book.writer.close()


HOUR = HOUR_MS
