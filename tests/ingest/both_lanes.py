"""Both lanes of a hub on real files, without a broker."""

from pathlib import Path

from alarms.escalation.defaults import default_policies
from hearthwatch.urgent_side import UrgentSide
from ingest.readings.sqlite_store import SqliteStore
from ingest.readings_batch import ReadingsBatch
from ingest.urgent_lane import decode_message
from ingest.wire import decode
from ledger.database import open_writer
from ledger.register import store
from ledger.roster import parse
from rules.config import default_rules
from rules.engine import Engine
from tests.adapters.escalation import one_clock
from tests.adapters.migrated import migrated

NOW_MS = 1_795_420_800_000
ROSTER = """
[[region]]
code = "610926"
name = "县"
level = "county"
[[gateway]]
id = "gw-1"
region = "610926"
[[home]]
id = "home-1"
region = "610926"
address = "村"
[[home.person]]
id = "person-1"
name = "张三"
[[home.device]]
gateway = "gw-1"
device = "cuff-1"
kind = "blood_pressure"
[[home.device]]
gateway = "gw-1"
device = "button-1"
kind = "sos"
"""


class Hub:
    """`home-1` has a cuff and a button."""

    def __init__(self, folder: Path) -> None:
        self.now_ms = NOW_MS
        self.path = migrated(folder / "hub.db")
        self.side = UrgentSide(
            open_writer(self.path),
            rules=default_rules(),
            webhooks=(),
            policies=default_policies(),
            clock=lambda: self.now_ms,
            look=one_clock(lambda: self.now_ms),
            call_soon=lambda job: job(),
            on_stored=lambda _stored: None,
            log=self.failed,
        )
        self.side.writer.start()
        self.change(lambda unit: (store(unit, parse(ROSTER)), self.side.roster_changed(unit)))
        self.store = SqliteStore(folder / "readings.db")
        self.batch = ReadingsBatch(
            store=self.store,
            writer=self.side.writer,
            book=self.side.book,
            presence=self.side.presence,
            make_engine=lambda: Engine(default_rules(), lane="readings"),
            know_homes=self.side.know_homes,
            clock=lambda: self.now_ms,
            missed=lambda _seq: (),
            log=self.failed,
        )
        self.batch.reload()

    def failed(self, event: str, detail: str) -> None:
        raise AssertionError(f"{event} {detail}")

    def change(self, apply):
        return self.side.writer.submit(apply).result(10)

    def readings(self, payload: bytes) -> None:
        self.batch.begin()
        self.batch.take(decode(payload, "gw-1"))
        self.batch.commit()

    def urgent(self, payload: bytes) -> None:
        decoded = decode_message(b"hw/v1/gw-1/activation", payload)
        self.change(lambda unit: self.side.urgent._take_all(unit, [decoded]))

    def rows(self, sql: str) -> list[tuple]:
        return self.change(lambda unit: unit.cursor.execute(sql).fetchall())

    def alarms(self) -> list[tuple]:
        return [tuple(row) for row in self.rows("SELECT kind, severity FROM alarm")]

    def close(self) -> None:
        self.side.writer.close()
        self.store.close()
