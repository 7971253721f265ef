"""Notifications: urgency, limits and reasons in the outbox, contact points, reply links"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0007"
down_revision: Final[str | None] = "0006"

_ADDED: Final = (
    ("urgent", sa.Boolean(), sa.false(), False),
    ("needed", sa.String(length=16), sa.text("'always'"), False),
    ("quiet", sa.Boolean(), sa.false(), False),
    ("recipient", sa.String(length=80), None, True),
    ("point", sa.String(length=64), None, True),
    ("step", sa.String(length=32), None, True),
    ("wait_ms", sa.Integer(), sa.text("60000"), False),
    ("tried_at_ms", sa.BigInteger(), None, True),
    ("bypassed", sa.Boolean(), sa.false(), False),
)


def upgrade() -> None:
    for name, kind, default, null in _ADDED:
        op.add_column("outbox", sa.Column(name, kind, nullable=null, server_default=default))
    op.create_index("outbox_alarm", "outbox", ["alarm"])
    op.create_index("outbox_tried", "outbox", ["channel", "tried_at_ms"])
    op.create_table(
        "contact_point",
        sa.Column("id", sa.String(length=64), primary_key=True),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("verified_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("dead_since_ms", sa.BigInteger(), nullable=True),
        sa.Column("dead_reason", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=True),
        sa.Column("code_until_ms", sa.BigInteger(), nullable=True),
        sa.Column("code_tries", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("code_sent_ms", sa.BigInteger(), nullable=True),
    )
    op.create_index("contact_point_owner", "contact_point", ["owner", "place"])
    op.create_table(
        "reply_link",
        sa.Column("digest", sa.String(length=64), primary_key=True),
        sa.Column("alarm", sa.String(length=64), nullable=False),
        sa.Column("responder", sa.String(length=80), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("answered_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.String(length=16), nullable=True),
    )
    op.create_index("reply_link_expires", "reply_link", ["expires_at_ms"])


def downgrade() -> None:
    op.drop_table("reply_link")
    op.drop_table("contact_point")
    op.drop_index("outbox_tried", "outbox")
    op.drop_index("outbox_alarm", "outbox")
    with op.batch_alter_table("outbox") as outbox:
        for name, *_rest in reversed(_ADDED):
            outbox.drop_column(name)
