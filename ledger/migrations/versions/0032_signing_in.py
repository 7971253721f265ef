"""Second factors, passkeys, known devices, tokens of programs, single sign-on"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0032"
down_revision: Final[str | None] = "0031"

_ACCOUNT: Final = "account.username"


def upgrade() -> None:
    op.add_column("account", sa.Column("factor_due_from_ms", sa.BigInteger()))
    for column in (
        sa.Column("method", sa.String(16), nullable=False, server_default="password"),
        sa.Column("factor_at_ms", sa.BigInteger()),
        sa.Column("proved_at_ms", sa.BigInteger()),
        sa.Column("address", sa.String(64), nullable=False, server_default=""),
        sa.Column("agent", sa.String(200), nullable=False, server_default=""),
    ):
        op.add_column("session", column)
    _factors()
    op.create_table(
        "known_device",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("username", sa.String(64), sa.ForeignKey(_ACCOUNT), primary_key=True),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
    )
    op.create_index("known_device_username", "known_device", ["username"])
    op.create_table(
        "api_token",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("username", sa.String(64), sa.ForeignKey(_ACCOUNT), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("used_at_ms", sa.BigInteger()),
        sa.Column("revoked_at_ms", sa.BigInteger()),
        sa.Column("revoked_by", sa.String(64)),
    )
    op.create_index("api_token_username", "api_token", ["username"])
    op.create_table(
        "sign_on",
        sa.Column("issuer", sa.String(255), primary_key=True),
        sa.Column("subject", sa.String(255), primary_key=True),
        sa.Column("username", sa.String(64), sa.ForeignKey(_ACCOUNT), nullable=False),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
    )
    op.create_index("sign_on_username", "sign_on", ["username"], unique=True)


def _factors() -> None:
    op.create_table(
        "totp",
        sa.Column("username", sa.String(64), sa.ForeignKey(_ACCOUNT), primary_key=True),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at_ms", sa.BigInteger()),
    )
    op.create_table(
        "recovery_code",
        sa.Column("username", sa.String(64), sa.ForeignKey(_ACCOUNT), primary_key=True),
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("used_at_ms", sa.BigInteger()),
    )
    op.create_table(
        "passkey",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("username", sa.String(64), sa.ForeignKey(_ACCOUNT), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("backed_up", sa.Boolean(), nullable=False),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("used_at_ms", sa.BigInteger()),
    )
    op.create_index("passkey_username", "passkey", ["username"])


def downgrade() -> None:
    for table in ("sign_on", "api_token", "known_device", "passkey", "recovery_code", "totp"):
        op.drop_table(table)
    for column in ("agent", "address", "proved_at_ms", "factor_at_ms", "method"):
        op.drop_column("session", column)
    op.drop_column("account", "factor_due_from_ms")
