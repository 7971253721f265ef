"""The roster in memory, true to the tables: names, addresses and bindings for feed and rules.

Reloaded in the writer's thread when the roster changes; readers hold the index they got, which
never changes under them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Table

from ledger.cursor import Cursor
from ledger.database import upsert_sql
from ledger.device_views import device_object, gateway_counts, gateway_object
from ledger.kept_rows import kept_rows
from ledger.persons import index as person_index
from ledger.persons.files import stored_lists
from ledger.register_changes import Changed, Touched
from ledger.roster import Roster
from ledger.schema import DEVICE, GATEWAY, HOME, REGION, SERVICE_USER
from ledger.sealing.sealer import owner_of, owner_of_device
from ledger.trouble_views import trouble_object
from ledger.unit_of_work import UnitOfWork, compact
from ledger.views import (
    Document,
    RosterIndex,
    Row,
    alarm_object,
    roster_index,
    stay_object,
    task_object,
    to_json,
    visit_object,
)

_SETTINGS: Final = ("expected_interval_s", "test_interval_s", "life_critical")
# What of each table is kept; what changes with every heartbeat is not, and no password hash.
_REGION: Final = ("code", "name", "level", "parent")
_HOME: Final = (
    *("id", "region", "address", "lat", "lon"),
    *("access_note", "key_place", "lane", "dog"),
)
_PERSON: Final = (
    *("id", "home", "name", "sex", "born", "phone", "categories", "grade", "conditions"),
    *("medication", "allergies", "hearing", "contacts", "visitor", "photo", "left_on"),
)
_GATEWAY: Final = ("id", "region", "name", "online")
_DEVICE: Final = (
    *("gateway", "device", "home", "kind", "model", "label"),
    *("expected_interval_s", "test_interval_s", "life_critical", "reports_itself"),
)
_ACCOUNT: Final = ("username", "name", "role", "phone", "region", "disabled")
_LISTS: Final = ("categories", "conditions", "medication", "allergies", "contacts")
_KEPT: Final[Mapping[str, Sequence[str]]] = {
    "home": ("key_place", "lane", "dog"),
    "service_user": ("medication", "allergies", "hearing"),
}


class Register:
    """The roster index, and rows as the JSON of docs/http.md by it."""

    def __init__(self) -> None:
        self.index: RosterIndex = roster_index()
        # The open alarms about devices of a subject, with their tasks; the book of alarms, which
        # is above this room, is asked (set where the two are put together).
        self.troubles: Callable[[str], Sequence[tuple[Row, Row | None]]] = lambda _subject: ()
        self.now_ms: Callable[[], int] = lambda: 0

    def reload(self, cursor: Cursor) -> None:
        names: dict[Any, Any] = {}
        self.index = roster_index(
            regions=kept_rows(cursor, "region", _REGION, names=names),
            homes=kept_rows(cursor, "home", _HOME, names=names),
            persons=kept_rows(cursor, "service_user", _PERSON, names=names),
            gateways=kept_rows(cursor, "gateway", _GATEWAY, names=names),
            devices=kept_rows(cursor, "device", _DEVICE, names=names),
            accounts=kept_rows(cursor, "account", _ACCOUNT),
        )

    def follow(self, cursor: Cursor, changed: Changed) -> Touched:
        """Read the rows that were written; what they touch is told. As `reload` would leave it."""
        old = self.index
        places = _followed(cursor, old.regions, "region", _REGION, changed.regions)
        homes = _followed(cursor, old.homes, "home", _HOME, changed.homes)
        gateways = _followed(cursor, old.gateways, "gateway", _GATEWAY, changed.gateways)
        accounts = _followed(cursor, old.accounts, "account", _ACCOUNT, changed.accounts)
        persons, devices = dict(old.persons), dict(old.devices)
        touched = set(changed.homes)
        touched |= _follow_persons(cursor, persons, changed.persons)
        for key in changed.devices:
            where = " WHERE gateway = ? AND device = ?"
            before = devices.pop(key, None)
            for device in kept_rows(cursor, "device", _DEVICE, where, key):
                devices[key] = device
            touched |= {str(d["home"]) for d in (before, devices.get(key)) if d is not None}
        self.index = replace(
            old,
            regions=places,
            homes=homes,
            persons=persons,
            gateways=gateways,
            devices=devices,
            accounts=accounts,
        )
        regions = {
            row["region"]
            for index in (old, self.index)
            for home in touched
            if (row := index.homes.get(home)) is not None
        }
        return Touched(
            regions=frozenset(regions),
            gateways=changed.gateways | {gateway for gateway, _device in changed.devices},
        )

    def region_of(self, home: str | None, gateway: str | None) -> str | None:
        return self.index.region_of(home, gateway)

    def alarm(self, row: Mapping[str, Any]) -> bytes:
        return to_json(alarm_object(row, self.index))

    def task(self, row: Mapping[str, Any], alarm: Mapping[str, Any] | None) -> bytes:
        kind = None if alarm is None else str(alarm["kind"])
        subject = row["home"] if alarm is None else alarm["subject"]
        checks = self._checks(subject)
        return to_json({**task_object(row, self.index, kind), "checks": checks})

    def stay(self, row: Mapping[str, Any]) -> bytes:
        return to_json(stay_object(row, self.index))

    def visit(self, row: Mapping[str, Any]) -> bytes:
        return to_json(visit_object(row, self.index))

    def device(self, row: Mapping[str, Any]) -> bytes:
        part = f"{row['gateway']}/{row['device']}"
        troubles = self._checks(row["home"] or f"gateway:{row['gateway']}", part)
        document = device_object(row, max(self.now_ms(), row["last_seen_ms"] or 0))
        collect = self.index.is_vacated(row["home"])
        return to_json({**document, "collect": collect, "troubles": troubles})

    def _checks(self, subject: str | None, part: str | None = None) -> list[Document]:
        if subject is None:
            return []
        now_ms = self.now_ms()
        return [
            trouble_object(alarm, task, self.index.device_label(*_part(alarm)), now_ms)
            for alarm, task in self.troubles(subject)
            if part in (None, alarm["part"])
        ]

    def gateway(self, row: Mapping[str, Any]) -> bytes:
        homes, devices = gateway_counts(row["id"], self.index)
        return to_json(gateway_object(row, self.index, homes=homes, devices=devices))


def store(unit: UnitOfWork, roster: Roster) -> None:
    """Write a roster over what is there; rows it doesn't name stay."""
    before = person_index.inputs(unit.cursor)
    addresses = person_index.addresses(unit.cursor)
    for table, rows in (
        (REGION, roster.regions),
        (GATEWAY, roster.gateways),
        (HOME, roster.homes),
        (SERVICE_USER, roster.persons),
        (DEVICE, roster.devices),
    ):
        if not rows:
            continue
        columns = list(rows[0])
        sql = upsert_sql(table, columns)
        if table is DEVICE:
            for name in _SETTINGS:
                # Not named in the file: what was set on the page stays.
                sql = sql.replace(
                    f'"{name}" = excluded."{name}"',
                    f'"{name}" = coalesce(excluded."{name}", "device"."{name}")',
                )
        # What the file leaves out and the page knows stays: it may save a life at night.
        for name in _KEPT.get(table.name, ()):
            empty = "[]" if name in _LISTS else ""
            sql = sql.replace(
                f'"{name}" = excluded."{name}"',
                f'"{name}" = coalesce(nullif(excluded."{name}", \'{empty}\'),'
                f' "{table.name}"."{name}")',
            )
        if table is GATEWAY:
            columns = [*columns, "online", "status"]
            sql = upsert_sql(table, columns).replace(
                ', "online" = excluded."online", "status" = excluded."status"', ""
            )
            rows = [{**row, "online": False, "status": "{}"} for row in rows]  # noqa: PLW2901
        if table is SERVICE_USER:
            written = [_person(unit, row, columns) for row in _not_erased(unit, rows)]
        else:
            written = [_values(_sealed(unit, table, row), columns) for row in rows]
        unit.cursor.executemany(sql, written)
    # At each start the same file comes again: only what it changed is worked on.
    after = person_index.inputs(unit.cursor)
    person_index.refresh(unit.cursor, (p for p, row in after.items() if before.get(p) != row))
    now = person_index.addresses(unit.cursor)
    person_index.refresh_homes(unit.cursor, (h for h, a in now.items() if addresses.get(h) != a))


