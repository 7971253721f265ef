"""The visit record: numbers, corrections, two reports of one visit, attachments"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0015"
down_revision: Final[str | None] = "0014"

_SERIAL: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_COLUMNS: Final = (
    ("form", sa.String(length=16)),
    ("phone", sa.String(length=64)),
    ("clock_offset_ms", sa.BigInteger()),
    ("voided_at_ms", sa.BigInteger()),
    ("voided_by", sa.String(length=64)),
    ("void_reason", sa.Text()),
    ("duplicate_of", sa.String(length=64)),
)
_INDEXES: Final = (
    ("visit_person", ["service_user", "number"]),
    ("visit_task", ["task"]),
    ("visit_alarm", ["alarm"]),
)
# In the order in which the hub heard of them; who is not named is counted by the home.
_NUMBER: Final = """
UPDATE visit SET number = (
    SELECT COUNT(*) FROM visit AS earlier
    WHERE {same}
    AND (earlier.recorded_at_ms < visit.recorded_at_ms
         OR (earlier.recorded_at_ms = visit.recorded_at_ms AND earlier.id <= visit.id)))
WHERE {whose}
"""
_PERSONS: Final = _NUMBER.format(
    same="earlier.service_user = visit.service_user", whose="service_user IS NOT NULL"
)
_HOMES: Final = _NUMBER.format(
    same="earlier.home = visit.home AND earlier.service_user IS NULL",
    whose="service_user IS NULL",
)


def upgrade() -> None:
    for name, kind in _COLUMNS:
        op.add_column("visit", sa.Column(name, kind, nullable=True))
    for name, first in (("number", "0"), ("version", "1")):
        number = sa.Column(name, sa.Integer(), nullable=False, server_default=first)
        op.add_column("visit", number)
    met: sa.Column[bool] = sa.Column("met", sa.Boolean(), nullable=False, server_default=sa.true())
    op.add_column("visit", met)
    for name, columns in _INDEXES:
        op.create_index(name, "visit", columns)
    op.execute(_PERSONS)
    op.execute(_HOMES)
    op.create_table(
        "visit_correction",
        sa.Column("seq", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("visit", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("visit_correction_visit", "visit_correction", ["visit", "seq"])
    op.create_table(
        "visit_conflict",
        sa.Column("one", sa.String(length=64), primary_key=True),
        sa.Column("other", sa.String(length=64), primary_key=True),
        sa.Column("found_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("decided_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decision", sa.String(length=16), nullable=True),
    )
    op.create_index("visit_conflict_other", "visit_conflict", ["other"])
    op.create_table(
        "attachment",
        sa.Column("id", sa.String(length=64), primary_key=True),
        sa.Column("visit", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("mime", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("source_sha256", sa.String(length=64), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("added_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("added_by", sa.String(length=64), nullable=False),
    )
    op.create_index(
        "attachment_visit", "attachment", ["visit", "kind", "source_sha256"], unique=True
    )


def downgrade() -> None:
    for table, index in (
        ("attachment", "attachment_visit"),
        ("visit_conflict", "visit_conflict_other"),
        ("visit_correction", "visit_correction_visit"),
    ):
        op.drop_index(index, table_name=table)
        op.drop_table(table)
    for name, _columns in _INDEXES:
        op.drop_index(name, table_name="visit")
    with op.batch_alter_table("visit") as visit:
        for name, _kind in _COLUMNS:
            visit.drop_column(name)
        for name in ("number", "met", "version"):
            visit.drop_column(name)
