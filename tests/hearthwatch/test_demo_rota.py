"""The demonstration's rota: two desks that are staffed around the clock but for one hole."""

from pathlib import Path

from alarms.rota.book import RotaBook
from hearthwatch.admin import add_user
from hearthwatch.book_change import change_book
from hearthwatch.demo import LOGINS
from hearthwatch.demo_rota import COUNTY, HOLE_AFTER_DAYS, VISITORS, seed
from ledger.place import SqliteBook
from rules.local_time import HOUR_MS, at_minute_ms, day_of

BEGAN_MS = at_minute_ms(20_780, 6 * 60)


def test_two_desks_around_the_clock_with_one_hole(tmp_path: Path) -> None:
    book = SqliteBook(path=tmp_path / "hub.db")
    regions = [("610926", "平利县", "county", None), ("610926101", "城关镇", "town", "610926")]
    sql = "INSERT INTO region VALUES (?, ?, ?, ?)"
    change_book(book, lambda unit: [unit.execute(sql, row) for row in regions])
    for username, name, role, region in LOGINS:
        add_user(book, username, name, role, region, "correct horse battery")

    def fill(unit) -> RotaBook:
        for _ in range(2):
            seed(unit, BEGAN_MS)
        rota = RotaBook(lambda: BEGAN_MS)
        rota.reload(unit.cursor)
        return rota

    rota = change_book(book, fill)
    hole = day_of(BEGAN_MS) + HOLE_AFTER_DAYS
    empty = set()
    for hour in range(24 * 10):
        at_ms = BEGAN_MS + hour * HOUR_MS
        assert rota.plan.on_duty(VISITORS.id, at_ms)
        if not rota.plan.on_duty(COUNTY.id, at_ms):
            empty.add((at_ms - at_minute_ms(hole, 0)) // HOUR_MS)
    assert empty == set(range(8))
    assert [swap.state for swap in rota.waiting] == ["asked"]
