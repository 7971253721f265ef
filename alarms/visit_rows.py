"""Rows of visits, and the entry that goes with each change of one."""

import json
from collections.abc import Mapping
from typing import Any, Final, Protocol

from alarms.lifecycle import IllegalMove
from alarms.rows import Row, fetch
from ledger.database import insert_sql
from ledger.forms.counted import of_visit
from ledger.schema import VISIT
from ledger.sealing.sealer import owner_of
from ledger.unit_of_work import Entry, UnitOfWork

VISIT_COLUMNS: Final = [c.name for c in VISIT.columns]
_INSERT: Final = insert_sql(VISIT)


class VisitObjects(Protocol):
    def visit(self, row: dict[str, Any]) -> bytes: ...
    def region_of(self, home: str | None, gateway: str | None) -> str | None: ...


class VisitRows:
    def __init__(self, objects: VisitObjects) -> None:
        self._objects = objects

    def region_of(self, row: Row) -> str | None:
        return self._objects.region_of(row["home"], None)

    def known(self, unit: UnitOfWork, visit_id: str) -> bool:
        return bool(fetch(unit.cursor, "SELECT id FROM visit WHERE id = ?", (visit_id,)))

    def find(self, unit: UnitOfWork, visit_id: str) -> Row:
        found = fetch(unit.cursor, "SELECT * FROM visit WHERE id = ?", (visit_id,))
        if not found:
            raise KeyError(visit_id[:64])
        return found[0]

    def counting(self, unit: UnitOfWork, visit_id: str) -> Row:
        """One that is neither voided nor told of by another."""
        row = self.find(unit, visit_id)
        check_counts(row)
        return row

    def insert(self, unit: UnitOfWork, row: Row) -> None:
        row["counted"] = counted(unit, row)
        stored = unit.seal.row(VISIT, owner_of_visit(row), row)
        unit.execute(_INSERT, tuple(stored[name] for name in VISIT_COLUMNS))

    def set(
        self,
        unit: UnitOfWork,
        row: Row,
        fact: str,
        actor: str,
        *,
        data: Mapping[str, object] | None = None,
        **changes: object,
    ) -> None:
        if "record" in changes:
            changes["counted"] = counted(unit, changes)
        if changes:
            stored = unit.seal.row(VISIT, owner_of_visit(row), changes)
            unit.update(VISIT, {"id": row["id"]}, stored)
            row.update(changes)
        self.entry(unit, row, fact, actor, data=data)

    def entry(
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
                topic="visit",
                subject=row["id"],
                fact=fact,
                actor=actor,
                reason=reason,
                region=self._objects.region_of(row["home"], None),
                data=data,
                payload=lambda: self._objects.visit(row),
                owner=owner_of_visit(row),
            )
        )


def owner_of_visit(row: Row) -> str:
    return owner_of(row["service_user"], row["home"])


def counted(unit: UnitOfWork, row: Mapping[str, Any]) -> str:
    """What figures count by, beside the record that they can't read."""
    return unit.seal.codes(of_visit(json.loads(row["record"])))


def check_counts(row: Row) -> None:
    if row["voided_at_ms"] is not None:
        raise IllegalMove("voided", f"{row['voided_by']} has voided it")
    if row["duplicate_of"] is not None:
        raise IllegalMove("duplicate", f"visit {row['duplicate_of']} tells of it")
