"""A province's processes on this machine: one node of RabbitMQ, a PostgreSQL server with its syncs,
and workers that hear what lies in the broker's queues. Their processor time is read from outside.
"""

import asyncio
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil
import psycopg
from sqlalchemy import make_url

from bench.processes import rss_mb
from bench.server import postgres
from hearthwatch.book_change import change_book
from hearthwatch.embedded_broker import free_port
from ingest.amqp.connecting import AmqpAddress, connect
from ingest.amqp.declaring import declare
from ingest.amqp.topology import ACTIVATION, TELEMETRY, Stream
from ingest.mqtt import packets
from ingest.mqtt.session import Session, SessionConfig
from ledger.place import PostgresBook
from ledger.register import store
from ledger.roster import parse
from tests.adapters import rabbitmq

SHARDS: Final = 8
EACH: Final = 20  # homes a gateway, and readings an envelope
# A hundred thousand homes are read from the book on a machine that may do other things.
START_S: Final = 600.0
# PUBLISHes on their way; the broker says of each that it is on its disk.
_AHEAD: Final = 500
# The node of the tests is small; here a backlog has to fit.
_MEMORY: Final = "3GB"


class Fleet:
    """Broker and database; `county` makes a book of so many homes, `workers` begin on a copy."""

    def __init__(self, folder: Path, server: "rabbitmq.Server", conninfo: str, pid: int) -> None:
        self.folder, self._server, self.database = folder, server, pid
        self._url = make_url(conninfo).set(drivername="postgresql")
        self.password = folder / "broker-password"
        self.password.write_text(server.password)
        (folder / "keys").mkdir()

    def sql(self, text: str) -> None:
        url = self._url.set(database="postgres").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as raw:
            raw.execute(text.encode())

    def book(self, name: str) -> PostgresBook:
        return PostgresBook(url=self._url.set(database=name), shared=True)

    def county(self, homes: int) -> str:
        """The name of a database whose book lists them, a meter and a button each."""
        name = f"county_{homes}"
        self.sql(f"CREATE DATABASE {name}")
        roster = parse(_roster(homes))
        change_book(self.book(name), lambda unit: store(unit, roster))
        return name

    def copied(self, county: str, name: str) -> PostgresBook:
        self.sql(f"CREATE DATABASE {name} TEMPLATE {county} STRATEGY file_copy")
        return self.book(name)

    def place(self) -> rabbitmq.Place:
        """A virtual host with the queues that workers would make."""
        place = self._server.place()
        asyncio.run(_declared(place))
        return place

    def broker_s(self) -> float:
        node = self._server.node.process
        assert node is not None
        return _tree_s(node.pid)

    def database_s(self) -> float:
        return _tree_s(self.database)


@contextmanager
def fleet() -> Iterator[Fleet]:
    folder = Path(tempfile.mkdtemp(prefix="hw-fleet-"))
    folder.chmod(0o755)
    server = rabbitmq.Server(folder / "mq")
    for node in server.nodes:
        conf = node.folder / "rabbitmq.conf"
        conf.write_text(conf.read_text().replace("600MB", _MEMORY))
    try:
        server.start()
        with postgres(folder) as (conninfo, pid):
            yield Fleet(folder, server, conninfo, pid)
    finally:
        server.close()
        shutil.rmtree(folder, ignore_errors=True)


