"""Tasks at the door, what a visitor must know, reviews of late calls, test presses"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0010"
down_revision: Final[str | None] = "0009"

_SERIAL: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXTS: Final = {
    "home": (("key_place", ""), ("lane", ""), ("dog", "")),
    "service_user": (("medication", "[]"), ("allergies", "[]"), ("hearing", "")),
}


def upgrade() -> None:
    op.add_column("task", sa.Column("note", sa.Text(), nullable=True))
    op.add_column("task", sa.Column("press_asked_ms", sa.BigInteger(), nullable=True))
    op.add_column("task", sa.Column("press_until_ms", sa.BigInteger(), nullable=True))
    op.add_column("task", sa.Column("proof", sa.String(length=16), nullable=True))
    op.add_column("task", sa.Column("proof_of", sa.String(length=160), nullable=True))
    op.add_column("task", sa.Column("proof_at_ms", sa.BigInteger(), nullable=True))
    op.add_column("visit", sa.Column("proof", sa.String(length=16), nullable=True))
    op.add_column("event", sa.Column("arrival", sa.String(length=64), nullable=True))
    op.add_column(
        "home", sa.Column("label_print", sa.Integer(), nullable=False, server_default="0")
    )
    for table, columns in _TEXTS.items():
        for name, empty in columns:
            op.add_column(table, sa.Column(name, sa.Text(), nullable=False, server_default=empty))
    op.create_table(
        "response_review",
        sa.Column("seq", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("alarm", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("response_review_alarm", "response_review", ["alarm", "seq"])
    op.create_table(
        "test_press",
        sa.Column("id", sa.String(length=64), primary_key=True),
        sa.Column("home", sa.String(length=64), nullable=False),
        sa.Column("pressed_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("judged_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("receipt_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("ended_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.String(length=16), nullable=True),
        sa.Column("missing", sa.String(length=32), nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=True),
    )
    op.create_index("test_press_at", "test_press", ["pressed_at_ms"])


def downgrade() -> None:
    op.drop_index("test_press_at", table_name="test_press")
    op.drop_table("test_press")
    op.drop_index("response_review_alarm", table_name="response_review")
    op.drop_table("response_review")
    for table, columns in _TEXTS.items():
        with op.batch_alter_table(table) as altered:
            for name, _empty in columns:
                altered.drop_column(name)
    with op.batch_alter_table("home") as home:
        home.drop_column("label_print")
    with op.batch_alter_table("event") as event:
        event.drop_column("arrival")
    with op.batch_alter_table("visit") as visit:
        visit.drop_column("proof")
    with op.batch_alter_table("task") as task:
        for name in (
            "proof_at_ms",
            "proof_of",
            "proof",
            "press_until_ms",
            "press_asked_ms",
            "note",
        ):
            task.drop_column(name)
