"""Small pieces that all routes share: JSON answers, pages, the audit trail, row updates."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import Depends, Request
from starlette.responses import Response

from dashboard.audit import AuditTrail
from dashboard.once import JSON
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
