"""Connections to a node of RabbitMQ: where they go, and what is not written about them."""

import asyncio
import logging
import ssl
from dataclasses import dataclass, field
from typing import Final

import aio_pika
from aio_pika.abc import AbstractConnection
from aiormq.exceptions import AMQPError, ChannelInvalidStateError

# A dead broker is noticed within four of these even if nothing is to be said; a worker that hangs,
# or whose machine is gone, by the broker within three: until then its shards are nobody else's, and
# a press waits there. RabbitMQ advises five, for what hangs for six seconds and comes back is cut
# off too; here that costs a new connection and loses nothing, and five are 14 seconds for a press.
HEARTBEAT_S: Final = 3
CONNECT_TIMEOUT_S: Final = 10.0
# What the library raises where a connection or a channel has ended; the second is of none of its
# families, and comes of a channel that ended a moment before it was used.
LOST: Final = (AMQPError, ChannelInvalidStateError, OSError, TimeoutError)


class AmqpError(ConnectionError):
    """The broker is not there, or has said no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AmqpAddress:
    """`nodes`: host and port of each; whichever answers is as good as another."""

    nodes: tuple[tuple[str, int], ...]
    username: str
    password: str = field(repr=False)
    virtual_host: str = "/"
    tls: ssl.SSLContext | None = None
    # What an operator sees in the broker's list of connections.
    name: str = "hub"


def keep_quiet() -> None:
    """The libraries' own words, tracebacks among them, stay out of the hub's log: whoever uses a
    connection says what became of it."""
    for library in ("aiormq", "aio_pika"):
        logger = logging.getLogger(library)
        logger.propagate = False
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())


async def connect(address: AmqpAddress, attempt: int) -> AbstractConnection:
    """To one of the nodes, another one with each attempt; AmqpError when it can't be had."""
    host, port = address.nodes[attempt % len(address.nodes)]
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            return await aio_pika.connect(
                host=host,
                port=port,
                login=address.username,
                password=address.password,
                virtualhost=address.virtual_host,
                ssl=address.tls is not None,
                ssl_context=address.tls,
                heartbeat=HEARTBEAT_S,
                name=address.name,
            )
    except (OSError, EOFError, TimeoutError, aio_pika.exceptions.AMQPError) as error:
        raise AmqpError(f"{host}:{port}: {error or type(error).__name__}") from error
