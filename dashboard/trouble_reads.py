"""Open alarms about devices as documents, by home or by device."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, select

from alarms.lifecycle import REPAIR_KINDS
from ledger.schema import ALARM, DEVICE, TASK
from ledger.trouble_views import trouble_object
from ledger.views import Document

Row = Mapping[str, Any]


def troubles_of(
    connection: Connection, subjects: Iterable[str | None], now_ms: int
) -> dict[str, list[Document]]:
    """The troubles of each home, or `gateway:<id>`, oldest first."""
    wanted = {subject for subject in subjects if subject is not None}
    found: dict[str, list[Document]] = {}
    if wanted:
        for row in _rows(connection, ALARM.c.subject.in_(wanted)):
            found.setdefault(row["subject"], []).append(_document(row, now_ms))
    return found


def troubles_of_devices(
    connection: Connection, devices: Sequence[Row], now_ms: int
) -> dict[tuple[str, str], list[Document]]:
    """The troubles of each device, by (gateway, device)."""
    parts = {f"{row['gateway']}/{row['device']}" for row in devices}
    found: dict[tuple[str, str], list[Document]] = {}
    if parts:
        for row in _rows(connection, ALARM.c.part.in_(parts)):
            key = (row["gateway"], row["device"])
            found.setdefault(key, []).append(_document(row, now_ms))
    return found


def _rows(connection: Connection, condition: Any) -> list[Row]:
    statement = (
        select(ALARM, TASK.c.due_at_ms, DEVICE.c.label)
        .join(TASK, TASK.c.id == ALARM.c.task, isouter=True)
        .join(
            DEVICE,
            and_(DEVICE.c.gateway == ALARM.c.gateway, DEVICE.c.device == ALARM.c.device),
            isouter=True,
        )
        .where(ALARM.c.kind.in_(sorted(REPAIR_KINDS)), ALARM.c.state != "closed", condition)
        .order_by(ALARM.c.number)
    )
    return [dict(row) for row in connection.execute(statement).mappings()]


def _document(row: Row, now_ms: int) -> Document:
    return trouble_object(row, row, row["label"], now_ms)
