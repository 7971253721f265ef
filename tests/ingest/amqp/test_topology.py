"""Topics as routing keys, and which deliveries one acknowledgement tells of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import topics
from contract.errors import ContractError
from ingest.amqp import topology
from ingest.amqp.topology import ACTIVATION, STATUS, TELEMETRY, Stream
from ingest.amqp.unacked import Unacked

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)


@given(NAMES, st.sampled_from(sorted(topics.LEAVES)))
def test_a_topic_comes_back_as_it_went(gateway: str, leaf: str) -> None:
    topic = topics.topic(gateway, leaf)
    assert topology.topic_of(topology.key_of(topic), None) == topic.encode()


def test_a_heartbeat_that_was_sent_on_is_one_again() -> None:
    assert topology.topic_of("hw.v1.gw.1.telemetry", "status") == b"hw/v1/gw.1/status"
    assert topology.topic_of("hw.v1.gw.1.telemetry", None) == b"hw/v1/gw.1/telemetry"


@pytest.mark.parametrize("key", ["", "x", "hw.v1", "hw.v2.gw.activation", "hw.v1.activation"])
def test_a_key_of_nobody_is_a_topic_that_is_quarantined(key: str) -> None:
    with pytest.raises(ContractError):
        topics.parse(topology.topic_of(key, None).decode())


def test_what_goes_where() -> None:
    assert topology.binding_of(ACTIVATION) == "hw.v1.#.activation"
    assert topology.binding_of(TELEMETRY) == "hw.v1.#.telemetry"
    assert topology.binding_of(STATUS) == "hw.v1.#.status"
    stream = Stream(ACTIVATION, 3)
    assert stream.queues == ("hw.activation.0", "hw.activation.1", "hw.activation.2")


@given(st.integers(1, 2**63 - 1), st.integers(0, topology.SHARDS_MAX - 1))
def test_a_number_holds_tag_and_shard(tag: int, shard: int) -> None:
    number = topology.number_of(tag, shard)
    assert (topology.tag_of(number), topology.shard_of(number)) == (tag, shard)


def test_nothing_is_dropped_for_coming_often() -> None:
    assert "x-delivery-limit" not in topology.queue_arguments()


@pytest.mark.parametrize(
    ("done", "told"),
    [
        ([[1, 2, 3]], [3]),
        ([[2], [1], [3]], [None, 2, 3]),
        ([[3], [2], [1]], [None, None, 3]),
        ([[1], [1], [2]], [1, None, 2]),
    ],
)
def test_what_is_told_waits_for_what_is_older(done: list[list[int]], told: list[int]) -> None:
    unacked = Unacked()
    for tag in (1, 2, 3):
        unacked.delivered(tag)
    assert [unacked.done(tags) for tags in done] == told


@given(st.permutations(range(1, 9)))
def test_in_any_order_all_is_told_once_and_nothing_too_early(order: list[int]) -> None:
    unacked = Unacked()
    for tag in range(1, 9):
        unacked.delivered(tag)
    finished: set[int] = set()
    through = 0
    for tag in order:
        finished.add(tag)
        told = unacked.done([tag])
        if told is not None:
            assert told > through
            through = told
        assert set(range(1, through + 1)) <= finished
    assert through == 8
    assert len(unacked) == 0
