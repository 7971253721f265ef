"""Rows of alarms and tasks, and the entries that go with each change of one."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from alarms.intake import EVIDENCE_BYTES_MAX
from ledger.cursor import Cursor
from ledger.database import insert_sql, upsert_sql
from ledger.schema import ALARM, TASK
from ledger.unit_of_work import UnitOfWork, compact

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


class AskedAt(NamedTuple):
    """Where a home is asked and answers; `devices`: all of the home that hang on this gateway."""

    gateway: str
    device: str
    devices: tuple[str, ...]


# Whose "I'm well" has come with the gateway's word that it can ask there, and nothing is known to
# be broken: a question that nobody hears would only be a delay.
_ASKABLE: Final = (
    'SELECT d.gateway, d.device FROM "device" d JOIN gateway g ON g.id = d.gateway'
    " WHERE d.home = ? AND d.asks AND g.online"
    " AND (d.fault IS NULL OR d.fault IN ('', 'battery_low'))"
    ' AND NOT EXISTS (SELECT 1 FROM "device" o WHERE o.gateway = d.gateway'
    " AND o.device = d.gateway AND o.fault = 'output_failed')"
    " ORDER BY d.gateway, d.device LIMIT 1"
)
# Names that a command carries; a home has about ten devices.
_DEVICES_MAX: Final = 16


def askable(cursor: Cursor, home: str) -> AskedAt | None:
    found = cursor.execute(_ASKABLE, (home,)).fetchone()
    if found is None:
        return None
    gateway, device = found
    cursor.execute(
        'SELECT device FROM "device" WHERE home = ? AND gateway = ? ORDER BY device LIMIT ?',
        (home, gateway, _DEVICES_MAX),
    )
    return AskedAt(gateway, device, tuple(name for (name,) in cursor.fetchall()))


def latest_heartbeat_ms(cursor: Cursor) -> int | None:
    """When any gateway was heard last, by the hub's clock of that time."""
    found = cursor.execute("SELECT max(status_at_ms) FROM gateway").fetchone()[0]
    return None if found is None else int(found)


def find_task(cursor: Cursor, task_id: str) -> Row:
    """A task's row in any state; KeyError if there is none."""
    found = fetch(cursor, "SELECT * FROM task WHERE id = ?", (task_id,))
    if not found:
        raise KeyError(task_id[:64])
    return found[0]


def evidence_text(evidence: Mapping[str, Any]) -> str:
    """Evidence as JSON; beyond the cap only its plain values, which explain the finding."""
    text = compact(dict(evidence))
    if len(text) <= EVIDENCE_BYTES_MAX:
        return text
    plain = {k: v for k, v in evidence.items() if isinstance(v, int | float | bool | str)}
    return compact({**plain, "shortened": True})[:EVIDENCE_BYTES_MAX]
