"""Since when somebody is in the service, until when, and why no longer"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0019"
down_revision: Final[str | None] = "0016"

_COLUMNS: Final = (
    ("joined_on", sa.String(length=10), ""),
    ("left_on", sa.String(length=10), ""),
    ("left_why", sa.String(length=16), ""),
    ("left_note", sa.Text(), ""),
    ("service_gaps", sa.Text(), "[]"),
)


def upgrade() -> None:
    for name, kind, empty in _COLUMNS:
        op.add_column("service_user", sa.Column(name, kind, nullable=False, server_default=empty))


def downgrade() -> None:
    for name, _kind, _empty in reversed(_COLUMNS):
        op.drop_column("service_user", name)