class Worker:
    """A process of `hearthwatch hub --role worker`."""

    def __init__(self, fleet: Fleet, book: PostgresBook, place: rabbitmq.Place, name: str) -> None:
        self.name, self._port = name, free_port()
        url = book.url.render_as_string(hide_password=False).replace("+psycopg", "")
        config = fleet.folder / f"{name}.toml"
        config.write_text(
            f'data_dir = "{name}"\n[http]\nport = {self._port}\n'
            f'[book]\nurl = "{url}"\nshared = true\n[readings]\nstore = "postgresql"\n'
            f'[broker]\nkind = "rabbitmq"\nhost = "127.0.0.1"\nport = {place.port}\n'
            f'username = "{place.username}"\npassword_file = "{fleet.password}"\n'
            f'client_id = "{name}"\n'
            f'[broker.rabbitmq]\nshards = {SHARDS}\nvirtual_host = "{place.virtual_host}"\n'
            f'[sealing]\nkey_file = "keys/persons.json"\n'
        )
        self._log = fleet.folder / f"{name}.log"
        command = [sys.executable, "-m", "hearthwatch", "hub", "--role", "worker"]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--config", str(config)], stdout=log, stderr=log
            )
        self._began_s = time.monotonic()

    def wait(self, statuses: Iterable[str] = ("ok",)) -> dict[str, float]:
        """Until it says that it is ready; what that took."""
        while self.status() not in statuses:
            if self.process.poll() is not None or time.monotonic() - self._began_s > START_S:
                raise SystemExit(f"{self.name} did not start: {self._log.read_text()[-3000:]}")
            time.sleep(0.05)
        return {"wall_s": time.monotonic() - self._began_s, "spent_s": self.spent_s()}

    def status(self) -> str:
        try:
            return str(json.loads(self._get("readyz"))["status"])
        except OSError:
            return "away"

    def stored(self) -> int:
        for line in self._get("metrics").decode().splitlines():
            if line.startswith("hearthwatch_readings_stored"):
                return int(float(line.split()[-1]))
        return 0

    def _get(self, path: str) -> bytes:
        address = f"http://127.0.0.1:{self._port}/{path}"
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            # Not ready: it says why.
            return error.read()

    def spent_s(self) -> float:
        return _tree_s(self.process.pid)

    def age_s(self) -> float:
        return time.monotonic() - self._began_s

    def memory_mb(self) -> float:
        return rss_mb(self.process.pid)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def fill(place: rabbitmq.Place, messages: Iterable[tuple[str, bytes]]) -> int:
    """As gateways send them, over MQTT; returns when the broker has said of each that it has it."""
    session = Session(
        SessionConfig(
            client_id="bench-fill",
            subscriptions=[],
            protocol="3.1.1",
            username=place.mqtt_username,
            password=place.password,
        )
    )
    sent = taken = 0
    with socket.create_connection(("127.0.0.1", place.mqtt_port)) as raw:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.settimeout(120)
        raw.sendall(session.connect_bytes())
        while not session.feed(raw.recv(65536)).connected:
            pass
        for topic, payload in messages:
            sent += 1
            raw.sendall(packets.publish("3.1.1", topic, payload, sent % 65_535 + 1))
            while sent - taken >= _AHEAD:
                taken += len(session.feed(raw.recv(65536)).published)
        while taken < sent:
            taken += len(session.feed(raw.recv(65536)).published)
    return sent


async def _declared(place: rabbitmq.Place) -> None:
    address = AmqpAddress(
        nodes=(("127.0.0.1", place.port),),
        username=place.username,
        password=place.password,
        virtual_host=place.virtual_host,
        name="bench",
    )
    connection = await connect(address, 0)
    for stream in (ACTIVATION, TELEMETRY):
        await declare(connection, Stream(stream, SHARDS), lambda _word, _detail: None)
    await connection.close()


def _tree_s(pid: int) -> float:
    """Processor time of a process and of those under it, that have ended too."""
    process = psutil.Process(pid)
    times: Any = process.cpu_times()
    spent = times.user + times.system + times.children_user + times.children_system
    for child in process.children(recursive=True):
        try:
            its = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        spent += its.user + its.system
    return float(spent)


def gateway_of(home: int) -> str:
    return f"gw-{home // EACH:06d}"


def _roster(homes: int) -> str:
    lines = ['[[region]]\ncode = "1"\nname = "bench"\nlevel = "county"']
    # Villages of five hundred homes.
    lines += [
        f'[[region]]\ncode = "1{n:05d}"\nname = "village {n}"\nlevel = "village"\nparent = "1"'
        for n in range(homes // 500 + 1)
    ]
    lines += [
        f'[[gateway]]\nid = "{gateway_of(n)}"\nregion = "1{n // 500:05d}"'
        for n in range(0, homes, EACH)
    ]
    for n in range(homes):
        lines.append(f'[[home]]\nid = "home-{n:07d}"\nregion = "1{n // 500:05d}"\naddress = ""')
        for kind, device in (("power", f"meter-{n:07d}"), ("sos", f"button-{n:07d}")):
            lines.append(
                f'[[home.device]]\ngateway = "{gateway_of(n)}"\ndevice = "{device}"\n'
                f'kind = "{kind}"'
            )
    return "\n".join(lines) + "\n"
