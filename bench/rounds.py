"""`./dev bench --rounds`: whether a reading with all rules costs the same however many homes.

Homes that have lived four weeks go on living: each says its register every quarter of an hour, in
envelopes of twenty, and the hub's own batch decodes, numbers, stores, judges and commits them, 200
envelopes at a time, with the readings on a PostgreSQL server of its own. The clock is the homes',
so that no commit has two readings of a home and none is late, at any size. (Of a backlog a home's
quarter-hours are judged and written together: `--workers`.) Few homes are measured as several
counties, one after the other, until there are as many readings.

Processor time, of the process and of the server for it; the broker is left out. The first quarter
hours, in which the homes' states are read, are shown apart.
"""

import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import psycopg

from bench.engine import learned_homes
from bench.engine_feed import BEGIN_MS, QUARTER_MS, Learned
from bench.scale import COMMIT_MESSAGES, EACH, PATTERNS, floor, server_s
from bench.server import postgres
from contract.moment import to_iso
from hearthwatch.book_change import change_book
from hearthwatch.clock import PlannedClock
from hearthwatch.hub import Hub
from hearthwatch.hub_config import HubConfig
from hearthwatch.memory import settle
from hearthwatch.readings_config import ReadingsConfig
from hearthwatch.roles import ROLES
from ingest.readings.pg_settings import PgSettings
from ingest.readings.pg_store import PgStore
from ingest.readings_batch import ReadingsBatch
from ingest.urgent_lane import decode_message
from ingest.wire import Taken
from ledger.place import SqliteBook
from ledger.register import store
from ledger.roster import parse
from rules.config import default_rules

SIZES: Final = (1_000, 10_000, 100_000)
# In which every state is read once.
WAKING: Final = 2
MEASURED: Final = 8
# Readings of a size, at least.
READINGS: Final = 160_000


@dataclass(slots=True)
class Spent:
    """Seconds of processor time, here and at the server, and readings."""

    ours_s: float = 0.0
    server_s: float = 0.0
    readings: int = 0

    def us(self) -> tuple[float, float]:
        return 1e6 * self.ours_s / self.readings, 1e6 * self.server_s / self.readings


class Server(NamedTuple):
    folder: Path
    conninfo: str
    pid: int


class HomesClock(PlannedClock):
    """Stands where the homes are."""

    def __init__(self) -> None:
        super().__init__()
        self.at_ms = BEGIN_MS

    def now_ms(self) -> int:
        return self.at_ms


def report(homes: int | None) -> None:
    learned = learned_homes(patterns=PATTERNS)
    rows = []
    for size in SIZES if homes is None else (homes,):
        rows.append(_of_size(size, learned))
        print(json.dumps(rows[-1]), flush=True)
    print(
        "\n| homes | counties | readings | us a reading | of it the server | floor"
        " | while states are read | start | load |\n|---|---|---|---|---|---|---|---|---|"
    )
    for row in rows:
        print(
            f"| {row['homes']:,} | {row['counties']} | {row['readings']:,}"
            f" | {row['us'] + row['us_of_server']:.1f} | {row['us_of_server']:.1f}"
            f" | {row['floor_us']:.1f} | {row['waking_us']:.0f}"
            f" | {row['start_s']:.1f} s ({row['start_spent_s']:.1f}) | {row['load_average']:.1f} |"
        )


