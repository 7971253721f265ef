"""`./dev bench --workers`: how fast one worker and two take what lies in the broker's queues.

Homes' registers, in envelopes of twenty, are put into RabbitMQ over MQTT as gateways would; then
workers are started on a book that lists the homes, with all rules and the readings on PostgreSQL.
Measured is what passes from the moment when all of them have had time to share the shards, and each
home has been made and has said its first hour, until nearly all is stored: readings a second by the
clock, and of each process (workers, broker, database) its processor time a reading, as they share
the machine's processors. What was stored is counted afterwards. Then one worker is started anew,
with the states of all homes in the store.

Floors, in the same run: the broker's own drain of as many messages to a client that looks at
nothing, and COPY of as many plain rows into the same server.
"""

import asyncio
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiormq.abc import DeliveredMessage

from bench.fleet import EACH, SHARDS, Fleet, Worker, fill, fleet, gateway_of
from bench.scale import floor
from contract.moment import to_iso
from ingest.amqp.connecting import AmqpAddress, connect
from ingest.amqp.topology import TELEMETRY, Stream
from ingest.readings.pg_reader import PgReader
from ingest.readings.pg_settings import PgSettings
from tests.adapters import rabbitmq

SIZES: Final = ((1_000, 1), (10_000, 1), (100_000, 1), (100_000, 2))
READINGS: Final = 1_600_000
# Homes say their registers so often, and the last of them lately.
QUARTER_MS: Final = 900_000
# Of homes that are new to the rules: two days of a few are as many readings as some hours of many.
ROUNDS_MAX: Final = 192
# A home is made, its first states written and its first hour begun once in its life: no part of
# what a reading costs, and among few rounds it would be most of it.
FIRST_ROUNDS: Final = 5
# Workers that began one after the other have shared the shards by then.
SETTLE_S: Final = 25.0
# The end of a backlog is shards that are empty already.
UNTIL_SHARE: Final = 0.95
LOOK_S: Final = 0.5
STALLED_S: Final = 120.0
# Of the figure for a start anew, which is seconds.
STORED_LOOK_S: Final = 0.05
# What is given to the floors.
FLOOR_MESSAGES: Final = 10_000
FLOOR_ROWS: Final = 200_000
# What a million homes say in a second: their registers, all that the field's homes say (2.9 items a
# quarter of an hour), and a reading of each every half minute.
RATES_OF_A_MILLION: Final = (
    ("a register every quarter of an hour", 1e6 / 900),
    ("the field's mix", 2.9e6 / 900),
    ("one every half minute", 1e6 / 30),
)
# What a home uses in a quarter of an hour: up to 800 W.
_STEPS: Final = tuple(n * 6 % 11 * 0.02 for n in range(11))
# A worker that was started anew has heard so many gateways once it is at work.
FIRST: Final = 16


@dataclass(frozen=True, slots=True)
class Look:
    """What was stored at a moment, and what each process had spent until then."""

    at_s: float
    stored: tuple[int, ...]
    workers_s: tuple[float, ...]
    broker_s: float
    database_s: float


def report(homes: int | None, readings: int = READINGS) -> None:
    sizes = SIZES if homes is None else ((homes, 1), (homes, 2))
    rows = []
    with fleet() as its:
        floors = _floors(its)
        print(json.dumps(floors), flush=True)
        counties: dict[int, str] = {}
        for size, workers in sizes:
            county = counties.get(size) or counties.setdefault(size, its.county(size))
            rows.append(_run(its, county, size, workers, readings))
            print(json.dumps(rows[-1]), flush=True)
    _table(rows, floors)
    _million(rows)


