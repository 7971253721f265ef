"""What more than one file of these tests meets: a real broker."""

from collections.abc import Iterator

import pytest

from hearthwatch import embedded_broker
from hearthwatch.embedded_broker import Broker


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """mosquitto where it is installed, with a password."""
    started = embedded_broker.start(tmp_path_factory.mktemp("broker"))
    yield started
    started.process.kill()
    started.process.wait()
