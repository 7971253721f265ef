"""What a press costs where several processes write one book on PostgreSQL: from the message in hand
to its commit, in turns, so that what else the machine does meets all alike."""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.latency import quantiles
from contract.moment import to_iso
from hearthwatch.book_change import change_book
from hearthwatch.clock import PlannedClock, load_clock
from hearthwatch.hub import Hub
from hearthwatch.hub_config import HubConfig
from hearthwatch.roles import ROLES
from ingest.urgent_lane import decode_message
from ledger.place import PostgresBook
from ledger.register import store
from ledger.roster import parse
from rules.config import default_rules

# Each press is of a home of its own, so that each opens an alarm.
HOMES: Final = 600
WARM_UP: Final = 40
_HEAD: Final = (
    '[[region]]\ncode = "1"\nname = "county"\nlevel = "county"\n'
    '[[gateway]]\nid = "gw"\nregion = "1"\n'
)
_HOME: Final = (
    '[[home]]\nid = "h{n}"\nregion = "1"\naddress = ""\n'
    '[[home.device]]\ngateway = "gw"\ndevice = "b{n}"\nkind = "sos"\n'
)


@dataclass(frozen=True, slots=True)
class Kind:
    """`hubs`: processes of one book, which take the presses in turn."""

    name: str
    hubs: int
    shared: bool


KINDS: Final = (
    Kind("a hub that has its book for itself", 1, False),
    Kind("one of a shared book, nobody beside it", 1, True),
    Kind("two of a shared book, in turn", 2, True),
    Kind("four of a shared book, in turn", 4, True),
)


def report() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-shared-") as folder, _server() as fresh:
        clock = load_clock(None)
        books = [_hubs(Path(folder) / str(n), fresh(), kind, clock) for n, kind in enumerate(KINDS)]
        samples: list[list[float]] = [[] for _ in KINDS]
        for number in range(HOMES):
            for hubs, taken in zip(books, samples, strict=True):
                taken.append(_press(hubs[number % len(hubs)], number, clock.now_ms()))
        for kind, taken in zip(KINDS, samples, strict=True):
            found = quantiles(taken[WARM_UP:])
            # What it takes where nothing else took the processor meanwhile.
            swift_ms = 1000 * sorted(taken[WARM_UP:])[int(found["n"] // 10)]
            print(
                f"{kind.name:42} press -> committed p10 {swift_ms:6.2f} ms"
                f"  p50 {found['p50_ms']:6.2f} ms  p99 {found['p99_ms']:6.2f} ms"
                f"  n {found['n']:.0f}",
                flush=True,
            )
        for hub in [hub for hubs in books for hub in hubs]:
            hub.close()


def _hubs(folder: Path, book: PostgresBook, kind: Kind, clock: PlannedClock) -> list[Hub]:
    roster = parse(_HEAD + "".join(_HOME.format(n=n) for n in range(HOMES)))
    change_book(book, lambda unit: store(unit, roster))
    place = PostgresBook(url=book.url, shared=kind.shared)
    found = []
    for number in range(kind.hubs):
        connection = place.open_shared() if kind.shared else place.open_hub()
        config = HubConfig(data_dir=folder / str(number), book=place)
        found.append(Hub(config, clock, default_rules(), connection, ROLES["web"]))
    return found


def _press(hub: Hub, number: int, now_ms: int) -> float:
    item = {
        "id": f"press-{number}", "seq": number + 1, "device": f"b{number}", "kind": "sos",
        "measured_at": to_iso(now_ms), "received_at": to_iso(now_ms),
        "values": {}, "attrs": {"action": "press"},
    }  # fmt: skip
    document = {
        "v": 1, "gateway": "gw", "spool": "s", "clock": "synced", "sent_at": to_iso(now_ms),
        "items": [item],
    }  # fmt: skip
    decoded = decode_message(b"hw/v1/gw/activation", json.dumps(document).encode())
    began = time.perf_counter()
    hub.writer.submit(lambda unit: hub.urgent._take_all(unit, [decoded])).result(60)
    return time.perf_counter() - began


@contextmanager
def _server() -> Iterator[Callable[[], PostgresBook]]:
    from tests.adapters.postgres import postgres_server

    with postgres_server() as server:
        yield server.fresh
