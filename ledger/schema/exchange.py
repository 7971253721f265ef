"""Persons that other platforms know by ids of their own."""

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table

from ledger.schema.columns import METADATA, ms

# `source` is the account that brings them; nobody else's ids are read or taken.
EXCHANGE_PERSON: Final = Table(
    "exchange_person",
    METADATA,
    Column("source", String(64), primary_key=True),
    # Of who was erased a code of it.
    Column("external_id", String(64), primary_key=True),
    Column("person", String(64), ForeignKey("service_user.id"), nullable=False),
    # Of the source, which counts its own changes; an older one is never taken over a newer one.
    Column("version", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),  # of the fields: the same is no change
    ms("at_ms", null=False),
    Index("exchange_person_person", "person"),
)
