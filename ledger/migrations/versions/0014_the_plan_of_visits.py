"""What people said about visits to come, and visits by person and time"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0014"
down_revision: Final[str | None] = "0013"

_SERIAL: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "visit_plan",
        sa.Column("seq", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("service_user", sa.String(length=64), nullable=True),
        sa.Column("region", sa.String(length=32), nullable=True),
        sa.Column("from_day", sa.Integer(), nullable=False),
        sa.Column("until_day", sa.Integer(), nullable=False),
        sa.Column("to_day", sa.Integer(), nullable=True),
        sa.Column("tier", sa.String(length=16), nullable=True),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("visit_plan_person", "visit_plan", ["service_user", "until_day"])
    op.create_index("visit_plan_kind", "visit_plan", ["kind", "until_day"])
    op.create_index("visit_person_time", "visit", ["service_user", "visited_at_ms"])
    op.create_index("visit_time", "visit", ["visited_at_ms"])


def downgrade() -> None:
    op.drop_index("visit_time", table_name="visit")
    op.drop_index("visit_person_time", table_name="visit")
    op.drop_index("visit_plan_kind", table_name="visit_plan")
    op.drop_index("visit_plan_person", table_name="visit_plan")
    op.drop_table("visit_plan")
