"""The hub on a drive whose power is cut: the product's own `Hub`, with book and keys. Presses
are handed to it as by its broker, alarms are taken by a person, until it is killed."""

import asyncio
import contextlib
import random
import sqlite3
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from contract.codec import decode_ack, encode_envelope
from contract.envelope import Envelope
from contract.item import Item
from hearthwatch.clock import PlannedClock
from hearthwatch.hub import Hub
from hearthwatch.hub_config import load
from ledger.cursor import Connection
from ledger.schema import ALARM
from ledger.unit_of_work import UnitOfWork
from rules.config import default_rules
from tests.powercut import told

HOMES = 40
# Messages handed and not yet acknowledged.
AHEAD_MAX = 4
OPEN = f"SELECT id FROM {ALARM.name} WHERE state = 'open' LIMIT 1"  # noqa: S608 - own text
# A broker that isn't there, and a page that nobody opens.
CONFIG = """
data_dir = "{data}"
homes = "{roster}"
{book}
[http]
port = {port}
[broker]
host = "127.0.0.1"
port = 1
"""


def roster() -> str:
    homes = "".join(
        f'[[home]]\nid = "home-{n}"\nregion = "1"\naddress = "三里垭村四组 {n} 号"\n'
        f'[[home.device]]\ngateway = "gw-1"\ndevice = "button-{n}"\nkind = "sos"\n'
        for n in range(HOMES)
    )
    return (
        '[[region]]\ncode = "1"\nname = "county"\nlevel = "county"\n'
        f'[[gateway]]\nid = "gw-1"\nregion = "1"\n{homes}'
    )


class Village:
    """A gateway's uplink and a duty desk, as the hub meets them."""

    def __init__(self, hub: Hub, life: int, rng: random.Random) -> None:
        self._hub, self._rng = hub, rng
        self._spool = f"spool-{life}"
        self._seq = 0
        self._numbers: dict[str, int] = {}
        self._ahead = asyncio.Semaphore(AHEAD_MAX)

    async def press(self) -> None:
        while True:
            await self._ahead.acquire()
            items = [self._item() for _press in range(self._rng.randint(1, 6))]
            envelope = Envelope(
                gateway="gw-1",
                spool=self._spool,
                sent_at_ms=wall_ms(),
                clock="synced",
                items=tuple(items),
            )
            message = (b"hw/v1/gw-1/activation", encode_envelope(envelope), 1)
            self._hub.urgent.on_messages([message], self, self)

    def _item(self) -> Item:
        self._seq += 1
        name = f"{self._spool}-{self._seq}"
        self._numbers[name] = self._seq
        return Item(
            id=name,
            seq=self._seq,
            device=f"button-{self._rng.randrange(HOMES)}",
            kind="sos",
            measured_at_ms=wall_ms(),
            received_at_ms=wall_ms(),
            values={},
            attrs={"action": "press"},
        )

    def publish_soon(self, topic: str, payload: bytes) -> bool:
        """The application acknowledgement: now a gateway may forget."""
        if topic.endswith("/ack"):
            ids = decode_ack(payload).ids
            told.accepted("event", [(self._numbers.pop(name), name) for name in ids])
        return True

    def ack(self, packet_ids: Sequence[int]) -> None:
        self._ahead.release()

    async def take(self) -> None:
        """Somebody at the desk takes one alarm after the other, and is told that it is hers."""
        number = 0
        while True:
            taken = await self._hub.writer.change(self._take_one)
            if taken is not None:
                number += 1
                told.accepted("taken", [(number, taken)])
            await asyncio.sleep(0.02)

    def _take_one(self, unit: UnitOfWork) -> str | None:
        row = unit.execute(OPEN).fetchone()
        if row is None:
            return None
        self._hub.book.acknowledge(unit, row[0], "duty1")
        return str(row[0])


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


def plant(connection: Connection, level: str) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute(f"PRAGMA synchronous={level}")
    else:
        connection.cursor().execute("SET synchronous_commit = off")


async def main(config_path: Path, level: str, seed: int) -> None:
    told.keep_pipe_clean()
    config = load(config_path)
    hub = Hub(config, PlannedClock(), default_rules())
    if level != "FULL":
        plant(hub.connection, level)
    village = Village(hub, seed, random.Random(seed))
    parts: list[asyncio.Task[None]] = []

    def ready() -> None:
        parts.extend(asyncio.ensure_future(part) for part in (village.press(), village.take()))

    with contextlib.suppress(BrokenPipeError):
        await hub.run(asyncio.Event(), ready)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
