"""Telephones that were out of reach send what they have, in any order, as often as they like."""

import json
import sqlite3
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateTable

from alarms.visit_book import VisitBook
from alarms.visiting import Visiting
from ledger.forms import concerns, strokes, visit_form
from ledger.schema import METADATA
from ledger.unit_of_work import UnitOfWork
from ledger.visits import NewVisit, corrected, differences, may_be_same

NOON_MS = 1_800_000_000_000
MINUTE_MS = 60_000


class Objects:
    def visit(self, row: dict[str, Any]) -> bytes:
        return b"{}"

    def region_of(self, home: str | None, gateway: str | None) -> str | None:
        return None


class Book:
    """An empty book with two homes: one person in the first, two in the second."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        for table in METADATA.sorted_tables:
            self.connection.execute(str(CreateTable(table).compile(dialect=sqlite.dialect())))
        for person, home in (("p-1", "h-1"), ("p-2", "h-2"), ("p-3", "h-2")):
            sql = "INSERT INTO service_user (id, home, name, sex, born, phone, categories, grade,"
            sql += " conditions, contacts) VALUES (?, ?, '', '', '', '', '[]', '', '[]', '[]')"
            self.connection.execute(sql, (person, home))
        visiting = Visiting(None, None, None, None)  # type: ignore[arg-type]  # nobody looks again
        self.visits = VisitBook(visiting, Objects(), nobody_met_days=0)
        self.now_ms = NOON_MS + 100 * MINUTE_MS

    def unit(self) -> UnitOfWork:
        self.now_ms += 1
        return UnitOfWork(self.connection.cursor(), self.now_ms)

    def take(self, visit: NewVisit) -> None:
        self.visits.record(self.unit(), visit, visit.visitor, kind="routine")

    def rows(self, sql: str) -> list[dict[str, Any]]:
        cursor = self.connection.execute(sql)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


DRAFTS = st.builds(
    lambda home, who, task, way, at, mood: {
        "home": home,
        "service_user": who,
        "task": task,
        "way": way,
        "visited_at_ms": NOON_MS + at * MINUTE_MS,
        "record": {"mood": mood},
    },
    st.sampled_from(["h-1", "h-2"]),
    st.sampled_from([None, "p-2", "p-3"]),
    st.sampled_from([None, None, "t-1"]),
    st.sampled_from(["home_visit", "phone"]),
    st.integers(0, 90),
    st.sampled_from(["unchanged", "worse"]),
)


@st.composite
def syncs(draw) -> tuple[list[NewVisit], list[NewVisit]]:
    """What two to three telephones have, and the order in which it comes, some of it again."""
    visits = []
    for phone in range(draw(st.integers(2, 3))):
        for number, fields in enumerate(draw(st.lists(DRAFTS, min_size=1, max_size=4))):
            person = "p-1" if fields["home"] == "h-1" else fields["service_user"]
            visits.append(
                NewVisit(
                    **{**fields, "service_user": person},
                    id=f"v-{phone}-{number}",
                    visitor=f"visitor-{draw(st.integers(0, 1))}",
                    phone=f"phone-{phone}",
                )
            )
    again = draw(st.lists(st.sampled_from(visits), max_size=6))
    return visits, draw(st.permutations([*visits, *again]))


def told(book: Book) -> dict[str, dict[str, Any]]:
    """What was reported, without what depends on who came first."""
    kept = ("home", "service_user", "task", "way", "visitor", "visited_at_ms", "record", "phone")
    return {row["id"]: {k: row[k] for k in kept} for row in book.rows("SELECT * FROM visit")}


def pairs(book: Book) -> set[tuple[str, str]]:
    return {(row["one"], row["other"]) for row in book.rows("SELECT * FROM visit_conflict")}


@given(syncs())
def test_any_order_loses_nothing_doubles_nothing_and_is_the_same(plan) -> None:
    visits, order = plan
    one, other = Book(), Book()
    for visit in visits:
        one.take(visit)
    for visit in order:
        other.take(visit)
    assert told(one) == told(other)
    assert told(other).keys() == {visit.id for visit in visits}
    assert pairs(one) == pairs(other)
    rows = other.rows("SELECT * FROM visit ORDER BY recorded_at_ms")
    expected = {
        tuple(sorted((a["id"], b["id"])))
        for a, b in combinations(rows, 2)
        if may_be_same(a, b) and may_be_same(b, a)
    }
    assert pairs(other) == expected
    recorded = other.rows("SELECT * FROM entry WHERE fact = 'recorded'")
    assert len(recorded) == len(visits)
    for person in ("p-1", "p-2", "p-3"):
        numbers = [row["number"] for row in rows if row["service_user"] == person]
        assert numbers == sorted(set(numbers)), "in the order of recording, each once"


@given(syncs(), st.data())
def test_whatever_is_decided_every_visit_is_counted_once(plan, data) -> None:
    visits, order = plan
    book = Book()
    for visit in order:
        book.take(visit)
    for one, other in sorted(pairs(book)):
        rows = {r["id"]: r for r in book.rows("SELECT * FROM visit")}
        if any(rows[i]["duplicate_of"] for i in (one, other)):
            continue
        keep = data.draw(st.sampled_from([None, one, other]))
        book.visits.conflicts.decide(book.unit(), one, other, "manager", keep)
    rows = {r["id"]: r for r in book.rows("SELECT * FROM visit")}
    assert rows.keys() == {visit.id for visit in visits}
    for row in rows.values():
        kept = row["duplicate_of"]
        # Who doesn't count is told of by one that does.
        assert kept is None or rows[kept]["duplicate_of"] is None
    voided = data.draw(st.sampled_from(sorted(rows)))
    book.visits.void(book.unit(), voided, "manager", "wrong person")
    for row in book.rows("SELECT * FROM visit"):
        assert row["duplicate_of"] != voided


def test_a_task_at_a_couples_home_is_told_by_the_record_of_either() -> None:
    book = Book()
    task = {"id": "t-9", "kind": "routine", "proof": None}
    done = NewVisit(
        id="t-9",
        home="h-2",
        service_user=None,
        way="home_visit",
        visitor="v",
        visited_at_ms=NOON_MS,
        record={},
        task="t-9",
    )
    book.visits.completed(book.unit(), task, done, "v")
    book.take(replace(done, id="of-2", service_user="p-2"))
    book.take(replace(done, id="of-3", service_user="p-3"))
    rows = {r["id"]: r for r in book.rows("SELECT * FROM visit")}
    assert {i for i, r in rows.items() if r["duplicate_of"] is None} == {"of-2", "of-3"}
    # The home's own first; then each person's next after it.
    assert {i: r["number"] for i, r in rows.items()} == {"t-9": 1, "of-2": 2, "of-3": 2}
    assert pairs(book) == set()


RECORDS = st.dictionaries(
    st.sampled_from(["mood", "needs", "x"]), st.sampled_from(["a", "b", 1]), max_size=3
)
CHANGES = st.dictionaries(
    st.sampled_from(["mood", "needs", "x", "y"]), st.sampled_from(["a", None, 2]), max_size=3
)


@given(RECORDS, st.lists(CHANGES, max_size=4))
def test_what_was_is_found_again_behind_every_correction(record, corrections) -> None:
    steps, now = [], record
    for changes in corrections:
        new = corrected(now, changes)
        steps.append(differences(now, new))
        now = new
    for step in reversed(steps):
        now = corrected(now, {name: change["before"] for name, change in step.items()})
    assert now == record


@given(st.lists(st.lists(st.tuples(st.integers(-50, 700), st.integers(-50, 300)), max_size=5)))
def test_a_signature_is_kept_as_it_is_drawn(lines) -> None:
    document = {"w": 600, "h": 240, "s": [[v for point in line for v in point] for line in lines]}
    payload = json.dumps(document).encode()
    try:
        drawn = strokes.parse(payload)
    except strokes.StrokesError:
        with pytest.raises(strokes.StrokesError, match="empty"):
            strokes.parse(payload)
        return
    assert strokes.parse(strokes.compact(drawn)) == drawn
    assert all(0 <= x <= 600 and 0 <= y <= 240 for line in drawn.strokes for x, y in line)
    assert strokes.svg(drawn).count(b"<path") == len(drawn.strokes)


def test_each_concern_is_an_answer_of_the_form() -> None:
    words = {question.field: question.words for question in visit_form.CHOICES}
    assert all(concern.answer in words[concern.field] for concern in concerns.CONCERNS)
