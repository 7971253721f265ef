"""The rota, calendars to subscribe, and hand-over sheets"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0008"
down_revision: Final[str | None] = "0007"

_SERIAL: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "rota_fact",
        sa.Column("seq", _SERIAL, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("desk", sa.String(length=40), nullable=True),
        sa.Column("day", sa.Integer(), nullable=True),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
    )
    op.create_index("rota_fact_key", "rota_fact", ["kind", "key", "seq"])
    op.create_index("rota_fact_day", "rota_fact", ["kind", "day"])
    op.create_index("rota_fact_desk", "rota_fact", ["desk", "seq"])
    op.create_table(
        "rota_calendar",
        sa.Column("digest", sa.String(length=64), primary_key=True),
        sa.Column(
            "username", sa.String(length=64), sa.ForeignKey("account.username"), nullable=False
        ),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_at_ms", sa.BigInteger(), nullable=True),
    )
    op.create_index("rota_calendar_username", "rota_calendar", ["username"])
    op.create_table(
        "handover",
        sa.Column("id", sa.String(length=64), primary_key=True),
        sa.Column("desk", sa.String(length=40), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("from_shift", sa.String(length=160), nullable=False),
        sa.Column("to_shift", sa.String(length=160), nullable=False),
        sa.Column("outgoing", sa.Text(), nullable=False),
        sa.Column("incoming", sa.Text(), nullable=False),
        sa.Column("opened_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("opened_by", sa.String(length=64), nullable=False),
    )
    op.create_index("handover_desk", "handover", ["desk", "at_ms"])
    op.create_table(
        "handover_line",
        sa.Column("handover", sa.String(length=64), sa.ForeignKey("handover.id"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=160), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("carried", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_index("handover_line_subject", "handover_line", ["kind", "subject"])
    op.create_table(
        "handover_mark",
        sa.Column("seq", _SERIAL, primary_key=True, autoincrement=True),
        sa.Column("handover", sa.String(length=64), sa.ForeignKey("handover.id"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("mark", sa.String(length=16), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
    )
    op.create_index("handover_mark_line", "handover_mark", ["handover", "number"])


def downgrade() -> None:
    for name in ("handover_mark", "handover_line", "handover", "rota_calendar", "rota_fact"):
        op.drop_table(name)
