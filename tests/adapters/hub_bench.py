"""A hub without its broker, on any book: what its lanes would be handed is handed here."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import func, select

from alarms.escalation.plan import Now
from contract.moment import to_iso
from hearthwatch.hub import Hub
from hearthwatch.hub_config import HttpConfig, HubConfig
from hearthwatch.notify_config import NotifyConfig
from hearthwatch.readings_config import ReadingsConfig
from ingest.readings.port import StoreError
from ingest.urgent_lane import Committed, decode_message
from ledger.place import Place, SqliteBook
from ledger.unit_of_work import UnitOfWork
from rules.config import default_rules
from tests.adapters.migrated import migrated

NOW_MS = 1_795_363_200_000
ROSTER = """
[[region]]
code = "1"
name = "county"
level = "county"
[[gateway]]
id = "gw-1"
region = "1"
[[home]]
id = "home-1"
region = "1"
address = "三里垭村四组 3 号"
[[home.device]]
gateway = "gw-1"
device = "button-1"
kind = "sos"
"""


class Clock:
    """As the hub's, standing still."""

    def __init__(self) -> None:
        self.at_ms = NOW_MS

    def now_ms(self) -> int:
        return self.at_ms

    def speed(self) -> float:
        return 1.0

    def look(self) -> Now:
        return Now(wall_ms=self.at_ms, boot="boot-1", running_ms=self.at_ms)


class Bench:
    def __init__(
        self,
        folder: Path,
        book: Place,
        roster: str = ROSTER,
        notify: NotifyConfig | None = None,
        http: HttpConfig | None = None,
        *,
        readings: ReadingsConfig | None = None,
    ) -> None:
        self.folder, self.book = folder, book
        if isinstance(book, SqliteBook):
            migrated(book.path)
        self.notify = notify or NotifyConfig()
        self.http = http or HttpConfig()
        self.readings = readings or ReadingsConfig()
        (folder / "homes.toml").write_text(roster)
        self.open()

    def open(self) -> None:
        config = HubConfig(
            data_dir=self.folder / "hub",
            book=self.book,
            homes=self.folder / "homes.toml",
            notify=self.notify,
            http=self.http,
            readings=self.readings,
        )
        self.clock = Clock()
        self.hub = Hub(config, self.clock, default_rules())
        if self.hub.ingest is not None:
            # As the lane does before it hears anything, and again as long as the server is away.
            with contextlib.suppress(StoreError):
                self.hub.ingest.work.prepare()

    def change(self, apply: Callable[[UnitOfWork], object]) -> object:
        return self.hub.writer.submit(apply).result(30)

    def deliver(self, *payloads: bytes) -> Committed:
        batch = [decode_message(b"hw/v1/gw-1/activation", payload) for payload in payloads]
        return self.change(lambda unit: self.hub.urgent._take_all(unit, batch))

    def count(self, table) -> int:
        with self.hub.reader.connect() as connection:
            return connection.scalar(select(func.count()).select_from(table))

    def rows(self, table) -> list[dict]:
        with self.hub.reader.connect() as connection:
            return [dict(row) for row in connection.execute(select(table)).mappings()]


def press(number: int, device: str = "button-1") -> bytes:
    item = {
        "id": f"press-{number}",
        "seq": number,
        "device": device,
        "kind": "sos",
        "measured_at": to_iso(NOW_MS - 1000 + number),
        "received_at": to_iso(NOW_MS - 900 + number),
        "values": {},
        "attrs": {"action": "press"},
    }
    document = {
        "v": 1,
        "gateway": "gw-1",
        "spool": "spool-1",
        "sent_at": to_iso(NOW_MS),
        "clock": "synced",
        "items": [item],
    }
    return json.dumps(document).encode()
