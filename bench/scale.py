"""`./dev bench --scale`: what a reading, a home and a start cost from 1,000 homes to 100,000.

Homes say their registers every quarter of an hour, in envelopes of twenty by a village's gateway,
as quickly as they are taken: envelopes are decoded, numbered, stored and folded into hours, in
SQLite and on a PostgreSQL server of its own (with its syncs), by one process or by two that share
the homes as two shards. Rules are left out (`./dev bench --engine` has them). Of the start: marks
and real states of all homes of a shard are loaded and laid into an engine.

The floor is COPY of as many readings, as plain rows without an index, in commits of the same size,
in the same run. Figures are of processor time, so that another's work on the machine is not
counted: of the process, and of the server for it.
"""

import json
import multiprocessing
import os
import struct
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import psutil
import psycopg

from bench.engine import learned_homes
from bench.engine_feed import BEGIN_MS, QUARTER_MS
from bench.server import postgres
from contract.moment import to_iso
from hearthwatch.memory import give_back
from ingest.laying_out import undisturbed
from ingest.marks import SpoolMark
from ingest.readings.pg_copy import BEGIN, END
from ingest.readings.pg_settings import PgSettings
from ingest.readings.pg_store import PgStore
from ingest.readings.port import ReadingsReader, ReadingsStore
from ingest.readings.sqlite_reader import SqliteReader
from ingest.readings.sqlite_store import SqliteStore
from ingest.urgent_lane import decode_message
from ingest.wire import Taken
from rules.config import default_rules
from rules.engine import Engine
from rules.rule import HomeFacts

SIZES: Final = (1_000, 10_000, 100_000)
# Readings of a run, at least; whole hours of all homes.
READINGS: Final = 800_000
EACH: Final = 20  # homes a gateway, and readings an envelope
# Homes that really lived; the others are given their states.
PATTERNS: Final = 10
# A commit of the lane under load.
COMMIT_MESSAGES: Final = 200
_ROW: Final = struct.Struct(">hiiiqid")


def report(sizes: tuple[int, ...]) -> None:
    rows: list[dict[str, Any]] = []
    for store in ("sqlite", "postgresql"):
        for homes in sizes:
            for processes in (1, 2) if store == "postgresql" else (1,):
                rows.append(_run(store, homes, processes))
                print(json.dumps(rows[-1]), flush=True)
    _table(rows)


def _run(store: str, homes: int, processes: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="hw-scale-") as name:
        folder = Path(name)
        if store == "sqlite":
            return _measured(str(folder / "readings.db"), None, homes, processes)
        folder.chmod(0o755)
        with postgres(folder) as (conninfo, pid):
            return _measured(conninfo, pid, homes, processes)


