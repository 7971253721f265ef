"""For those who look after the system: what was refused, and who saw or changed what."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from sqlalchemy import func, select
from starlette.responses import Response

from contract.moment import to_iso
from dashboard.answers import answer, page
from dashboard.asked import LIMIT_DEFAULT, Limit, Number, QueryWord
from dashboard.callers import Caller, Hub, needs
from dashboard.problems import Problem
from dashboard.reads import roster_for, rows
from dashboard.routes.overview import quarantine_visible
from ledger.schema import AUDIT, QUARANTINE

router = APIRouter(tags=["records"])

# Enough of a message to recognise it by; the whole is in the table.
RAW_SHOWN_BYTES: Final = 512


@router.get("/quarantine")
def list_quarantine(
    hub: Hub, caller: Annotated[Caller, needs("quarantine.read")], limit: Limit = LIMIT_DEFAULT
) -> Response:
    """Messages that could not be read, newest first."""
    wanted = quarantine_visible(QUARANTINE, caller).order_by(QUARANTINE.c.seq.desc()).limit(limit)
    with hub.engine.connect() as connection:
        found = rows(connection, wanted)
        total = connection.scalar(quarantine_visible(func.count(), caller))
    return answer(
        {
            "items": [
                {
                    "id": row["seq"],
                    "at": to_iso(row["at_ms"]),
                    "source": row["source"],
                    "gateway": row["gateway"],
                    "code": row["code"],
                    "detail": row["detail"],
                    "raw_hex": row["raw"][:RAW_SHOWN_BYTES].hex(),
                    "raw_text": row["raw"][:RAW_SHOWN_BYTES].decode("utf-8", "replace"),
                    "size": row["size"],
                    "count": row["count"],
                }
                for row in found
            ],
            "total": total,
        }
    )


@router.get("/audit")
def list_audit(
    *,
    hub: Hub,
    caller: Annotated[Caller, needs("audit.read")],
    actor: QueryWord = None,
    object_: Annotated[str | None, Query(alias="object", max_length=160)] = None,
    limit: Limit = LIMIT_DEFAULT,
    before: Number = None,
) -> Response:
    """The audit trail, newest first; `object` as `person:person-0001`."""
    if caller.region:
        # Rows name accounts and objects of every region.
        raise Problem(403, "forbidden", "the audit trail is for accounts of the whole area")
    wanted = select(AUDIT)
    if actor:
        wanted = wanted.where(AUDIT.c.actor == actor)
    if object_:
        wanted = wanted.where(AUDIT.c.object == object_)
    if before is not None:
        wanted = wanted.where(AUDIT.c.seq < before)
    with hub.engine.connect() as connection:
        found = rows(connection, wanted.order_by(AUDIT.c.seq.desc()).limit(limit + 1))
        accounts = roster_for(connection, usernames=[row["actor"] for row in found]).accounts
    items = [
        {
            "seq": row["seq"],
            "at": to_iso(row["at_ms"]),
            "actor": row["actor"],
            # Beside the account, which the trail is about; one that is gone has none.
            "actor_name": accounts.get(row["actor"], {}).get("name", ""),
            "action": row["action"],
            "object": row["object"],
            "detail": row["detail"],
        }
        for row in found
    ]
    return page(items, [row["seq"] for row in found], limit)
