"""Ids and versions of persons that other platforms bring"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0021"
down_revision: Final[str | None] = "0020"


def upgrade() -> None:
    op.create_table(
        "exchange_person",
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("external_id", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["service_user.id"]),
        sa.PrimaryKeyConstraint("source", "external_id"),
    )
    op.create_index("exchange_person_person", "exchange_person", ["person"])


def downgrade() -> None:
    op.drop_index("exchange_person_person", table_name="exchange_person")
    op.drop_table("exchange_person")
