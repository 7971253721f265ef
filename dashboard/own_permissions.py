"""What an account may do, where it is."""

from typing import Final

from sqlalchemy import Connection, select

from dashboard.callers import Caller
from dashboard.erasure_reads import PERMISSION, is_of_the_county
from dashboard.reads import rows
from dashboard.region_reads import whole_area
from ledger.schema import REGION

AUDIT: Final = "audit.read"


def can_of(connection: Connection, caller: Caller) -> frozenset[str]:
    """Its role's permissions without those that its region is too small for."""
    lost = set()
    if PERMISSION in caller.can and not is_of_the_county(connection, caller):
        lost.add(PERMISSION)
    # Its rows name accounts and objects of every region.
    if AUDIT in caller.can and not whole_area(rows(connection, select(REGION)), caller):
        lost.add(AUDIT)
    return caller.can - lost
