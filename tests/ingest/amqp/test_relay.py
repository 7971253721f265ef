"""What becomes of a heartbeat that is sent on."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiormq.exceptions import ChannelClosed, ChannelInvalidStateError, DeliveryError
from pamqp import commands

from ingest.amqp.relay import Relay


class Channel:
    """Says what was said to it; `refuses`: what comes of the next publication."""

    def __init__(self, refuses: Exception | None = None) -> None:
        self.said: list[tuple[Any, ...]] = []
        self.refuses = refuses

    async def basic_publish(self, body: bytes, **words: Any) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.said.append((words["routing_key"], body))

    async def basic_ack(self, tag: int, **_words: Any) -> None:
        self.said.append(("ack", tag))

    async def basic_nack(self, tag: int, *, requeue: bool, **_words: Any) -> None:
        self.said.append(("again" if requeue else "dropped", tag))


@pytest.mark.parametrize(
    ("refuses", "answer"),
    [
        (None, [("ack", 7)]),
        # The line is there: without an answer it would wait, and those behind it, for its end.
        (DeliveryError(None, commands.Basic.Nack(1)), [("again", 7)]),
        (ChannelClosed(None, None), []),
    ],
)
async def test_a_heartbeat_that_the_broker_does_not_take_comes_again(
    refuses: Exception | None, answer: list[tuple[Any, ...]]
) -> None:
    incoming, outgoing = Channel(), Channel(refuses)
    deliver = commands.Basic.Deliver(delivery_tag=7, routing_key="hw.v1.gw.1.status")
    await Relay(incoming, outgoing).delivered(SimpleNamespace(delivery=deliver, body=b"alive"))
    assert incoming.said == answer
    assert outgoing.said == ([] if refuses else [("hw.v1.gw.1.telemetry", b"alive")])


async def test_of_a_shard_that_is_given_back_nothing_is_acknowledged_any_more() -> None:
    """A frame of a channel that is closed would cost the connection, and all other shards."""
    incoming, outgoing = Channel(), Channel()
    relay = Relay(incoming, outgoing)

    async def given_back(body: bytes, **words: Any) -> None:
        await relay.end()

    outgoing.basic_publish = given_back
    deliver = commands.Basic.Deliver(delivery_tag=7, routing_key="hw.v1.gw.1.status")
    await relay.delivered(SimpleNamespace(delivery=deliver, body=b"alive"))
    assert incoming.said == []


async def test_a_channel_that_ended_before_it_was_used_is_a_lost_line() -> None:
    incoming, outgoing = Channel(), Channel(ChannelInvalidStateError("closed"))
    deliver = commands.Basic.Deliver(delivery_tag=7, routing_key="hw.v1.gw.1.status")
    await Relay(incoming, outgoing).delivered(SimpleNamespace(delivery=deliver, body=b"alive"))
    assert incoming.said == []
