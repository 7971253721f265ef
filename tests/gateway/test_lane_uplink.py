"""One lane on its way to the hub, over a connection we play ourselves; time stands still."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from contract.codec import decode_envelope, encode_ack
from contract.envelope import ENVELOPE_BYTES_MAX, Ack, Envelope
from contract.item import Item, Measurement
from contract.topics import topic
from gateway.clock import Clock
from gateway.spool.spool import Spool
from gateway.uplink.sender import STUCK_ATTEMPTS
from gateway.uplink.uplink import (
    CONFIRM_TIMEOUT_S,
    HUB_PATIENCE_S,
    NO_SUBSCRIBERS,
    URGENT,
    HubMessages,
    LaneUplink,
    Pace,
)
from tests.adapters.gateway_items import NOW_MS, press, uuids
from tests.adapters.machine_clocks import MachineClocks

DEADLINE_S = 30


class Line:
    """A connection that takes everything and says nothing by itself."""

    def __init__(self) -> None:
        self.connected = True
        self.sent: list[Envelope] = []
        self.sizes: list[int] = []
        self.dropped: list[str] = []

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        if not self.connected:
            return None
        self.sent.append(decode_envelope(payload))
        self.sizes.append(len(payload))
        return len(self.sent)

    def drop(self, reason: str) -> None:
        self.dropped.append(reason)

    @property
    def devices(self) -> list[list[str]]:
        return [[item.device for item in envelope.items] for envelope in self.sent]


class Bench:
    """A real spool, a lane, a line; `step` does what `run` does between two waits."""

    def __init__(self, folder: Path, pace: Pace = URGENT, clock: Clock | None = None) -> None:
        self.spool = Spool(
            folder,
            gateway="gw-1",
            new_uuid=uuids(),
            now_ms=lambda: NOW_MS if clock is None else clock.now_ms(),
            log=self.log,
            times=clock,
        )
        self.logged: list[str] = []
        self.lane = LaneUplink(
            gateway="gw-1",
            leaf="activation",
            writer=self.spool.urgent,
            pace=pace,
            now_ms=lambda: NOW_MS,
            clock_state=lambda: "synced" if clock is None else clock.state(),
            spread=lambda: 0.0,
            log=self.log,
        )
        self.line = Line()
        self.lane.connection = self.line
        self.committed: list[Item] = []
        self.spool.urgent.on_commit = self.on_commit
        self.hub = HubMessages([self.lane], lambda _command: None, self.log)
        self.now_s = 1000.0
        # The lane reads the loop's clock; ours stands still until `later`.
        self.lane._loop = Stopped(asyncio.get_running_loop(), lambda: self.now_s)
        self.lane._heard_s = self.lane._waiting_since_s = self.now_s
        self.spool.start()

    def log(self, event: str, detail: str) -> None:
        self.logged.append(f"{event} {detail}")

    def on_commit(self, items: list[Item]) -> None:
        self.committed += items
        self.lane.committed(items)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                self.step()
                await asyncio.sleep(0)

    async def settle(self) -> None:
        """Until the spool's thread has done what it was asked, and the loop has heard of it."""
        for _ in range(3):
            await self._thread_came_round()
            self.step()

    async def _thread_came_round(self) -> None:
        done = asyncio.Event()
        loop = asyncio.get_running_loop()
        self.spool.urgent.call(lambda: loop.call_soon_threadsafe(done.set))
        async with asyncio.timeout(DEADLINE_S):
            await done.wait()

    def step(self) -> None:
        if self.lane._behind:
            self.lane._refill()
        self.lane._send()
        self.lane._watch()

    def later(self, seconds: float) -> None:
        self.now_s += seconds
        self.step()

    def acknowledge(self, *items: Item, spool: str | None = None) -> None:
        ack = Ack(spool=spool or self.lane.spool, ids=[item.id for item in items])
        self.hub.take(topic("gw-1", "ack"), encode_ack(ack))

    def waiting(self) -> list[int]:
        return [item.seq for item in self.spool.urgent.lane.waiting(0, 10_000, NOW_MS)]


class Stopped:
    """The event loop with a clock of ours."""

    def __init__(self, loop: asyncio.AbstractEventLoop, now_s: Callable[[], float]) -> None:
        self._loop = loop
        self.time = now_s
        self.call_soon_threadsafe = loop.call_soon_threadsafe


@pytest.fixture
async def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.spool.close()


