"""Names, addresses and telephones at rest are sealed: what they are found by stands beside them, as
codes. Large exports wait for a second person."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0033"
down_revision: Final[str | None] = "0032"

_TERM: Final = sa.String(96).with_variant(sa.String(96, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "home_term",
        sa.Column("term", _TERM, nullable=False),
        sa.Column("home", sa.String(64), sa.ForeignKey("home.id"), nullable=False),
        sa.PrimaryKeyConstraint("term", "home"),
        sqlite_with_rowid=False,
    )
    op.create_index("home_term_home", "home_term", ["home"])
    op.add_column(
        "outbox", sa.Column("target_code", sa.String(64), nullable=False, server_default="")
    )
    op.add_column(
        "contact_point",
        sa.Column("address_code", sa.String(64), nullable=False, server_default=""),
    )
    op.create_table(
        "export_request",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("number", sa.String(24), nullable=False, unique=True),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("region", sa.String(32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.String(64), nullable=False),
        sa.Column("asked_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("decided_by", sa.String(64)),
        sa.Column("decided_at_ms", sa.BigInteger()),
        sa.Column("decision", sa.Text(), nullable=False, server_default=""),
        sa.Column("fetched_at_ms", sa.BigInteger()),
        sa.Column("sha256", sa.String(64), nullable=False, server_default=""),
    )
    op.create_index("export_request_asked", "export_request", ["asked_at_ms"])


def downgrade() -> None:
    op.drop_index("export_request_asked", "export_request")
    op.drop_table("export_request")
    with op.batch_alter_table("contact_point") as table:
        table.drop_column("address_code")
    with op.batch_alter_table("outbox") as table:
        table.drop_column("target_code")
    op.drop_index("home_term_home", "home_term")
    op.drop_table("home_term")
