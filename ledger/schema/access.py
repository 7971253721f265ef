"""Who may come in, what they did, and what the book says of itself."""

from typing import Final

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from ledger.schema.columns import METADATA, SERIAL, ms

ACCOUNT: Final = Table(
    "account",
    METADATA,
    Column("username", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("region", String(32), nullable=False, default=""),  # "" sees every region
    Column("phone", String(32), nullable=False, default=""),
    Column("password", Text, nullable=False),  # argon2id
    Column("disabled", Boolean, nullable=False, default=False),
    ms("created_at_ms", null=False),
    # When it first came in without the second factor that is asked of it; its grace begins there.
    ms("factor_due_from_ms"),
)

SESSION: Final = Table(
    "session",
    METADATA,
    Column("digest", String(64), primary_key=True),  # SHA-256 of the token, which is not kept
    Column("username", String(64), ForeignKey("account.username"), nullable=False),
    ms("created_at_ms", null=False),
    ms("expires_at_ms", null=False),
    ms("seen_at_ms", null=False),
    # How it began: password, code, recovery, passkey, sign_on.
    Column("method", String(16), nullable=False, server_default="password"),
    ms("factor_at_ms"),  # when a second factor was last shown in it
    ms("proved_at_ms"),  # when anything was: at its beginning, or the password again
    Column("address", String(64), nullable=False, server_default=""),
    Column("agent", String(200), nullable=False, server_default=""),  # as the browser says
    Index("session_username", "username"),
)

GATEWAY_KEY: Final = Table(
    "gateway_key",
    METADATA,
    Column("gateway", String(64), primary_key=True),
    Column("digest", String(64), nullable=False),  # SHA-256 of the gateway's HTTP bearer key
    ms("created_at_ms", null=False),
)

# One-time codes by which a machine becomes a gateway.
GATEWAY_CODE: Final = Table(
    "gateway_code",
    METADATA,
    Column("digest", String(64), primary_key=True),  # SHA-256 of the code, which is not kept
    Column("gateway", String(64), nullable=False),
    ms("issued_at_ms", null=False),
    ms("expires_at_ms", null=False),
    Column("issued_by", String(64), nullable=False),
    ms("used_at_ms"),
    Column("key_digest", String(64)),  # of the machine that used it
    Index("gateway_code_gateway", "gateway"),
)

# Both certificates of one issue: telemetry's serial number is the next one.
GATEWAY_CERTIFICATE: Final = Table(
    "gateway_certificate",
    METADATA,
    Column("serial", String(40), primary_key=True),  # hexadecimal
    Column("gateway", String(64), nullable=False),
    Column("key_digest", String(64), nullable=False),  # SHA-256 of the public key
    Column("how", String(16), nullable=False),  # enrolled, renewed
    ms("issued_at_ms", null=False),
    ms("not_before_ms", null=False),
    ms("not_after_ms", null=False),
    Column("pem", Text, nullable=False),
    Column("telemetry_pem", Text, nullable=False),
    ms("revoked_at_ms"),
    Column("revoked_by", String(64)),
    Column("revoked_why", String(200)),
    Index("gateway_certificate_gateway", "gateway", "issued_at_ms"),
)

IDEMPOTENCY: Final = Table(
    "idempotency",
    METADATA,
    Column("key", String(160), primary_key=True),  # username and Idempotency-Key
    Column("route", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    ms("at_ms", null=False),
)

AUDIT: Final = Table(
    "audit",
    METADATA,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    ms("at_ms", null=False),
    Column("actor", String(64), nullable=False),
    Column("action", String(40), nullable=False),  # viewed, changed, logged_in, refused …
    Column("object", String(160), nullable=False),
    Column("detail", Text, nullable=False, default=""),
    Column("link", LargeBinary),  # over this row and the one before (ledger/chain.py)
    # What one account did, and what was done to one thing, newest first.
    Index("audit_actor", "actor", "seq"),
    Index("audit_object", "object", "seq"),
)

# Records that somebody opened who otherwise may not, while the elder's alarm was open.
BREAK_GLASS: Final = Table(
    "break_glass",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("alarm", String(64), nullable=False),
    Column("home", String(64), nullable=False),
    Column("region", String(32), nullable=False),  # of the home; who looks after it reviews
    Column("username", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    ms("opened_at_ms", null=False),
    ms("until_ms", null=False),
    ms("reviewed_at_ms"),
    Column("reviewed_by", String(64)),
    Column("decision", String(16)),  # justified, not_justified; NULL: waits for review
    Column("review_note", Text, nullable=False, default="", server_default=""),
    Index("break_glass_account", "username", "until_ms"),
    Index("break_glass_home", "home", "until_ms"),
)

META: Final = Table(
    "meta",
    METADATA,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)
