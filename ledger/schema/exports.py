"""What departments get by the calendar, and the files that were made for them."""

from typing import Final

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, true

from ledger.schema.columns import METADATA, ms

EXPORT_ORDER: Final = Table(
    "export_order",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),  # the department, as it stands in each file
    Column("account", String(64), nullable=False),  # whose files they are
    Column("region", String(32), nullable=False),  # "" the whole county
    Column("tables", Text, nullable=False),  # {subject: [columns]}
    Column("plain", Text, nullable=False),  # ["subject.column"] that are not masked
    Column("every", String(8), nullable=False),  # day, week, month
    Column("reason", Text, nullable=False),
    Column("active", Boolean, nullable=False, default=True, server_default=true()),
    ms("created_at_ms", null=False),
    Column("created_by", String(64), nullable=False),
)

EXPORT_FILE: Final = Table(
    "export_file",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("order_id", String(64), ForeignKey("export_order.id"), nullable=False),
    Column("period", String(10), nullable=False),  # 2026-11-28, 2026-W48, 2026-11
    Column("state", String(8), nullable=False),  # made, failed, removed
    Column("file", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("withheld", Integer, nullable=False),  # people who said no to sharing
    Column("detail", Text, nullable=False),  # why it failed
    Column("attempts", Integer, nullable=False),
    ms("at_ms", null=False),
    # One file of a period, however often the hub looks.
    Index("export_file_period", "order_id", "period", unique=True),
)

# A large export, or all at once: asked for by one and approved by another, fetched once.
EXPORT_REQUEST: Final = Table(
    "export_request",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("number", String(24), nullable=False, unique=True),  # as it stands on each page
    Column("asked", Text, nullable=False),  # what of, as JSON: subject, span, form
    Column("region", String(32), nullable=False),  # "" the whole county
    Column("reason", Text, nullable=False),
    Column("asked_by", String(64), nullable=False),
    ms("asked_at_ms", null=False),
    Column("state", String(8), nullable=False),  # asked, approved, refused, fetched
    Column("decided_by", String(64)),
    ms("decided_at_ms"),
    Column("decision", Text, nullable=False, default="", server_default=""),
    ms("fetched_at_ms"),
    Column("sha256", String(64), nullable=False, default="", server_default=""),
    Index("export_request_asked", "asked_at_ms"),
)
