"""Copies of the book that were checked, and how far each has every spool"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from ledger.schema.columns import SERIAL

revision: Final = "0028"
down_revision: Final[str | None] = "0027"


def upgrade() -> None:
    op.create_table(
        "backup_copy",
        sa.Column("seq", SERIAL, nullable=False),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("checked_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("gone_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_table(
        "backup_through",
        sa.Column("copy", sa.BigInteger(), nullable=False),
        sa.Column("spool", sa.String(length=64), nullable=False),
        sa.Column("through", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["copy"], ["backup_copy.seq"]),
        sa.PrimaryKeyConstraint("copy", "spool"),
    )


def downgrade() -> None:
    op.drop_table("backup_through")
    op.drop_table("backup_copy")
