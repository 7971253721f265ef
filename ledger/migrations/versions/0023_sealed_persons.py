"""Keys of persons, and columns wide enough for cipher text. Rows are sealed by the hub itself,
which has the keys (ledger/sealing/catching_up.py)."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0023"
down_revision: Final[str | None] = "0022"

# SQLite keeps no lengths: its tables need not be written anew for them.
_WIDENED: Final = (
    ("service_user", "phone", sa.String(32)),
    ("person_file", "id_number", sa.String(18)),
    ("entry", "reason", sa.String(64)),
)

_ADDED: Final = (
    ("service_user", sa.Column("erased_at_ms", sa.BigInteger(), nullable=True)),
    ("visit", sa.Column("counted", sa.Text(), nullable=True)),
    ("person_file", sa.Column("counted", sa.Text(), nullable=True)),
)


def upgrade() -> None:
    op.create_table(
        "person_key",
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("kek", sa.String(length=16), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("erased_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("erased_by", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("owner"),
    )
    for table, new in _ADDED:
        op.add_column(table, new._copy())
    if op.get_context().dialect.name == "postgresql":
        for table, column, _narrow in _WIDENED:
            op.alter_column(table, column, type_=sa.Text())


def downgrade() -> None:
    """Refused where anything is sealed: an older program can't open it."""
    connection = op.get_bind()
    if connection.scalar(sa.text("SELECT count(*) FROM person_key")):
        raise RuntimeError("the book is sealed: take back a copy that was made before")
    if op.get_context().dialect.name == "postgresql":
        for table, column, narrow in _WIDENED:
            op.alter_column(table, column, type_=narrow)
    for table, new in _ADDED:
        op.drop_column(table, new.name)
    op.drop_table("person_key")
