"""Who is found by what somebody typed, filtered, in the order of how well it fits, in pages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
)

from dashboard.callers import Caller
from dashboard.problems import bad_field
from dashboard.reads import Row, rows
from ledger.persons.files import ID_NUMBER
from ledger.persons.terms import PHONE, PHONES, Kind, Question, ask
from ledger.schema import CONSENT, CONSENT_WITHDRAWAL, HOME, PERSON_FILE, PERSON_TERM, SERVICE_USER
from ledger.sealing.at_connection import blind, ring_at
from ledger.sealing.ring import Ring

# Kinds of terms are counted in twos: what is the whole term comes before what begins it.
_STEP: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a list of persons is asked for; empty: everything. `consent`: a purpose that nobody's
    consent holds for on `today`."""

    q: str = ""
    region: str = ""
    home: str = ""
    category: str = ""
    grade: str = ""
    visitor: str = ""
    incomplete: bool | None = None
    consent: str = ""
    service: Literal["in", "left", "all"] = "all"
    today: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`persons` has one more than the limit where there are more; `cursors` belongs to them."""

    persons: list[Row]
    cursors: list[str]
    total: int


def search(
    connection: Connection, caller: Caller, wanted: Wanted, limit: int, after: str | None
) -> Found:
    question = ask(wanted.q) if wanted.q else None
    if wanted.q and question is None:
        return Found(persons=[], cursors=[], total=0)
    everybody = _matching(caller, wanted, question, ring_at(connection))
    total = connection.scalar(select(func.count()).select_from(everybody.subquery())) or 0
    page = everybody
    rank = everybody.selected_columns["rank"]
    if after is not None:
        page = page.where(_behind(rank, after))
    # Without a question all fit alike, and the register's own order needs no sorting.
    order = (SERVICE_USER.c.id,) if question is None else (rank, SERVICE_USER.c.id)
    found = rows(connection, page.order_by(*order).limit(limit + 1))
    persons = _whole(connection, [row["id"] for row in found])
    return Found(
        persons=[{**persons[row["id"]], **row} for row in found],
        cursors=[f"{row['rank']}:{row['id']}" for row in found],
        total=total,
    )


def _whole(connection: Connection, ids: Sequence[str]) -> dict[str, Row]:
    """Of a page only: what is counted and sorted is narrow."""
    wanted = select(SERVICE_USER).where(SERVICE_USER.c.id.in_(ids))
    return {row["id"]: row for row in rows(connection, wanted)}


def _matching(
    caller: Caller, wanted: Wanted, question: Question | None, ring: Ring | None
) -> Select[Any]:
    if question is None or question.id_number:
        rank: Any = literal(0).label("rank")
        source: Any = SERVICE_USER
    else:
        best = _best(question, ring).subquery("best")
        rank = best.c.rank.label("rank")
        source = SERVICE_USER.join(best, best.c.person == SERVICE_USER.c.id)
    source = source.join(HOME, HOME.c.id == SERVICE_USER.c.home)
    source = source.join(PERSON_FILE, PERSON_FILE.c.person == SERVICE_USER.c.id, isouter=True)
    found = select(SERVICE_USER.c.id, PERSON_FILE.c.missing, rank).select_from(source)
    found = found.where(caller.visible(HOME.c.region))
    if question is not None and question.id_number:
        # That it is not empty is said again: the index has only those, and is used only then.
        number = blind(ring, ID_NUMBER, question.id_number)
        found = found.where(PERSON_FILE.c.id_number == number, PERSON_FILE.c.id_number != "")
    return found.where(*_filters(wanted))


def _best(question: Question, ring: Ring | None) -> Select[Any]:
    """Of each person the term that fits best; ranges of the table's own key."""
    blinded = frozenset() if ring is None else question.kinds & PHONES
    whole = case((PERSON_TERM.c.term == question.term, 0), else_=1)
    if blinded:
        number = blind(ring, PHONE, question.term)
        whole = case((PERSON_TERM.c.term.in_([question.term, number]), 0), else_=1)
    fits = and_(
        PERSON_TERM.c.term >= question.term,
        PERSON_TERM.c.term < question.last,
        PERSON_TERM.c.kind.in_(_numbers(question.kinds - blinded)),
    )
    if blinded:
        same = and_(PERSON_TERM.c.term == number, PERSON_TERM.c.kind.in_(_numbers(blinded)))
        fits = or_(fits, same)
    rank = func.min(PERSON_TERM.c.kind * _STEP + whole).label("rank")
    return select(PERSON_TERM.c.person, rank).where(fits).group_by(PERSON_TERM.c.person)


def _numbers(kinds: Iterable[Kind]) -> list[int]:
    return sorted(int(kind) for kind in kinds)


def _filters(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.region:
        found.append(HOME.c.region.startswith(wanted.region, autoescape=True))
    if wanted.home:
        found.append(HOME.c.id == wanted.home)
    if wanted.category:
        # A category is a word of a JSON list.
        found.append(SERVICE_USER.c.categories.contains(f'"{wanted.category}"', autoescape=True))
    if wanted.grade:
        found.append(SERVICE_USER.c.grade == wanted.grade)
    if wanted.visitor:
        found.append(SERVICE_USER.c.visitor == wanted.visitor)
    if wanted.service != "all":
        left = SERVICE_USER.c.left_on != ""
        found.append(left if wanted.service == "left" else ~left)
    if wanted.incomplete is not None:
        complete = and_(PERSON_FILE.c.missing.is_not(None), PERSON_FILE.c.missing == 0)
        found.append(~complete if wanted.incomplete else complete)
    if wanted.consent:
        found.append(~exists(_held(wanted)))
    return found


def _held(wanted: Wanted) -> Select[Any]:
    """A consent of the person that holds today; `ledger.forms.consents.holds` says the same."""
    withdrawn = exists(select(literal(1)).where(CONSENT_WITHDRAWAL.c.consent == CONSENT.c.id))
    return select(literal(1)).where(
        CONSENT.c.person == SERVICE_USER.c.id,
        CONSENT.c.purpose == wanted.consent,
        CONSENT.c.answer == "yes",
        or_(CONSENT.c.until_on == "", CONSENT.c.until_on >= wanted.today),
        ~withdrawn,
    )


def _behind(rank: Any, after: str) -> ColumnElement[bool]:
    number, _, person = after.partition(":")
    if not (number.isascii() and number.isdigit() and len(number) < 4):
        raise bad_field("after", "the `next` of a page before")
    place = int(number)
    expression = rank.element
    return or_(expression > place, and_(expression == place, SERVICE_USER.c.id > person))
