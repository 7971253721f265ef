"""`./dev bench --units`: what a message, a heartbeat, a reading and a call cost on RabbitMQ and
PostgreSQL, each by itself: the constants of `docs/capacity.py`.

Processor time of this process and of the servers, so that another's work on the machine is not
counted; bytes as the server says them. One node, one server, no syncs (they cost no processor).
"""

import asyncio
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil
from aio_pika import Message as Outgoing
from aio_pika import connect

from bench.shared_book import HOMES, KINDS, _hubs, _press
from contract.envelope import Status
from hearthwatch.clock import load_clock
from hearthwatch.hub import Hub
from ingest.amqp.blocking_client import BlockingAmqpClient
from ingest.amqp.connecting import AmqpAddress
from ingest.amqp.line import Sources
from ingest.amqp.topology import TELEMETRY, Stream
from ingest.readings.pg_settings import PgSettings
from ingest.readings.pg_store import PgStore
from ledger.place import PostgresBook
from ledger.unit_of_work import UnitOfWork
from tests.adapters.postgres import Postgres, postgres_server
from tests.adapters.rabbitmq import Place, Server, rabbitmq_server
from tests.results import write_result

MESSAGES: Final = 5_000
GATEWAYS: Final = 1_000
HEARTBEATS: Final = 4
SERIES: Final = 500
HOURS: Final = 25
QUARTER_MS: Final = 900_000
BEGIN_MS: Final = 1_795_363_200_000
SHARDS: Final = 4
_SIZE: Final = (
    "SELECT COALESCE(sum(pg_total_relation_size(inhrelid)), 0)::bigint FROM pg_inherits"
    " WHERE inhparent = 'readings.{}'::regclass"
)
# A heartbeat's size, and a reading's by itself.
BODY: Final = b"x" * 300


@dataclass
class Spent:
    """Microseconds of processor, of this process and of the server beside it; `turn_us`: of both
    where they take turns, which is how long the book is held on a machine that does nothing else.
    """

    ours_us: float = 0.0
    servers_us: float = 0.0

    @property
    def figures(self) -> dict[str, float]:
        return {
            "ours_us": self.ours_us,
            "servers_us": self.servers_us,
            "turn_us": self.ours_us + self.servers_us,
        }


def report(result: Path | None = None) -> None:
    found: dict[str, Any] = {"load_average": os.getloadavg()[0]}
    with postgres_server() as postgres, tempfile.TemporaryDirectory() as folder:
        found["heartbeat_written"] = _heartbeats(postgres, Path(folder)).figures
        found["call"] = _calls(postgres, Path(folder) / "calls")
        found["reading"] = _readings(postgres.empty())
        print(json.dumps(found), flush=True)
    with rabbitmq_server() as server:
        for name, leaf in (("message", "telemetry"), ("heartbeat_relayed", "status")):
            found[name] = _received(server, leaf).figures
            print(json.dumps({name: found[name]}), flush=True)
    print(json.dumps(found, indent=1))
    if result is not None:
        write_result(result, command="./dev bench --units", seed=0, counts=found)


@contextmanager
def _spending(pids: list[int], count: int, spent: Spent) -> Iterator[None]:
    ours, servers = time.process_time(), _cpu_s(pids)
    yield
    spent.ours_us = 1e6 * (time.process_time() - ours) / count
    spent.servers_us = 1e6 * (_cpu_s(pids) - servers) / count


def _cpu_s(pids: list[int]) -> float:
    total = 0.0
    for pid in pids:
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            try:
                times = one.cpu_times()
            except psutil.Error:
                continue
            total += times.user + times.system
        # Of connections that have ended meanwhile.
        times = process.cpu_times()
        total += times.children_user + times.children_system
    return total


# Through RabbitMQ: what a worker spends from the broker's frame to its lane's hand, and back.


