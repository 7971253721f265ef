"""What people say about visits to come, written into the book. In the writer's thread."""

from typing import Final

from ledger.database import insert_sql
from ledger.schema import VISIT_PLAN
from ledger.unit_of_work import DRAWN, Entry, UnitOfWork
from ledger.visiting.days import iso
from ledger.visiting.said import Said

_COLUMNS: Final = tuple(c.name for c in VISIT_PLAN.columns if c.name != "seq")
_INSERT: Final = insert_sql(VISIT_PLAN, _COLUMNS, DRAWN)
# kind -> the fact of its entry
_FACTS: Final = {"raise": "tier_raised", "move": "moved", "closed": "closed", "open": "opened"}


def say(unit: UnitOfWork, said: Said, actor: str, region: str | None) -> int:
    """Append it; returns its number. `region`: who may hear of it."""
    row = {
        "kind": said.kind,
        "service_user": said.service_user,
        "region": said.region,
        "from_day": said.from_day,
        "until_day": said.until_day,
        "to_day": said.to_day,
        "tier": None if said.tier is None else said.tier.value,
        "at_ms": unit.now_ms,
        "actor": actor,
        "reason": said.reason,
    }
    stored = unit.seal.row(VISIT_PLAN, said.service_user, row)
    seq = unit.numbered(_INSERT, tuple(stored[name] for name in _COLUMNS))
    unit.entry(
        Entry(
            topic="plan",
            subject=said.service_user or said.region or "",
            fact=_FACTS[said.kind],
            actor=actor,
            region=region,
            data={
                "from": iso(said.from_day),
                "until": iso(said.until_day),
                "to": None if said.to_day is None else iso(said.to_day),
                "tier": row["tier"],
                "why": said.reason,
            },
            payload=lambda: b"null",
            owner=said.service_user,
        )
    )
    return seq
