"""Screens on walls that show the board without persons; what a browser has heard of its account."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0034"
down_revision: Final[str | None] = "0033"


def upgrade() -> None:
    op.add_column(
        "known_device", sa.Column("seen_seq", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.create_table(
        "wall_screen",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("code", sa.String(8), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, server_default=""),
        sa.Column("region", sa.String(32), nullable=False, server_default=""),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("agent", sa.String(200), nullable=False),
        sa.Column("asked_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("code_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("seen_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger()),
        sa.Column("made_by", sa.String(64)),
        sa.Column("made_at_ms", sa.BigInteger()),
        sa.Column("ended_by", sa.String(64)),
        sa.Column("ended_at_ms", sa.BigInteger()),
    )
    op.create_index("wall_screen_code", "wall_screen", ["code"])


def downgrade() -> None:
    op.drop_index("wall_screen_code", "wall_screen")
    op.drop_table("wall_screen")
    with op.batch_alter_table("known_device") as table:
        table.drop_column("seen_seq")
