"""A hub whose readings' server is away takes presses, and takes readings once it is back."""

from pathlib import Path

from hearthwatch.readings_config import ReadingsConfig
from ingest.readings.pg_settings import PgSettings
from ingest.urgent_lane import decode_message
from ingest.wire import Taken
from ledger.place import SqliteBook
from ledger.schema import ALARM, EVENT
from tests.adapters.hub_bench import Bench, press
from tests.adapters.pg_line import CutLine
from tests.adapters.postgres import Postgres


def test_presses_are_taken_while_the_readings_server_is_away(
    tmp_path: Path, postgres: Postgres
) -> None:
    with CutLine(postgres.empty().url) as line:
        line.close_door()
        settings = PgSettings(conninfo=line.conninfo)
        bench = Bench(
            tmp_path,
            SqliteBook(path=tmp_path / "hub" / "hub.db"),
            readings=ReadingsConfig(store="postgresql", postgres=settings),
        )
        batch = bench.hub.ingest.work.batch
        assert not batch.loaded
        bench.deliver(press(1))
        assert (bench.count(EVENT), bench.count(ALARM)) == (1, 1)
        line.mend()
        # As the lane does before its first batch.
        batch.reload()
        assert batch.loaded
        batch.begin()
        taken = decode_message(b"hw/v1/gw-1/telemetry", press(2).replace(b'"sos"', b'"motion"'))
        assert isinstance(taken, Taken)
        batch.take(taken)
        batch.commit()
        [mark] = [m for m in batch._store.load_marks() if m.spool == "spool-1"]
        # The one before it went by the other lane.
        assert (mark.contiguous, mark.beyond) == (0, [[2, 2]])
        bench.hub.close()
