"""Links by which the family of a person looks"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0025"
down_revision: Final[str | None] = "0024"


def upgrade() -> None:
    op.create_table(
        "family_link",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("relation", sa.String(length=20), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("revoked_by", sa.String(length=64), nullable=True),
        sa.Column("looks", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("looked_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["service_user.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
    )
    op.create_index("family_link_person", "family_link", ["person"])


def downgrade() -> None:
    op.drop_table("family_link")