def _received(server: Server, leaf: str) -> Spent:
    place = server.place()
    address = AmqpAddress(
        nodes=(("127.0.0.1", place.port),), username=place.username, password=place.password,
        virtual_host=place.virtual_host,
    )  # fmt: skip
    sources = Sources(stream=Stream(TELEMETRY, SHARDS), window=500)
    client = BlockingAmqpClient(address, sources, lambda *_words: None)
    client.connect()
    assert server.node.process is not None
    teller = multiprocessing.get_context("spawn").Process(target=_tell, args=(place, leaf))
    spent = Spent()
    with _spending([server.node.process.pid], MESSAGES, spent):
        teller.start()
        came = 0
        while came < MESSAGES:
            messages = client.receive(1.0).messages
            client.ack([number for _topic, _payload, number in messages if number])
            came += len(messages)
    teller.join()
    client.close()
    return spent


def _tell(place: Place, leaf: str) -> None:
    asyncio.run(_publish(place, leaf))


async def _publish(place: Place, leaf: str) -> None:
    line = await connect(
        host="127.0.0.1", port=place.port, login=place.username, password=place.password,
        virtualhost=place.virtual_host,
    )  # fmt: skip
    channel = await line.channel(publisher_confirms=False)
    exchange = await channel.get_exchange("amq.topic")
    for number in range(MESSAGES):
        key = f"hw.v1.gw-{number % GATEWAYS:05}.{leaf}"
        await exchange.publish(Outgoing(BODY, delivery_mode=2), key)
    await line.close()


# At the book.


def _heartbeats(postgres: Postgres, folder: Path) -> Spent:
    """A portion of heartbeats as the lane hands them over, written in one transaction."""
    with _hub(postgres.fresh(), folder) as hub:
        statuses = [
            Status(gateway=f"gw-{n:05}", online=True, spool="s", last_seq=1, version="1")
            for n in range(GATEWAYS)
        ]

        def all_of_them(unit: UnitOfWork) -> None:
            for status in statuses:
                hub.presence.status(status, BEGIN_MS)
            hub.presence.flush(unit)

        hub.writer.submit(all_of_them).result(300)
        spent = Spent()
        with _spending([_pid(postgres)], GATEWAYS * HEARTBEATS, spent):
            for _ in range(HEARTBEATS):
                hub.writer.submit(all_of_them).result(300)
    return spent


def _calls(postgres: Postgres, folder: Path) -> dict[str, float]:
    """Each opens an alarm and its task."""
    book = postgres.fresh()
    clock = load_clock(None)
    spent = Spent()
    with _hub(book, folder) as hub:
        size = _sized(postgres, book)
        with _spending([_pid(postgres)], HOMES, spent):
            for number in range(HOMES):
                _press(hub, number, clock.now_ms())
        grown = _sized(postgres, book) - size
    return {**spent.figures, "bytes": grown / HOMES}


@contextmanager
def _hub(book: PostgresBook, folder: Path) -> Iterator[Hub]:
    [hub] = _hubs(folder, book, KINDS[1], load_clock(None))
    try:
        yield hub
    finally:
        hub.close()


def _readings(book: PostgresBook) -> dict[str, float]:
    """A register each quarter of an hour, folded into hours: bytes of both tables, with indexes."""
    store = PgStore(PgSettings(conninfo=book.conninfo()))
    for quarter in range(HOURS * 4):
        at_ms = BEGIN_MS + quarter * QUARTER_MS
        store.begin_batch()
        for series in range(SERIES):
            key = (f"gw-{series // 20}", f"meter-{series}", "energy")
            store.add(key, at_ms, {"energy_kwh": 100.0 + quarter * 0.1})
        store.commit()
        while store.maintain(at_ms):
            continue
    store.close()
    with book.open_copier().connect() as connection:
        chunks, hours = (
            int(connection.exec_driver_sql(_SIZE.format(table)).scalar_one())
            for table in ("chunk", "hour")
        )
        rows = int(connection.exec_driver_sql("SELECT count(*) FROM readings.hour").scalar_one())
    return {"chunk_bytes_an_hour": chunks / rows, "hour_bytes": hours / rows, "rows": rows}


def _pid(postgres: Postgres) -> int:
    """Of the server, whose connections are its children."""
    [(folder,)] = postgres.sql("SHOW data_directory")
    return int((Path(str(folder)) / "postmaster.pid").read_text().split()[0])


def _sized(postgres: Postgres, book: PostgresBook) -> float:
    postgres.sql("VACUUM", book.url.database)
    [(size,)] = postgres.sql("SELECT pg_database_size(current_database())", book.url.database)
    return float(str(size))
