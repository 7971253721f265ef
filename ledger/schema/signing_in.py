"""By what people prove who they are besides a password, and programs that act for them.

Times are real ones, as those of sessions: a second factor knows no accelerated clock.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    Text,
)

from ledger.schema.columns import METADATA, ms


def _account() -> "Column[str]":
    return Column("username", String(64), ForeignKey("account.username"), nullable=False)


TOTP: Final = Table(
    "totp",
    METADATA,
    Column("username", String(64), ForeignKey("account.username"), primary_key=True),
    Column("secret", Text, nullable=False),  # base32, sealed
    # The step whose code was taken last: that code and older ones are taken no more.
    Column("last_step", BigInteger, nullable=False, default=0),
    ms("made_at_ms", null=False),
    ms("confirmed_at_ms"),  # NULL: its owner has not yet shown that a device has it
)

RECOVERY_CODE: Final = Table(
    "recovery_code",
    METADATA,
    Column("username", String(64), ForeignKey("account.username"), primary_key=True),
    Column("digest", String(64), primary_key=True),  # SHA-256; the codes are 80 random bits
    ms("made_at_ms", null=False),
    ms("used_at_ms"),
)

PASSKEY: Final = Table(
    "passkey",
    METADATA,
    # Base64url of the credential's id, which its authenticator chose; WebAuthn allows 1,023 bytes.
    Column("id", Text, primary_key=True),
    _account(),
    Column("name", Text, nullable=False),  # what its owner calls it
    Column("public_key", LargeBinary, nullable=False),  # attested credential data, with the key
    Column("sign_count", BigInteger, nullable=False, default=0),
    Column("backed_up", Boolean, nullable=False, default=False),  # its maker keeps a copy
    ms("made_at_ms", null=False),
    ms("used_at_ms"),
    Index("passkey_username", "username"),
)

KNOWN_DEVICE: Final = Table(
    "known_device",
    METADATA,
    Column("digest", String(64), primary_key=True),  # SHA-256 of the cookie's secret
    # One browser at a desk knows everybody who has a shift there.
    Column("username", String(64), ForeignKey("account.username"), primary_key=True),
    ms("made_at_ms", null=False),
    ms("expires_at_ms", null=False),
    # The newest row of the trail when it came in there last: what is newer is news to it.
    Column("seen_seq", BigInteger, nullable=False, server_default="0"),
    Index("known_device_username", "username"),
)

# A screen on a wall: a session of nobody's, which shows the board without persons and no more.
WALL_SCREEN: Final = Table(
    "wall_screen",
    METADATA,
    Column("id", String(16), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),  # SHA-256 of its secret
    # Eight digits that it shows until somebody has let it in; empty from then on.
    Column("code", String(8), nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    Column("region", String(32), nullable=False, server_default=""),
    # asked, granted (its secret is still that of the asking), shown, revoked
    Column("state", String(8), nullable=False),
    Column("address", String(64), nullable=False),
    Column("agent", String(200), nullable=False),  # as the browser says
    ms("asked_at_ms", null=False),
    ms("code_until_ms", null=False),
    ms("seen_at_ms", null=False),
    ms("expires_at_ms"),
    Column("made_by", String(64)),
    ms("made_at_ms"),
    Column("ended_by", String(64)),
    ms("ended_at_ms"),
    Index("wall_screen_code", "code"),
)

API_TOKEN: Final = Table(
    "api_token",
    METADATA,
    Column("id", String(16), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),  # SHA-256 of the token
    _account(),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),  # permissions, a JSON list
    ms("made_at_ms", null=False),
    ms("expires_at_ms", null=False),
    ms("used_at_ms"),
    ms("revoked_at_ms"),
    Column("revoked_by", String(64)),
    Index("api_token_username", "username"),
)

SIGN_ON: Final = Table(
    "sign_on",
    METADATA,
    # Whom the identity provider means by a subject; only an administrator says so.
    Column("issuer", String(255), primary_key=True),
    Column("subject", String(255), primary_key=True),
    _account(),
    ms("made_at_ms", null=False),
    Index("sign_on_username", "username", unique=True),
)
