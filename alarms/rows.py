"""Rows of alarms and tasks, and the entries that go with each change of one."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from sqlalchemy import Table

from alarms.intake import EVIDENCE_BYTES_MAX, due_within_ms, next_task_id, task_id, task_kind
from alarms.lifecycle import AlarmState, TaskState
from ledger.cursor import Cursor
from ledger.database import insert_sql, update_sql, upsert_sql
from ledger.schema import ALARM, TASK
from ledger.sealing.sealer import owner_of
from ledger.unit_of_work import Entry, UnitOfWork, compact
from rules.finding import Finding
from rules.rule import GATEWAY_PREFIX, REGION_PREFIX

Row = dict[str, Any]

ALARM_COLUMNS: Final = [c.name for c in ALARM.columns]
TASK_COLUMNS: Final = [c.name for c in TASK.columns]
INSERT_ALARM: Final = insert_sql(ALARM)
INSERT_TASK: Final = insert_sql(TASK)
# As an alarm was raised it stays in these.
_STAYS: Final = ("id", "number", "subject", "home", "raised_at_ms", "ingested_at_ms")
# SQLite writes an index anew when its column is named, whatever the value: these are named only
# where they have changed, which takes four pages from the commit of a press.
_INDEXED: Final = ("state", "merged_into")
_CHANGED: Final = [name for name in ALARM_COLUMNS if name not in (*_STAYS, *_INDEXED)]
_MOVED: Final = [*_CHANGED, *_INDEXED]
# What a press can change of an alarm that is there, and no more: a row is long.
_HEARD: Final = (
    *("severity", "reason", "evidence", "event_count", "last_event_ms", "worsened_at_ms"),
    *("cleared_at_ms", "task", "round", "calling", "repair_within_ms", "version"),
)
_UPDATE_MOVED: Final = update_sql(ALARM, _MOVED, ("id",))
_UPDATE_CHANGED: Final = (
    f"{update_sql(ALARM, _CHANGED, ('id', 'state'))} AND merged_into IS NOT DISTINCT FROM ?"
)
_UPDATE_HEARD: Final = update_sql(ALARM, _HEARD, ("id",))
UPSERT_TASK: Final = upsert_sql(TASK)


class Objects(Protocol):
    """Rows as the JSON of docs/http.md; the roster supplies names and addresses."""

    def alarm(self, row: Mapping[str, Any]) -> bytes: ...
    def task(self, row: Mapping[str, Any], alarm: Mapping[str, Any] | None) -> bytes: ...
    def stay(self, row: Mapping[str, Any]) -> bytes: ...
    def region_of(self, home: str | None, gateway: str | None) -> str | None: ...


class AlarmRows:
    """Writes a changed row and appends its entry; a version counts the changes of a row."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self.open_alarms: dict[str, Row] = {}

    def write_alarm(self, unit: UnitOfWork, row: Row) -> None:
        """What changed of an alarm that is in the book."""
        row["version"] += 1
        stored = sealed_alarm(unit, row)
        key = (row["id"], row["state"], row["merged_into"])
        if unit.execute(_UPDATE_CHANGED, (*values(stored, _CHANGED), *key)).rowcount:
            return
        unit.execute(_UPDATE_MOVED, (*values(stored, _MOVED), row["id"]))
        _is_there(unit, row)

    def write_heard(self, unit: UnitOfWork, row: Row) -> None:
        """As `write_alarm`, where nothing but `_HEARD` can have changed."""
        row["version"] += 1
        unit.execute(_UPDATE_HEARD, (*values(row, _HEARD), row["id"]))
        _is_there(unit, row)

    def write_task(self, unit: UnitOfWork, row: Row) -> None:
        row["version"] += 1
        unit.execute(UPSERT_TASK, task_values(unit, row))

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
            Entry(
                topic="alarm",
                subject=row["id"],
                fact=fact,
                actor=actor,
                reason=reason,
                region=row["region"],
                data=data,
                payload=_Shown(self._objects, row),
                owner=_owner(row, data),
                remembered=True,
            )
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
            Entry(
                topic="task",
                subject=row["id"],
                fact=fact,
                actor=actor,
                reason=reason,
                region=row["region"],
                data=data,
                payload=lambda: self._objects.task(row, alarm),
                owner=_owner(row, data),
                remembered=True,
            )
        )


def _is_there(unit: UnitOfWork, row: Row) -> None:
    """What was written was there; whatever an alarm's row has become, it is not lost in silence."""
    if unit.cursor.rowcount != 1:
        raise LookupError(f"alarm {row['id']} is not in the book")


class _Shown:
    """What screens are told of an alarm; of the same row it is made once for all entries."""

    __slots__ = ("_objects", "_row")

    def __init__(self, objects: Objects, row: Row) -> None:
        self._objects, self._row = objects, row

    def __call__(self) -> bytes:
        return self._objects.alarm(self._row)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Shown) and other._row is self._row

    def __hash__(self) -> int:
        return id(self._row)


