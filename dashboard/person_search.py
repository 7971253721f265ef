"""Who is found by what somebody typed, filtered, in the order of how well it fits, in pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    union_all,
)

from dashboard.callers import Caller
from dashboard.problems import bad_field
from dashboard.reads import Row, rows
from ledger.persons.files import ID_NUMBER
from ledger.persons.index import gram, kept
from ledger.persons.terms import STEP, Kind, Question, ask
from ledger.schema import (
    CONSENT,
    CONSENT_WITHDRAWAL,
    HOME,
    HOME_TERM,
    PERSON_FILE,
    PERSON_TERM,
    SERVICE_USER,
)
from ledger.sealing.at_connection import blind, ring_at
from ledger.sealing.ring import Ring


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
    found = found.where(caller.known(HOME.c.region, HOME.c.id))
    if question is not None and question.id_number:
        # That it is not empty is said again: the index has only those, and is used only then.
        number = blind(ring, ID_NUMBER, question.id_number)
        found = found.where(PERSON_FILE.c.id_number == number, PERSON_FILE.c.id_number != "")
    return found.where(*_filters(wanted))


def _best(question: Question, ring: Ring | None) -> Select[Any]:
    """Of each person the term that fits best. Nothing but equality is asked of what is sealed."""
    ways = [_by_term(question, kind, ring) for kind in sorted(question.kinds - {Kind.ADDRESS})]
    if Kind.ADDRESS in question.kinds:
        place = literal(int(Kind.ADDRESS) * STEP)
        lives = select(SERVICE_USER.c.id.label("person"), place.label("place"))
        ways.append(lives.where(SERVICE_USER.c.home.in_(homes_at(question, ring))))
    found = union_all(*ways).subquery("found")
    rank = func.min(found.c.place).label("rank")
    return select(found.c.person, rank).group_by(found.c.person)


def _by_term(question: Question, kind: Kind, ring: Ring | None) -> Select[Any]:
    term = PERSON_TERM.c.term
    found = select(PERSON_TERM.c.person, PERSON_TERM.c.kind.label("place"))
    if kind is Kind.ID:
        whole = case((term == question.term, 0), else_=1)
        found = select(PERSON_TERM.c.person, (PERSON_TERM.c.kind + whole).label("place"))
        same = and_(term >= question.term, term < question.last)
    else:
        same = term == kept(ring, question.key(kind), kind)
    return found.where(same, PERSON_TERM.c.kind.in_((kind * STEP, kind * STEP + 1)))


def homes_at(question: Question, ring: Ring | None) -> Select[Any]:
    """Homes whose address has every part of what was typed."""
    first, *others = question.grams
    found = select(HOME_TERM.c.home).where(HOME_TERM.c.term == gram(ring, first))
    for part in others:
        also = select(HOME_TERM.c.home).where(HOME_TERM.c.term == gram(ring, part))
        found = found.where(HOME_TERM.c.home.in_(also))
    return found


def homes_of(question: Question, ring: Ring | None) -> Select[Any]:
    """Homes of persons in whose names it occurs."""
    kinds = question.kinds & {Kind.NAME, Kind.NAME_INSIDE}
    if not kinds:
        return select(SERVICE_USER.c.home).where(false())
    named = union_all(*(_by_term(question, kind, ring) for kind in sorted(kinds))).subquery()
    return select(SERVICE_USER.c.home).where(SERVICE_USER.c.id.in_(select(named.c.person)))


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
