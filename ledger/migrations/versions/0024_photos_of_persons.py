"""A person's photo, kept beside her file"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0024"
down_revision: Final[str | None] = "0023"


def upgrade() -> None:
    photo: sa.Column[str] = sa.Column(
        "photo", sa.String(length=64), nullable=False, server_default=""
    )
    op.add_column("service_user", photo)
    op.create_table(
        "person_photo",
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("mime", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("added_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("added_by", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["service_user.id"]),
        sa.PrimaryKeyConstraint("person"),
    )


def downgrade() -> None:
    op.drop_table("person_photo")
    op.drop_column("service_user", "photo")
