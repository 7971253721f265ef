"""Asking the elder before anybody is sent"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0003"
down_revision: Final[str | None] = "0002"


def upgrade() -> None:
    op.add_column("alarm", sa.Column("asked_at_ms", sa.BigInteger(), nullable=True))
    op.add_column("alarm", sa.Column("ask_until_ms", sa.BigInteger(), nullable=True))
    op.add_column("alarm", sa.Column("answered_at_ms", sa.BigInteger(), nullable=True))
    op.add_column("alarm", sa.Column("answer", sa.String(length=8), nullable=True))
    op.add_column(
        "device", sa.Column("asks", sa.Boolean(), nullable=False, server_default=sa.false())
    )


def downgrade() -> None:
    with op.batch_alter_table("device") as device:
        device.drop_column("asks")
    with op.batch_alter_table("alarm") as alarm:
        for name in ("answer", "answered_at_ms", "ask_until_ms", "asked_at_ms"):
            alarm.drop_column(name)
