"""Rows of alarms and tasks, and the entries that go with each change of one."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from ledger.cursor import Cursor
from ledger.database import insert_sql, upsert_sql
from ledger.schema import ALARM, TASK
from ledger.unit_of_work import UnitOfWork

Row = dict[str, Any]

ALARM_COLUMNS: Final = [c.name for c in ALARM.columns]
TASK_COLUMNS: Final = [c.name for c in TASK.columns]
INSERT_ALARM: Final = insert_sql(ALARM)
INSERT_TASK: Final = insert_sql(TASK)
UPSERT_ALARM: Final = upsert_sql(ALARM)
UPSERT_TASK: Final = upsert_sql(TASK)


class Objects(Protocol):
    """Rows as the JSON of docs/http.md; the roster supplies names and addresses."""

    def alarm(self, row: Mapping[str, Any]) -> bytes: ...
    def task(self, row: Mapping[str, Any], alarm: Mapping[str, Any] | None) -> bytes: ...
    def region_of(self, home: str | None, gateway: str | None) -> str | None: ...


class AlarmRows:
    """Writes a changed row and appends its entry; a version counts the changes of a row."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self.open_alarms: dict[str, Row] = {}

    def write_alarm(self, unit: UnitOfWork, row: Row) -> None:
        row["version"] += 1
        unit.execute(UPSERT_ALARM, values(row, ALARM_COLUMNS))

    def write_task(self, unit: UnitOfWork, row: Row) -> None:
        row["version"] += 1
        unit.execute(UPSERT_TASK, values(row, TASK_COLUMNS))

    def alarm_entry(
        self,
        unit: UnitOfWork,
        row: Row,
        fact: str,
        actor: str,
        *,
        reason: str = "",
        data: Mapping[str, object] | None = None,
    ) -> None:
        unit.entry(
            topic="alarm",
            subject=row["id"],
            fact=fact,
            actor=actor,
            reason=reason,
            region=row["region"],
            data=data,
            payload=lambda: self._objects.alarm(row),
        )

    def task_entry(
        self,
        unit: UnitOfWork,
        row: Row,
        fact: str,
        actor: str,
        *,
        reason: str = "",
        data: Mapping[str, object] | None = None,
    ) -> None:
        alarm = self.open_alarms.get(row["alarm"] or "")
        unit.entry(
            topic="task",
            subject=row["id"],
            fact=fact,
            actor=actor,
            reason=reason,
            region=row["region"],
            data=data,
            payload=lambda: self._objects.task(row, alarm),
        )


def values(row: Row, columns: Sequence[str]) -> tuple[Any, ...]:
    return tuple(row[name] for name in columns)


def fetch(cursor: Cursor, sql: str, parameters: tuple[Any, ...] = ()) -> list[Row]:
    cursor.execute(sql, parameters)
    names = [d[0] for d in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def next_number(cursor: Cursor, sql: str) -> int:
    highest = cursor.execute(sql).fetchone()[0]
    return int(highest or 0) + 1


def known(cursor: Cursor, alarm_id: str) -> bool:
    cursor.execute("SELECT 1 FROM alarm WHERE id = ?", (alarm_id,))
    return cursor.fetchone() is not None


def find_alarm(cursor: Cursor, alarm_id: str) -> Row:
    """An alarm's row in any state; KeyError if there is none."""
    found = fetch(cursor, "SELECT * FROM alarm WHERE id = ?", (alarm_id,))
    if not found:
        raise KeyError(alarm_id[:64])
    return found[0]


def find_task(cursor: Cursor, task_id: str) -> Row:
    """A task's row in any state; KeyError if there is none."""
    found = fetch(cursor, "SELECT * FROM task WHERE id = ?", (task_id,))
    if not found:
        raise KeyError(task_id[:64])
    return found[0]
