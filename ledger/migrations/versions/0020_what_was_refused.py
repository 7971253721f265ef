"""A consent may be a no"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0020"
down_revision: Final[str | None] = "0019"


def upgrade() -> None:
    column = sa.Column("answer", sa.String(length=8), nullable=False, server_default="yes")
    op.add_column("consent", column)


def downgrade() -> None:
    op.drop_column("consent", "answer")