class Place(NamedTuple):
    """Of an alarm: the gateway that it is about or came through, and the region that sees it."""

    gateway: str | None
    region: str | None


def new_alarm(finding: Finding, place: Place, *, number: int, now_ms: int) -> Row:
    """The row of an alarm that this finding opens."""
    row: Row = dict.fromkeys(ALARM_COLUMNS)
    row.update(
        id=finding.episode,
        number=number,
        subject=finding.home,
        home=None if ":" in finding.home else finding.home,
        gateway=place.gateway,
        device=finding.device,
        region=place.region,
        rule=finding.rule,
        part=finding.part,
        kind=finding.kind,
        severity=finding.severity,
        reason=finding.reason,
        state=AlarmState.OPEN.value,
        version=1,
        evidence=evidence_text(finding.evidence),
        event_count=1,
        raised_at_ms=finding.raised_at_ms,
        ingested_at_ms=now_ms,
        last_event_ms=finding.at_ms,
        repair_within_ms=finding.repair_within_ms,
        round=0,
        calling=False,
        reopened=0,
    )
    return row


def place_of(finding: Finding, gateway: str | None, objects: Objects) -> Place:
    """`gateway`: the one that it came through, where it names none."""
    if finding.home.startswith(REGION_PREFIX):
        return Place(None, finding.home.removeprefix(REGION_PREFIX))
    if finding.part:
        gateway = finding.part.partition("/")[0]
    elif finding.home.startswith(GATEWAY_PREFIX):
        gateway = finding.home.removeprefix(GATEWAY_PREFIX)
    home = None if ":" in finding.home else finding.home
    return Place(gateway, objects.region_of(home, gateway))


def new_task(alarm: Row, *, number: int, now_ms: int) -> Row:
    """The row of the task of an alarm; `task` of its row: the one before, which is over."""
    before = alarm["task"]
    task: Row = dict.fromkeys(TASK_COLUMNS)
    task.update(
        id=task_id(alarm["id"], alarm["reopened"]) if before is None else next_task_id(before),
        number=number,
        kind=task_kind(alarm),
        state=TaskState.OPEN.value,
        version=1,
        alarm=alarm["id"],
        home=alarm["home"],
        region=alarm["region"],
        created_at_ms=now_ms,
        due_at_ms=now_ms + due_within_ms(alarm),
    )
    return task


def finding_of(row: Row) -> Finding:
    """What opened an alarm, as far as anything still asks for it."""
    return Finding(
        episode=row["id"],
        home=row["subject"],
        rule=row["rule"],
        kind=row["kind"],
        severity=row["severity"],
        phase="raised",
        reason=row["reason"],
        raised_at_ms=row["raised_at_ms"],
        at_ms=row["last_event_ms"],
        device=row["device"],
        part=row["part"],
        repair_within_ms=row["repair_within_ms"],
    )


def _owner(row: Row, data: Mapping[str, object] | None) -> str | None:
    """Whose key seals an entry: only what somebody wrote down tells of the people of a home."""
    if not data or not data.get("note") or row["home"] is None:
        return None
    return owner_of(None, row["home"])


def alarm_values(unit: UnitOfWork, row: Row) -> tuple[Any, ...]:
    """As the table keeps it; sealed where somebody wrote something down."""
    return values(sealed_alarm(unit, row), ALARM_COLUMNS)


def sealed_alarm(unit: UnitOfWork, row: Row) -> Row:
    return _sealed(unit, ALARM, row, ("note",))


def task_values(unit: UnitOfWork, row: Row) -> tuple[Any, ...]:
    return values(_sealed(unit, TASK, row, ("note", "finding")), TASK_COLUMNS)


def _sealed(unit: UnitOfWork, table: Table, row: Row, texts: Sequence[str]) -> Row:
    # Of nearly all, and of every press, nobody has written anything yet.
    if row["home"] is not None and any(row[name] for name in texts):
        return unit.seal.row(table, owner_of(None, row["home"]), row)
    return row


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


# Levels above a home: county, town, village, group; more is a loop in the data.
_REGIONS_MAX: Final = 8


def regions_above(cursor: Cursor, region: str | None) -> list[str]:
    """A region and those that it lies in."""
    found: list[str] = []
    while region is not None and len(found) < _REGIONS_MAX:
        found.append(region)
        row = cursor.execute("SELECT parent FROM region WHERE code = ?", (region,)).fetchone()
        region = None if row is None else row[0]
    return found


def device_kind(cursor: Cursor, part: str) -> str | None:
    """The kind of `<gateway>/<device>`; None where it is not in the register."""
    gateway, _, device = part.partition("/")
    cursor.execute('SELECT kind FROM "device" WHERE gateway = ? AND device = ?', (gateway, device))
    found = cursor.fetchone()
    return None if found is None else str(found[0])


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
