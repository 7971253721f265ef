"""Two hub processes on one PostgreSQL: one has the book, one waits; each step is fired once."""

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from dashboard.accounts import issue_gateway_key
from hearthwatch.admin import add_user
from hearthwatch.book_change import change_book
from hearthwatch.embedded_broker import free_port
from ledger.cursor import BookInUseError
from ledger.place import PostgresBook, SqliteBook
from ledger.register import store
from ledger.roster import parse
from ledger.sealing import key_file
from tests.acceptance.rig import Program, wait_until
from tests.adapters.hub_bench import ROSTER, press
from tests.adapters.postgres import Postgres
from tests.adapters.quick_steps import POLICIES


class TwoHubs:
    def __init__(self, folder: Path, book: PostgresBook) -> None:
        self.book, self.folder = book, folder
        book.migrate()
        add_user(book, "duty1", "李敏", "duty", "", "correct horse battery staple")
        change_book(book, lambda unit: store(unit, parse(ROSTER)))
        self.key = change_book(book, lambda unit: issue_gateway_key(unit, "gw-1", actor="system"))
        self.reader = book.open_reader()
        # One, which reads no certificates again; a connection each, for hubs are killed.
        self.client = httpx2.Client(limits=httpx2.Limits(max_keepalive_connections=0))
        self.ports: dict[str, int] = {}
        self.hubs: dict[str, Program] = {}
        for name in ("one", "two"):
            self.ports[name] = free_port()
            (folder / f"{name}.toml").write_text(self._config(name))
            command = [sys.executable, "-m", "hearthwatch", "hub", "--config"]
            self.hubs[name] = Program(
                [*command, str(folder / f"{name}.toml")], folder / f"{name}.log"
            )
        (folder / "policies.toml").write_text(POLICIES)

    def _config(self, name: str) -> str:
        url = self.book.url._replace(password=None).render_as_string()
        (self.folder / "password").write_text(self.book.url.password or "none")
        return (
            f'data_dir = "{name}"\n[http]\nport = {self.ports[name]}\n'
            f"[broker]\nport = {free_port()}\n"
            f'[book]\nurl = "{url}"\npassword_file = "password"\n'
            '[escalation]\npolicies = "policies.toml"\n'
            f'[sealing]\nkey_file = "{self.keys(name).relative_to(self.folder)}"\n'
        )

    def keys(self, _name: str) -> Path:
        """Both hubs have the same."""
        return self.folder / "keys" / "persons.json"

    def status(self, name: str) -> str:
        return str(self.ready(name).get("status", "away"))

    def ready(self, name: str) -> dict[str, Any]:
        try:
            return self.client.get(f"{self._at(name)}/readyz", timeout=2).json()
        except httpx2.HTTPError:
            return {}

    def has_the_book(self, name: str) -> bool:
        """Without a broker it is not ready, and says so."""
        return self.status(name) == "unavailable"

    def press(self, name: str, number: int) -> bool:
        """Over the gateways' second path; whether the hub has acknowledged it."""
        try:
            answer = self.client.post(
                f"{self._at(name)}/api/v1/activations",
                content=press(number),
                headers={"Authorization": f"Bearer {self.key}"},
                timeout=10,
            )
        except httpx2.HTTPError:
            return False
        return answer.status_code == 200 and f"press-{number}" in answer.json()["ids"]

    def _at(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def rows(self, sql: str) -> list[tuple]:
        with self.reader.connect() as connection:
            return [tuple(row) for row in connection.execute(text(sql))]

    def steps(self) -> list[tuple[int, int]]:
        return self.rows("SELECT round, step FROM escalation_step ORDER BY round, step")

    def told(self) -> list[tuple[int, int]]:
        entries = self.rows("SELECT data FROM entry WHERE fact = 'told' ORDER BY seq")
        return [(data["round"], data["step"]) for data in (json.loads(t) for (t,) in entries)]

    def close(self) -> None:
        self.reader.dispose()
        self.client.close()
        for hub in self.hubs.values():
            if hub.process is not None and hub.process.poll() is None:
                hub.process.send_signal(signal.SIGCONT)
            hub.stop()


class KeysApart(TwoHubs):
    """Somebody forgot to copy the key file to the second hub, which finds another one."""

    def keys(self, name: str) -> Path:
        return self.folder / name / "keys" / "persons.json"


@pytest.fixture
def two(postgres: Postgres, tmp_path: Path) -> Iterator[TwoHubs]:
    hubs = TwoHubs(tmp_path, postgres.empty())
    try:
        hubs.hubs["one"].start()
        wait_until(lambda: hubs.has_the_book("one"), 60, "the first has the book")
        hubs.hubs["two"].start()
        wait_until(lambda: hubs.status("two") == "standby", 60, "the second waits")
        yield hubs
    finally:
        hubs.close()


def goes_on(two: TwoHubs, steps: int) -> None:
    wait_until(lambda: len(two.steps()) >= steps, 60, f"{steps} steps are fired")


def each_once_and_none_left_out(two: TwoHubs) -> None:
    told = two.told()
    assert told == sorted(set(told))
    assert told == two.steps()
    dense = [(1 + number // 2, 1 + number % 2) for number in range(len(told))]
    assert told == dense


def test_the_holder_is_killed(two: TwoHubs) -> None:
    assert not two.press("two", 1)
    assert two.press("one", 1)
    goes_on(two, 2)
    two.hubs["one"].kill()
    wait_until(lambda: two.has_the_book("two"), 60, "the second has taken over")
    # What was acknowledged is there; what comes again is known.
    assert two.press("two", 1)
    assert two.rows("SELECT count(*) FROM event") == [(1,)]
    goes_on(two, len(two.steps()) + 2)
    two.hubs["one"].start()
    wait_until(lambda: two.status("one") == "standby", 60, "the first waits now")
    each_once_and_none_left_out(two)


def test_the_holder_sleeps_through_a_takeover(two: TwoHubs) -> None:
    assert two.press("one", 1)
    goes_on(two, 1)
    sleeper = two.hubs["one"].process
    assert sleeper is not None
    os.kill(sleeper.pid, signal.SIGSTOP)
    wait_until(lambda: two.has_the_book("two"), 60, "the second has taken over")
    assert two.press("two", 2)
    goes_on(two, len(two.steps()) + 2)
    os.kill(sleeper.pid, signal.SIGCONT)
    # It believes that it is the hub, and can commit nothing any more.
    assert not two.press("one", 3)
    wait_until(lambda: sleeper.poll() is not None, 60, "the sleeper has gone")
    assert sleeper.returncode == 1
    goes_on(two, len(two.steps()) + 2)
    assert two.rows("SELECT count(*) FROM event") == [(2,)]
    each_once_and_none_left_out(two)


def test_a_holder_that_stops_gives_the_book_back_at_once(two: TwoHubs) -> None:
    two.hubs["one"].stop()
    wait_until(lambda: two.has_the_book("two"), 60, "the second has taken over")
    assert two.press("two", 1)


def test_who_can_not_open_the_book_leaves_it_alone_and_says_so(
    postgres: Postgres, tmp_path: Path
) -> None:
    hubs = KeysApart(tmp_path, postgres.empty())
    try:
        hubs.hubs["one"].start()
        wait_until(lambda: hubs.has_the_book("one"), 60, "the first has the book")
        key_file.write(hubs.keys("two"), key_file.made(0))
        hubs.hubs["two"].start()
        wait_until(lambda: "key_file" in hubs.ready("two").get("checks", {}), 60, "it is said")
        hubs.hubs["one"].stop()
        holder = "SELECT until_ms FROM hub_lease"
        wait_until(lambda: hubs.rows(holder) == [(0,)], 60, "the book is nobody's")
        assert hubs.status("two") == "standby"
        shutil.copy(hubs.keys("one"), hubs.keys("two"))
        wait_until(lambda: hubs.has_the_book("two"), 60, "mended, it has its turn")
    finally:
        hubs.close()


def test_a_holder_that_sleeps_inside_a_transaction_ends_with_its_session(
    postgres: Postgres,
) -> None:
    """Its row would keep everybody out for ever; the server ends it."""
    book = postgres.fresh()
    asleep = book.open_hub()
    cursor = asleep.cursor()
    cursor.execute("BEGIN IMMEDIATE")
    cursor.execute("INSERT INTO meta (key, value) VALUES (?, ?)", ("half", "done"))
    # As a process that was stopped: nobody renews.
    asleep.lease._ends.set()

    def taken():
        try:
            return book.open_hub()
        except BookInUseError:
            return None

    found = []
    wait_until(lambda: bool(found.append(taken()) or found[-1]), 60, "somebody else has the book")
    other = found[-1]
    with pytest.raises(Exception, match=r"(?i)terminat|timeout|clos"):
        cursor.execute("COMMIT")
    with pytest.raises(Exception, match="taken this book over"):
        cursor.execute("BEGIN IMMEDIATE")
    reader = other.cursor()
    assert reader.execute("SELECT count(*) FROM meta WHERE key = 'half'").fetchone()[0] == 0
    assert asleep.lease.lost
    other.close()
    asleep.close()


def test_a_server_whose_clock_was_set_back_locks_nobody_out(postgres: Postgres) -> None:
    """The lease of a hub that is gone would be good for an hour."""
    book = postgres.fresh()
    gone = book.open_hub()
    gone.lease._ends.set()
    gone.lease._thread.join()
    cursor = gone.cursor()
    cursor.execute("BEGIN IMMEDIATE")
    cursor.execute("UPDATE hub_lease SET until_ms = until_ms + ?", (3_600_000,))
    cursor.execute("COMMIT")
    other = book.open_hub()
    assert other.lease.fence == gone.lease.fence + 1
    with pytest.raises(Exception, match="taken this book over"):
        cursor.execute("BEGIN IMMEDIATE")
    other.close()
    gone.close()


def test_a_second_hub_on_a_file_is_told_and_goes(tmp_path: Path) -> None:
    book = SqliteBook(path=tmp_path / "hub.db")
    first = book.open_hub()
    with pytest.raises(BookInUseError, match="another hub has"):
        book.open_hub()
    # A command may write beside it.
    beside = book.open_writer()
    beside.execute("BEGIN IMMEDIATE")
    beside.execute("ROLLBACK")
    beside.close()
    first.close()
    book.open_hub().close()