def _measured(place: str, server: int | None, homes: int, processes: int) -> dict[str, Any]:
    rounds = max(READINGS // homes, 9)
    rounds += -rounds % 4 + 1  # the first of the next hour has the last one folded
    each = homes // processes
    began, before_s = time.monotonic(), server_s(server)
    tasks = [(place, n, (n * each, each), rounds) for n in range(processes)]
    storing = _workers(_store, tasks)
    wall_s, spent_s = time.monotonic() - began, server_s(server) - before_s
    count = homes * rounds
    kept = _reader(place).count()
    if kept != count:
        raise SystemExit(f"{count} readings were stored and {kept} are there")
    _workers(_put_states, [(place, n, (n * each, each)) for n in range(processes)])
    starting = _workers(_start, [(place, n, (n * each, each)) for n in range(processes)])
    figures = {
        "store": "sqlite" if server is None else "postgresql",
        "homes": homes,
        "processes": processes,
        "readings": count,
        "us_a_reading": 1e6 * sum(w["spent_s"] for w in storing) / count,
        "us_of_server": 1e6 * spent_s / count,
        "stored_per_s_of_a_core": each * rounds / max(w["spent_s"] for w in storing),
        "stored_per_s_by_the_clock": count / max(w["wall_s"] for w in storing),
        "wall_s": wall_s,
        "load_average": os.getloadavg()[0],
        "start_s": max(w["start_s"] for w in starting),
        "start_spent_s": max(w["spent_s"] for w in starting),
        "kb_a_home": sum(w["bytes"] for w in starting) / homes / 1000,
    }
    if server is not None:
        figures["floor_us"], figures["floor_us_of_server"] = floor(place, server, min(count, 10**6))
    return figures


def _workers(work: Any, tasks: list[tuple[Any, ...]]) -> list[dict[str, float]]:
    """Each in a process of its own, all at once."""
    context = multiprocessing.get_context("spawn")
    pipes, started = [], []
    for task in tasks:
        near, far = context.Pipe()
        process = context.Process(target=work, args=(far, *task))
        process.start()
        far.close()
        pipes.append(near)
        started.append(process)
    found = [pipe.recv() for pipe in pipes]
    for process in started:
        process.join()
    return found


def _opened(place: str, shard: int) -> ReadingsStore:
    if place.startswith("postgresql"):
        return PgStore(PgSettings(conninfo=place), shard)
    return SqliteStore(Path(place))


def _reader(place: str) -> ReadingsReader:
    if place.startswith("postgresql"):
        from ingest.readings.pg_reader import PgReader

        return PgReader(PgSettings(conninfo=place))
    return SqliteReader(Path(place))


def _store(
    pipe: Connection, place: str, shard: int, its_homes: tuple[int, int], rounds: int
) -> None:
    """Everything between the socket and the acknowledgement but the rules."""
    first, homes = its_homes
    store = _opened(place, shard)
    marks = {m.spool: m for m in store.load_marks()}
    spent_s, wall_s = 0.0, 0.0
    for number in range(rounds):
        at_ms = BEGIN_MS + number * QUARTER_MS
        messages = [_message(first + n, at_ms, number) for n in range(0, homes, EACH)]
        began, cpu = time.monotonic(), time.process_time()
        for at in range(0, len(messages), COMMIT_MESSAGES):
            _commit(store, messages[at : at + COMMIT_MESSAGES], marks)
        # As in an idle moment.
        while store.maintain(at_ms):
            pass
        spent_s += time.process_time() - cpu
        wall_s += time.monotonic() - began
    store.close()
    pipe.send({"spent_s": spent_s, "wall_s": wall_s})


def _commit(
    store: ReadingsStore, messages: list[tuple[bytes, bytes]], marks: dict[str, SpoolMark]
) -> None:
    store.begin_batch()
    touched = []
    for topic, payload in messages:
        taken = decode_message(topic, payload)
        assert isinstance(taken, Taken)
        mark = marks.get(taken.spool)
        if mark is None:
            mark = marks[taken.spool] = SpoolMark(spool=taken.spool, gateway=taken.gateway)
        touched.append(mark)
        for item in taken.items:
            if mark.add(item.seq):
                store.add((taken.gateway, item.device, item.kind), item.measured_at_ms, item.values)
    store.write_marks(touched)
    store.commit()


def _message(home: int, at_ms: int, number: int) -> tuple[bytes, bytes]:
    gateway = f"gw-{home // EACH:05d}"
    items = []
    for n in range(EACH):
        moment = to_iso(at_ms + (home + n) % 60_000)
        items.append(
            f'{{"id":"{home + n:x}-{number:x}","seq":{number * EACH + n + 1},'
            f'"device":"meter-{home + n:07d}","kind":"power","measured_at":"{moment}",'
            f'"received_at":"{moment}","values":{{"energy_kwh":{number * 0.07:.2f}}},"attrs":{{}}}}'
        )
    envelope = (
        f'{{"v":1,"gateway":"{gateway}","spool":"spool-{gateway}",'
        f'"sent_at":"2026-11-23T08:00:00.000Z","clock":"synced","items":[{",".join(items)}]}}'
    )
    return f"hw/v1/{gateway}/telemetry".encode(), envelope.encode()


def _start(pipe: Connection, place: str, shard: int, its_homes: tuple[int, int]) -> None:
    """Marks and states from the store into an engine, as a worker begins."""
    first, homes = its_homes
    rules = default_rules()
    before = _rss_bytes()
    began, cpu = time.monotonic(), time.process_time()
    store = _opened(place, shard)
    with undisturbed():
        engine = Engine(rules, lane="readings")
        for number in range(first, first + homes):
            engine.add_home(HomeFacts(home=f"home-{number:07d}"), BEGIN_MS)
        for home, rule, state in store.load_rule_states():
            engine.restore(home, rule, state)
        engine.resume(BEGIN_MS)
        marks = list(store.load_marks())
    told = {"start_s": time.monotonic() - began, "spent_s": time.process_time() - cpu}
    if engine.take_problems() or not marks:
        raise SystemExit("a state was not taken")
    give_back()
    told["bytes"] = _rss_bytes() - before
    store.close()
    pipe.send(told)


def _put_states(pipe: Connection, place: str, shard: int, its_homes: tuple[int, int]) -> None:
    """States of homes that have lived four weeks."""
    first, homes = its_homes
    learned = learned_homes(patterns=PATTERNS)
    rules = {rule.name for rule in default_rules() if rule.kind.lane == "readings"}
    store = _opened(place, shard)
    for begin in range(first, first + homes, 1000):
        store.begin_batch()
        store.write_rule_states(
            [
                (f"home-{number:07d}", rule, state)
                for number in range(begin, min(begin + 1000, first + homes))
                for rule, state in learned[number % len(learned)].states
                if rule in rules
            ]
        )
        store.commit()
    store.close()
    pipe.send({})


def floor(conninfo: str, server: int, count: int) -> tuple[float, float]:
    """COPY of as many rows of (series, moment, value): microseconds a row here, and there."""
    size = COMMIT_MESSAGES * EACH
    with psycopg.connect(conninfo, autocommit=True) as raw:
        raw.execute("CREATE TABLE floor (series integer, at bigint, value double precision)")
        before_s, cpu = server_s(server), time.process_time()
        for at in range(0, count, size):
            rows = b"".join(
                _ROW.pack(3, 4, n, 8, BEGIN_MS + n, 8, n * 0.07) for n in range(at, at + size)
            )
            with raw.cursor().copy("COPY floor FROM STDIN (FORMAT binary)") as copy:
                copy.write(BEGIN + rows + END)
        spent_s = time.process_time() - cpu
        its_s = server_s(server) - before_s
    return 1e6 * spent_s / count, 1e6 * its_s / count


def server_s(pid: int | None) -> float:
    """Processor time of a server, of its processes that have ended too."""
    if pid is None:
        return 0.0
    process = psutil.Process(pid)
    times = process.cpu_times()
    spent = times.user + times.system + times.children_user + times.children_system
    for child in process.children():
        its = child.cpu_times()
        spent += its.user + its.system
    return float(spent)


def _rss_bytes() -> int:
    return int(psutil.Process().memory_info().rss)


def _table(rows: list[dict[str, Any]]) -> None:
    print(
        "\n| store | homes | processes | us a reading | of it the server"
        " | readings/s of a core | floor, us | start | kB a home | load |"
        "\n|---|---|---|---|---|---|---|---|---|---|"
    )
    for row in rows:
        floor = f"{row['floor_us'] + row['floor_us_of_server']:.1f}" if "floor_us" in row else ""
        total = row["us_a_reading"] + row["us_of_server"]
        print(
            f"| {row['store']} | {row['homes']:,} | {row['processes']} | {total:.1f}"
            f" | {row['us_of_server']:.1f} | {row['stored_per_s_of_a_core']:,.0f} | {floor}"
            f" | {row['start_s']:.1f} s ({row['start_spent_s']:.1f}) | {row['kb_a_home']:.1f}"
            f" | {row['load_average']:.1f} |"
        )
