"""What a human found out about a silence"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0027"
down_revision: Final[str | None] = "0026"


def upgrade() -> None:
    op.add_column("alarm", sa.Column("found_out", sa.String(length=16), nullable=True))


def downgrade() -> None:
    op.drop_column("alarm", "found_out")
