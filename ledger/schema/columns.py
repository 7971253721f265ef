"""What all tables are made with: one collection, and columns for both dialects."""

from typing import Final

from sqlalchemy import BigInteger, Column, Integer, MetaData

METADATA: Final = MetaData()

# SQLite numbers rows by itself only for INTEGER PRIMARY KEY; PostgreSQL wants 64 bits.
SERIAL: Final = BigInteger().with_variant(Integer(), "sqlite")


def ms(name: str, *, null: bool = True) -> Column[int]:
    return Column(name, BigInteger, nullable=null)
