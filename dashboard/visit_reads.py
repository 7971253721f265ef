"""Visits as documents: with what is open about them, their corrections, photos and signatures."""

import json
from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import Connection, and_, func, or_, select
from sqlalchemy.sql.expression import FromClause

from alarms.visit_followups import concern_task_id
from contract.moment import to_iso
from dashboard.person_reads import purpose_states
from dashboard.reads import Row, one, roster_for, rows, timeline
from ledger.forms.concerns import concerns_of
from ledger.forms.visit_form import check
from ledger.schema import (
    ATTACHMENT,
    HOME,
    SERVICE_USER,
    TASK,
    VISIT,
    VISIT_CONFLICT,
    VISIT_CORRECTION,
)
from ledger.sealing.at_connection import content_of
from ledger.views import Document, account_reference, document_of, visit_object

# A visit that was corrected more often shows the newest.
CORRECTIONS_MAX: Final = 100
_ATTACHMENT_COLUMNS: Final = [c for c in ATTACHMENT.columns if c.name != "bytes"]


def find_attachment(connection: Connection, visit_id: str, attachment_id: str) -> Row | None:
    """Its bytes are none where whom it shows was erased."""
    wanted = select(ATTACHMENT).where(
        ATTACHMENT.c.id == attachment_id, ATTACHMENT.c.visit == visit_id
    )
    found = one(connection, wanted)
    return found and {**found, "bytes": content_of(connection, bytes(found["bytes"]))}


def visit_documents(connection: Connection, visits: Sequence[Row]) -> list[Document]:
    """As the live feed has them."""
    roster = roster_for(
        connection,
        homes=(row["home"] for row in visits),
        usernames={row[name] for row in visits for name in ("visitor", "voided_by")},
    )
    return [visit_object(row, roster) for row in visits]


def listed_visits(connection: Connection, visits: Sequence[Row]) -> list[Document]:
    """With `conflicts`: visits that may be the same one, for a human to say."""
    conflicts = conflicts_of(connection, {row["id"] for row in visits})
    documents = visit_documents(connection, visits)
    return [{**document, "conflicts": conflicts.get(document["id"], [])} for document in documents]


def visit_detail(connection: Connection, row: Row) -> Document:
    """A visit with everything that is known about it."""
    [document] = listed_visits(connection, [row])
    others = select(VISIT).where(VISIT.c.id.in_(document["conflicts"])).order_by(VISIT.c.id)
    attachments = select(*_ATTACHMENT_COLUMNS).where(ATTACHMENT.c.visit == row["id"])
    attachments = attachments.order_by(ATTACHMENT.c.added_at_ms, ATTACHMENT.c.id)
    return {
        **document,
        "others": listed_visits(connection, rows(connection, others)),
        "history": _history(connection, row["id"]),
        "timeline": timeline(connection, "visit", row["id"]),
        "attachments": [_attachment_object(each) for each in rows(connection, attachments)],
        "concerns": _concerns(connection, row),
        "faults": [fault_object(fault) for fault in check(document["record"])],
    }


def fault_object(fault: Any) -> Document:
    return {"field": fault.field, "code": fault.code, "zh": fault.zh, "en": fault.en}


def conflicts_of(connection: Connection, ids: Collection[str]) -> dict[str, list[str]]:
    """The pairs that nobody has decided and that both count, by each of these ids."""
    if not ids:
        return {}
    mine = or_(VISIT_CONFLICT.c.one.in_(ids), VISIT_CONFLICT.c.other.in_(ids))
    found: dict[str, list[str]] = {}
    for pair in rows(connection, _open_pairs(VISIT_CONFLICT).where(mine)):
        found.setdefault(pair["one"], []).append(pair["other"])
        found.setdefault(pair["other"], []).append(pair["one"])
    return {visit: sorted(others) for visit, others in found.items()}


def in_conflict() -> Any:
    """The ids of visits that somebody has to say something about, as a subquery."""
    pairs = _open_pairs(VISIT_CONFLICT).subquery()
    return select(pairs.c.one).union(select(pairs.c.other))


