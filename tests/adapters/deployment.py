"""What the real programs of a test run on: SQLite and mosquitto on one machine, or PostgreSQL and
RabbitMQ. A test is the same on both."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final, Protocol

from hearthwatch import embedded_broker
from ledger.place import Place, SqliteBook
from tests.adapters.postgres import Postgres
from tests.adapters.rabbitmq import Node, Server
from tests.adapters.rows import rows_of
from tests.adapters.tiny_disk import tiny_disk

# Small: what a village or a county has. Cluster: what a province has, with one hub here.
SMALL: Final = "mosquitto"
CLUSTER: Final = "rabbitmq"
NAMES: Final = (SMALL, CLUSTER)


class Broker(Protocol):
    """Can be killed without warning and comes back with its address."""

    log: Path

    def start(self) -> None: ...

    def kill(self) -> None: ...

    def stop(self) -> None: ...


class Deployment(Protocol):
    """`hub_toml` and `uplink_toml` are whole tables; `book` as a command beside the hub has it."""

    book: Place
    hub_toml: str
    uplink_toml: str

    def rows(self, sql: str) -> list[Any]:
        """What is in the book; nothing while it has no tables."""
        ...

    def small_disk(self, size: int) -> AbstractContextManager[Path]:
        """What the book lies on has no more room than this; before anything is in the book."""
        ...

    def forget_book(self) -> None:
        """The disk with the book and the readings is gone; nobody uses it now."""
        ...

    def stored(self) -> list[Path]:
        """Where book and broker keep what they have, beside the folder of the test."""
        ...


class OneMachine:
    """A mosquitto of its own in `folder`, and a file."""

    def __init__(self, folder: Path) -> None:
        self.broker = embedded_broker.start(folder / "broker")
        self._path = folder / "hub" / "hub.db"
        self.book: Place = SqliteBook(path=self._path)
        login = (
            f'host = "127.0.0.1"\nport = {self.broker.port}\n'
            f'username = "{self.broker.username}"\npassword_file = "{self.broker.password_file}"\n'
        )
        self.hub_toml = f"[broker]\n{login}"
        self.uplink_toml = f"[uplink]\n{login}"
        # It is started again as a program of the test's, with the configuration it was given.
        self.broker.process.kill()
        self.broker.process.wait()

    def rows(self, sql: str) -> list[Any]:
        return rows_of(self._path, sql)

    def small_disk(self, size: int) -> AbstractContextManager[Path]:
        return tiny_disk(self._path.parent, size)

    def forget_book(self) -> None:
        for file in self._path.parent.glob("hub.db*"):
            file.unlink()
        forget_readings(self._path.parent)

    def stored(self) -> list[Path]:
        return []


class Cluster:
    """A virtual host in the run's one RabbitMQ, and a database in its one PostgreSQL."""

    def __init__(self, folder: Path, postgres: Postgres, rabbitmq: Server) -> None:
        place = rabbitmq.place()
        self.node = rabbitmq.node
        self._folder = folder
        self._book = postgres.empty()
        self.book: Place = self._book
        password = folder / "broker-password"
        password.write_text(place.password)
        url = self._book.url.render_as_string(hide_password=False).replace("+psycopg", "")
        self.hub_toml = (
            f'[book]\nurl = "{url}"\n'
            f'[broker]\nkind = "rabbitmq"\nhost = "127.0.0.1"\nport = {place.port}\n'
            f'username = "{place.username}"\npassword_file = "{password}"\n'
            f'[broker.rabbitmq]\nshards = 2\nvirtual_host = "{place.virtual_host}"\n'
        )
        self.uplink_toml = (
            f'[uplink]\nhost = "127.0.0.1"\nport = {place.mqtt_port}\nprotocol = "3.1.1"\n'
            f'keep_session = false\nusername = "{place.mqtt_username}"\n'
            f'password_file = "{password}"\n'
        )
        self._postgres = postgres

    def rows(self, sql: str) -> list[Any]:
        import psycopg

        try:
            return self._postgres.sql(sql, self._book.url.database)
        except psycopg.errors.UndefinedTable:
            return []

    def small_disk(self, size: int) -> AbstractContextManager[Path]:
        return self._postgres.small_disk(self._book, size)

    def forget_book(self) -> None:
        self._postgres.forget(self._book)
        forget_readings(self._folder / "hub")

    def stored(self) -> list[Path]:
        self._postgres.sql("CHECKPOINT")
        return [self._postgres.folder, self.node.folder]


def forget_readings(folder: Path) -> None:
    for file in folder.glob("readings*"):
        file.unlink()


class SharedNode:
    """The run's one RabbitMQ as a program of this test: it may kill it, and leaves it running."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.log = node.log

    def start(self) -> None:
        assert self._node.process is not None
        if self._node.process.poll() is not None:
            self._node.start()

    def kill(self) -> None:
        self._node.kill()

    def stop(self) -> None:
        """The next test finds it as this one did."""
        self.start()
        self._node.wait()