async def test_a_press_is_sent_and_again_until_the_hub_has_it(bench: Bench) -> None:
    bench.spool.offer([press(1)])
    await bench.until(lambda: len(bench.line.sent) == 1)
    for pause_s, total in ((1.0, 2), (2.0, 3), (4.0, 4), (8.0, 5), (16.0, 6), (30.0, 7), (30.0, 8)):
        bench.lane.confirmed(total - 1, 0)
        bench.later(pause_s - 0.01)
        assert len(bench.line.sent) == total - 1
        bench.later(0.01)
        assert len(bench.line.sent) == total
    assert bench.waiting() == [1]  # eight confirmations by the broker have changed nothing
    bench.acknowledge(bench.committed[0])
    await bench.settle()
    assert bench.waiting() == []
    bench.later(1000)
    assert len(bench.line.sent) == 8


async def test_an_acknowledgement_of_another_spool_is_not_ours(bench: Bench) -> None:
    bench.spool.offer([press(1)])
    await bench.until(lambda: len(bench.line.sent) == 1)
    bench.acknowledge(bench.committed[0], spool="00000000-0000-0000-0000-00000000ffff")
    await bench.settle()
    assert bench.waiting() == [1]
    bench.later(1.0)
    assert len(bench.line.sent) == 2


async def test_what_the_spool_did_not_write_down_stays_in_flight(bench: Bench) -> None:
    """An acknowledgement counts when it is on the disk; else the item is sent again."""
    bench.spool.offer([press(1)])
    await bench.until(lambda: len(bench.line.sent) == 1)
    bench.spool.urgent.lane._connection.close()
    bench.acknowledge(bench.committed[0])
    await bench.settle()
    assert bench.waiting() == [1]
    bench.later(1.0)
    assert len(bench.line.sent) == 2
    bench.acknowledge(bench.committed[0])
    await bench.settle()
    assert bench.waiting() == []


async def test_nobody_listening_is_not_sending_and_does_not_slow_down(bench: Bench) -> None:
    bench.spool.offer([press(1)])
    await bench.until(lambda: len(bench.line.sent) == 1)
    for number in range(1, 12):
        bench.lane.confirmed(number, NO_SUBSCRIBERS)
        bench.later(2.0)
        assert len(bench.line.sent) == number + 1


async def test_a_hub_that_is_back_gets_what_waited_for_a_long_pause(bench: Bench) -> None:
    bench.spool.offer([press(1)])
    await bench.until(lambda: len(bench.line.sent) == 1)
    for pause_s in (1, 2, 4, 8, 16, 30):
        bench.later(pause_s)
    sent = len(bench.line.sent)
    bench.acknowledge()  # of anything: the hub speaks
    bench.step()
    assert len(bench.line.sent) == sent + 1


async def test_a_line_that_confirms_nothing_is_given_up(bench: Bench) -> None:
    bench.spool.offer([press(1)])
    await bench.until(lambda: len(bench.line.sent) == 1)
    bench.later(CONFIRM_TIMEOUT_S)
    assert bench.line.dropped == []
    bench.later(0.1)
    assert len(bench.line.dropped) == 1
    bench.lane.connected()
    bench.step()
    assert bench.line.devices[-1] == ["button-1"]


async def test_acks_that_never_come_renew_the_subscription_ever_more_rarely(bench: Bench) -> None:
    asked: list[float] = []
    bench.lane.unanswered = lambda _reason: asked.append(bench.now_s - 1000)
    bench.spool.offer([press(1)])
    await bench.until(lambda: len(bench.line.sent) == 1)
    for _second in range(500):
        for mid in list(bench.lane._unconfirmed):
            bench.lane.confirmed(mid, 0)
        bench.later(1.0)
    assert asked == [HUB_PATIENCE_S + 1, 3 * HUB_PATIENCE_S + 2, 7 * HUB_PATIENCE_S + 3]


async def test_few_envelopes_are_unconfirmed_at_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Pace(window=100, envelope_items=2, envelopes=3))
    bench.spool.offer([press(n) for n in range(10)])
    await bench.until(lambda: len(bench.line.sent) == 3)
    await bench.settle()
    assert len(bench.line.sent) == 3
    bench.lane.confirmed(2, 0)
    bench.step()
    assert bench.line.devices == [[f"button-{n}", f"button-{n + 1}"] for n in (0, 2, 4, 6)]
    bench.spool.close()


async def test_a_backlog_beyond_the_window_drains_oldest_first(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Pace(window=7, envelope_items=5, envelopes=16))
    bench.line.connected = False
    for n in range(40):
        bench.spool.offer([press(n)])
    await bench.settle()
    bench.line.connected = True
    bench.lane.connected()
    heard: list[str] = []
    async with asyncio.timeout(DEADLINE_S):
        while len(heard) < 40:
            bench.step()
            while bench.line.sent:
                envelope = bench.line.sent.pop(0)
                heard += [i.device for i in envelope.items if i.device not in heard]
                bench.acknowledge(*envelope.items)
            await bench.settle()
    assert heard == [f"button-{n}" for n in range(40)]
    assert bench.waiting() == []
    bench.spool.close()


