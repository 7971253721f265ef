"""Cases as documents: alarms, tasks and visits with the part of the roster they mention.

SQL is SQLAlchemy Core, portable between SQLite and PostgreSQL. Functions take an open connection
and ask a fixed number of questions, however many rows a page has.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, or_, select, tuple_

from dashboard.trouble_reads import troubles_of
from ledger.schema import (
    ACCOUNT,
    ALARM,
    DEVICE,
    ENTRY,
    EVENT,
    GATEWAY,
    HOME,
    REGION,
    SERVICE_USER,
    TASK,
    VISIT,
)
from ledger.views import (
    Document,
    RosterIndex,
    alarm_object,
    event_object,
    roster_index,
    stay_object,
    task_object,
    timeline_object,
)

Row = Mapping[str, Any]

# An alarm with more facts or presses than this is shown by its newest.
TIMELINE_MAX: Final = 500
EVENTS_MAX: Final = 200
# Of one alarm: who went, who came with them, and who looked again.
VISITS_MAX: Final = 50


def rows(connection: Connection, statement: Select[Any]) -> list[Row]:
    found = connection.execute(statement)
    names = tuple(found.keys())
    return [dict(zip(names, row, strict=True)) for row in found]


def one(connection: Connection, statement: Select[Any]) -> Row | None:
    found = connection.execute(statement).mappings().first()
    return None if found is None else dict(found)


def roster_for(
    connection: Connection,
    *,
    homes: Iterable[str | None] = (),
    gateways: Iterable[str | None] = (),
    devices: Iterable[tuple[str | None, str | None]] = (),
    usernames: Iterable[str | None] = (),
) -> RosterIndex:
    """The regions, and whatever else is named here."""
    home_ids = {home for home in homes if home is not None}
    pairs = {(g, d) for g, d in devices if g is not None and d is not None}
    accounts = select(
        ACCOUNT.c.username, ACCOUNT.c.name, ACCOUNT.c.role, ACCOUNT.c.phone, ACCOUNT.c.region
    )
    names = {username for username in usernames if username is not None}
    return roster_index(
        regions=rows(connection, select(REGION)),
        homes=_among(connection, HOME, HOME.c.id, home_ids),
        persons=_among(connection, SERVICE_USER, SERVICE_USER.c.home, home_ids),
        gateways=_among(connection, GATEWAY, GATEWAY.c.id, {g for g in gateways if g}),
        devices=(
            rows(
                connection,
                select(DEVICE).where(tuple_(DEVICE.c.gateway, DEVICE.c.device).in_(pairs)),
            )
            if pairs
            else []
        ),
        accounts=rows(connection, accounts.where(ACCOUNT.c.username.in_(names))) if names else [],
    )


def alarm_documents(connection: Connection, alarms: Sequence[Row]) -> list[Document]:
    roster = roster_for(
        connection,
        homes=(row["home"] for row in alarms),
        devices=((row["gateway"], row["device"]) for row in alarms),
        usernames=_people(
            alarms, "acknowledged_by", "assignee", "closed_by", "holder", "handover_to"
        ),
    )
    return [alarm_object(row, roster) for row in alarms]


def task_documents(connection: Connection, tasks: Sequence[Row], now_ms: int) -> list[Document]:
    """`Task` of docs/http.md, with what the visitor should look at there (`checks`)."""
    roster = roster_for(
        connection,
        homes=(row["home"] for row in tasks),
        usernames=_people(tasks, "assignee"),
    )
    alarm_ids = {row["alarm"] for row in tasks if row["alarm"] is not None}
    of_alarm = select(ALARM.c.id, ALARM.c.kind, ALARM.c.subject).where(ALARM.c.id.in_(alarm_ids))
    alarms: dict[str, Row] = {row["id"]: row for row in rows(connection, of_alarm)}
    nothing: Row = {}
    subjects = {
        row["id"]: row["home"] or alarms.get(row["alarm"], nothing).get("subject") for row in tasks
    }
    checks = troubles_of(connection, subjects.values(), now_ms)
    return [
        {
            **task_object(row, roster, alarms.get(row["alarm"], nothing).get("kind")),
            "checks": checks.get(subjects[row["id"]] or "", []),
        }
        for row in tasks
    ]


def stay_documents(connection: Connection, stays: Sequence[Row]) -> list[Document]:
    roster = roster_for(
        connection,
        homes=(row["home"] for row in stays),
        usernames=_people(stays, "created_by", "ended_by"),
    )
    return [stay_object(row, roster) for row in stays]


def alarm_detail(connection: Connection, row: Row, now_ms: int) -> Document:
    """An alarm with everything that is known about it."""
    document = alarm_documents(connection, [row])[0]
    events = select(EVENT).where(EVENT.c.alarm == row["id"])
    events = events.order_by(EVENT.c.seq.desc()).limit(EVENTS_MAX)
    task = None
    if row["task"] is not None:
        task = one(connection, select(TASK).where(TASK.c.id == row["task"]))
    return {
        **document,
        "timeline": alarm_timeline(connection, row["id"]),
        "events": [event_object(event) for event in reversed(rows(connection, events))],
        "task_detail": None if task is None else task_documents(connection, [task], now_ms)[0],
    }


def task_detail(connection: Connection, row: Row, now_ms: int) -> Document:
    document = task_documents(connection, [row], now_ms)[0]
    return {**document, "timeline": timeline(connection, "task", row["id"])}


def timeline(connection: Connection, topic: str, subject: str) -> list[Document]:
    """The facts about one subject, oldest first."""
    return _timeline(connection, and_(ENTRY.c.topic == topic, ENTRY.c.subject == subject))


def alarm_timeline(connection: Connection, alarm_id: str) -> list[Document]:
    """From the alarm to the record of who was there: its own facts and those of its visits."""
    visits = select(VISIT.c.id).where(VISIT.c.alarm == alarm_id)
    ids = list(connection.execute(visits.limit(VISITS_MAX)).scalars())
    own = and_(ENTRY.c.topic == "alarm", ENTRY.c.subject == alarm_id)
    of_visits = and_(ENTRY.c.topic == "visit", ENTRY.c.subject.in_(ids))
    return _timeline(connection, or_(own, of_visits) if ids else own)


def _timeline(connection: Connection, which: ColumnElement[bool]) -> list[Document]:
    newest = select(ENTRY).where(which).order_by(ENTRY.c.seq.desc()).limit(TIMELINE_MAX)
    entries = rows(connection, newest)[::-1]
    roster = roster_for(connection, usernames=_people(entries, "actor"))
    return [timeline_object(entry, roster) for entry in entries]


def find_alarm(connection: Connection, alarm_id: str) -> Row | None:
    return one(connection, select(ALARM).where(ALARM.c.id == alarm_id))


def find_task(connection: Connection, task_id: str) -> Row | None:
    return one(connection, select(TASK).where(TASK.c.id == task_id))


def find_visit(connection: Connection, visit_id: str) -> Row | None:
    return one(connection, select(VISIT).where(VISIT.c.id == visit_id))


def _people(found: Sequence[Row], *columns: str) -> set[str | None]:
    return {row[column] for row in found for column in columns}


def _among(connection: Connection, table: Table, column: Any, wanted: set[str]) -> list[Row]:
    return rows(connection, select(table).where(column.in_(wanted))) if wanted else []
