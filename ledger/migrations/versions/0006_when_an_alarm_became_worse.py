"""When an alarm became worse: from then on it is answered"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0006"
down_revision: Final[str | None] = "0005"

_WORSENED: Final = (
    "UPDATE alarm SET worsened_at_ms = (SELECT max(entry.at_ms) FROM entry"
    " WHERE entry.topic = 'alarm' AND entry.subject = alarm.id AND entry.fact = 'worsened')"
    " WHERE id IN (SELECT subject FROM entry WHERE topic = 'alarm' AND fact = 'worsened')"
)


def upgrade() -> None:
    op.add_column("alarm", sa.Column("worsened_at_ms", sa.BigInteger(), nullable=True))
    op.execute(_WORSENED)


def downgrade() -> None:
    with op.batch_alter_table("alarm") as alarm:
        alarm.drop_column("worsened_at_ms")
