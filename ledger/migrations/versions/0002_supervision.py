"""Supervision of devices"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0002"
down_revision: Final = "0001"


def upgrade() -> None:
    with op.batch_alter_table("alarm") as alarm:
        # The alarms that are there are about their whole subject.
        alarm.add_column(sa.Column("part", sa.String(160), nullable=False, server_default=""))
    with op.batch_alter_table("device") as device:
        device.add_column(sa.Column("expected_interval_s", sa.Integer(), nullable=True))
        device.add_column(sa.Column("test_interval_s", sa.Integer(), nullable=True))
        device.add_column(sa.Column("life_critical", sa.Boolean(), nullable=True))
        device.add_column(
            sa.Column("reports_itself", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        device.add_column(sa.Column("mains", sa.Boolean(), nullable=True))
        device.add_column(sa.Column("link_quality", sa.Float(), nullable=True))
        device.add_column(sa.Column("tampered_at_ms", sa.BigInteger(), nullable=True))
        device.add_column(sa.Column("tested_at_ms", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("device") as device:
        for name in (
            "tested_at_ms",
            "tampered_at_ms",
            "link_quality",
            "mains",
            "reports_itself",
            "life_critical",
            "test_interval_s",
            "expected_interval_s",
        ):
            device.drop_column(name)
    with op.batch_alter_table("alarm") as alarm:
        alarm.drop_column("part")
