"""Providers, referrals, the log of services, and money"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0012"
down_revision: Final[str | None] = "0011"


def upgrade() -> None:
    op.create_table(
        "provider",
        sa.Column("id", sa.String(length=64), primary_key=True),
        *(_text(name) for name in ("name", "services", "regions", "contact", "licence", "note")),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("phone", sa.String(length=32), nullable=False),
        sa.Column("licence_until", sa.String(length=10), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "referral",
        sa.Column("id", sa.String(length=64), primary_key=True),
        sa.Column("number", sa.Integer(), nullable=False, unique=True),
        _person(),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("service", sa.String(length=32), nullable=False),
        _text("need"),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=True),
        sa.Column("visit", sa.String(length=64), nullable=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("agreed_by", sa.String(length=16), nullable=True),
        sa.Column("agreed_name", sa.Text(), nullable=True),
        *(
            sa.Column(f"{name}_at_ms", sa.BigInteger(), nullable=True)
            for name in ("agreed", "sent", "accepted", "began", "ended", "look")
        ),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        _text("note"),
    )
    op.create_index("referral_person", "referral", ["person", "created_at_ms"])
    op.create_index("referral_open", "referral", ["state", "look_at_ms"])
    op.create_table(
        "care_line",
        sa.Column("id", sa.String(length=64), primary_key=True),
        _person(),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("service", sa.String(length=32), nullable=False),
        *(_text(name) for name in ("items", "who", "note", "why")),
        sa.Column("provider", sa.String(length=64), nullable=True),
        sa.Column("referral", sa.String(length=64), nullable=True),
        sa.Column("served_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.Column("cost_fen", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.Column("replaces", sa.String(length=64), nullable=True, unique=True),
        sa.Column("void", sa.Boolean(), nullable=False),
    )
    op.create_index("care_line_person", "care_line", ["person", "served_at_ms"])
    op.create_index("care_line_time", "care_line", ["served_at_ms", "region"])
    op.create_table(
        "money_line",
        sa.Column("id", sa.String(length=64), primary_key=True),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("region", sa.String(length=32), sa.ForeignKey("region.code"), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        _text("what"),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("replaces", sa.String(length=64), nullable=True, unique=True),
        _text("why"),
    )
    op.create_index("money_line_year", "money_line", ["year", "region"])


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _person() -> sa.Column[str]:
    person = sa.ForeignKey("service_user.id")
    return sa.Column("person", sa.String(length=64), person, nullable=False)


def downgrade() -> None:
    for table in ("money_line", "care_line", "referral", "provider"):
        op.drop_table(table)
