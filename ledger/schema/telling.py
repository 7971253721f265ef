"""Who is told by which way, what is to be sent, and the answers that a link may give."""

from typing import Final

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text, false, text

from ledger.schema.columns import METADATA, ms

OUTBOX: Final = Table(
    "outbox",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("channel", String(32), nullable=False),
    Column("target", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("alarm", String(64)),
    Column("state", String(16), nullable=False),  # pending, delivered, refused, dead, dropped
    Column("attempts", Integer, nullable=False),
    ms("created_at_ms", null=False),
    ms("next_at_ms", null=False),
    ms("done_at_ms"),
    Column("detail", Text, nullable=False, default=""),
    Column("urgent", Boolean, nullable=False, server_default=false()),
    # always; open: until the alarm is closed; untaken: until somebody has taken it
    Column("needed", String(16), nullable=False, server_default=text("'always'")),
    # Not sent in the quiet hours of the night.
    Column("quiet", Boolean, nullable=False, server_default=false()),
    Column("recipient", String(80)),  # a username, or contact:<person>/<n>
    Column("point", String(64)),  # the contact point; empty for systems
    Column("step", String(32)),  # <round>.<step> of the escalation, or what else it is one of
    # How far ahead next_at_ms was set: further away than this, a clock has been set back since.
    Column("wait_ms", Integer, nullable=False, server_default=text("60000")),
    ms("tried_at_ms"),  # when it was last handed to its provider
    Column("bypassed", Boolean, nullable=False, server_default=false()),  # the next way was taken
    # The target, blinded, where that is a person's: rows of one target are told together by it.
    Column("target_code", String(64), nullable=False, default="", server_default=""),
    Index("outbox_pending", "state", "next_at_ms"),
    Index("outbox_alarm", "alarm"),
    Index("outbox_recipient", "recipient", "created_at_ms"),
    Index("outbox_tried", "channel", "tried_at_ms"),
)

CONTACT_POINT: Final = Table(
    "contact_point",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("owner", String(80), nullable=False),  # as outbox.recipient
    Column("channel", String(32), nullable=False),
    Column("address", Text, nullable=False),
    Column("label", Text, nullable=False, default=""),
    Column("language", String(8), nullable=False),
    Column("place", Integer, nullable=False),  # the order in which they want to be reached
    ms("created_at_ms", null=False),
    ms("verified_at_ms"),
    ms("dead_since_ms"),
    Column("dead_reason", Text, nullable=False, default=""),
    Column("code_hash", String(64)),  # of the code on its way; SHA-256, salted with the id
    ms("code_until_ms"),
    Column("code_tries", Integer, nullable=False, server_default=text("0")),
    ms("code_sent_ms"),
    # Who has written to us is looked for by it.
    Column("address_code", String(64), nullable=False, default="", server_default=""),
    Index("contact_point_owner", "owner", "place"),
)

REPLY_LINK: Final = Table(
    "reply_link",
    METADATA,
    Column("digest", String(64), primary_key=True),  # SHA-256 of the token, which is not kept
    Column("alarm", String(64), nullable=False),
    Column("responder", String(80), nullable=False),
    ms("created_at_ms", null=False),
    ms("expires_at_ms", null=False),
    ms("answered_at_ms"),
    Column("answer", String(16)),  # accept, decline
    Index("reply_link_expires", "expires_at_ms"),
)
