"""What is printed of visits, read from the book: numbers, signatures, corrections."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import Connection, select

from dashboard.paper_reads import address_of, named
from dashboard.reads import Row, one, roster_for, rows
from ledger.documents.form import Drawing
from ledger.documents.sheets import VisitSheet, local
from ledger.forms import strokes
from ledger.schema import ATTACHMENT, HOME, VISIT, VISIT_CORRECTION
from ledger.sealing.at_connection import content_of
from ledger.views import RosterIndex, document_of


def visit_row(connection: Connection, visit: str) -> Row | None:
    """A visit's row with the region of its home as `home_region`."""
    wanted = select(VISIT, HOME.c.region.label("home_region"))
    wanted = wanted.join(HOME, HOME.c.id == VISIT.c.home)
    return one(connection, wanted.where(VISIT.c.id == visit))


def visit_sheet(connection: Connection, row: Row, can: frozenset[str]) -> VisitSheet:
    """Annex 4 of one visit, with what was signed and corrected."""
    corrections = rows(
        connection,
        select(VISIT_CORRECTION)
        .where(VISIT_CORRECTION.c.visit == row["id"])
        .order_by(VISIT_CORRECTION.c.seq),
    )
    people = [row["visitor"], row["voided_by"], *(c["actor"] for c in corrections)]
    roster = roster_for(connection, homes=[row["home"]], usernames=people)
    signed = _signatures(connection, row["id"])
    return replace(
        _plain(row, roster, can),
        visitor_signature=signed.get("signature_visitor"),
        person_signature=signed.get("signature_person"),
        corrections=tuple(
            f"{local(c['at_ms']):%Y-%m-%d} {named(c['actor'], roster)}：{c['reason']}"
            for c in corrections
        ),
        voided=_voided(row, roster),
    )


def visit_sheets(
    connection: Connection, found: Sequence[Row], can: frozenset[str]
) -> list[VisitSheet]:
    """Of each row what a table says of it; signatures and corrections stay on its own form."""
    roster = roster_for(
        connection,
        homes=(row["home"] for row in found),
        usernames=(row["visitor"] for row in found),
    )
    return [_plain(row, roster, can) for row in found]


def _plain(row: Row, roster: RosterIndex, can: frozenset[str]) -> VisitSheet:
    return VisitSheet(
        name=_whom(row, roster),
        address=address_of(row["home"], roster, can),
        number=row["number"] or None,
        way=row["way"],
        visited_at_ms=row["visited_at_ms"],
        record=document_of(row["record"]),
        visitor=named(row["visitor"], roster),
    )


def _whom(row: Row, roster: RosterIndex) -> str:
    """Whom the visit was for; everybody of the home where it does not say."""
    people = roster.persons.get(row["home"], ())
    wanted = row["service_user"]
    return "、".join(p["name"] for p in people if wanted is None or p["id"] == wanted)


def _voided(row: Row, roster: RosterIndex) -> str:
    if row["voided_at_ms"] is not None:
        who = named(row["voided_by"], roster)
        return f"{row['void_reason']}（{local(row['voided_at_ms']):%Y-%m-%d} {who}）"
    return "" if row["duplicate_of"] is None else "与另一条记录是同一次探访"


def _signatures(connection: Connection, visit: str) -> dict[str, Drawing]:
    wanted = select(ATTACHMENT.c.kind, ATTACHMENT.c.bytes)
    wanted = wanted.where(ATTACHMENT.c.visit == visit, ATTACHMENT.c.mime == strokes.MIME)
    return {
        row["kind"]: drawn
        for row in rows(connection, wanted)
        for drawn in _drawn(content_of(connection, bytes(row["bytes"])))
    }


def _drawn(content: bytes) -> Iterable[Drawing]:
    """One that can't be read is a signature that isn't printed, and the form stays."""
    try:
        found = strokes.parse(content)
    except strokes.StrokesError:
        return
    yield Drawing(width=found.width, height=found.height, strokes=found.strokes)
