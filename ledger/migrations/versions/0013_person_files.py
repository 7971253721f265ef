"""Person files, consents, and what a person is found by"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0013"
down_revision: Final[str | None] = "0012"

_SERIAL: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TERM: Final = sa.String(96).with_variant(sa.String(96, collation="C"), "postgresql")
_HAS_NUMBER: Final = sa.text("id_number <> ''")


def upgrade() -> None:
    op.create_table(
        "person_file",
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("id_number", sa.String(length=18), nullable=False, server_default=""),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["service_user.id"]),
        sa.PrimaryKeyConstraint("person"),
    )
    op.create_index(
        "person_file_id_number",
        "person_file",
        ["id_number"],
        unique=True,
        sqlite_where=_HAS_NUMBER,
        postgresql_where=_HAS_NUMBER,
    )
    op.create_table(
        "person_term",
        sa.Column("term", _TERM, nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["service_user.id"]),
        sa.PrimaryKeyConstraint("term", "kind", "person"),
        sqlite_with_rowid=False,
    )
    op.create_index("person_term_person", "person_term", ["person"])
    op.create_table(
        "consent",
        sa.Column("seq", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("relation", sa.String(length=16), nullable=False),
        sa.Column("how", sa.String(length=16), nullable=False),
        sa.Column("given_on", sa.String(length=10), nullable=False),
        sa.Column("until_on", sa.String(length=10), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("recorded_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["service_user.id"]),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("consent_person", "consent", ["person", "purpose"])
    op.create_table(
        "consent_withdrawal",
        sa.Column("consent", sa.String(length=64), nullable=False),
        sa.Column("withdrawn_by", sa.Text(), nullable=False),
        sa.Column("withdrawn_on", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["consent"], ["consent.id"]),
        sa.PrimaryKeyConstraint("consent"),
    )


def downgrade() -> None:
    op.drop_table("consent_withdrawal")
    op.drop_index("consent_person", table_name="consent")
    op.drop_table("consent")
    op.drop_index("person_term_person", table_name="person_term")
    op.drop_table("person_term")
    op.drop_index("person_file_id_number", table_name="person_file")
    op.drop_table("person_file")
