"""What humans found out about silences counts when their past is played again."""

from alarms.found_out import Told
from alarms.lifecycle import Outcome
from hearthwatch.backtest.past_readings import PastReadings
from hearthwatch.backtest.past_words import observations
from hearthwatch.backtest.play import play
from hearthwatch.backtest.rows import RowParts
from hearthwatch.backtest.stored_past import StoredPast
from ledger.place import SqliteBook
from rules.config import default_rules
from rules.found_out import FoundOut
from rules.rule import HomeFacts
from tests.adapters.book import NEW_HOME, Book, finding
from tests.rules.conftest import DAY_MS, HOUR_MS, START_MS, electricity

RULE = "no_sign_of_life"
SHORT, AGAIN = (14.3, 15.45), (34, 37)


def past_of(*silences) -> PastReadings:
    past = PastReadings()
    for at_ms, kwh in electricity(2, 40, away=silences):
        past.add(RowParts("home-1", ("meter", "power", "energy_kwh"), at_ms, kwh, None))
    return past


def found(words=(), *, columns=True):
    rules = [rule for rule in default_rules() if rule.name in {RULE, "mains"}]
    facts, end_ms = HomeFacts(home="home-1"), START_MS + 40 * DAY_MS
    [rows] = play(past_of(SHORT, AGAIN), facts, [rules], end_ms, words=words, columns=columns)
    return [row for row in rows if row.finding.rule == RULE]


def wrong(row) -> int:
    return row.finding.evidence.get("wrong_in_year", 0)


def word(first, found_out: FoundOut, *, off_ms: int) -> Told:
    raised_ms = first.finding.at_ms + off_ms
    return Told(raised_ms, raised_ms + HOUR_MS, raised_ms, found_out)


def test_a_word_of_then_is_of_the_silence_that_is_found_now_though_not_at_the_same_moment() -> None:
    first, again = found()
    assert wrong(again) == 1
    for off_ms in (-11 * HOUR_MS, -1, 0, 3 * HOUR_MS):
        told = word(first, FoundOut.NEEDED_HELP, off_ms=off_ms)
        said = observations([(told.raised_ms + 2 * HOUR_MS, told)])
        for columns in (True, False):
            assert [wrong(row) for row in found(said, columns=columns)] == [0, 0], off_ms
    other = word(first, FoundOut.NEEDED_HELP, off_ms=-13 * HOUR_MS)
    assert [wrong(row) for row in found(observations([(other.raised_ms, other)]))] == [0, 1]


def test_words_are_read_from_the_book_with_what_was_told_to_the_rules(tmp_path) -> None:
    book = Book(tmp_path / "book.db").start()
    book.do(lambda unit: unit.execute("INSERT INTO region (code, name, level) VALUES ('1','','')"))
    book.do(lambda unit: unit.execute(NEW_HOME, ("home-1", "1")))
    alarms = []
    for day in (1, 2, 3):
        book.now_ms = START_MS + day * DAY_MS
        silent = finding(str(day), rule=RULE, at_ms=book.now_ms)
        alarms.append(book.do(lambda unit, silent=silent: book.alarms.take(unit, silent)))
        outcome = Outcome.REAL_EMERGENCY if day == 2 else Outcome.SOCIAL
        said = FoundOut.WAS_OUT if day == 1 else None
        book.now_ms += HOUR_MS
        book.do(
            lambda unit, outcome=outcome, said=said: book.alarms.close(
                unit, alarms[-1], "duty-1", outcome, "", found_out=said
            )
        )
    book.now_ms += HOUR_MS
    book.do(book.alarms.fire_due)
    told = book.alarms.found_out.present["home-1"]
    past = StoredPast(SqliteBook(path=book.path).open_reader(), None)
    words = past.words_of("home-1", START_MS, START_MS + 9 * DAY_MS)
    assert words == observations([(each.until_ms, each) for each in told.values()])
    assert {w.attrs["found_out"] for w in words} == {"was_out", "needed_help"}
    # What was said after the time that is played is not known in it.
    assert past.words_of("home-1", START_MS, START_MS + DAY_MS + HOUR_MS) == []
    book.writer.close()
