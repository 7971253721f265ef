"""A hub to enrol at, and the folder of a gateway's spool."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.enrol.hub_over_tls import FakeHub


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[FakeHub]:
    hub = FakeHub(tmp_path)
    yield hub
    hub.close()


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"
