"""One lane on its way to the hub, over a connection we play ourselves; time stands still."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.codec import encode_ack
from contract.envelope import ENVELOPE_BYTES_MAX, Ack
from contract.item import Measurement
from contract.topics import topic
from gateway.uplink.sender import STUCK_ATTEMPTS
from gateway.uplink.uplink import (
    CONFIRM_TIMEOUT_S,
    HUB_PATIENCE_S,
    NO_SUBSCRIBERS,
    Pace,
)
from tests.adapters.gateway_items import NOW_MS, press
from tests.gateway.lane_bench import DEADLINE_S, Bench


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
