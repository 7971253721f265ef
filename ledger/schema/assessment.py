"""What was said in assessments: criteria, marks, feedback, answers, and results that stand."""

from typing import Final

from sqlalchemy import Column, Float, Index, String, Table, Text

from ledger.schema.columns import METADATA, SERIAL, ms

# Appended, never changed; of marks the newest counts.
ASSESSMENT_FACT: Final = Table(
    "assessment_fact",
    METADATA,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    # criteria, mark, feedback, answer, settled
    Column("kind", String(16), nullable=False),
    Column("period", String(10), nullable=False),  # of criteria: the first that they are for
    Column("who_kind", String(16), nullable=False),  # region, visitor; empty for criteria
    Column("who", String(64), nullable=False),  # region code or username
    Column("region", String(32), nullable=False),
    Column("criterion", String(32), nullable=False),
    Column("points", Float),
    Column("text", Text, nullable=False),
    Column("data", Text, nullable=False),  # JSON: the criteria, or the result as it was
    ms("at_ms", null=False),
    Column("actor", String(64), nullable=False),
    Index("assessment_of", "period", "who_kind", "who", "seq"),
)
