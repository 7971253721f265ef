"""The table of sizes in `docs/scale.md`: what homes cost, from 10,000 to 10,000,000 of them.

Each constant has its source. What was measured by `./dev bench --units` comes from
`docs/capacity.json`, so that another machine's figures make another table.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

RESULTS: Final = Path(__file__).resolve().with_name("capacity.json")
SIZES: Final = (10_000, 100_000, 1_000_000, 10_000_000)
DAY_S: Final = 86_400
QUARTER_S: Final = 900
GB: Final = 1e9
# Of a processor, above which it is called full: bursts and a neighbour's shards want the rest.
FULL: Final = 0.6
NODE_CORES: Final = 8


@dataclass(frozen=True, slots=True)
class Given:
    """`source`: where it was measured, or that it is assumed."""

    value: float
    source: str


@dataclass(frozen=True, slots=True)
class Units:
    """Of `docs/capacity.json`; microseconds of processor, bytes."""

    message: Given
    message_broker: Given
    relayed: Given
    relayed_broker: Given
    heartbeat_turn: Given
    heartbeat_server: Given
    call_bytes: Given
    chunk_bytes: Given
    hour_bytes: Given


# What a home says.
HEARTBEAT_EVERY_S: Final = Given(30, "contract: each gateway, of which a home has one")
ITEMS_A_QUARTER: Final = Given(2.89, "the field's mix (performance.md, a week of 1,000 homes)")
CALLS_A_DAY: Final = Given(0.143, "1,000 presses of 1,000 homes in that week")
SERIES_HOURS_A_DAY: Final = Given(
    100, "assumed of the mix: register and plug each hour, movement by day, battery and signal"
)
VISITS_A_DAY: Final = Given(0.066, "1.45 million visits of 20,000 people in three years (--ledger)")
VISIT_BYTES: Final = Given(2_000, "assumed: visit, task, entries, sealed texts")
BODY_BYTES: Final = Given(400, "a heartbeat or a reading by itself, with MQTT and TCP around it")
# What it costs.
RULES_QUARTER_US: Final = Given(79, "2.89 items of the mix at 66,000/s, and 35 us of states")
STORED_US: Final = Given(6.4, "--scale: decoded, committed, folded; of it 2.4 us the server's")
CALL_US: Final = Given(2_600, "--shared: message in hand to its commit, one of a shared book")
HOME_KB: Final = Given(17.7, "--engine: memory of a home, everything awake")
RAW_DAYS: Final = Given(105, "keep_raw_days = 90, dropped by months")
REPLICAS: Final = Given(3, "quorum queues on three nodes; the book on three servers")


def units(path: Path = RESULTS) -> Units:
    found = json.loads(path.read_text())["counts"]
    source = "./dev bench --units"

    def given(part: str, key: str) -> Given:
        return Given(float(found[part][key]), source)

    return Units(
        message=given("message", "ours_us"),
        message_broker=given("message", "servers_us"),
        relayed=given("heartbeat_relayed", "ours_us"),
        relayed_broker=given("heartbeat_relayed", "servers_us"),
        heartbeat_turn=given("heartbeat_written", "turn_us"),
        heartbeat_server=given("heartbeat_written", "servers_us"),
        call_bytes=given("call", "bytes"),
        chunk_bytes=given("reading", "chunk_bytes_an_hour"),
        hour_bytes=given("reading", "hour_bytes"),
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """What so many homes want."""

    homes: int
    heartbeats_per_s: float
    items_per_s: float
    calls_per_s: float
    workers: float
    memory_gb: float
    turn: float
    broker: float
    server: float
    raw_gb: float
    hours_gb_a_year: float
    book_gb_a_year: float
    mbit_per_s: float

    @property
    def messages_per_s(self) -> float:
        return self.heartbeats_per_s + self.items_per_s + self.calls_per_s


def plan(homes: int, unit: Units) -> Plan:
    heartbeats = homes / HEARTBEAT_EVERY_S.value
    items = homes * ITEMS_A_QUARTER.value / QUARTER_S
    calls = homes * CALLS_A_DAY.value / DAY_S
    us = 1e-6
    worker = us * (
        heartbeats * unit.relayed.value
        + items * (unit.message.value + STORED_US.value)
        + homes / QUARTER_S * RULES_QUARTER_US.value
    )
    series_hours = homes * SERIES_HOURS_A_DAY.value
    book = homes * (
        CALLS_A_DAY.value * unit.call_bytes.value + VISITS_A_DAY.value * VISIT_BYTES.value
    )
    messages = heartbeats + items + calls
    return Plan(
        homes=homes,
        heartbeats_per_s=heartbeats,
        items_per_s=items,
        calls_per_s=calls,
        workers=worker,
        memory_gb=homes * HOME_KB.value * 1000 / GB,
        turn=us * (heartbeats * unit.heartbeat_turn.value + calls * CALL_US.value),
        broker=us
        * (heartbeats * unit.relayed_broker.value + items * unit.message_broker.value)
        * REPLICAS.value,
        server=us * (heartbeats * unit.heartbeat_server.value + items * 2.4),
        raw_gb=series_hours * RAW_DAYS.value * unit.chunk_bytes.value / GB,
        hours_gb_a_year=series_hours * 365 * unit.hour_bytes.value / GB,
        book_gb_a_year=book * 365 / GB,
        mbit_per_s=messages * BODY_BYTES.value * 8 / 1e6,
    )


def table(path: Path = RESULTS) -> str:
    plans = [plan(homes, units(path)) for homes in SIZES]
    rows: list[tuple[str, Sequence[str]]] = [
        ("messages a second", [_count(p.messages_per_s) for p in plans]),
        ("… heartbeats of gateways", [_count(p.heartbeats_per_s) for p in plans]),
        ("… readings and states", [_count(p.items_per_s) for p in plans]),
        ("calls: on average; in an hour of ten times as many", [
            f"{_count(p.calls_per_s)}; {_count(10 * p.calls_per_s)}" for p in plans]),
        ("network of the gateways", [f"{_count(p.mbit_per_s)} Mbit/s" for p in plans]),
        ("workers' processors, used", [_cores(p.workers) for p in plans]),
        ("**workers** of one processor each", [
            str(max(1, math.ceil(p.workers / FULL))) for p in plans]),
        ("rules' memory, all workers", [f"{_count(p.memory_gb)} GB" for p in plans]),
        ("the book's turn, taken", [_share(p.turn) for p in plans]),
        ("the broker's processors, all nodes, at most", [_cores(p.broker) for p in plans]),
        ("**nodes** of eight processors", [
            str(max(3, math.ceil(p.broker / FULL / NODE_CORES))) for p in plans]),
        ("the primary's processors", [_cores(p.server) for p in plans]),
        ("readings as they came, kept 90 days", [f"{_count(p.raw_gb)} GB" for p in plans]),
        ("hours, a year", [f"{_count(p.hours_gb_a_year)} GB" for p in plans]),
        ("the book, a year", [f"{_count(p.book_gb_a_year)} GB" for p in plans]),
        ("**database** after three years, each of three servers", [
            f"{_count(p.raw_gb + 3 * (p.hours_gb_a_year + p.book_gb_a_year))} GB" for p in plans]),
    ]  # fmt: skip
    head = ["homes", *(f"{homes:,}" for homes in SIZES)]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    lines += [f"| {' | '.join((name, *cells))} |" for name, cells in rows]
    return "\n".join(lines) + "\n"


def constants(path: Path = RESULTS) -> str:
    """What the table is made of."""
    unit = units(path)
    rows: list[tuple[str, Given, str]] = [
        ("a gateway's heartbeat, every", HEARTBEAT_EVERY_S, "s"),
        ("readings and states of a home in a quarter of an hour", ITEMS_A_QUARTER, ""),
        ("calls of a home in a day", CALLS_A_DAY, ""),
        ("visits to a home in a day", VISITS_A_DAY, ""),
        ("hours with a value, of all series of a home, in a day", SERIES_HOURS_A_DAY, ""),
        ("a message from RabbitMQ, a worker's processor", unit.message, "us"),
        ("… the node's", unit.message_broker, "us"),
        ("a heartbeat, heard, sent on and heard again, a worker's", unit.relayed, "us"),
        ("… the node's", unit.relayed_broker, "us"),
        ("a heartbeat written into the book: of the turn", unit.heartbeat_turn, "us"),
        ("… the server's processor", unit.heartbeat_server, "us"),
        ("a reading decoded, stored, folded", STORED_US, "us"),
        ("the rules' quarter of an hour of a home, its states written", RULES_QUARTER_US, "us"),
        ("a call that opens an alarm: of the turn", CALL_US, "us"),
        ("… in the book", unit.call_bytes, "bytes"),
        ("a visit in the book", VISIT_BYTES, "bytes"),
        ("an hour of a series, four values, as they came", unit.chunk_bytes, "bytes"),
        ("… its roll-up", unit.hour_bytes, "bytes"),
        ("a home in the rules' memory", HOME_KB, "kB"),
    ]
    lines = ["| constant | | source |", "|---|---|---|"]
    for name, given, measure in rows:
        figure = f"{given.value:,.4g}" if given.value < 1000 else f"{given.value:,.0f}"
        lines.append(f"| {name} | {f'{figure} {measure}'.strip()} | {given.source} |")
    return "\n".join(lines) + "\n"


def rendered(text: str, path: Path = RESULTS) -> str:
    """`docs/scale.md` with both tables made anew."""
    parts: Mapping[str, str] = {"sizes": table(path), "units": constants(path)}
    for name, made in parts.items():
        head, begin, rest = text.partition(f"<!-- {name} -->\n")
        _old, end, tail = rest.partition(f"<!-- /{name} -->")
        if not (begin and end):
            raise ValueError(f"scale.md has no <!-- {name} --> … <!-- /{name} -->")
        text = f"{head}{begin}{made}{end}{tail}"
    return text


def _count(value: float) -> str:
    if value >= 100:
        digits = -(math.floor(math.log10(value)) - 1)
        return f"{round(value, digits):,.0f}"
    return f"{value:.2g}"


def _cores(value: float) -> str:
    return f"{value:.2g}" if value < 10 else f"{value:,.0f}"


def _share(value: float) -> str:
    return f"{100 * value:.2g} %" if value < 1 else f"**{value:,.1f} times what one has**"
