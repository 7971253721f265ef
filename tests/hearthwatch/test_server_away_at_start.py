"""A database server that dies while a hub starts: one line that says so and a code by which it is
started again, never a traceback."""

from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine

from hearthwatch import hub, hub_command
from hearthwatch.hub_config import HubConfig
from ledger.place import PostgresBook
from tests.adapters.hub_bench import ROSTER
from tests.adapters.postgres import Postgres
from tests.adapters.sealed import sealed_place


@dataclass(frozen=True, slots=True, kw_only=True)
class Dying(PostgresBook):
    """`dies` is called when the hub opens its reader: its own connection is there by then."""

    dies: Callable[[], None] = lambda: None

    def open_reader(self) -> Engine:
        self.dies()
        return super(Dying, self).open_reader()


@pytest.mark.parametrize("when", ["its reader is opened", "the roster is written"])
def test_one_line_and_a_code(
    when: str,
    postgres: Postgres,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = sealed_place(postgres.fresh(), tmp_path / "keys" / "persons.json")
    killed = []

    def kill() -> None:
        # All connections of this book, as the end of its server would.
        killed.append(when)
        name = place.url.database
        sql = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608 - the test's own name
        postgres.sql(sql)

    early = when == "its reader is opened"
    book = Dying(url=place.url, ring=place.ring, dies=kill if early else lambda: None)
    (tmp_path / "homes.toml").write_text(ROSTER)
    config = HubConfig(data_dir=tmp_path / "hub", book=book, homes=tmp_path / "homes.toml")
    monkeypatch.setattr(hub_command, "load_config", lambda _path: config)
    if not early:
        parse = hub.parse_roster

        def parsed(text: str, name: str) -> object:
            kill()
            return parse(text, name)

        monkeypatch.setattr(hub, "parse_roster", parsed)
    code = hub_command.main(Namespace(config=tmp_path / "hub.toml", check=False, role="all"))
    told = capsys.readouterr().err
    assert killed == [when]
    assert code == 1
    assert "hearthwatch hub: the book can't be opened: " in told
    assert "Traceback" not in told
    assert "password" not in told


def test_a_mistake_of_ours_is_no_server_that_is_away(postgres: Postgres) -> None:
    book = postgres.fresh()
    assert book.away(ValueError("a mistake")) is None
    assert book.away(LookupError()) is None
