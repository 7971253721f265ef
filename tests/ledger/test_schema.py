"""What the migrations make is what `ledger.schema` says, on both databases."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect
from sqlalchemy.engine import Connection

from ledger.place import Place, SqliteBook
from ledger.schema import METADATA


@pytest.fixture(params=["sqlite", "postgres"])
def migrated(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connection]:
    book: Place = SqliteBook(path=tmp_path / "hub.db")
    if request.param == "postgres":
        book = request.getfixturevalue("postgres").fresh()
    book.migrate()
    engine = book.open_reader()
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, METADATA))


def test_the_migrations_make_the_schema(migrated: Connection) -> None:
    assert differences(migrated) == []


def test_primary_keys_are_the_schemas(migrated: Connection) -> None:
    found = inspect(migrated)
    for table in METADATA.sorted_tables:
        key = found.get_pk_constraint(table.name)["constrained_columns"]
        assert key == [c.name for c in table.primary_key.columns], table.name