async def test_an_envelope_too_large_for_the_contract_is_sent_in_halves(bench: Bench) -> None:
    large = {f"note{part}": "长" * 250 for part in range(30)}
    presses = [
        Measurement(
            device=f"button-{n}",
            kind="sos",
            measured_at_ms=NOW_MS,
            received_at_ms=NOW_MS,
            attrs={"action": "press", **large},
        )
        for n in range(40)
    ]
    bench.spool.offer(presses)
    await bench.until(lambda: sum(map(len, bench.line.devices)) == 40)
    assert max(bench.line.sizes) <= ENVELOPE_BYTES_MAX
    assert len(bench.line.sent) > 1
    assert [d for ds in bench.line.devices for d in ds] == [f"button-{n}" for n in range(40)]


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


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xff", b"[]", b'{"v":1}', b'{"v":9,"spool":"x","ids":[]}', b'{"v":1,"ids":3}'],
)
@pytest.mark.parametrize("leaf", ["ack", "command"])
async def test_unreadable_words_of_the_hub_are_logged_and_left(
    bench: Bench, leaf: str, payload: bytes
) -> None:
    bench.hub.take(topic("gw-1", leaf), payload)
    bench.hub.take("something/else", payload)
    assert len(bench.logged) == 2


async def test_a_name_with_a_dot_hears_the_hub_through_a_broker_that_writes_it_as_a_slash(
    bench: Bench,
) -> None:
    bench.hub.take("hw/v1/gw/1/ack", encode_ack(Ack(spool="another", ids=["1"])))
    assert bench.logged == []


async def test_a_new_connection_sends_at_once_what_waited_for_a_long_pause(bench: Bench) -> None:
    bench.spool.offer([press(1)])
    await bench.until(lambda: len(bench.line.sent) == 1)
    for pause_s in (1.0, 2.0, 4.0, 8.0, 16.0):
        bench.lane.confirmed(len(bench.line.sent), 0)
        bench.later(pause_s)
    bench.lane.confirmed(len(bench.line.sent), 0)
    sent = len(bench.line.sent)
    bench.line.connected = False
    bench.later(3.0)
    bench.line.connected = True
    bench.lane.connected()
    bench.step()
    assert len(bench.line.sent) == sent + 1


async def test_what_the_old_connection_never_confirmed_holds_up_nothing(tmp_path: Path) -> None:
    """A broker that confirms nothing any more: its window must not be the next one's."""
    bench = Bench(tmp_path, Pace(window=10, envelope_items=1, envelopes=2))
    bench.spool.offer([press(n) for n in range(4)])
    await bench.until(lambda: len(bench.line.sent) == 2)
    bench.step()
    assert len(bench.line.sent) == 2
    bench.lane.connected()
    bench.step()
    assert len(bench.line.sent) == 4
    bench.spool.close()


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


async def test_a_broker_that_keeps_all_for_a_hub_that_is_away_gets_few_of_each(
    bench: Bench,
) -> None:
    """Confirmed by the broker, answered by nobody, for an hour; then the hub is back."""
    bench.spool.offer([press(number) for number in range(1, 41)])
    await bench.until(lambda: len(bench.committed) == 40)

    def confirm() -> None:
        for mid in list(bench.lane._unconfirmed):
            bench.lane.confirmed(mid, 0)

    await bench.settle()
    for _second in range(3600):
        confirm()
        bench.later(1.0)
    sent = [item for envelope in bench.line.sent for item in envelope.items]
    assert 40 * STUCK_ATTEMPTS < len(sent) < 40 * STUCK_ATTEMPTS + 140
    before = len(bench.line.sent)
    bench.acknowledge(sent[-1])
    await bench.until(lambda: len(bench.waiting()) == 39)
    confirm()
    bench.later(0.1)
    again = {item.id for envelope in bench.line.sent[before:] for item in envelope.items}
    assert len(again) >= 39


async def test_a_broker_that_has_listeners_again_gets_all_at_once(bench: Bench) -> None:
    bench.spool.offer([press(number) for number in range(1, 41)])
    await bench.until(lambda: len(bench.committed) == 40)
    await bench.settle()
    for _second in range(600):
        for mid in list(bench.lane._unconfirmed):
            bench.lane.confirmed(mid, NO_SUBSCRIBERS)
        bench.later(1.0)
    before = len(bench.line.sent)
    assert sum(len(e.items) for e in bench.line.sent) < 40 * STUCK_ATTEMPTS + 320
    for _turn in range(3):
        for mid in list(bench.lane._unconfirmed):
            bench.lane.confirmed(mid, 0)
        bench.later(1.0)
    again = {item.id for envelope in bench.line.sent[before:] for item in envelope.items}
    assert len(again) == 40