def _run(its: Fleet, county: str, homes: int, count: int, readings: int) -> dict[str, Any]:
    place = its.place()
    book = its.copied(county, f"run_{homes}_{count}")
    rounds = min(max(1, readings // homes), ROUNDS_MAX)
    spent_s, began_s = its.broker_s(), time.monotonic()
    sent = fill(place, _backlog(homes, rounds))
    filled_s, taking_in_s = time.monotonic() - began_s, its.broker_s() - spent_s
    workers = [Worker(its, book, place, f"w{homes}-{count}-{n}") for n in range(count)]
    try:
        begun = [worker.wait(("ok", "standby")) for worker in workers]
        first, last = _drained(its, workers, sent * EACH, FIRST_ROUNDS * homes)
        memory_mb = [worker.memory_mb() for worker in workers]
    finally:
        for worker in workers:
            worker.stop()
    reader = PgReader(PgSettings(conninfo=book.conninfo()))
    kept = reader.count()
    if kept != sent * EACH:
        raise SystemExit(f"{sent * EACH} readings were sent and {kept} are there")
    again = _started_again(its, book, place, homes, rounds)
    return {
        "homes": homes,
        "workers": count,
        "readings": sent * EACH,
        "rounds": rounds,
        "filled_per_s": sent * EACH / filled_s,
        "us_of_broker_in": 1e6 * taking_in_s / (sent * EACH),
        **figures(first, last),
        "first_start_spent_s": max(w["spent_s"] for w in begun),
        "again_wall_s": again["wall_s"],
        "again_ready_spent_s": again["ready_spent_s"],
        "again_spent_s": again["spent_s"],
        "worker_mb": memory_mb,
        "again_mb": again["memory_mb"],
        "load_average": os.getloadavg()[0],
    }


def figures(first: Look, last: Look) -> dict[str, Any]:
    each = [b - a for a, b in zip(first.stored, last.stored, strict=True)]
    count = max(1, sum(each))
    spent = [b - a for a, b in zip(first.workers_s, last.workers_s, strict=True)]
    return {
        "measured": sum(each),
        "by_worker": each,
        "measured_s": last.at_s - first.at_s,
        "per_s": sum(each) / (last.at_s - first.at_s),
        "us_of_workers": 1e6 * sum(spent) / count,
        "us_of_broker": 1e6 * (last.broker_s - first.broker_s) / count,
        "us_of_database": 1e6 * (last.database_s - first.database_s) / count,
    }


def _drained(its: Fleet, workers: Sequence[Worker], wanted: int, made: int) -> tuple[Look, Look]:
    """What was at the beginning and at the end of what is measured; returns when all is stored."""
    settled_s = time.monotonic() + (SETTLE_S if len(workers) > 1 else 2.0)
    first: Look | None = None
    last = now = look(its, workers)
    moved_s = time.monotonic()
    while sum(now.stored) < wanted:
        time.sleep(LOOK_S)
        before, now = now, look(its, workers)
        if sum(now.stored) > sum(before.stored):
            moved_s = now.at_s
        elif now.at_s - moved_s > STALLED_S:
            raise SystemExit(f"{sum(now.stored)} of {wanted} readings were stored, then nothing")
        if first is None and now.at_s >= settled_s and sum(now.stored) >= made:
            first = now
        if sum(now.stored) <= UNTIL_SHARE * wanted or first is None:
            last = now
    if first is None or last.at_s <= first.at_s:
        raise SystemExit("stored before anything was measured: give it more --readings")
    return first, last


def look(its: Fleet, workers: Sequence[Worker]) -> Look:
    return Look(
        at_s=time.monotonic(),
        stored=tuple(worker.stored() for worker in workers),
        workers_s=tuple(worker.spent_s() for worker in workers),
        broker_s=its.broker_s(),
        database_s=its.database_s(),
    )


def _started_again(
    its: Fleet, book: Any, place: rabbitmq.Place, homes: int, rounds: int
) -> dict[str, float]:
    """From the command until a worker that has all states to read is ready for presses, and to its
    first readings."""
    worker = Worker(its, book, place, f"again-{book.url.database}")
    try:
        ready = worker.wait()
        step = max(EACH, homes // FIRST // EACH * EACH)
        now_ms = time.time_ns() // 1_000_000
        fill(place, (message(home, now_ms, rounds, 1) for home in range(0, homes, step)))
        stored_at_least(min(FIRST, homes // step), worker.stored, time.monotonic, time.sleep)
        told = {"spent_s": worker.spent_s(), "wall_s": worker.age_s()}
        told["memory_mb"] = worker.memory_mb()
        told["ready_spent_s"] = ready["spent_s"]
    finally:
        worker.stop()
    return told


def stored_at_least(
    wanted: int,
    stored: Callable[[], int],
    monotonic: Callable[[], float],
    pause: Callable[[float], None],
) -> None:
    """SystemExit when no more comes, as of a worker that was given no shard."""
    most, moved_s = 0, monotonic()
    while (now := stored()) < wanted:
        if now > most:
            most, moved_s = now, monotonic()
        elif monotonic() - moved_s > STALLED_S:
            raise SystemExit(f"{now} of {wanted} readings were stored, then nothing")
        pause(STORED_LOOK_S)


def _backlog(homes: int, rounds: int) -> Iterator[tuple[str, bytes]]:
    """Round by round: what all homes said in a quarter of an hour."""
    now_ms = time.time_ns() // 1_000_000
    for number in range(rounds):
        at_ms = now_ms - (rounds - number) * QUARTER_MS
        for home in range(0, homes, EACH):
            yield message(home, at_ms, number, EACH)


def message(home: int, at_ms: int, number: int, each: int) -> tuple[str, bytes]:
    gateway = gateway_of(home)
    items = []
    for n in range(each):
        moment = to_iso(at_ms + (home + n) % 60_000)
        kwh = _register(home + n, number)
        items.append(
            f'{{"id":"{home + n:x}-{number:x}","seq":{number * EACH + n + 1},'
            f'"device":"meter-{home + n:07d}","kind":"power","measured_at":"{moment}",'
            f'"received_at":"{moment}","values":{{"energy_kwh":{kwh:.2f}}},"attrs":{{}}}}'
        )
    envelope = (
        f'{{"v":1,"gateway":"{gateway}","spool":"spool-{gateway}",'
        f'"sent_at":"{to_iso(at_ms)}","clock":"synced","items":[{",".join(items)}]}}'
    )
    return f"hw/v1/{gateway}/telemetry", envelope.encode()


def _register(home: int, number: int) -> float:
    """Kilowatt-hours after so many quarter-hours, none as the one before nor as a neighbour's."""
    whole, rest = divmod(number, len(_STEPS))
    begun = sum(_STEPS[(home + n) % len(_STEPS)] for n in range(rest))
    return whole * sum(_STEPS) + begun


# Floors.


def _floors(its: Fleet) -> dict[str, float]:
    place = its.place()
    spent_s = its.broker_s()
    homes = FLOOR_MESSAGES * EACH
    fill(place, _backlog(homes, 1))
    in_s, began_s = its.broker_s() - spent_s, time.monotonic()
    spent_s = its.broker_s()
    asyncio.run(_drain(place, FLOOR_MESSAGES))
    wall_s = time.monotonic() - began_s
    out_s = its.broker_s() - spent_s
    its.sql("CREATE DATABASE floor")
    here, there = floor(its.book("floor").conninfo(), its.database, FLOOR_ROWS)
    return {
        "broker_in_us": 1e6 * in_s / homes,
        "broker_out_us": 1e6 * out_s / homes,
        "broker_out_per_s": homes / wall_s,
        "copy_us": here,
        "copy_us_of_database": there,
    }


async def _drain(place: rabbitmq.Place, wanted: int) -> None:
    """A client that acknowledges, and looks at nothing."""
    address = AmqpAddress(
        nodes=(("127.0.0.1", place.port),),
        username=place.username,
        password=place.password,
        virtual_host=place.virtual_host,
        name="floor",
    )
    connection = await connect(address, 0)
    channel = connection.channel(publisher_confirms=False)
    await channel.initialize()
    await channel.set_qos(prefetch_count=5000 // SHARDS)
    under: Any = await channel.get_underlay_channel()
    done, count = asyncio.Event(), 0

    async def taken(message: DeliveredMessage) -> None:
        nonlocal count
        count += 1
        if count % 200 == 0 or count == wanted:
            tag = getattr(message.delivery, "delivery_tag", 0)
            await under.basic_ack(tag, multiple=True, wait=False)
        if count == wanted:
            done.set()

    for queue in Stream(TELEMETRY, SHARDS).queues:
        await under.basic_consume(queue, taken)
    await done.wait()
    await connection.close()


def _table(rows: Sequence[dict[str, Any]], floors: dict[str, float]) -> None:
    print(
        f"\nfloors, us a reading: broker in {floors['broker_in_us']:.1f},"
        f" out {floors['broker_out_us']:.1f} ({floors['broker_out_per_s']:,.0f}/s);"
        f" COPY {floors['copy_us'] + floors['copy_us_of_database']:.1f}"
        f" (of it the server {floors['copy_us_of_database']:.1f})"
    )
    print(
        "\n| homes | workers | readings/s | us a reading | worker | broker | database"
        " | broker, taking in | started again: processor to presses, readings | MB a worker"
        " | load |"
        "\n|---|---|---|---|---|---|---|---|---|---|---|"
    )
    for row in rows:
        parts = (row["us_of_workers"], row["us_of_broker"], row["us_of_database"])
        memory = " + ".join(f"{mb:,.0f}" for mb in row["worker_mb"])
        print(
            f"| {row['homes']:,} | {row['workers']} | {row['per_s']:,.0f} | {sum(parts):.1f} | "
            + " | ".join(f"{part:.1f}" for part in parts)
            + f" | {row['us_of_broker_in']:.1f} | {row['again_ready_spent_s']:.1f},"
            f" {row['again_spent_s']:.1f} s"
            f" | {memory} | {row['load_average']:.1f} |"
        )


def _million(rows: Sequence[dict[str, Any]]) -> None:
    """What a million homes take, by the figures of one worker with the fewest and the most."""
    alone = [row for row in rows if row["workers"] == 1]
    few, many = min(alone, key=_homes), max(alone, key=_homes)
    worker_us, broker_us, database_us = (
        many[f"us_of_{part}"] for part in ("workers", "broker", "database")
    )
    broker_us += many["us_of_broker_in"]
    print(
        f"\na million homes, by a worker that has {_homes(many):,} of them"
        f" (us a reading: worker {worker_us:.1f}, broker {broker_us:.1f} both ways,"
        f" database {database_us:.1f}):"
    )
    for what, per_s in RATES_OF_A_MILLION:
        cores = [per_s * us / 1e6 for us in (worker_us, broker_us, database_us)]
        print(
            f"  {what}: {per_s:,.0f} readings/s x us = cores of workers {cores[0]:.1f},"
            f" broker {cores[1]:.1f}, database {cores[2]:.1f}"
        )
    if few is not many:
        mb = many["again_mb"] - few["again_mb"]
        kb = 1024 * mb / (_homes(many) - _homes(few))
        print(
            f"  memory a home, its states in the engine and all of the book's register:"
            f" ({many['again_mb']:,.0f} - {few['again_mb']:,.0f}) MiB"
            f" / {_homes(many) - _homes(few):,} homes = {kb:.1f} KiB"
        )
        more_s = many["again_spent_s"] - few["again_spent_s"]
        print(
            f"  start: {few['again_spent_s']:.1f} s and"
            f" {1e6 * more_s / (_homes(many) - _homes(few)):.0f} us a home of the processor"
        )


def _homes(row: dict[str, Any]) -> int:
    return int(row["homes"])
