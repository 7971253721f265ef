"""More than the hub can take: what is refused is not acknowledged, and so is not lost."""

import asyncio
import threading
from pathlib import Path

from contract.moment import EPOCH
from hearthwatch.hub_modem import INBOX_MAX as MODEM_INBOX_MAX
from hearthwatch.hub_modem import HubModem
from ingest.quarantine import ROWS_MAX, Unreadable, keep
from ingest.shard_work import INBOX_MAX
from ingest.urgent_lane import Stored
from ingest.wire import WireItem
from ledger.place import SqliteBook
from ledger.schema import EVENT, QUARANTINE
from ledger.writer import QUEUE_MAX
from tests.adapters.heard_of_hub import Line, send
from tests.adapters.hub_bench import Bench


async def test_a_writer_with_too_much_waiting_acknowledges_no_press_and_takes_it_later(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, SqliteBook(path=tmp_path / "hub" / "hub.db"))
    bench.hub.to_loop.open()
    line = Line()
    stands, goes_on = threading.Event(), threading.Event()

    def stand(_unit) -> None:
        stands.set()
        assert goes_on.wait(60)

    bench.hub.writer.submit(stand)
    assert await asyncio.to_thread(stands.wait, 60)
    waiting = [bench.hub.writer.submit(lambda _unit: None) for _change in range(QUEUE_MAX)]
    await send(bench, line, 1)
    assert line.told == []
    goes_on.set()
    await asyncio.wrap_future(waiting[-1])
    await send(bench, line, 1)
    assert line.told == ["press-1"]
    assert bench.count(EVENT) == 1
    bench.hub.close()


def test_signs_of_life_wait_in_a_bounded_box_and_the_oldest_go(tmp_path: Path) -> None:
    """They are in the book already; the readings' rules hear of the newest."""
    bench = Bench(tmp_path, SqliteBook(path=tmp_path / "hub" / "hub.db"))
    item = WireItem(
        id="i",
        seq=1,
        device="d",
        kind="sos",
        measured_at=EPOCH,
        received_at=EPOCH,
        values={},
        attrs={},
    )
    lane = bench.hub.ingest.work
    lane.note_activations([Stored(n, "home-1", item, "gw-1") for n in range(INBOX_MAX + 5)])
    assert len(lane._inbox) == INBOX_MAX
    assert lane._inbox[0].seq == 5
    bench.hub.close()


def test_a_flood_of_garbage_keeps_a_bounded_number_of_rows(tmp_path: Path) -> None:
    bench = Bench(tmp_path, SqliteBook(path=tmp_path / "hub" / "hub.db"))

    def flood(unit) -> None:
        for number in range(ROWS_MAX + 50):
            raw = number.to_bytes(4, "big")
            keep(unit, Unreadable(source="t", gateway=None, code="c", detail="d", raw=raw))

    bench.change(flood)
    assert bench.count(QUARANTINE) == ROWS_MAX
    newest = max(bench.rows(QUARANTINE), key=lambda row: row["seq"])
    assert int.from_bytes(newest["raw"], "big") == ROWS_MAX + 49
    bench.hub.close()


def test_messages_that_wait_at_the_modem_are_bounded(tmp_path: Path) -> None:
    modem = HubModem("/dev/null", "", tmp_path / "mark", lambda _event, _text: None)
    assert modem._inbox.maxlen == MODEM_INBOX_MAX