def people_of(connection: Connection, username: str, today: str) -> list[Document]:
    """Whom this account visits, each with the last visit that counts and what was said to
    photographs: what a telephone takes along to where there is no network."""
    persons = select(
        SERVICE_USER.c.id, SERVICE_USER.c.name, SERVICE_USER.c.home, HOME.c.address, HOME.c.region
    ).join(HOME, HOME.c.id == SERVICE_USER.c.home)
    wanted = persons.where(
        SERVICE_USER.c.visitor == username,
        SERVICE_USER.c.left_on == "",
        SERVICE_USER.c.erased_at_ms.is_(None),
    ).order_by(SERVICE_USER.c.id)
    found = rows(connection, wanted)
    names = [row["id"] for row in found]
    latest = last_visits(connection, names)
    photos = purpose_states(connection, names, "photo", today)
    roster = roster_for(connection, homes=(row["home"] for row in found))
    return [
        {
            "id": row["id"],
            "name": row["name"],
            "home": row["home"],
            "address": row["address"],
            "region_path": roster.region_path(row["region"]),
            "last": latest.get(row["id"]),
            "photo": photos.get(row["id"], "unasked"),
        }
        for row in found
    ]


def last_visits(connection: Connection, persons: Collection[str]) -> dict[str, Document]:
    """What was needed and advised last time, by person."""
    counts = and_(
        VISIT.c.service_user.in_(persons),
        VISIT.c.voided_at_ms.is_(None),
        VISIT.c.duplicate_of.is_(None),
    )
    newest = (
        select(VISIT.c.service_user, func.max(VISIT.c.visited_at_ms).label("at"))
        .where(counts)
        .group_by(VISIT.c.service_user)
        .subquery()
    )
    joined = and_(
        VISIT.c.service_user == newest.c.service_user, VISIT.c.visited_at_ms == newest.c.at
    )
    found: dict[str, Document] = {}
    for row in rows(connection, select(VISIT).join(newest, joined).where(counts)):
        record = document_of(row["record"])
        found[row["service_user"]] = {
            "id": row["id"],
            "number": row["number"],
            "way": row["way"],
            "met": bool(row["met"]),
            "visited_at": to_iso(row["visited_at_ms"]),
            "needs": _text(record, "needs"),
            "suggestions": _text(record, "suggestions"),
        }
    return found


def _open_pairs(conflict: FromClause) -> Any:
    first, second = VISIT.alias("first"), VISIT.alias("second")
    counting = [
        column.is_(None)
        for visit in (first, second)
        for column in (visit.c.voided_at_ms, visit.c.duplicate_of)
    ]
    return (
        select(conflict.c.one, conflict.c.other)
        .join(first, first.c.id == conflict.c.one)
        .join(second, second.c.id == conflict.c.other)
        .where(conflict.c.decided_at_ms.is_(None), *counting)
    )


def _history(connection: Connection, visit_id: str) -> list[Document]:
    """What was corrected, newest first."""
    wanted = select(VISIT_CORRECTION).where(VISIT_CORRECTION.c.visit == visit_id)
    wanted = wanted.order_by(VISIT_CORRECTION.c.seq.desc()).limit(CORRECTIONS_MAX)
    found = rows(connection, wanted)
    roster = roster_for(connection, usernames={row["actor"] for row in found})
    return [
        {
            "id": row["id"],
            "version": row["version"],
            "at": to_iso(row["at_ms"]),
            "by": account_reference(row["actor"], roster),
            "reason": row["reason"],
            "changes": document_of(row["changes"]),
        }
        for row in found
    ]


def _concerns(connection: Connection, row: Row) -> list[Document]:
    """Answers that somebody has to act on, and the task that was made of each."""
    concerns = concerns_of(json.loads(row["record"]))
    ids = {concern.code: concern_task_id(row["id"], concern.code) for concern in concerns}
    made = select(TASK.c.id, TASK.c.state).where(TASK.c.id.in_(ids.values()))
    states = {task["id"]: task["state"] for task in rows(connection, made)} if ids else {}
    return [
        {
            "code": concern.code,
            "zh": concern.zh,
            "en": concern.en,
            "days": concern.days,
            "task": ids[concern.code] if ids[concern.code] in states else None,
            "task_state": states.get(ids[concern.code]),
        }
        for concern in concerns
    ]


def _attachment_object(row: Row) -> Document:
    names = ("id", "kind", "mime", "size", "sha256", "width", "height", "added_by")
    return {**{name: row[name] for name in names}, "added_at": to_iso(row["added_at_ms"])}


def _text(record: Document, name: str) -> str:
    value = record.get(name)
    return value if isinstance(value, str) else ""
