"""The family's links, and the consent on which they rest. In the writer's thread.

A yes that is given later is to a family that may have changed meanwhile: what a no has ended stays
so, and new links are made.
"""

from typing import Final

from ledger.persons.asking import state_of
from ledger.unit_of_work import UnitOfWork

PURPOSE: Final = "family_view"
_END: Final = (
    "UPDATE family_link SET revoked_at_ms = ?, revoked_by = ?"
    " WHERE person = ? AND revoked_at_ms IS NULL"
)


def end_with_consent(unit: UnitOfWork, person: str, actor: str, day: str) -> None:
    """After what was said about the family: without a consent that holds every link ends."""
    if state_of(unit, person, PURPOSE, day) != "given":
        unit.execute(_END, (unit.now_ms, actor, person))
        if unit.cursor.rowcount:
            unit.audit(actor, "ended_family_link", f"person:{person}", "all, with the consent")
