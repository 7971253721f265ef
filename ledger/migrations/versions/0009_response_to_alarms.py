"""Response to alarms: who has one, rounds and steps of escalation, which hub may write"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0009"
down_revision: Final[str | None] = "0008"


def upgrade() -> None:
    op.add_column("alarm", sa.Column("holder", sa.String(length=64), nullable=True))
    op.add_column("alarm", sa.Column("ack_until_ms", sa.BigInteger(), nullable=True))
    op.add_column("alarm", sa.Column("handover_to", sa.String(length=64), nullable=True))
    op.add_column("alarm", sa.Column("handover_until_ms", sa.BigInteger(), nullable=True))
    op.add_column("alarm", sa.Column("round", sa.Integer(), nullable=False, server_default="0"))
    op.add_column(
        "alarm", sa.Column("calling", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("alarm", sa.Column("merged_into", sa.String(length=64), nullable=True))
    op.add_column("alarm", sa.Column("reopened", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("alarm_merged", "alarm", ["merged_into"])
    op.execute("UPDATE alarm SET holder = acknowledged_by WHERE state <> 'closed'")
    op.create_table(
        "escalation",
        sa.Column("alarm", sa.String(length=64), primary_key=True),
        sa.Column("timer", sa.String(length=16), primary_key=True),
        sa.Column("policy", sa.String(length=64), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("written_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("delay_ms", sa.BigInteger(), nullable=False),
        sa.Column("due_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("boot", sa.String(length=64), nullable=False),
        sa.Column("due_running_ms", sa.BigInteger(), nullable=False),
    )
    op.create_index("escalation_due", "escalation", ["boot", "due_running_ms"])
    op.create_table(
        "escalation_step",
        sa.Column("alarm", sa.String(length=64), primary_key=True),
        sa.Column("round", sa.Integer(), primary_key=True),
        sa.Column("step", sa.Integer(), primary_key=True),
        sa.Column("policy", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("late_ms", sa.BigInteger(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
    )
    op.create_table(
        "hub_lease",
        sa.Column("name", sa.String(length=16), primary_key=True),
        sa.Column("holder", sa.String(length=160), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("hub_lease")
    op.drop_table("escalation_step")
    op.drop_index("escalation_due", table_name="escalation")
    op.drop_table("escalation")
    op.drop_index("alarm_merged", table_name="alarm")
    with op.batch_alter_table("alarm") as alarm:
        for name in (
            "reopened",
            "merged_into",
            "calling",
            "round",
            "handover_until_ms",
            "handover_to",
            "ack_until_ms",
            "holder",
        ):
            alarm.drop_column(name)