def _part(alarm: Row) -> tuple[str, str]:
    gateway, _, device = str(alarm["part"]).partition("/")
    return gateway, device


def _person(unit: UnitOfWork, row: Row, columns: Iterable[str]) -> tuple[Any, ...]:
    stored = unit.seal.row(SERVICE_USER, row["id"], stored_lists(row))
    return tuple(stored[name] for name in columns)


def _sealed(unit: UnitOfWork, table: Table, row: Row) -> Row:
    if table is HOME:
        return unit.seal.row(HOME, owner_of(None, row["id"]), row)
    if table is DEVICE:
        return unit.seal.row(DEVICE, owner_of_device(row), row)
    return row


def _not_erased(unit: UnitOfWork, rows: Sequence[Row]) -> Iterable[Row]:
    """A file that still names who was erased does not bring her back."""
    sql = "SELECT owner FROM person_key WHERE wrapped IS NULL"
    gone = {str(row[0]) for row in unit.execute(sql).fetchall()}
    return (row for row in rows if row["id"] not in gone)


def _values(row: Mapping[str, Any], columns: Iterable[str]) -> tuple[Any, ...]:
    return tuple(compact(row[c]) if c in _LISTS else row[c] for c in columns)


def _followed(
    cursor: Cursor,
    known: Mapping[str, Row],
    table: str,
    columns: Sequence[str],
    changed: frozenset[str],
) -> Mapping[str, Row]:
    """The rows by their key, the first column, with those read anew that were written."""
    if not changed:
        return known
    rows = {k: row for k, row in known.items() if k not in changed}
    where = f" WHERE {columns[0]} = ?"
    for one in changed:
        rows.update((one, row) for row in kept_rows(cursor, table, columns, where, (one,)))
    return rows


def _follow_persons(
    cursor: Cursor, persons: dict[str, Sequence[Row]], changed: frozenset[str]
) -> set[str]:
    """Put people where they live now; returns the homes where they lived and live."""
    if not changed:
        return set()
    # Once through everybody, however many were written: a press waits meanwhile.
    homes = {home for home, rows in persons.items() if any(r["id"] in changed for r in rows)}
    for home in homes:
        persons[home] = [row for row in persons[home] if row["id"] not in changed]
        if not persons[home]:
            del persons[home]
    for person in sorted(changed):
        for row in kept_rows(cursor, "service_user", _PERSON, " WHERE id = ?", (person,)):
            rows = [*persons.get(row["home"], ()), row]
            persons[row["home"]] = sorted(rows, key=lambda r: str(r["id"]))
            homes.add(row["home"])
    return homes
