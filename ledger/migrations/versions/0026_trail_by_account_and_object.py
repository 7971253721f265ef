"""The trail by account and by object"""

from typing import Final

from alembic import op

revision: Final = "0026"
down_revision: Final[str | None] = "0025"


def upgrade() -> None:
    op.create_index("audit_actor", "audit", ["actor", "seq"])
    op.create_index("audit_object", "audit", ["object", "seq"])


def downgrade() -> None:
    op.drop_index("audit_object", "audit")
    op.drop_index("audit_actor", "audit")
