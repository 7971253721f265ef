"""What the doctor says of servers that follow the book's; with three real ones that come and go in
tests/ledger/test_standby.py."""

from pathlib import Path

import pytest

from hearthwatch.doctor_standbys import (
    BEHIND_BYTES_MAX,
    LAG_S_MAX,
    Standby,
    judged,
    standbys,
)
from ledger.place import SqliteBook, postgres_book
from tests.adapters.migrated import migrated
from tests.adapters.postgres import Postgres


def standby(name: str = "b", **changes: object) -> Standby:
    well = Standby(name, "streaming", "quorum", 0.0, 0)
    return well._replace(**changes)


@pytest.mark.parametrize(
    ("servers", "asked", "found", "verdict", "said"),
    [
        (3, True, [standby("b"), standby("c")], "ok", "c streaming (quorum, 0.0 MiB and 0.0 s"),
        (1, True, [standby()], "ok", "b streaming"),
        (3, True, [standby()], "warn", "of 2 1 follow"),
        (3, True, [standby(), standby("c", state="catchup")], "warn", "of 2 1 follow"),
        (3, True, [], "fail", "none: every commit waits"),
        (1, True, [], "fail", "every commit waits"),
        (2, True, [standby(state="catchup")], "fail", "b catchup"),
        (2, True, [standby(lag_s=LAG_S_MAX + 1)], "warn", "disk and line"),
        (2, True, [standby(lag_s=LAG_S_MAX)], "ok", "10.0 s"),
        (2, True, [standby(behind_bytes=BEHIND_BYTES_MAX + 1)], "warn", "disk and line"),
        (2, False, [standby(sync_state="async")], "warn", "synchronous_standby_names"),
        (1, False, [standby(sync_state="async")], "warn", "waits for none"),
    ],
)
def test_who_follows_is_judged(
    servers: int, asked: bool, found: list[Standby], verdict: str, said: str
) -> None:
    finding = judged(servers, asked, found)
    assert finding is not None
    assert finding.verdict == verdict, finding
    assert said in finding.detail + finding.remedy


def test_a_server_that_is_meant_to_be_alone_has_no_line(postgres: Postgres, tmp_path: Path) -> None:
    assert judged(1, False, []) is None
    for place in (postgres.fresh(), SqliteBook(path=migrated(tmp_path / "hub.db"))):
        reader = place.open_copier()
        assert list(standbys(place, reader)) == []
        reader.dispose()


def test_who_may_not_see_them_is_told_so_where_there_should_be_some(postgres: Postgres) -> None:
    book = postgres.fresh()
    postgres.sql("CREATE ROLE sees_nobody", book.url.database)
    several = postgres_book("postgresql://nobody@a,b/book", "none")
    reader = book.open_copier()
    with reader.connect() as connection:
        connection.exec_driver_sql("SET ROLE sees_nobody")
        connection.commit()
        for place, verdicts in ((book, []), (several, ["warn"])):
            found = list(standbys(place, _Held(connection)))
            assert [finding.verdict for finding in found] == verdicts
    reader.dispose()


class _Held:
    """An engine of this one connection."""

    def __init__(self, connection) -> None:
        self._connection = connection

    def connect(self) -> "_Held":
        return self

    def __enter__(self):
        return self._connection

    def __exit__(self, *_error: object) -> None: ...
