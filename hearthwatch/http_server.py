"""The hub's HTTP server: uvicorn as a hub runs it."""

import contextlib
from collections.abc import Iterator
from typing import Any

import uvicorn

from hearthwatch.hub_config import HubConfig


class Server(uvicorn.Server):
    """Signals are the hub's business: it must end live streams before the server waits."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def http_of(config: HubConfig, app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=config.http.host,
        port=config.http.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=5,
    )
