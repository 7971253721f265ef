"""Small pieces that all routes share: JSON answers, pages, the audit trail, row updates."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from sqlalchemy import Table
from starlette.responses import Response

from dashboard.audit import AuditTrail
from dashboard.once import JSON
from ledger.unit_of_work import UnitOfWork
from ledger.views import to_json

CREATED: Final = 201


def answer(document: object, status: int = 200) -> Response:
    return Response(to_json(document), status_code=status, media_type=JSON)


def page(documents: Sequence[object], cursors: Sequence[object], limit: int) -> Response:
    """A page of a list that was read with one row more than its limit.

    `cursors` belongs to the rows as read; `next` is that of the last row shown.
    """
    more = len(cursors) > limit
    next_ = str(cursors[limit - 1]) if more else None
    return answer({"items": list(documents[:limit]), "next": next_})


async def _trail(request: Request) -> AuditTrail:
    trail: AuditTrail = request.app.state.audit
    return trail


Trail = Annotated[AuditTrail, Depends(_trail)]


def update_row(
    unit: UnitOfWork, table: Table, key: Mapping[str, str], changes: Mapping[str, Any]
) -> None:
    """Set columns of one row; the names are columns of the schema, checked here."""
    if not changes:
        return
    for name in (*key, *changes):
        if name not in table.c:
            raise ValueError(f"{table.name} has no column {name}")
    assignments = ", ".join(f'"{name}" = ?' for name in changes)
    condition = " AND ".join(f'"{name}" = ?' for name in key)
    # Only names of columns are put into the text.
    sql = f'UPDATE "{table.name}" SET {assignments} WHERE {condition}'  # noqa: S608
    unit.execute(sql, (*changes.values(), *key.values()))
