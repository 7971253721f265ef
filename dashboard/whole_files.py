"""All that the book has of one person, for one document."""

from typing import Any

from sqlalchemy import Connection, Select, func, or_, select

from dashboard.paper_reads import person_sheet
from dashboard.person_reads import consent_rows
from dashboard.reads import Row, rows
from dashboard.visit_papers import visit_sheets
from ledger.documents.dossier import (
    ALARMS_PRINTED,
    STAYS_PRINTED,
    VISITS_PRINTED,
    AlarmLine,
    Dossier,
    StayLine,
)
from ledger.forms import consents
from ledger.forms.visit_form import Option
from ledger.schema import ALARM, STAY, TASK, VISIT


def whole_file(
    connection: Connection,
    row: Row,
    can: frozenset[str],
    now_ms: int,
    *,
    numbers: bool,
    photo: bytes | None = None,
) -> Dossier:
    """Of one person all that the book has; what happened in the home belongs to who lives there.
    photo: hers, as it is printed."""
    home, person = row["home"], row["id"]
    visits = select(VISIT).where(
        VISIT.c.home == home,
        or_(VISIT.c.service_user.is_(None), VISIT.c.service_user == person),
        VISIT.c.voided_at_ms.is_(None),
        VISIT.c.duplicate_of.is_(None),
    )
    alarms = (
        select(ALARM, TASK.c.arrived_at_ms.label("task_arrived_ms"))
        .join(TASK, TASK.c.id == ALARM.c.task, isouter=True)
        .where(ALARM.c.home == home)
    )
    stays = select(STAY).where(
        STAY.c.home == home, or_(STAY.c.person.is_(None), STAY.c.person == person)
    )
    found_visits = rows(connection, _newest(visits, VISIT.c.visited_at_ms, VISITS_PRINTED))
    found_alarms = rows(connection, _newest(alarms, ALARM.c.raised_at_ms, ALARMS_PRINTED))
    found_stays = rows(connection, _newest(stays, STAY.c.from_ms, STAYS_PRINTED))
    return Dossier(
        person=person_sheet(connection, row, can, now_ms, numbers=numbers),
        visits=visit_sheets(connection, found_visits, can),
        alarms=[_alarm_line(alarm) for alarm in found_alarms],
        stays=[
            StayLine(kind=s["kind"], from_ms=s["from_ms"], until_ms=s["until_ms"], note=s["note"])
            for s in found_stays
        ],
        consents=[_consent_line(consent) for consent in consent_rows(connection, person)],
        more_visits=_count(connection, visits) - len(found_visits),
        more_alarms=_count(connection, alarms) - len(found_alarms),
        more_stays=_count(connection, stays) - len(found_stays),
        photo=photo,
    )


def _consent_line(row: Row) -> tuple[str | None, ...]:
    """By the columns of `ledger.documents.dossier.CONSENT_COLUMNS`."""
    return (
        _zh(consents.PURPOSES, row["purpose"]) + ("（不同意）" if row["answer"] == "no" else ""),
        row["given_by"],
        _zh(consents.RELATIONS, row["relation"]),
        _zh(consents.WAYS, row["how"]),
        row["given_on"],
        row["until_on"],
        row["withdrawn_on"],
    )


def _zh(options: tuple[Option, ...], word: str) -> str:
    return next((option.zh for option in options if option.word == word), word)


def _newest(wanted: Select[Any], column: Any, most: int) -> Select[Any]:
    return wanted.order_by(column.desc()).limit(most)


def _count(connection: Connection, wanted: Select[Any]) -> int:
    return int(connection.scalar(select(func.count()).select_from(wanted.subquery())) or 0)


def _alarm_line(row: Row) -> AlarmLine:
    return AlarmLine(
        number=row["number"],
        raised_at_ms=row["raised_at_ms"],
        kind=row["kind"],
        severity=row["severity"],
        acknowledged_at_ms=row["acknowledged_at_ms"],
        arrived_at_ms=row["task_arrived_ms"],
        closed_at_ms=row["closed_at_ms"],
        outcome=row["outcome"],
    )