def _of_size(homes: int, learned: list[Learned]) -> dict[str, Any]:
    counties = max(1, READINGS // (homes * MEASURED))
    waking, awake = Spent(), Spent()
    floors, started = [], (0.0, 0.0)
    for _county in range(counties):
        with tempfile.TemporaryDirectory(prefix="hw-rounds-") as name:
            folder = Path(name)
            folder.chmod(0o755)
            with postgres(folder) as (conninfo, pid):
                server = Server(folder, conninfo, pid)
                # First: afterwards the server tidies up behind the homes.
                floors.append(sum(floor(conninfo, pid, COMMIT_MESSAGES * EACH * 10)))
                started = _live(server, homes, learned, (waking, awake))
    us, us_of_server = awake.us()
    return {
        "homes": homes,
        "counties": counties,
        "readings": awake.readings,
        "us": us,
        "us_of_server": us_of_server,
        "waking_us": sum(waking.us()),
        "floor_us": sorted(floors)[len(floors) // 2],
        "start_s": started[0],
        "start_spent_s": started[1],
        "load_average": os.getloadavg()[0],
    }


def _live(
    server: Server, homes: int, learned: list[Learned], spending: tuple[Spent, Spent]
) -> tuple[float, float]:
    """A county; `spending`: while states are read, and afterwards. What the hub's start took:
    seconds by the clock, and of the processor."""
    clock = HomesClock()
    _put_states(server.conninfo, homes, learned)
    book = SqliteBook(path=server.folder / "hub.db")
    roster = parse(_roster(homes))
    change_book(book, lambda unit: store(unit, roster))
    readings = ReadingsConfig(store="postgresql", postgres=PgSettings(conninfo=server.conninfo))
    config = HubConfig(data_dir=server.folder / "hub", book=book, readings=readings)
    began, cpu = time.monotonic(), time.process_time()
    hub = Hub(config, clock, default_rules(), book.open_hub(), ROLES["all"])
    started = (time.monotonic() - began, time.process_time() - cpu)
    try:
        settle()
        for number in range(WAKING + MEASURED):
            clock.at_ms += QUARTER_MS
            messages = _messages(homes, learned, clock.at_ms, number)
            spent = spending[number >= WAKING]
            before, cpu = server_s(server.pid), time.process_time()
            for at in range(0, len(messages), COMMIT_MESSAGES):
                _commit(hub.batch, messages[at : at + COMMIT_MESSAGES])
            hub.batch.maintain()
            # As a hub does every minute.
            settle()
            spent.ours_s += time.process_time() - cpu
            spent.server_s += server_s(server.pid) - before
            spent.readings += homes
        if hub.batch.stored != homes * (WAKING + MEASURED):
            raise SystemExit(f"{hub.batch.stored} readings were stored")
    finally:
        hub.close()
    return started


def _commit(batch: ReadingsBatch, messages: list[tuple[bytes, bytes]]) -> None:
    batch.begin()
    for topic, payload in messages:
        taken = decode_message(topic, payload)
        assert isinstance(taken, Taken)
        batch.take(taken)
    batch.commit()


def _put_states(conninfo: str, homes: int, learned: list[Learned]) -> None:
    rules = {rule.name for rule in default_rules() if rule.kind.lane == "readings"}
    its = PgStore(PgSettings(conninfo=conninfo), 0)
    for begin in range(0, homes, 1000):
        its.begin_batch()
        its.write_rule_states(
            [
                (_home(number), rule, state)
                for number in range(begin, min(begin + 1000, homes))
                for rule, state in learned[number % len(learned)].states
                if rule in rules
            ]
        )
        its.commit()
    its.close()
    # What the server would still do after so many rows at once is not the homes' doing.
    with psycopg.connect(conninfo, autocommit=True) as raw:
        raw.execute("VACUUM (ANALYZE) readings.rule_state")
        raw.execute("CHECKPOINT")


def _home(number: int) -> str:
    return f"home-{number:07d}"


def _roster(homes: int) -> str:
    lines = ['[[region]]\ncode = "1"\nname = "bench"\nlevel = "county"']
    lines += [f'[[gateway]]\nid = "gw-{n:05d}"\nregion = "1"' for n in range(homes // EACH)]
    for n in range(homes):
        lines.append(
            f'[[home]]\nid = "{_home(n)}"\nregion = "1"\naddress = ""\n'
            f'[[home.device]]\ngateway = "gw-{n // EACH:05d}"\ndevice = "meter-{n:07d}"\n'
            f'kind = "power"'
        )
    return "\n".join(lines) + "\n"


def _messages(
    homes: int, learned: list[Learned], at_ms: int, number: int
) -> list[tuple[bytes, bytes]]:
    moment = to_iso(at_ms)
    registers = [f"{one.register(at_ms):.3f}" for one in learned]
    found = []
    for first in range(0, homes, EACH):
        items = ",".join(
            f'{{"id":"{home:x}-{number:x}","seq":{number * EACH + home - first + 1},'
            f'"device":"meter-{home:07d}","kind":"power","measured_at":"{moment}",'
            f'"received_at":"{moment}","values":{{"energy_kwh":{registers[home % len(learned)]}}},'
            f'"attrs":{{}}}}'
            for home in range(first, first + EACH)
        )
        gateway = f"gw-{first // EACH:05d}"
        envelope = (
            f'{{"v":1,"gateway":"{gateway}","spool":"spool-{gateway}","sent_at":"{moment}",'
            f'"clock":"synced","items":[{items}]}}'
        )
        found.append((f"hw/v1/{gateway}/telemetry".encode(), envelope.encode()))
    return found
