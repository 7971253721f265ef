"""What humans say of silences, by closing and by their records, on its way to the rules."""

from pathlib import Path

import pytest

from alarms.desk import Desk
from alarms.found_out import KEPT_MS, Told
from alarms.heard_from import SETTLE_MS
from alarms.lifecycle import IllegalMove, Outcome
from alarms.visit_book import VisitBook
from ledger.visits import Correction, NewVisit
from rules.found_out import FoundOut
from tests.adapters.book import NEW_HOME, Book, finding

RAISED_MS = 10**12
MINUTE_MS = 60_000
WELL, OUT, HELP, UNKNOWN = FoundOut


@pytest.fixture
def book(tmp_path: Path):
    made = Book(tmp_path / "book.db").start()
    made.now_ms = RAISED_MS
    made.do(lambda unit: unit.execute("INSERT INTO region (code, name, level) VALUES ('1','','')"))
    made.do(lambda unit: unit.execute(NEW_HOME, ("home-1", "1")))
    yield made
    made.writer.close()


def silence(book: Book, key: str = "1", rule: str = "no_sign_of_life") -> str:
    found = finding(key, rule=rule, at_ms=book.now_ms, reason="no_activity")
    return str(book.do(lambda unit: book.alarms.take(unit, found)))


def close(book: Book, alarm: str, outcome="social", said=None, after_ms: int = MINUTE_MS) -> None:
    book.now_ms += after_ms
    word = None if said is None else FoundOut(said)
    book.do(
        lambda unit: book.alarms.close(unit, alarm, "duty-1", Outcome(outcome), "", found_out=word)
    )


def visit(book: Book, alarm: str, name: str = "v-1", **record) -> None:
    made = NewVisit(
        id=name,
        home="home-1",
        service_user=None,
        way="home_visit",
        visitor="visitor-1",
        visited_at_ms=book.now_ms - 5 * MINUTE_MS,
        record=record,
        alarm=alarm,
    )
    book.do(lambda unit: visits(book).record(unit, made, "visitor-1", kind="emergency"))


def visits(book: Book) -> VisitBook:
    return VisitBook(book.alarms.visiting, book.objects, on_change=book.alarms.visit_changed)


def told(book: Book, after_ms: int = SETTLE_MS) -> dict[str, Told]:
    book.now_ms += after_ms
    book.do(book.alarms.fire_due)
    return dict(book.alarms.found_out.present.get("home-1", {}))


def words(book: Book, after_ms: int = SETTLE_MS) -> list[FoundOut]:
    return [each.found_out for each in told(book, after_ms).values()]


@pytest.mark.parametrize("outcome", sorted(Outcome))
def test_what_an_outcome_says_by_itself(book: Book, outcome: Outcome) -> None:
    """A new outcome is thought of here: what it leaves open, nothing is learned from."""
    close(book, silence(book), outcome)
    by_itself = {"real_emergency": HELP, "medical_advice": HELP, "answered_well": WELL}
    assert words(book) == [word for name, word in by_itself.items() if name == outcome]


def test_who_closes_it_says_how_it_was_and_the_rules_hear_of_it_a_minute_later(book: Book) -> None:
    alarm = silence(book)
    close(book, alarm, said="was_out", after_ms=7 * MINUTE_MS)
    closed_ms = RAISED_MS + 7 * MINUTE_MS
    assert told(book, SETTLE_MS - 1) == {}
    assert told(book, 1) == {alarm: Told(RAISED_MS, closed_ms, RAISED_MS, OUT)}
    [row] = book.rows("SELECT found_out FROM alarm")
    assert row["found_out"] == "was_out"
    [entry] = book.rows("SELECT data FROM entry WHERE topic = 'alarm' AND fact = 'closed'")
    assert '"found_out":"was_out"' in entry["data"]


def test_a_word_of_another_kind_of_alarm_is_no_matter_of_the_rules(book: Book) -> None:
    close(book, silence(book, rule="sos"), "real_emergency")
    assert told(book) == {}


def test_she_was_well_no_earlier_than_somebody_had_it_however_late_it_is_closed(book: Book) -> None:
    alarm = silence(book)
    book.now_ms += 30 * MINUTE_MS
    book.do(lambda unit: book.alarms.acknowledge(unit, alarm, "duty-1"))
    close(book, alarm, said="was_in_and_well", after_ms=20 * 60 * MINUTE_MS)
    [word] = told(book).values()
    assert word.seen_ms == RAISED_MS + 30 * MINUTE_MS


