"""Makes at the broker what `topology` says; everything that is there already stays as it is."""

from collections.abc import Callable

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange

from ingest.amqp.connecting import LOST, AmqpError
from ingest.amqp.topology import (
    EXCHANGE,
    HASH,
    SHARDS_MAX,
    STATUS,
    TELEMETRY,
    Stream,
    binding_of,
    queue_arguments,
)


async def declare(
    connection: AbstractConnection, stream: Stream, log: Callable[[str, str], None]
) -> Stream:
    """The stream as it is at the broker: at least with our shards, and with more where another hub
    made more, for what lies in them must not wait for nobody."""
    there = await _existing(connection, stream)
    if there.shards > stream.shards:
        log("broker_more_shards", f"{stream.name}: {there.shards}, and hub.toml says less")
    try:
        async with connection.channel() as channel:
            spread = await _spread(channel, stream)
            workers = await channel.declare_exchange(stream.workers, "fanout", durable=True)
            for name in stream.queues:
                await (await channel.get_queue(name, ensure=False)).bind(workers)
            # The way in is opened last: nothing falls between shards that are not there yet.
            source = await channel.get_exchange(EXCHANGE, ensure=False)
            await spread.bind(source, binding_of(stream.name))
            if stream.name == TELEMETRY:
                # As many as there are of readings: whoever has one of these has its heartbeats.
                heartbeats = await _spread(channel, Stream(STATUS, there.shards))
                await heartbeats.bind(source, binding_of(STATUS))
                # Of a program that had one queue for all. Heartbeats in it come again in half a
                # minute; a gateway that has just gone is missed by its silence.
                await channel.queue_delete(STATUS)
    except LOST as error:
        raise AmqpError(f"{stream.name}: {error}") from error
    return there


async def _spread(channel: AbstractChannel, stream: Stream) -> AbstractExchange:
    """Its shards, behind an exchange that deals out by the hash."""
    spread = await channel.declare_exchange(stream.name, HASH, durable=True)
    for name in stream.queues:
        queue = await channel.declare_queue(name, durable=True, arguments={**queue_arguments()})
        # The number of points that it has in the ring: all queues the same.
        await queue.bind(spread, "1")
    return spread


async def _existing(connection: AbstractConnection, stream: Stream) -> Stream:
    """Looks for shards beyond ours."""
    shards = stream.shards
    while shards < SHARDS_MAX:
        # A channel each: the broker ends it where there is no such queue.
        channel = await connection.channel()
        try:
            await channel.declare_queue(stream.queue(shards), passive=True)
        except aio_pika.exceptions.ChannelNotFoundEntity:
            break
        except LOST as error:
            raise AmqpError(f"{stream.name}: {error}") from error
        finally:
            await channel.close()
        shards += 1
    return Stream(stream.name, shards)
