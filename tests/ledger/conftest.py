"""One PostgreSQL server for this folder's tests."""

from collections.abc import Iterator

import pytest

from tests.adapters.postgres import Postgres, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with postgres_server() as server:
        yield server