def test_a_record_says_it_before_the_alarm_is_closed_and_when_its_closing_is_silent(book) -> None:
    alarm = silence(book)
    book.now_ms += 30 * MINUTE_MS
    visit(book, alarm, found_out="was_in_and_well")
    seen_ms = RAISED_MS + 25 * MINUTE_MS
    assert told(book)[alarm] == Told(RAISED_MS, RAISED_MS + 30 * MINUTE_MS, seen_ms, WELL)
    close(book, alarm, "no_answer_visited")
    assert words(book) == [WELL]
    assert told(book)[alarm].until_ms > RAISED_MS + 30 * MINUTE_MS


def test_who_closes_it_knows_better_than_a_record_and_need_of_help_is_never_hidden(book) -> None:
    one = silence(book)
    visit(book, one, found_out="was_in_and_well")
    close(book, one, said="was_out")
    assert words(book) == [OUT]
    other = silence(book, "2")
    close(book, other, "real_emergency")
    visit(book, other, "v-2", found_out="was_in_and_well")
    assert told(book)[other].found_out is HELP
    open_word = silence(book, "3")
    visit(book, open_word, "v-3", found_out="was_out")
    close(book, open_word, said="unknown")
    assert told(book)[open_word].found_out is OUT
    # A slip beside an emergency would teach that a fall is a quiet day.
    slip = silence(book, "4")
    close(book, slip, "real_emergency", said="was_in_and_well")
    assert told(book)[slip].found_out is HELP


def test_a_record_that_is_corrected_or_voided_is_told_anew(book: Book) -> None:
    alarm = silence(book)
    close(book, alarm, "no_answer_visited")
    assert told(book) == {}
    visit(book, alarm, found_out="was_in_and_well")
    assert words(book) == [WELL]
    wrong = Correction(id="c", visit="v-1", reason="slip", record={"found_out": "needed_help"})
    book.do(lambda unit: visits(book).correct(unit, wrong, "visitor-1"))
    assert words(book) == [HELP]
    book.do(lambda unit: visits(book).void(unit, "v-1", "duty-1", "slip"))
    assert words(book) == [UNKNOWN]


@pytest.mark.parametrize("nonsense", [None, 1, True, "well", "unknown", ["was_out"], {}])
def test_a_record_that_says_nothing_known_is_silent(book: Book, nonsense) -> None:
    alarm = silence(book)
    visit(book, alarm, found_out=nonsense)
    close(book, alarm)
    assert told(book) == {}


async def test_a_mistake_is_taken_back_by_opening_it_again(book: Book) -> None:
    desk = Desk(book.writer, book.alarms, book.objects)
    alarm = silence(book)
    await desk.close(alarm, "duty-1", "social", "", found_out="was_in_and_well")
    await desk.reopen(alarm, "duty-1", "closed_by_mistake")
    # In time: they never hear of it.
    assert words(book) == [UNKNOWN] or told(book, 0) == {}
    await desk.close(alarm, "duty-1", "social", "", found_out="was_in_and_well")
    assert words(book) == [WELL]
    await desk.reopen(alarm, "duty-1", "closed_by_mistake")
    assert words(book) == [UNKNOWN]
    [row] = book.rows("SELECT found_out FROM alarm")
    assert row["found_out"] is None
    await desk.close(alarm, "duty-1", "real_emergency", "")
    assert words(book) == [HELP]


async def test_only_what_is_asked_can_be_said(book: Book) -> None:
    desk = Desk(book.writer, book.alarms, book.objects)
    alarm, call = silence(book), silence(book, rule="sos")
    for name, word in ((alarm, "well"), (call, "was_out")):
        with pytest.raises(IllegalMove) as refused:
            await desk.close(name, "duty-1", "social", "", found_out=word)
        assert refused.value.code == "unknown_found_out"
    assert {row["state"] for row in book.rows("SELECT state FROM alarm")} == {"open"}


def test_a_silence_that_was_one_event_with_a_call_gets_what_the_call_s_end_says(book) -> None:
    """She lay there and pressed: the silence was rightly found."""
    quiet, call = silence(book), silence(book, rule="sos")
    book.do(lambda unit: book.alarms.handing.merge(unit, quiet, "duty-1", call))
    assert told(book) == {}
    close(book, call, "real_emergency")
    assert {alarm: word.found_out for alarm, word in told(book).items()} == {quiet: HELP}


def test_it_is_known_again_after_a_restart_and_forgotten_when_it_is_old(book: Book) -> None:
    alarm = silence(book)
    visit(book, alarm, found_out="was_in_and_well")
    close(book, alarm)
    known = told(book)
    assert known
    book.writer.close()
    book.open()
    book.start()
    assert told(book, 0) == known
    book.now_ms += KEPT_MS + 1
    later = silence(book, "2")
    close(book, later, said="was_out")
    assert set(told(book)) == {later}
    # A telephone was without a line for weeks.
    visit(book, alarm, "v-late", found_out="needed_help")
    assert told(book)[alarm].found_out is HELP
