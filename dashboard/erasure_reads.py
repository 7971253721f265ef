"""Of whom it is time to ask whether they are to be erased."""

from typing import Final

from sqlalchemy import Connection, select

from dashboard.callers import Caller
from dashboard.reads import rows
from dashboard.register_reads import person_documents
from ledger.schema import HOME, SERVICE_USER
from ledger.views import Document

PERMISSION: Final = "person.erase"


def due_documents(
    connection: Connection, caller: Caller, proposed: tuple[str, ...], now_ms: int
) -> list[Document]:
    """Those of the caller's region, who left first first."""
    wanted = (
        select(SERVICE_USER)
        .join(HOME, HOME.c.id == SERVICE_USER.c.home)
        .where(SERVICE_USER.c.id.in_(proposed), caller.visible(HOME.c.region))
        .order_by(SERVICE_USER.c.left_on, SERVICE_USER.c.id)
    )
    return person_documents(connection, rows(connection, wanted), now_ms)
