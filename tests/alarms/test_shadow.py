"""The one door to alarms: what a rule in shadow finds is kept there, a call for help never is."""

from alarms.book import AlarmBook
from alarms.shadow import FORGET_ROWS, KEPT_MS
from tests.adapters.book import Book, finding
from tests.adapters.escalation import escalating, one_clock


class Shadowed(Book):
    """Everything is in shadow, whatever anybody thinks of it."""

    def open(self) -> None:
        super().open()
        self.alarms = AlarmBook(
            self.objects,
            self.outbox,
            escalating(one_clock(lambda: self.now_ms)),
            lambda _rule, _home: 300,
            lambda _rule: True,
        )
        self.writer.attach(self.alarms)


def test_a_finding_is_kept_with_its_place_and_nothing_else_happens(tmp_path) -> None:
    book = Shadowed(tmp_path / "book.db").start()
    book.do(
        lambda unit: book.alarms.take(
            unit, finding(rule="device_fault", part="gw-9/meter-1", severity="technical")
        )
    )
    (row,) = book.rows("SELECT * FROM shadow_finding")
    assert (row["home"], row["gateway"], row["region"]) == ("home-1", "gw-9", "610926")
    assert (row["rule"], row["part"], row["phase"]) == ("device_fault", "gw-9/meter-1", "raised")
    for count in ("SELECT * FROM alarm", "SELECT * FROM task", "SELECT * FROM entry"):
        assert book.rows(count) == []
    assert (book.outbox.raised, book.outbox.asked) == ([], [])
    book.writer.close()


def test_the_same_finding_again_is_one_and_its_end_another(tmp_path) -> None:
    book = Shadowed(tmp_path / "book.db").start()
    for phase, at_ms in (("raised", 1000), ("raised", 1000), ("repeated", 2000), ("cleared", 3000)):
        found = finding(rule="fall", phase=phase, raised_at_ms=1000, at_ms=at_ms)
        book.do(lambda unit, found=found: book.alarms.take(unit, found))
    rows = book.rows("SELECT phase, at_ms FROM shadow_finding ORDER BY seq")
    assert [tuple(row) for row in rows] == [
        ("raised", 1000),
        ("repeated", 2000),
        ("cleared", 3000),
    ]
    book.writer.close()


def test_what_is_older_than_half_a_year_is_forgotten_in_portions(tmp_path) -> None:
    book = Shadowed(tmp_path / "book.db").start()
    book.now_ms, young_ms = 2 * KEPT_MS, KEPT_MS + 1
    old = [finding(str(n), rule="fall", at_ms=1000 + n) for n in range(FORGET_ROWS + 5)]
    for found in [*old, finding("young", rule="fall", at_ms=young_ms)]:
        book.do(lambda unit, found=found: book.alarms.take(unit, found))
    kept = []
    for _ in range(4):
        book.do(book.alarms.shadow.forget)
        kept.append([row[0] for row in book.rows("SELECT at_ms FROM shadow_finding")])
    assert len(kept[0]) == 6
    assert kept[1:] == [[young_ms]] * 3
    # Nothing is left to forget: it looks again in an hour, or when the clock was set back.
    book.now_ms += KEPT_MS
    book.do(book.alarms.shadow.forget)
    assert book.rows("SELECT at_ms FROM shadow_finding") == []
    book.writer.close()


def test_nothing_old_is_looked_for_all_the_time(tmp_path) -> None:
    book = Shadowed(tmp_path / "book.db").start()
    book.now_ms = 2 * KEPT_MS
    book.do(book.alarms.shadow.forget)
    book.do(lambda unit: book.alarms.take(unit, finding(rule="fall", at_ms=1000)))
    book.now_ms += 3_599_000
    book.do(book.alarms.shadow.forget)
    assert len(book.rows("SELECT at_ms FROM shadow_finding")) == 1
    book.now_ms += 1000
    book.do(book.alarms.shadow.forget)
    assert book.rows("SELECT at_ms FROM shadow_finding") == []
    book.writer.close()


def test_a_call_for_help_is_told_whatever_is_in_shadow(tmp_path) -> None:
    book = Shadowed(tmp_path / "book.db").start()
    book.do(lambda unit: book.alarms.take(unit, finding(), replayable=False))
    (alarm,) = book.rows("SELECT severity, state FROM alarm")
    assert tuple(alarm) == ("urgent", "open")
    assert len(book.outbox.raised) == 1
    assert book.rows("SELECT * FROM shadow_finding") == []
    book.writer.close()
