"""What a visit asks for: somebody looks again, or acts on an answer. In the writer's thread."""

import json
import uuid
from typing import Final

from alarms.lifecycle import IllegalMove
from alarms.rows import Row, fetch
from alarms.visit_rows import VisitRows
from alarms.visiting import DAY_MS, NewTask, Visiting
from contract.ids import name_uuid
from contract.moment import to_iso
from ledger.forms.concerns import CONCERN_BY_CODE, concerns_of
from ledger.unit_of_work import UnitOfWork

_NAMESPACE: Final = uuid.UUID("0f4b7d0e-64f1-5a8c-9a5f-2f3f6c7b1d90")


class VisitFollowUps:
    """`nobody_met_days`: until somebody looks again where nobody was met; 0: nobody does."""

    def __init__(self, rows: VisitRows, visiting: Visiting, nobody_met_days: int) -> None:
        self._rows = rows
        self._visiting = visiting
        self._nobody_met_days = nobody_met_days

    def nobody_met(self, unit: UnitOfWork, row: Row, actor: str) -> None:
        """Somebody looks again soon, unless that is planned already."""
        if row["met"] or self._nobody_met_days == 0 or row["duplicate_of"] is not None:
            return
        planned = unit.execute(
            "SELECT 1 FROM task WHERE home = ? AND kind = 'follow_up'"
            " AND state NOT IN ('completed', 'cancelled') LIMIT 1",
            (row["home"],),
        ).fetchone()
        if planned is not None:
            return
        new = NewTask(
            id=name_uuid(_NAMESPACE, f"{row['id']}|nobody_met"),
            kind="follow_up",
            home=row["home"],
            region=self._rows.region_of(row),
            due_at_ms=unit.now_ms + self._nobody_met_days * DAY_MS,
            assignee=self._visiting.responsible(unit, row["home"]),
            note=f"上次探访（{to_iso(row['visited_at_ms'])[:10]}）未见到老人",
            alarm=row["alarm"],
        )
        self._visiting.create(unit, new, actor)
        self._rows.entry(unit, row, "follow_up_made", actor, data={"task": new.id})

    def raise_concern(
        self, unit: UnitOfWork, visit_id: str, concern: str, actor: str, note: str = ""
    ) -> str:
        """Somebody must act on an answer: a task for a manager of the region, once."""
        row = self._rows.counting(unit, visit_id)
        wanted = CONCERN_BY_CODE.get(concern)
        if wanted is None or wanted not in concerns_of(json.loads(row["record"])):
            raise IllegalMove("no_such_concern", "the record doesn't say so")
        region = self._rows.region_of(row)
        new = NewTask(
            id=concern_task_id(visit_id, concern),
            kind="follow_up",
            home=row["home"],
            region=region,
            due_at_ms=unit.now_ms + wanted.days * DAY_MS,
            assignee=_manager(unit, region),
            note="\n".join(filter(None, (wanted.zh, note))),
            alarm=row["alarm"],
        )
        if not fetch(unit.cursor, "SELECT id FROM task WHERE id = ?", (new.id,)):
            self._visiting.create(unit, new, actor)
            self._rows.entry(
                unit, row, "concern_raised", actor, reason=concern, data={"task": new.id}
            )
        return new.id


def concern_task_id(visit_id: str, concern: str) -> str:
    """The task that an answer of a visit asks for has this id, so it is one."""
    return name_uuid(_NAMESPACE, f"{visit_id}|{concern}")


def _manager(unit: UnitOfWork, region: str | None) -> str | None:
    """Of those who manage the region the one whose area is the narrowest."""
    accounts = fetch(
        unit.cursor,
        "SELECT username, region FROM account WHERE role = 'manager' AND disabled = ?"
        " ORDER BY username",
        (False,),
    )
    near = [one for one in accounts if (region or "").startswith(one["region"])]
    near.sort(key=lambda one: -len(one["region"]))
    return str(near[0]["username"]) if near else None
