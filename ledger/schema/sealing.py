"""The keys of persons and homes, wrapped; without the key file they open nothing."""

from typing import Final

from sqlalchemy import Column, LargeBinary, String, Table

from ledger.schema.columns import METADATA, ms

PERSON_KEY: Final = Table(
    "person_key",
    METADATA,
    # A person's id, or `home:<id>` for what tells of a home and names nobody. No reference: the
    # key is there before the row that it seals.
    Column("owner", String(80), primary_key=True),
    Column("kek", String(16), nullable=False),  # which key of the key file wraps it
    Column("wrapped", LargeBinary),  # NULL: destroyed
    ms("made_at_ms", null=False),
    ms("erased_at_ms"),
    Column("erased_by", String(64)),
)
