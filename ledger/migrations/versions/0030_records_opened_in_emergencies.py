"""Records that were opened in an emergency; whose people a visitor knows"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0030"
down_revision: Final[str | None] = "0029"


def upgrade() -> None:
    op.create_table(
        "break_glass",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("alarm", sa.String(length=64), nullable=False),
        sa.Column("home", sa.String(length=64), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("reviewed_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("reviewed_by", sa.String(length=64), nullable=True),
        sa.Column("decision", sa.String(length=16), nullable=True),
        sa.Column("review_note", sa.Text(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("break_glass_account", "break_glass", ["username", "until_ms"])
    op.create_index("break_glass_home", "break_glass", ["home", "until_ms"])
    op.create_index("service_user_visitor", "service_user", ["visitor"])
    op.create_index("task_assignee", "task", ["assignee", "state"])
    op.create_index("outbox_recipient", "outbox", ["recipient", "created_at_ms"])


def downgrade() -> None:
    op.drop_index("outbox_recipient", "outbox")
    op.drop_index("task_assignee", "task")
    op.drop_index("service_user_visitor", "service_user")
    op.drop_table("break_glass")
