"""For those who look after the system: messages that were refused."""

from typing import Annotated, Final

from fastapi import APIRouter
from sqlalchemy import func
from starlette.responses import Response

from contract.moment import to_iso
from dashboard.answers import answer
from dashboard.asked import LIMIT_DEFAULT, Limit
from dashboard.callers import Caller, Hub, needs
from dashboard.reads import rows
from dashboard.routes.overview import quarantine_visible
from ledger.schema import QUARANTINE

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
