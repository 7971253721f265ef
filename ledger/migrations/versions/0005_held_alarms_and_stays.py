"""Held alarms, and stays: away, hospital, visitors"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0005"
down_revision: Final[str | None] = "0004"


def upgrade() -> None:
    op.add_column("alarm", sa.Column("held_at_ms", sa.BigInteger(), nullable=True))
    op.add_column("alarm", sa.Column("held_until_ms", sa.BigInteger(), nullable=True))
    op.add_column("alarm", sa.Column("held_for", sa.String(length=16), nullable=True))
    op.add_column("alarm", sa.Column("held_by", sa.String(length=64), nullable=True))
    op.add_column("alarm", sa.Column("released_at_ms", sa.BigInteger(), nullable=True))
    op.add_column("alarm", sa.Column("repair_within_ms", sa.BigInteger(), nullable=True))
    op.create_table(
        "stay",
        sa.Column("id", sa.String(length=64), primary_key=True),
        sa.Column("home", sa.String(length=64), sa.ForeignKey("home.id"), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("ended_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("ended_how", sa.String(length=16), nullable=True),
        sa.Column("ended_by", sa.String(length=64), nullable=True),
    )
    op.create_index("stay_home", "stay", ["home", "from_ms"])
    op.create_index("stay_ended", "stay", ["ended_at_ms"])


def downgrade() -> None:
    op.drop_table("stay")
    with op.batch_alter_table("alarm") as alarm:
        for name in (
            "repair_within_ms",
            "released_at_ms",
            "held_by",
            "held_for",
            "held_until_ms",
            "held_at_ms",
        ):
            alarm.drop_column(name)
