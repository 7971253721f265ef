"""A place at the run's RabbitMQ, and gateways there."""

from collections.abc import Callable, Iterator

import pytest

from tests.adapters.rabbitmq import Place, Server
from tests.ingest.amqp.both_sides import Gateway, Lane


@pytest.fixture
def place(rabbitmq: Server) -> Place:
    return rabbitmq.place()


@pytest.fixture
def gateway(place: Place) -> Iterator[Callable[[str], Gateway]]:
    made: list[Gateway] = []

    def make(name: str) -> Gateway:
        made.append(Gateway(place, name))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def lane(place: Place) -> Iterator[Lane]:
    made = Lane(place)
    made.client.connect()
    yield made
    made.client.close()
