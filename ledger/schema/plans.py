"""What people said about visits to come; the plan itself is computed and kept nowhere."""

from typing import Final

from sqlalchemy import Column, Index, Integer, String, Table, Text

from ledger.schema.columns import METADATA, SERIAL, ms

# Appended, never changed; of words about one thing the last counts (ledger/visiting/said.py).
# Days are counted since the epoch in local time, both ends inclusive.
VISIT_PLAN: Final = Table(
    "visit_plan",
    METADATA,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    # raise: visited more often; move: another day, or none said; closed, open: bad weather
    Column("kind", String(16), nullable=False),
    Column("service_user", String(64)),  # NULL: a region's weather
    Column("region", String(32)),
    Column("from_day", Integer, nullable=False),
    Column("until_day", Integer, nullable=False),
    Column("to_day", Integer),  # of a move; NULL: not on that day, the plan finds another
    Column("tier", String(16)),  # of a raise
    ms("at_ms", null=False),
    Column("actor", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Index("visit_plan_person", "service_user", "until_day"),
    Index("visit_plan_kind", "kind", "until_day"),
)
