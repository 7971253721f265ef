"""What one of several processes has changed, for the memory of the others."""

from typing import Final

from sqlalchemy import Column, String, Table

from ledger.schema.columns import METADATA, SERIAL, ms

# Appended by triggers of PostgreSQL in the transactions of processes that share a book (migration
# 0036), and taken away when all have read it. Nothing is ever written to it in SQLite.
BOOK_CHANGE: Final = Table(
    "book_change",
    METADATA,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    ms("at_ms", null=False),  # by the database server's clock
    Column("origin", String(40), nullable=False),  # the process
    Column("kind", String(16), nullable=False),  # mostly the table (ledger/changes.py)
    Column("key", String(240), nullable=False),  # of the row; empty: of any
)
