"""Providers, referrals to them, the log of services, and money."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from ledger.schema.columns import METADATA, ms

PROVIDER: Final = Table(
    "provider",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", String(16), nullable=False),  # institution, company, organisation, individual
    Column("services", Text, nullable=False),  # JSON list of ledger/care/services.py
    Column("regions", Text, nullable=False),  # JSON list of region codes that it serves
    Column("contact", Text, nullable=False),
    Column("phone", String(32), nullable=False),
    Column("licence", Text, nullable=False),
    Column("licence_until", String(10), nullable=False),  # ISO date, or empty
    Column("note", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    ms("created_at_ms", null=False),
)

REFERRAL: Final = Table(
    "referral",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("person", String(64), ForeignKey("service_user.id"), nullable=False),
    Column("region", String(32), nullable=False),  # of the home, when it was made
    Column("service", String(32), nullable=False),
    Column("need", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("provider", String(64)),
    Column("visit", String(64)),  # where the need was seen
    ms("created_at_ms", null=False),
    Column("created_by", String(64), nullable=False),
    # Without whom and when nothing is told to a provider.
    Column("agreed_by", String(16)),
    Column("agreed_name", Text),
    ms("agreed_at_ms"),
    ms("sent_at_ms"),
    ms("accepted_at_ms"),
    ms("began_at_ms"),
    ms("ended_at_ms"),
    Column("outcome", String(16)),
    Column("note", Text, nullable=False),
    # When somebody has to look again: for an answer, or how it went.
    ms("look_at_ms"),
    Index("referral_person", "person", "created_at_ms"),
    Index("referral_open", "state", "look_at_ms"),
)

CARE_LINE: Final = Table(
    "care_line",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("person", String(64), ForeignKey("service_user.id"), nullable=False),
    Column("region", String(32), nullable=False),  # of the home, when it was written
    Column("service", String(32), nullable=False),
    Column("items", Text, nullable=False),  # JSON list of annex 2's numbers
    Column("provider", String(64)),
    Column("referral", String(64)),
    Column("who", Text, nullable=False),  # whose hands did it
    ms("served_at_ms", null=False),
    Column("minutes", Integer),
    Column("cost_fen", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
    ms("recorded_at_ms", null=False),
    Column("recorded_by", String(64), nullable=False),
    # A correction is a line of its own; what it replaces stays and no longer counts.
    Column("replaces", String(64), unique=True),
    Column("why", Text, nullable=False),
    Column("void", Boolean, nullable=False),  # replaces and counts nothing itself
    Index("care_line_person", "person", "served_at_ms"),
    Index("care_line_time", "served_at_ms", "region"),
)

MONEY_LINE: Final = Table(
    "money_line",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("year", Integer, nullable=False),
    Column("region", String(32), ForeignKey("region.code"), nullable=False),
    Column("kind", String(16), nullable=False),  # granted, spent
    Column("amount_fen", BigInteger, nullable=False),
    Column("what", Text, nullable=False),
    ms("at_ms", null=False),
    Column("by", String(64), nullable=False),
    Column("replaces", String(64), unique=True),
    Column("why", Text, nullable=False),
    Index("money_line_year", "year", "region"),
)
