"""What came from gateways: activations, how far each spool was read, what could not be read."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from ledger.schema.columns import METADATA, SERIAL, ms

EVENT: Final = Table(
    "event",
    METADATA,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    Column("id", String(80), nullable=False, unique=True),
    Column("gateway", String(64), nullable=False),
    Column("spool", String(64), nullable=False),
    Column("spool_seq", BigInteger, nullable=False),
    Column("device", String(64), nullable=False),
    Column("home", String(64)),
    Column("kind", String(32), nullable=False),
    ms("measured_at_ms", null=False),
    ms("received_at_ms", null=False),
    ms("ingested_at_ms", null=False),
    Column("values", Text, nullable=False),
    Column("attrs", Text, nullable=False),
    Column("alarm", String(64)),
    Column("arrival", String(64)),  # the task whose visitor pressed it, having been asked to
    Index("event_home", "home", "measured_at_ms"),
    Index("event_alarm", "alarm"),
)

SPOOL_MARK: Final = Table(
    "spool_mark",
    METADATA,
    Column("spool", String(64), primary_key=True),
    Column("gateway", String(64), nullable=False),
    Column("contiguous", BigInteger, nullable=False),  # every seq up to here is in
    Column("beyond", Text, nullable=False, default="[]"),  # [[first, last], …] above the gap
    ms("gap_since_ms"),
)

BACKUP_COPY: Final = Table(
    "backup_copy",
    METADATA,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    ms("made_at_ms", null=False),
    ms("checked_at_ms", null=False),
    Column("head", String(64), nullable=False),  # of its entries, as hex: it is a copy of this book
    Column("event_seq", BigInteger, nullable=False),  # the newest event that is in it
    Column("place", Text, nullable=False),  # the file, where it was checked
    Column("size", BigInteger, nullable=False),
    ms("gone_at_ms"),  # when it was first not found there
)

BACKUP_THROUGH: Final = Table(
    "backup_through",
    METADATA,
    Column("copy", BigInteger, ForeignKey("backup_copy.seq"), primary_key=True),
    Column("spool", String(64), primary_key=True),
    Column("through", BigInteger, nullable=False),  # this copy has every seq up to here
)

QUARANTINE: Final = Table(
    "quarantine",
    METADATA,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    ms("at_ms", null=False),
    Column("source", String(160), nullable=False),  # the topic, or the route
    Column("gateway", String(64)),
    Column("code", String(40), nullable=False),
    Column("detail", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("size", Integer, nullable=False),
    Column("digest", String(64), nullable=False),  # a redelivered message stays one row
    Column("count", Integer, nullable=False, default=1),
    UniqueConstraint("source", "digest", name="quarantine_once"),
)
