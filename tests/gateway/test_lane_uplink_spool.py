"""One lane's spool on its way to the hub: what is asked for again, what was rescued, what the clock
tells later."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from contract.codec import decode_envelope
from tests.adapters.gateway_items import NOW_MS, press
from tests.adapters.machine_clocks import MachineClocks
from tests.gateway.lane_bench import Bench


@pytest.fixture
async def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.spool.close()


async def test_the_hub_may_ask_again_for_what_it_had(bench: Bench) -> None:
    bench.spool.offer([press(n) for n in (1, 2, 3)])
    await bench.until(lambda: len(bench.line.sent) == 1)
    bench.acknowledge(*bench.committed)
    await bench.settle()
    assert bench.waiting() == []
    bench.lane.rewind(1)
    await bench.settle()
    await bench.until(lambda: len(bench.line.sent) == 2)
    assert [item.id for item in bench.line.sent[1].items] == [i.id for i in bench.committed[1:]]


async def test_what_waits_below_what_the_hub_asks_for_again_still_goes_to_it(bench: Bench) -> None:
    """The hub has it, and its acknowledgement is on the way or was lost."""
    bench.spool.offer([press(1)])
    await bench.until(lambda: bench.line.devices == [["button-1"]])
    bench.lane.rewind(1)
    await bench.settle()
    bench.acknowledge(*bench.committed)
    await bench.settle()
    assert bench.waiting() == []


async def test_a_number_beyond_what_the_spool_has_given_out_holds_no_press_back(
    bench: Bench,
) -> None:
    """The hub asked for what it lacks of a file that was replaced meanwhile."""
    bench.lane.rewind(5000)
    await bench.settle()
    bench.spool.offer([press(1)])
    await bench.until(lambda: len(bench.committed) == 1)
    await bench.settle()
    assert bench.line.devices == [["button-1"]]


async def test_after_a_rescue_items_go_under_the_new_spool(bench: Bench) -> None:
    bench.spool.urgent.on_rescued = bench.lane.rescued
    bench.spool.offer([press(1)])
    await bench.until(lambda: len(bench.line.sent) == 1)
    before = bench.lane.spool
    lane = bench.spool.urgent.lane

    def rescue() -> None:
        lane.rescue(NOW_MS)
        bench.spool.urgent.on_rescued()

    bench.spool.urgent.call(rescue)
    await bench.settle()
    await bench.until(lambda: len(bench.line.sent) == 2)
    again = bench.line.sent[1]
    assert again.spool == bench.lane.spool != before
    assert [item.device for item in again.items] == ["button-1"]
    assert again.items[0].id != bench.committed[0].id


async def test_rows_that_nobody_was_told_of_are_sent(bench: Bench) -> None:
    """What a failed commit has left in the file would wait there for the next start."""
    bench.spool.urgent.on_found = bench.lane.found
    bench.spool.offer([press(1)])
    await bench.until(lambda: bench.line.devices == [["button-1"]])
    lane = bench.spool.urgent.lane

    def leave() -> None:
        lane.append([press(2)])
        lane.found = True

    bench.spool.urgent.call(leave)
    bench.spool.offer([press(3)])
    await bench.until(
        lambda: {"button-2", "button-3"} <= {d for sent in bench.line.devices for d in sent}
    )


async def test_calls_that_wait_are_overdue_and_nothing_else_is(bench: Bench) -> None:
    quiet = replace(press(2), attrs={"action": "test"})
    bench.spool.offer([press(1), quiet])
    await bench.until(lambda: len(bench.committed) == 2 and len(bench.line.sent) > 0)
    assert bench.lane.overdue(10.0, 50) is None
    bench.later(10.0)
    overdue = bench.lane.overdue(10.0, 50)
    assert overdue is not None
    envelope = decode_envelope(overdue)
    assert [item.seq for item in envelope.items] == [1]
    assert envelope.spool == bench.lane.spool
    bench.acknowledge(*bench.committed)
    await bench.settle()
    assert bench.lane.overdue(0.0, 50) is None


async def test_a_press_is_sent_at_once_and_again_with_its_time_when_the_clock_knows(tmp_path):
    machine = MachineClocks()
    clock = machine.process()
    bench = Bench(tmp_path, clock=clock)
    bench.spool.offer([press(1, at_ms=clock.now_ms())])
    await bench.until(lambda: bool(bench.line.sent))
    first = bench.line.sent[0]
    assert (first.clock, first.items[0].measured_at_ms) == ("doubtful", 5_000)
    assert first.items[0].attrs["time"] == "doubtful"
    machine.set_by_ntp(NOW_MS)
    bench.later(2.0)
    again = bench.line.sent[1]
    assert (again.clock, again.items[0].measured_at_ms) == ("synced", NOW_MS)
    assert again.items[0].attrs["time"] == "corrected"
    assert (again.items[0].id, again.items[0].seq) == (first.items[0].id, first.items[0].seq)
    # The second path tells the same.
    bench.now_s += 20.0
    assert bench.lane.overdue_items(10.0, 5)[0].measured_at_ms == NOW_MS
    envelope = bench.lane.overdue(10.0, 5)
    assert envelope is not None
    assert decode_envelope(envelope).items[0].measured_at_ms == NOW_MS
    bench.spool.close()


async def test_the_oldest_that_waits_does_not_wait_since_1970(tmp_path):
    machine = MachineClocks()
    clock = machine.process()
    bench = Bench(tmp_path, clock=clock)
    bench.spool.offer([press(1, at_ms=clock.now_ms())])
    await bench.until(lambda: bool(bench.committed))
    machine.set_by_ntp(NOW_MS)
    assert bench.spool.state().oldest_received_ms == NOW_MS
    bench.spool.close()


async def test_the_offset_of_this_boot_is_on_the_disk_without_a_further_item(tmp_path):
    machine = MachineClocks()
    clock = machine.process()
    bench = Bench(tmp_path, clock=clock)
    bench.spool.offer([press(1, at_ms=clock.now_ms())])
    await bench.until(lambda: bool(bench.committed))
    machine.set_by_ntp(NOW_MS)
    bench.spool.urgent.call(bench.spool.state)  # what the heartbeat asks
    await bench.settle()
    (boot,) = bench.spool.urgent.lane.boots
    assert (boot.trusted, boot.offset_ms) == (True, NOW_MS - 5_000)
    bench.spool.close()
