"""Makes at the broker what `topology` says; everything that is there already stays as it is."""

from collections.abc import Callable

import aio_pika
from aio_pika.abc import AbstractConnection

from ingest.amqp.connecting import AmqpError
from ingest.amqp.topology import (
    EXCHANGE,
    HASH,
    SHARDS_MAX,
    STATUS_QUEUE,
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
            source = await channel.get_exchange(EXCHANGE, ensure=False)
            spread = await channel.declare_exchange(stream.name, HASH, durable=True)
            for name in stream.queues:
                queue = await channel.declare_queue(
                    name, durable=True, arguments={**queue_arguments()}
                )
                # The number of points that it has in the ring: all queues the same.
                await queue.bind(spread, "1")
            workers = await channel.declare_exchange(stream.workers, "fanout", durable=True)
            for name in stream.queues:
                await (await channel.get_queue(name, ensure=False)).bind(workers)
            # The way in is opened last: nothing falls between shards that are not there yet.
            await spread.bind(source, binding_of(stream.name))
            if stream.name == TELEMETRY:
                status = await channel.declare_queue(
                    STATUS_QUEUE, durable=True, arguments={**queue_arguments()}
                )
                await status.bind(source, binding_of(STATUS_QUEUE))
    except aio_pika.exceptions.AMQPError as error:
        raise AmqpError(f"{stream.name}: {error}") from error
    return there


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
        except aio_pika.exceptions.AMQPError as error:
            raise AmqpError(f"{stream.name}: {error}") from error
        finally:
            await channel.close()
        shards += 1
    return Stream(stream.name, shards)
