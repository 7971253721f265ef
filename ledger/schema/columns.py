"""What all tables are made with: one collection, and columns for both dialects."""

from typing import Final

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Text
from sqlalchemy.types import TypeEngine

METADATA: Final = MetaData()

# SQLite numbers rows by itself only for INTEGER PRIMARY KEY; PostgreSQL wants 64 bits.
SERIAL: Final = BigInteger().with_variant(Integer(), "sqlite")


def ms(name: str, *, null: bool = True) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


def widened(length: int) -> TypeEngine[str]:
    """A text that was made for `length` characters and may hold cipher text. SQLite keeps no
    lengths, so its tables were never written anew."""
    return Text().with_variant(String(length), "sqlite")
